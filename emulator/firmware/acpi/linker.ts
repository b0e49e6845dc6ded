/**
 * Tables that point at each other, before anybody knows where they will be: files of bytes with their pointers and checksums, which are either linked here
 * or described to firmware by a script (QEMU's linker/loader, hw/acpi/bios-linker-loader.c).
 *
 *     script entry, 128 bytes, little-endian:  +0 command
 *       1 ALLOCATE      +4 file[56]   +60 alignment u32   +64 zone (1 high memory, 2 segment F000)
 *       2 ADD_POINTER   +4 file[56] whose pointer   +60 file[56] it leads to   +116 offset u32   +120 size
 *       3 ADD_CHECKSUM  +4 file[56]   +60 offset u32   +64 start u32   +68 length u32
 */
import { assert } from "../../assert.ts";

export interface LinkFile {
  readonly name: string;
  readonly bytes: Uint8Array;
  readonly alignment: number;
  /** Places that hold an offset into `target`. */
  readonly pointers: readonly { readonly at: number; readonly size: 4 | 8; readonly target: string }[];
  /** Bytes that bring the sum of a range to 0. In the order in which they are to be set. */
  readonly checksums: readonly { readonly at: number; readonly start: number; readonly length: number }[];
}

export type FileSet = readonly LinkFile[];

/** Where files go: the name of a zone of the script, by file. */
export type Zone = "high" | "segment F000";

const ENTRY_BYTES = 128;
const NAME_BYTES = 56;
const COMMAND = { allocate: 1, addPointer: 2, addChecksum: 3 } as const;

export class FileBuilder {
  readonly #name: string;
  readonly #alignment: number;
  #bytes = new Uint8Array(0);
  readonly #pointers: LinkFile["pointers"][number][] = [];
  readonly #checksums: LinkFile["checksums"][number][] = [];

  constructor(name: string, alignment: number) {
    assert(name.length < NAME_BYTES, "length of a file's name", name);
    this.#name = name;
    this.#alignment = alignment;
  }

  /** Appends at a multiple of 16 and gives the offset. */
  append(bytes: Uint8Array): number {
    const at = Math.ceil(this.#bytes.length / 16) * 16;
    const longer = new Uint8Array(at + bytes.length);
    longer.set(this.#bytes);
    longer.set(bytes, at);
    this.#bytes = longer;
    return at;
  }
  pointer(at: number, size: 4 | 8, target: string): void {
    this.#pointers.push({ at, size, target });
  }
  checksum(at: number, start: number, length: number): void {
    this.#checksums.push({ at, start, length });
  }
  get file(): LinkFile {
    return {
      name: this.#name,
      bytes: this.#bytes,
      alignment: this.#alignment,
      pointers: this.#pointers,
      checksums: this.#checksums,
    };
  }
}

/** The files' bytes with pointers and checksums for these addresses. */
export function link(
  files: FileSet,
  addresses: ReadonlyMap<string, number>,
): readonly { readonly address: number; readonly bytes: Uint8Array }[] {
  const addressOf = (name: string): number => {
    const address = addresses.get(name);
    assert(address !== undefined, "a file has an address", name);
    return address;
  };
  return files.map((file) => {
    const bytes = file.bytes.slice();
    const view = new DataView(bytes.buffer);
    for (const { at, size, target } of file.pointers) {
      const value = view.getUint32(at, true) + addressOf(target);
      view.setUint32(at, value, true);
      if (size === 8) view.setUint32(at + 4, 0, true);
    }
    for (const { at, start, length } of file.checksums) {
      bytes[at] = 0;
      bytes[at] = -bytes.subarray(start, start + length).reduce((sum, byte) => sum + byte, 0) & 0xff;
    }
    const address = addressOf(file.name);
    assert(address % file.alignment === 0, "alignment of a file", file.name, address);
    return { address, bytes };
  });
}

/** The script by which firmware does the same. */
export function loaderScript(files: FileSet, zoneOf: (name: string) => Zone): Uint8Array {
  const entries: Uint8Array[] = [];
  const entry = (command: number, ...names: readonly string[]): DataView => {
    const bytes = new Uint8Array(ENTRY_BYTES);
    const view = new DataView(bytes.buffer);
    view.setUint32(0, command, true);
    for (const [n, name] of names.entries())
      for (let k = 0; k < name.length; k++) bytes[4 + n * NAME_BYTES + k] = name.charCodeAt(k);
    entries.push(bytes);
    return view;
  };
  // Everything has an address before the first pointer is added, and all pointers are there before the sums are taken.
  for (const { name, alignment } of files) {
    const view = entry(COMMAND.allocate, name);
    view.setUint32(60, alignment, true);
    view.setUint8(64, zoneOf(name) === "high" ? 1 : 2);
  }
  for (const { name, pointers } of files)
    for (const { at, size, target } of pointers) {
      const view = entry(COMMAND.addPointer, name, target);
      view.setUint32(116, at, true);
      view.setUint8(120, size);
    }
  for (const { name, checksums } of files)
    for (const { at, start, length } of checksums) {
      const view = entry(COMMAND.addChecksum, name);
      view.setUint32(60, at, true);
      view.setUint32(64, start, true);
      view.setUint32(68, length, true);
    }
  const script = new Uint8Array(entries.length * ENTRY_BYTES);
  for (const [n, bytes] of entries.entries()) script.set(bytes, n * ENTRY_BYTES);
  return script;
}
