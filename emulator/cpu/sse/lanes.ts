/**
 * Where an SSE instruction computes: two sources and a result of 16 bytes each, seen as lanes of every width.
 *
 * Invariant: this is scratch. An instruction fills both sources, computes, and copies the result away; nothing is kept from one to the next, and one
 * set serves every processor. `a` is the first operand (the destination's old value), `b` the second, `r` starts as a copy of `a`.
 */
import type { Core } from "../core.ts";
import { STATE } from "../layout.ts";

export class Lanes {
  readonly bytes: Uint8Array;
  readonly u32: Uint32Array;
  readonly i32: Int32Array;
  readonly u64: BigUint64Array;
  readonly i64: BigInt64Array;
  readonly f32: Float32Array;
  readonly f64: Float64Array;

  constructor() {
    const buffer = new ArrayBuffer(16);
    this.bytes = new Uint8Array(buffer);
    this.u32 = new Uint32Array(buffer);
    this.i32 = new Int32Array(buffer);
    this.u64 = new BigUint64Array(buffer);
    this.i64 = new BigInt64Array(buffer);
    this.f32 = new Float32Array(buffer);
    this.f64 = new Float64Array(buffer);
  }

  /** Four words from linear memory, from a multiple of four bytes on. */
  take(core: Core, at: number): void {
    const from = core.u32;
    const word = at >>> 2;
    const to = this.u32;
    to[0] = from[word]!;
    to[1] = from[word + 1]!;
    to[2] = from[word + 2]!;
    to[3] = from[word + 3]!;
  }

  copy(other: Lanes): void {
    this.u32[0] = other.u32[0]!;
    this.u32[1] = other.u32[1]!;
    this.u32[2] = other.u32[2]!;
    this.u32[3] = other.u32[3]!;
  }

  /** To register xmm`n`. */
  give(core: Core, n: number): void {
    const to = core.u32;
    const word = xmmAt(n) >>> 2;
    to[word] = this.u32[0]!;
    to[word + 1] = this.u32[1]!;
    to[word + 2] = this.u32[2]!;
    to[word + 3] = this.u32[3]!;
  }
}

export const xmmAt = (n: number): number => STATE.xmm + n * 16;

export const a = new Lanes();
export const b = new Lanes();
export const r = new Lanes();
