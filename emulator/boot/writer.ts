/** Little-endian structures for boot information, written front to back. */
import { encodeText } from "./image.ts";

export class Writer {
  private bytes = new Uint8Array(256);
  private end = 0;

  get length(): number {
    return this.end;
  }

  u8(value: number): this {
    this.reserve(1)[0] = value;
    return this;
  }
  u16(value: number): this {
    return this.u8(value & 0xff).u8((value >>> 8) & 0xff);
  }
  u32(value: number): this {
    return this.u16(value & 0xffff).u16(value >>> 16);
  }
  /** Below 2^53. */
  u64(value: number): this {
    return this.u32(value % 0x1_0000_0000).u32(Math.floor(value / 0x1_0000_0000));
  }
  /** With the terminating zero. */
  text(value: string): this {
    return this.raw(encodeText(value));
  }
  raw(bytes: Uint8Array): this {
    this.reserve(bytes.length).set(bytes);
    return this;
  }
  /** Zeros up to the next multiple of `alignment`. */
  align(alignment: number): this {
    this.reserve((alignment - (this.end % alignment)) % alignment);
    return this;
  }
  /** Zeros up to `offset`, which has not been passed. */
  seek(offset: number): this {
    this.reserve(Math.max(offset - this.end, 0));
    return this;
  }
  /** Replaces a number written before. */
  patch32(offset: number, value: number): this {
    new DataView(this.bytes.buffer).setUint32(offset, value, true);
    return this;
  }
  result(): Uint8Array {
    return this.bytes.slice(0, this.end);
  }

  private reserve(count: number): Uint8Array {
    if (this.end + count > this.bytes.length) {
      const larger = new Uint8Array(Math.max(this.bytes.length * 2, this.end + count));
      larger.set(this.bytes);
      this.bytes = larger;
    }
    this.end += count;
    return this.bytes.subarray(this.end - count, this.end);
  }
}
