/**
 * The files behind `memory-backend-file`. A file is read once, when its backend is made; with share=on what the guest writes is written to it: at every stop,
 * at the end, and every half second while the machine runs. So a file shows the memory exactly as it is whenever the machine stands, and what another program
 * writes into it later is not seen: a run depends on its start and its inputs only, and the file's contents are part of them.
 *
 * Invariant: only pages that have changed since the last time are written. Going back in time changes pages, too, so the file goes back with the machine.
 * Elsewhere: the backends (`emulator/machine/memory-devices.ts`), what is wrong with one by itself (`emulator/memory/dimm.ts`).
 */
import type { ByteStore, MemoryBackendConfig, Pc, RamBlock } from "../emulator/index.ts";
import { AdapterError, cannotUseMemoryFile } from "./errors.ts";
import type { Files } from "./files.ts";

const PAGE_BYTES = 4096;
/** A file is read, and compared, in pieces of this size. */
const PIECE_BYTES = 1 << 20;
/** Pages that are written together at most. */
const WRITE_BYTES = 1 << 18;
export const WRITE_BACK_MILLISECONDS = 500;

/** What the C library says to an error that Node names by its code. */
const REASONS: { readonly [code: string]: string } = {
  ENOENT: "No such file or directory",
  EACCES: "Permission denied",
  EPERM: "Operation not permitted",
  EROFS: "Read-only file system",
  ENOSPC: "No space left on device",
  ENOTDIR: "Not a directory",
  EFBIG: "File too large",
};

export class MemoryFiles {
  readonly #files: Files;
  readonly #cwd: string;
  /** By `mem-path`, as it was given. */
  readonly #stores = new Map<string, ByteStore>();
  /** Blocks whose file holds what they held at the last write-back. */
  #level = new WeakSet<RamBlock>();
  #machine: Pc | null = null;
  /** Changes before this epoch have been written. */
  #epoch = 0;
  #last = Number.NEGATIVE_INFINITY;

  constructor(files: Files, cwd: string) {
    this.#files = files;
    this.#cwd = cwd;
  }

  /** The backend with its file's contents, ready to be made. The file is made if there is none. Throws `cannotUseMemoryFile` with QEMU's text. */
  open(backend: MemoryBackendConfig): MemoryBackendConfig {
    const { path, sizeBytes, share } = backend;
    if (path === undefined) return backend;
    const store = this.#store(path, sizeBytes, share === true);
    // A folder: memory for which QEMU makes a file there that has no name.
    if (store === null) return backend;
    if (share === true) this.#stores.set(path, store);
    return { ...backend, contents: contentsOf(store, sizeBytes) };
  }

  /** Begins to follow a machine, whose backends have just been made. */
  attach(machine: Pc): void {
    this.#machine = machine;
    for (const { block } of machine.memoryDevices.backends) this.#level.add(block);
    if (this.#stores.size > 0) this.#epoch = machine.memory.beginEpoch();
  }

  /** A backend that `open` has given has been added to the machine. */
  added(id: string): void {
    const added = this.#machine?.memoryDevices.backends.find(({ config }) => config.id === id);
    if (added !== undefined) this.#level.add(added.block);
  }

  /** To be called between run slices, with the host's time in milliseconds. */
  slice(now: number): void {
    if (this.#stores.size === 0 || now - this.#last < WRITE_BACK_MILLISECONDS) return;
    this.#last = now;
    this.writeBack();
  }

  /** Writes what has changed. Throws `cannotUseMemoryFile`, once: a file that cannot be written is not tried again. */
  writeBack(): void {
    const machine = this.#machine;
    if (machine === null || this.#stores.size === 0) return;
    const { memory } = machine;
    const since = this.#epoch;
    this.#epoch = memory.beginEpoch();
    for (const { block, config } of machine.memoryDevices.backends) {
      const path = config.share === true ? config.path : undefined;
      const store = path === undefined ? undefined : this.#stores.get(path);
      if (path === undefined || store === undefined) continue;
      const write = (offset: number, length: number): void => {
        const count = Math.min(length, config.sizeBytes - offset);
        try {
          store.write(offset, memory.readBlock(block, offset, count));
        } catch (error) {
          this.#stores.delete(path);
          throw cannotUseMemoryFile(
            `Cannot write the file behind memory ${config.id}: ${reasonOf(error)}. It is not written any more`,
          );
        }
      };
      if (this.#level.has(block)) writeChanged(memory.changedSince(since, [block]), write);
      // It came back with an earlier state: nobody knows what the file holds.
      else writeDifferent(store, config.sizeBytes, (offset, count) => memory.readBlock(block, offset, count), write); // oxfmt-ignore
      this.#level.add(block);
    }
  }

  #store(given: string, sizeBytes: number, isShared: boolean): ByteStore | null {
    if (given === "") throw cannotUseMemoryFile(cannotOpen("", REASONS["ENOENT"]!));
    const path = this.#files.resolve(this.#cwd, given);
    return this.#guard(given, () => {
      if (this.#files.list(path).length > 0) return null;
      if (!this.#files.exists(path)) this.#files.create(path, sizeBytes);
      let store = this.#files.store(path, !isShared);
      const { sizeBytes: there } = store;
      if (there === 0) {
        this.#files.create(path, sizeBytes);
        store = this.#files.store(path, !isShared);
      } else if (there < sizeBytes)
        throw cannotUseMemoryFile(
          `backing store size 0x${there.toString(16)} does not match 'size' option 0x${sizeBytes.toString(16)}`,
        );
      return store;
    });
  }

  /** The host's errors in QEMU's words. */
  #guard<T>(path: string, action: () => T): T {
    try {
      return action();
    } catch (error) {
      if (!(error instanceof Error) || error instanceof AdapterError) throw error;
      throw cannotUseMemoryFile(cannotOpen(path, reasonOf(error)));
    }
  }
}

/** The host's error in the words of the C library, or in its own. */
function reasonOf(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  return ("code" in error ? REASONS[String(error.code)] : undefined) ?? error.message;
}

const cannotOpen = (path: string, why: string): string =>
  `can't open backing store ${path} for guest RAM: ${why}`;

/** The pieces of a file that are not zeros, cut to pages. */
function contentsOf(store: ByteStore, sizeBytes: number): { offset: number; bytes: Uint8Array }[] {
  const contents: { offset: number; bytes: Uint8Array }[] = [];
  const end = Math.min(sizeBytes, store.sizeBytes);
  for (let offset = 0; offset < end; offset += PIECE_BYTES) {
    const piece = store.read(offset, Math.min(PIECE_BYTES, end - offset));
    for (let at = 0; at < piece.length; at += PAGE_BYTES) {
      const page = piece.subarray(at, at + PAGE_BYTES);
      if (!isZero(page)) contents.push({ offset: offset + at, bytes: page.slice() });
    }
  }
  return contents;
}

/** Large files are mostly holes: four bytes at a time. */
function isZero(bytes: Uint8Array): boolean {
  if (bytes.byteOffset % 4 !== 0) return bytes.every((byte) => byte === 0);
  const words = new Uint32Array(bytes.buffer, bytes.byteOffset, bytes.length >>> 2);
  for (let n = 0; n < words.length; n++) if (words[n] !== 0) return false;
  return bytes.subarray(words.length * 4).every((byte) => byte === 0);
}

/** Joins neighbouring pages. */
function writeChanged(
  pages: Iterable<{ readonly page: number }>,
  write: (offset: number, length: number) => void,
): void {
  let start = 0;
  let length = 0;
  for (const { page } of pages) {
    const offset = page * PAGE_BYTES;
    if (length > 0 && offset === start + length && length < WRITE_BYTES) {
      length += PAGE_BYTES;
      continue;
    }
    if (length > 0) write(start, length);
    start = offset;
    length = PAGE_BYTES;
  }
  if (length > 0) write(start, length);
}

function writeDifferent(
  store: ByteStore,
  sizeBytes: number,
  read: (offset: number, length: number) => Uint8Array,
  write: (offset: number, length: number) => void,
): void {
  for (let offset = 0; offset < sizeBytes; offset += PIECE_BYTES) {
    const count = Math.min(PIECE_BYTES, sizeBytes - offset);
    const there = store.read(offset, count);
    const wanted = read(offset, count);
    if (!startsAlike(wanted, there)) write(offset, count);
  }
}

/** Whether two stretches hold the same; what the second lacks counts as zeros. */
function startsAlike(a: Uint8Array, b: Uint8Array): boolean {
  for (let n = 0; n < a.length; n++) if (a[n] !== (b[n] ?? 0)) return false;
  return true;
}
