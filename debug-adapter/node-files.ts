/** Files on a host with Node: the stand-alone adapter, the worker, the command line. */
import {
  closeSync,
  existsSync,
  fstatSync,
  fsyncSync,
  ftruncateSync,
  openSync,
  readdirSync,
  readFileSync,
  readSync,
  writeSync,
} from "node:fs";
import { resolve } from "node:path";
import { constants, inflateRawSync, inflateSync } from "node:zlib";
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
  store(path, readOnly) {
    const handle = openSync(path, readOnly ? "r" : "r+");
    const stat = fstatSync(handle);
    if (stat.isDirectory()) throw new Error("it is a directory");
    let sizeBytes = stat.size;
    return {
      name: path,
      get sizeBytes() {
        return sizeBytes;
      },
      readOnly,
      read(offset, length) {
        const bytes = new Uint8Array(length);
        for (let done = 0; done < length;) {
          const count = readSync(handle, bytes, done, length - done, offset + done);
          if (count === 0) break;
          done += count;
        }
        return bytes;
      },
      write(offset, bytes) {
        for (let done = 0; done < bytes.length;)
          done += writeSync(handle, bytes, done, bytes.length - done, offset + done);
        sizeBytes = Math.max(sizeBytes, offset + bytes.length);
      },
      flush: () => fsyncSync(handle),
    };
  },
  create(path, sizeBytes) {
    const handle = openSync(path, "a");
    try {
      ftruncateSync(handle, sizeBytes);
    } finally {
      closeSync(handle);
    }
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
  inflate(kind, bytes, sizeBytes) {
    if (kind === "zstd")
      throw new Error(
        "clusters compressed with zstd cannot be read; qemu-img convert makes an image without",
      );
    // A cluster is followed by what follows it in the file, and may end within the last flush.
    const inflated = inflateRawSync(bytes, {
      finishFlush: constants.Z_SYNC_FLUSH,
      maxOutputLength: sizeBytes,
    });
    return new Uint8Array(inflated.buffer, inflated.byteOffset, inflated.byteLength);
  },
  decompress(format, bytes, sizeBytes) {
    if (format === "zstd")
      throw new Error("sections compressed with zstd cannot be read; use --compress-debug-sections=zlib");
    const inflated = inflateSync(bytes, { maxOutputLength: Math.max(sizeBytes, 1) });
    return new Uint8Array(inflated.buffer, inflated.byteOffset, inflated.byteLength);
  },
};
