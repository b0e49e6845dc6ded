/** qemu-img as an oracle: makes images, checks ours, and says what is in them. */
import { execFileSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { isAbsolute, join } from "node:path";
import { inflateRawSync } from "node:zlib";
import { type BlockImage, openImage, type OpenOptions } from "../../emulator/block/index.ts";
import { MemoryStore } from "./memory-store.ts";

export function hasQemuImg(): boolean {
  try {
    execFileSync("qemu-img", ["--version"], { stdio: "ignore" });
    return true;
  } catch {
    return false;
  }
}

export function hasZstd(): boolean {
  try {
    execFileSync("zstd", ["--version"], { stdio: "ignore" });
    return true;
  } catch {
    return false;
  }
}

/** A directory of images that is gone afterwards. */
export class Workshop {
  readonly directory = mkdtempSync(join(tmpdir(), "redzone-block-"));
  [Symbol.dispose](): void {
    rmSync(this.directory, { recursive: true });
  }

  run(...args: readonly string[]): string {
    return execFileSync("qemu-img", args, {
      cwd: this.directory,
      encoding: "utf8",
      stdio: ["ignore", "pipe", "pipe"],
    });
  }
  put(name: string, bytes: Uint8Array): void {
    writeFileSync(join(this.directory, name), bytes);
  }
  get(name: string): Uint8Array {
    return new Uint8Array(readFileSync(join(this.directory, name)));
  }
  /** What the guest sees in an image, as QEMU reads it. */
  contents(name: string, ...options: readonly string[]): Uint8Array {
    this.run("convert", "-O", "raw", ...options, name, "contents.raw");
    return this.get("contents.raw");
  }
  /** Throws if QEMU finds an error or a leak. */
  check(name: string): void {
    this.run("check", "-q", name);
  }

  /** Opens an image of this directory. `save` puts what was written back into the file. */
  open(
    name: string,
    options: Partial<OpenOptions> & { readonly readOnly?: boolean; readonly expand?: false } = {},
  ): { image: BlockImage; store: MemoryStore; save: () => void } {
    const load = (file: string, readOnly: boolean): MemoryStore => {
      const path = isAbsolute(file) ? file : join(this.directory, file);
      return new MemoryStore(new Uint8Array(readFileSync(path)), { name: file, readOnly });
    };
    const { readOnly, expand, ...rest } = options;
    const store = load(name, readOnly ?? false);
    const image = openImage(store, "probe", {
      openBacking: (file) => load(file, true),
      ...(expand === false ? {} : { decompress: inflate }),
      ...rest,
    });
    return { image, store, save: () => this.put(name, store.bytes) };
  }
}

export function inflate(kind: "deflate" | "zstd", bytes: Uint8Array, size: number): Uint8Array {
  if (kind === "zstd") return new Uint8Array(execFileSync("zstd", ["-d", "-c"], { input: bytes }));
  return new Uint8Array(inflateRawSync(bytes, { maxOutputLength: size }));
}
