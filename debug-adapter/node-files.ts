/** Files on a host with Node: the stand-alone adapter, the worker, the command line. */
import { existsSync, fstatSync, openSync, readdirSync, readFileSync, readSync } from "node:fs";
import { resolve } from "node:path";
import { inflateSync } from "node:zlib";
import type { Files } from "./files.ts";

export const nodeFiles: Files = {
  read(path) {
    const bytes = readFileSync(path);
    return new Uint8Array(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  },
  open(path) {
    const handle = openSync(path, "r");
    const { size } = fstatSync(handle);
    return {
      size,
      read(offset, length) {
        const bytes = new Uint8Array(length);
        let done = 0;
        while (done < length) {
          const count = readSync(handle, bytes, done, length - done, offset + done);
          if (count === 0) break;
          done += count;
        }
        return done === length ? bytes : bytes.subarray(0, done);
      },
    };
  },
  exists: existsSync,
  list(path) {
    try {
      return readdirSync(path, { withFileTypes: true }).map((entry) =>
        entry.isDirectory() ? `${entry.name}/` : entry.name,
      );
    } catch {
      return [];
    }
  },
  resolve,
  decompress(format, bytes, sizeBytes) {
    if (format === "zstd")
      throw new Error("sections compressed with zstd cannot be read; use --compress-debug-sections=zlib");
    const inflated = inflateSync(bytes, { maxOutputLength: Math.max(sizeBytes, 1) });
    return new Uint8Array(inflated.buffer, inflated.byteOffset, inflated.byteLength);
  },
};
