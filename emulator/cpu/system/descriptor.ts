/**
 * Segment and system descriptors as they are in the GDT and the LDT (SDM 3A figures 3-8, 6-2, 7-3, 7-4).
 *
 * Elsewhere: what loading one into a segment register checks (`segment.ts`), gates (`transfer.ts`, `interrupt.ts`).
 */
import type { Core } from "../core.ts";
import { Fault } from "../event.ts";
import { MODE, SEG } from "../layout.ts";
import { ATTRIBUTE } from "../registers.ts";
import { readLinear32, readPair, writeLinear } from "./access.ts";
import { BY } from "./paging.ts";

/** System descriptor types (SDM 3A table 3-2), the 32-bit and 64-bit ones; bit 3 clear gives the 16-bit variant. */
export const SYSTEM_TYPE = {
  tss16: 1, ldt: 2, tss16Busy: 3, callGate16: 4, taskGate: 5, interruptGate16: 6, trapGate16: 7, tss32: 9, tss32Busy: 11, callGate32: 12,
  interruptGate32: 14, trapGate32: 15,
} as const; // oxfmt-ignore

export class Descriptor {
  readonly selector: number;
  /** Linear address of the descriptor. */
  readonly address: bigint;
  readonly low: number;
  readonly high: number;

  constructor(selector: number, address: bigint, low: number, high: number) {
    this.selector = selector;
    this.address = address;
    this.low = low;
    this.high = high;
  }
  /** Type of a system descriptor; for code and data, the four type bits. */
  get type(): number {
    return (this.high >>> 8) & 15;
  }
  /** Code or data, not a system descriptor. */
  get isSegment(): boolean {
    return (this.high & 0x1000) !== 0;
  }
  get isCode(): boolean {
    return (this.high & 0x1800) === 0x1800;
  }
  get isConforming(): boolean {
    return (this.high & 0x400) !== 0;
  }
  get isReadable(): boolean {
    return !this.isCode || (this.high & 0x200) !== 0;
  }
  get isWritable(): boolean {
    return (this.high & 0x1a00) === 0x1200;
  }
  get dpl(): number {
    return (this.high >>> 13) & 3;
  }
  get rpl(): number {
    return this.selector & 3;
  }
  get present(): boolean {
    return (this.high & 0x8000) !== 0;
  }
  get isLong(): boolean {
    return (this.high & 0x200000) !== 0;
  }
  get isBig(): boolean {
    return (this.high & 0x400000) !== 0;
  }
  /** Base without the upper half of a 16-byte descriptor. */
  get base(): number {
    return ((this.low >>> 16) | ((this.high & 0xff) << 16) | (this.high & 0xff000000)) >>> 0;
  }
  /** In bytes, granularity applied. */
  get limit(): number {
    const limit = (this.low & 0xffff) | (this.high & 0xf0000);
    return (this.high & 0x800000) !== 0 ? ((limit << 12) | 0xfff) >>> 0 : limit;
  }
  /** As SEGMENT.attributes. */
  get attributes(): number {
    return (this.high >>> 8) & 0xf0ff;
  }
  /** Gates: the code segment's selector, the offset's low 32 bits, and the count of parameters (or, in bits 2:0, the IST number). */
  get gateSelector(): number {
    return this.low >>> 16;
  }
  get gateOffset(): number {
    return ((this.low & 0xffff) | (this.high & 0xffff0000)) >>> 0;
  }
  get gateCount(): number {
    return this.high & 0x1f;
  }
}

export const isNull = (selector: number): boolean => (selector & 0xfffc) === 0;

/** Error code that names a selector. */
export const selectorError = (selector: number, ext: number): number => (selector & 0xfffc) | ext;

/** Where a selector's descriptor is; null if outside its table. `bytes` is 16 for system descriptors of long mode. */
export function descriptorAddress(core: Core, selector: number, bytes: 8 | 16 = 8): bigint | null {
  const offset = selector & 0xfff8;
  if ((selector & 4) !== 0) {
    if (
      (core.attributes(SEG.ldtr) & ATTRIBUTE.unusable) !== 0 ||
      offset + bytes - 1 > core.segmentLimit(SEG.ldtr)
    )
      return null;
    return wrap(core, core.segmentBase(SEG.ldtr) + BigInt(offset));
  }
  const { base, limit } = core.gdtr;
  return offset + bytes - 1 > limit ? null : wrap(core, base + BigInt(offset));
}

const wrap = (core: Core, address: bigint): bigint =>
  BigInt.asUintN((core.mode & MODE.long) !== 0 ? 64 : 32, address);

/** The descriptor of a selector; null if outside its table. The null selector is the caller's to check. */
export function findDescriptor(core: Core, selector: number): Descriptor | null {
  const address = descriptorAddress(core, selector);
  if (address === null) return null;
  return readDescriptor(core, selector, address);
}

/** The descriptor or gate at a linear address. */
export function readDescriptor(core: Core, selector: number, address: bigint): Descriptor {
  const [low, high] = readPair(core, address);
  return new Descriptor(selector, address, low, high);
}

/** The descriptor of a selector, or a fault with `vector` that names the selector if it is outside its table. */
export function requireDescriptor(
  core: Core,
  selector: number,
  vector: number,
  ext: number,
  what: string,
): Descriptor {
  const descriptor = findDescriptor(core, selector);
  if (descriptor === null)
    throw badSelector(vector, selector, ext, `${what}: the selector is outside its descriptor table`);
  return descriptor;
}

/** Upper 8 bytes of a 16-byte descriptor: base bits 63:32, and the word that must have its type bits zero. */
export function upperHalf(
  core: Core,
  selector: number,
): { readonly base: number; readonly reserved: number } | null {
  const address = descriptorAddress(core, selector, 16);
  if (address === null) return null;
  const [base, reserved] = readPair(core, address + 8n);
  return { base, reserved };
}

/** A fault whose error code is a selector. */
export function badSelector(vector: number, selector: number, ext: number, why: string): Fault {
  return new Fault(vector, selectorError(selector, ext), `${why} (selector 0x${selector.toString(16)})`);
}

/** Sets the accessed bit of a code or data descriptor, if it is not set. */
export function markAccessed(core: Core, descriptor: Descriptor): void {
  if ((descriptor.high & 0x100) === 0)
    writeLinear(core, descriptor.address + 5n, 1, BigInt(((descriptor.high >>> 8) & 0xff) | 1), BY.processor);
}

/** Sets or clears the busy bit of a TSS descriptor in the GDT. */
export function setBusy(core: Core, selector: number, busy: boolean): void {
  const address = descriptorAddress(core, selector & 0xfff8);
  if (address === null) return;
  const type = readLinear32(core, address + 5n, 1, BY.processor);
  writeLinear(core, address + 5n, 1, BigInt(busy ? type | 2 : type & ~2), BY.processor);
}
