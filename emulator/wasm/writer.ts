/** A growing buffer of bytes with WebAssembly's variable-length numbers (LEB128). */
export class Writer {
  bytes = new Uint8Array(1 << 16);
  length = 0;

  clear(): void {
    this.length = 0;
  }
  byte(value: number): void {
    if (this.length === this.bytes.length) this.#grow(1);
    this.bytes[this.length++] = value;
  }
  #grow(by: number): void {
    const larger = new Uint8Array(Math.max(this.length + by, this.bytes.length * 2));
    larger.set(this.bytes);
    this.bytes = larger;
  }
  /** Below 2³². */
  unsigned(value: number): void {
    while (value > 0x7f) {
      this.byte((value & 0x7f) | 0x80);
      value >>>= 7;
    }
    this.byte(value);
  }
  signed32(value: number): void {
    while (value < -64 || value > 63) {
      this.byte((value & 0x7f) | 0x80);
      value >>= 7;
    }
    this.byte(value & 0x7f);
  }
  signed64(value: bigint): void {
    while (value < -0x80000000n || value > 0x7fffffffn) {
      this.byte(Number(value & 0x7fn) | 0x80);
      value >>= 7n;
    }
    this.signed32(Number(value));
  }
  /** ASCII, behind its length. */
  text(value: string): void {
    this.unsigned(value.length);
    for (let i = 0; i < value.length; i++) this.byte(value.charCodeAt(i));
  }
  /** Another writer's bytes, behind their number. */
  append(other: Writer): void {
    this.unsigned(other.length);
    this.extend(other);
  }
  /** Another writer's bytes. */
  extend(other: Writer): void {
    if (this.length + other.length > this.bytes.length) this.#grow(other.length);
    this.bytes.set(other.bytes.subarray(0, other.length), this.length);
    this.length += other.length;
  }
}
