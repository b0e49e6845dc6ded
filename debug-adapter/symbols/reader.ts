/**
 * Bytes of a symbol file, read in pieces: a `FileReader` is the file, a `Section` a named part of it, a `Cursor` a position in one.
 *
 * Invariant: no read leaves the section. A cursor that is asked for more throws a SymbolError that names the file and the
 * offset, so the parsers above need no length checks of their own.
 * Elsewhere: finding the sections and decompressing them (`elf/`).
 */
import { SymbolError } from "./error.ts";

/** A file that can be read at any offset, synchronously. `read` returns exactly `length` bytes if they lie inside `size`. */
export interface FileReader {
  readonly size: number;
  read(offset: number, length: number): Uint8Array;
}

/** A file that is in memory already. */
export function memoryReader(bytes: Uint8Array): FileReader {
  return { size: bytes.length, read: (offset, length) => bytes.subarray(offset, offset + length) };
}

// A section up to this size is read at once; a larger one in chunks, the latest CHUNKS of which stay in memory.
const WHOLE_BYTES = 8 << 20;
const CHUNK_BYTES = 128 << 10;
const CHUNKS = 64;
const WINDOW_BYTES = 16 << 10;

export class Section {
  readonly name: string;
  readonly size: number;
  /** Linear address the section was linked at, 0 if it is not loaded. */
  readonly address: bigint;
  readonly #file: string;
  readonly #load: (offset: number, length: number) => Uint8Array;
  /** File offset of byte 0, or -1 if the section's bytes are not those of the file (decompressed, relocated). */
  readonly #fileOffset: number;
  readonly #chunks = new Map<number, Uint8Array>();
  #whole: Uint8Array | undefined;

  constructor(source: {
    readonly file: string;
    readonly name: string;
    readonly size: number;
    readonly address: bigint;
    readonly fileOffset: number;
    readonly load: (offset: number, length: number) => Uint8Array;
  }) {
    this.#file = source.file;
    this.name = source.name;
    this.size = source.size;
    this.address = source.address;
    this.#fileOffset = source.fileOffset;
    this.#load = source.load;
  }

  /** A section without bytes, so that a reader of an absent section fails by its name. */
  static empty(file: string, name: string): Section {
    return new Section({ file, name, size: 0, address: 0n, fileOffset: -1, load: () => new Uint8Array(0) });
  }

  error(offset: number, reason: string): SymbolError {
    if (this.#fileOffset < 0) return new SymbolError(this.#file, offset, `${reason} (in ${this.name})`);
    return new SymbolError(
      this.#file,
      this.#fileOffset + offset,
      `${reason} (${this.name}+0x${offset.toString(16)})`,
    );
  }

  /**
   * `length` bytes at `offset`; a view that the caller must not write to. `sparse`: what lies around will not be wanted, so that
   * reading ahead would be wasted.
   */
  bytes(offset: number, length: number, sparse = false): Uint8Array {
    if (!(offset >= 0 && length >= 0 && offset + length <= this.size)) {
      throw this.error(
        Math.max(0, Math.min(offset, this.size)),
        `${length} bytes wanted, the section ends before`,
      );
    }
    if (length === 0) return new Uint8Array(0);
    if (this.#whole) return this.#whole.subarray(offset, offset + length);
    const isSmall = this.size <= (sparse ? CHUNK_BYTES : WHOLE_BYTES);
    if (isSmall || this.#fileOffset < 0) {
      this.#whole = this.#fetch(0, this.size);
      return this.#whole.subarray(offset, offset + length);
    }
    const chunk = Math.floor(offset / CHUNK_BYTES);
    const within = offset - chunk * CHUNK_BYTES;
    if (within + length > CHUNK_BYTES || (sparse && !this.#chunks.has(chunk)))
      return this.#fetch(offset, length);
    return this.#chunk(chunk).subarray(within, within + length);
  }

  /** A NUL-terminated string; bytes that are no UTF-8 become U+FFFD. */
  string(offset: number): string {
    if (!(offset >= 0 && offset < this.size))
      throw this.error(Math.max(0, Math.min(offset, this.size)), "string outside the section");
    for (let length = 64; ; length *= 4) {
      const available = Math.min(length, this.size - offset);
      const window = this.bytes(offset, available);
      const end = window.indexOf(0);
      if (end >= 0) return text(window, end);
      if (available < length) return text(window, available);
      if (length > 1 << 20) throw this.error(offset, "string longer than a mebibyte");
    }
  }

  /** A cursor that reads `windowBytes` at a time; a small window makes its reads sparse. */
  cursor(offset = 0, end = this.size, windowBytes = WINDOW_BYTES): Cursor {
    if (!(offset >= 0 && offset <= end && end <= this.size)) {
      const reason = `no such range: 0x${offset.toString(16)} to 0x${end.toString(16)}`;
      throw this.error(Math.max(0, Math.min(offset, this.size)), reason);
    }
    return new Cursor(this, offset, end, windowBytes);
  }

  #chunk(index: number): Uint8Array {
    let chunk = this.#chunks.get(index);
    if (chunk) {
      this.#chunks.delete(index); // moves it to the young end of the map
    } else {
      const start = index * CHUNK_BYTES;
      chunk = this.#fetch(start, Math.min(CHUNK_BYTES, this.size - start));
      const oldest = this.#chunks.keys().next();
      if (this.#chunks.size >= CHUNKS && oldest.done !== true) this.#chunks.delete(oldest.value);
    }
    this.#chunks.set(index, chunk);
    return chunk;
  }

  #fetch(offset: number, length: number): Uint8Array {
    const bytes = this.#load(offset, length);
    if (bytes.length !== length) throw this.error(offset, `${length} bytes wanted, ${bytes.length} read`);
    return bytes;
  }
}

const decoder = new TextDecoder();

function text(bytes: Uint8Array, end: number): string {
  // Symbol names are short and ASCII; for those this beats TextDecoder three times.
  let result = "";
  for (let i = 0; i < end; i++) {
    const byte = bytes[i]!;
    if (byte >= 0x80 || i > 200) return decoder.decode(bytes.subarray(0, end));
    result += String.fromCharCode(byte);
  }
  return result;
}

/** A position in a section that reads little-endian values and moves on. */
export class Cursor {
  readonly section: Section;
  #bytes: Uint8Array = new Uint8Array(0);
  #view: DataView = new DataView(new ArrayBuffer(0));
  /** Section offset of `#bytes[0]`. */
  #base: number;
  /** Index in `#bytes`. */
  #at = 0;
  readonly #end: number;
  readonly #window: number;

  constructor(section: Section, offset: number, end: number, windowBytes: number) {
    this.section = section;
    this.#base = offset;
    this.#end = end;
    this.#window = windowBytes;
  }

  /** Offset in the section. */
  get position(): number {
    return this.#base + this.#at;
  }

  set position(offset: number) {
    const at = offset - this.#base;
    if (at >= 0 && at <= this.#bytes.length) {
      this.#at = at;
    } else {
      if (!(offset >= 0 && offset <= this.#end))
        throw this.section.error(Math.max(0, Math.min(offset, this.#end)), "position outside the data");
      this.#base = offset;
      this.#at = 0;
      this.#bytes = new Uint8Array(0);
    }
  }

  /** First offset that cannot be read. */
  get end(): number {
    return this.#end;
  }

  get done(): boolean {
    return this.#base + this.#at >= this.#end;
  }

  /** Loads everything up to `end` at once: for a unit that will be walked whole. */
  preload(): void {
    const position = this.position;
    this.#load(position, this.#end - position);
  }

  error(reason: string): SymbolError {
    return this.section.error(this.position, reason);
  }

  skip(count: number): void {
    const at = this.#at + count;
    if (at <= this.#bytes.length && count >= 0) this.#at = at;
    else if (!(count >= 0 && this.position + count <= this.#end))
      throw this.error(`${count} bytes to skip, the data ends before`);
    else this.position = this.position + count;
  }

  u8(): number {
    if (this.#at >= this.#bytes.length) this.#need(1);
    return this.#bytes[this.#at++]!;
  }

  s8(): number {
    return (this.u8() << 24) >> 24;
  }

  u16(): number {
    if (this.#at + 2 > this.#bytes.length) this.#need(2);
    const value = this.#view.getUint16(this.#at, true);
    this.#at += 2;
    return value;
  }

  u24(): number {
    return this.u16() | (this.u8() << 16);
  }

  u32(): number {
    if (this.#at + 4 > this.#bytes.length) this.#need(4);
    const value = this.#view.getUint32(this.#at, true);
    this.#at += 4;
    return value;
  }

  s32(): number {
    return this.u32() | 0;
  }

  u64(): bigint {
    if (this.#at + 8 > this.#bytes.length) this.#need(8);
    const value = this.#view.getBigUint64(this.#at, true);
    this.#at += 8;
    return value;
  }

  s64(): bigint {
    return BigInt.asIntN(64, this.u64());
  }

  /** A 64-bit offset or length; one that does not fit a file is an error. */
  u64Offset(): number {
    const value = this.u64();
    if (value > 0x1f_ffff_ffff_ffffn) throw this.error(`0x${value.toString(16)} is no offset in a file`);
    return Number(value);
  }

  /** An unsigned value of `size` bytes (1, 2, 4 or 8). */
  unsigned(size: number): bigint {
    switch (size) {
      case 1:
        return BigInt(this.u8());
      case 2:
        return BigInt(this.u16());
      case 4:
        return BigInt(this.u32());
      case 8:
        return this.u64();
      default:
        throw this.error(`value of ${size} bytes`);
    }
  }

  signed(size: number): bigint {
    return BigInt.asIntN(size * 8, this.unsigned(size));
  }

  /** A section offset in the 32-bit or the 64-bit DWARF format. */
  offset(is64: boolean): number {
    return is64 ? this.u64Offset() : this.u32();
  }

  /** An unsigned LEB128 that is a count, an offset or a code: more than 2^53 is an error. */
  uleb(): number {
    let byte = this.u8();
    if (byte < 0x80) return byte;
    let result = byte & 0x7f;
    let scale = 0x80;
    do {
      byte = this.u8();
      result += (byte & 0x7f) * scale;
      scale *= 0x80;
      if (result > Number.MAX_SAFE_INTEGER || scale > 2 ** 130) throw this.error("LEB128 number too large");
    } while (byte >= 0x80);
    return result;
  }

  /** An unsigned LEB128 that is a value, cut to 64 bits. */
  uleb64(): bigint {
    return BigInt.asUintN(64, this.#leb().value);
  }

  /** A signed LEB128, cut to 64 bits. */
  sleb64(): bigint {
    const { value, bits, negative } = this.#leb();
    return BigInt.asIntN(64, negative ? value - (1n << BigInt(bits)) : value);
  }

  /** A signed LEB128 that is a small number, such as a line advance: one beyond ±2^53 is an error. */
  sleb(): number {
    let result = 0;
    let scale = 1;
    for (;;) {
      const byte = this.u8();
      result += (byte & 0x7f) * scale;
      scale *= 0x80;
      if (byte < 0x80) {
        if (byte & 0x40) result -= scale;
        if (!Number.isSafeInteger(result)) throw this.error("LEB128 number too large");
        return result;
      }
      if (scale > 2 ** 130) throw this.error("LEB128 number too large");
    }
  }

  skipLeb(): void {
    while (this.u8() >= 0x80);
  }

  bytes(length: number): Uint8Array {
    if (this.#at + length > this.#bytes.length || length < 0) this.#need(length);
    const result = this.#bytes.subarray(this.#at, this.#at + length);
    this.#at += length;
    return result;
  }

  string(): string {
    const start = this.position;
    const window = this.#base;
    const from = this.#at;
    this.skipString();
    const length = this.position - 1 - start;
    if (length === 0) return "";
    const isHere = this.#base === window && this.#bytes.length > 0;
    return text(
      isHere ? this.#bytes.subarray(from, from + length) : this.section.bytes(start, length),
      length,
    );
  }

  skipString(): void {
    for (;;) {
      const end = this.#bytes.indexOf(0, this.#at);
      if (end >= 0) {
        this.#at = end + 1;
        return;
      }
      this.#at = this.#bytes.length;
      this.#need(1);
    }
  }

  /** The next initial length: 4 bytes, or 12 in the 64-bit DWARF format (DWARF 5 §7.2.2). */
  initialLength(): { readonly length: number; readonly is64: boolean } {
    const length = this.u32();
    if (length < 0xffff_fff0) return { length, is64: false };
    if (length !== 0xffff_ffff) throw this.error(`reserved length 0x${length.toString(16)}`);
    return { length: this.u64Offset(), is64: true };
  }

  #leb(): { readonly value: bigint; readonly bits: number; readonly negative: boolean } {
    let value = 0n;
    let bits = 0;
    for (;;) {
      const byte = this.u8();
      if (bits < 70) value |= BigInt(byte & 0x7f) << BigInt(bits);
      bits += 7;
      if (byte < 0x80) return { value, bits: Math.min(bits, 70), negative: (byte & 0x40) !== 0 };
    }
  }

  #need(count: number): void {
    const position = this.position;
    if (!(count >= 0 && position + count <= this.#end)) {
      throw this.section.error(position, `${count} bytes wanted, ${this.#end - position} left`);
    }
    this.#load(position, Math.min(Math.max(count, this.#window), this.#end - position));
  }

  #load(offset: number, length: number): void {
    this.#bytes = this.section.bytes(offset, length, this.#window < WINDOW_BYTES);
    this.#view = new DataView(this.#bytes.buffer, this.#bytes.byteOffset, this.#bytes.byteLength);
    this.#base = offset;
    this.#at = 0;
  }
}
