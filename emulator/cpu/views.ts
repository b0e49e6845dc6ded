/**
 * Linear memory as typed arrays of every width. Growing a WebAssembly memory detaches its buffer: ask for a view anew after anything that may allocate.
 * Hosts are little-endian, as linear memory is.
 */
export class Views {
  readonly memory: WebAssembly.Memory;
  #u8: Uint8Array = new Uint8Array(0);
  #u32: Uint32Array = new Uint32Array(0);
  #u64: BigUint64Array = new BigUint64Array(0);
  #f64: Float64Array = new Float64Array(0);
  #view: DataView = new DataView(new ArrayBuffer(0));

  constructor(memory: WebAssembly.Memory) {
    this.memory = memory;
    this.look(memory.buffer);
  }

  /** Looks at this buffer from now on, until it is detached; then at linear memory. */
  protected look(buffer: ArrayBufferLike): void {
    this.#u8 = new Uint8Array(buffer);
    this.#u32 = new Uint32Array(buffer);
    this.#u64 = new BigUint64Array(buffer);
    this.#f64 = new Float64Array(buffer);
    this.#view = new DataView(buffer);
  }

  // A detached buffer shows as length 0: cheaper to look at than `memory.buffer`.
  get u8(): Uint8Array {
    if (this.#u8.length === 0) this.look(this.memory.buffer);
    return this.#u8;
  }
  get u32(): Uint32Array {
    if (this.#u32.length === 0) this.look(this.memory.buffer);
    return this.#u32;
  }
  get u64(): BigUint64Array {
    if (this.#u64.length === 0) this.look(this.memory.buffer);
    return this.#u64;
  }
  get f64(): Float64Array {
    if (this.#f64.length === 0) this.look(this.memory.buffer);
    return this.#f64;
  }
  get view(): DataView {
    // A detached view's length cannot even be asked for.
    if (this.#u8.length === 0) this.look(this.memory.buffer);
    return this.#view;
  }

  /** One u32 or u64 by its offset in `layout.ts`. */
  word(offset: number): number {
    return this.u32[offset >>> 2]!;
  }
  setWord(offset: number, value: number): void {
    this.u32[offset >>> 2] = value;
  }
  quad(offset: number): bigint {
    return this.u64[offset >>> 3]!;
  }
  setQuad(offset: number, value: bigint): void {
    this.u64[offset >>> 3] = value;
  }
}
