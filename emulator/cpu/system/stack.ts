/**
 * A stack under way: pushes and pops that become visible in RSP only when `commit` is called, so that an instruction whose later steps fault leaves
 * RSP as it was. Also a stack that SS does not name yet (a privilege change).
 */
import type { Core } from "../core.ts";
import { Fault, VECTOR } from "../event.ts";
import { MODE, RUN, SEG } from "../layout.ts";
import { ATTRIBUTE } from "../registers.ts";
import { readHere, tagged, writeHere } from "./access.ts";
import { BY } from "./paging.ts";
import type { By } from "./paging.ts";
import { withinLimit } from "./segmentation.ts";

/** A stack segment that may not be in SS yet. */
export interface StackSegment {
  readonly base: bigint;
  readonly limit: number;
  readonly attributes: number;
}

const MASK16 = 0xffffn;
const MASK32 = 0xffffffffn;
const MASK64 = 0xffffffffffffffffn;

export class Stack {
  readonly #core: Core;
  /** Null: 64-bit mode, where the stack has no segment. */
  readonly #segment: StackSegment | null;
  readonly #by: By;
  readonly #errorCode: number;
  readonly #mask: bigint;
  /** Offset of the top of the stack. */
  pointer: bigint;

  /** `errorCode` is that of an #SS by this stack: 0, EXT, or a new SS selector during a privilege change. */
  constructor(core: Core, segment: StackSegment | null, pointer: bigint, by: By, errorCode = 0) {
    this.#core = core;
    this.#segment = segment;
    this.#by = by;
    this.#errorCode = errorCode;
    this.#mask = segment === null ? MASK64 : (segment.attributes & ATTRIBUTE.big) !== 0 ? MASK32 : MASK16;
    this.pointer = pointer & this.#mask;
  }

  /** The stack in use. */
  static current(core: Core, errorCode = 0): Stack {
    const wide = (core.mode & MODE.codeSize) === 2;
    return new Stack(core, wide ? null : core.segment(SEG.ss), core.rsp, core.by, errorCode);
  }

  #address(pointer: bigint, size: number): void {
    const segment = this.#segment;
    if (segment === null) {
      this.#core.setQuad(RUN.address, pointer);
      return;
    }
    const offset = Number(pointer);
    if (
      (segment.attributes & ATTRIBUTE.unusable) !== 0 ||
      !withinLimit(segment.attributes, segment.limit, offset, size)
    ) {
      const why = `SS: limit 0x${segment.limit.toString(16)} forbids ${size} bytes of stack at 0x${offset.toString(16)}`;
      throw new Fault(VECTOR.SS, this.#errorCode, why);
    }
    this.#core.setQuad(RUN.address, (segment.base + pointer) & MASK32);
  }

  push(size: 2 | 4 | 8, value: bigint): void {
    const pointer = (this.pointer - BigInt(size)) & this.#mask;
    this.#address(pointer, size);
    writeHere(this.#core, size, value, this.#by, true, this.#errorCode);
    this.pointer = pointer;
  }

  pop(size: 2 | 4 | 8): bigint {
    const value = this.peek(0, size);
    this.pointer = (this.pointer + BigInt(size)) & this.#mask;
    return value;
  }

  /** The value `offset` bytes above the top. */
  peek(offset: number, size: 2 | 4 | 8): bigint {
    this.#address((this.pointer + BigInt(offset)) & this.#mask, size);
    return readHere(this.#core, size, this.#by, true, this.#errorCode);
  }

  /**
   * Host address of `bytes` from `pointer` up if emitted code could access them all at once, else 0: then push or pop one by one, which faults where the
   * processor would.
   */
  window(pointer: bigint, bytes: number, write: boolean): number {
    if (this.#segment !== null) return 0;
    const core = this.#core;
    core.setQuad(RUN.address, pointer);
    return tagged(core, bytes, write, this.#by);
  }

  /** Releases bytes without reading them (RET n). */
  release(bytes: number): void {
    this.pointer = (this.pointer + BigInt(bytes)) & this.#mask;
  }

  /** Makes the pointer RSP, ESP or SP by the size of this stack; the rest of RSP stays. */
  commit(): void {
    setStackPointer(this.#core, this.pointer & this.#mask, this.#mask);
  }
}

/** Writes RSP, ESP (which clears the upper half) or SP. */
function setStackPointer(core: Core, pointer: bigint, mask: bigint): void {
  if (mask === MASK64) core.rsp = pointer;
  else if (mask === MASK32) core.setGpr32(4, Number(pointer));
  else core.setGpr16(4, Number(pointer));
}

/** The privilege of stack accesses by code at `cpl`. */
export const byLevel = (cpl: number): By => (cpl === 3 ? BY.user : BY.system);
