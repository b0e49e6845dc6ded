/**
 * Loading segment registers: data segments, SS, LDTR and TR, and the null and real-mode forms (SDM 2, MOV, LLDT, LTR).
 *
 * Invariant: all checks are made and the accessed bit is set before the register changes. Callers bring the mode up to date.
 * Elsewhere: CS, which only changes in a transfer (`transfer.ts`), and its checks (`code.ts`).
 */
import type { Core } from "../core.ts";
import { Fault, VECTOR } from "../event.ts";
import { SEG } from "../layout.ts";
import { ATTRIBUTE } from "../registers.ts";
import {
  badSelector,
  isNull,
  markAccessed,
  requireDescriptor,
  setBusy,
  SYSTEM_TYPE,
  upperHalf,
} from "./descriptor.ts";
import type { Descriptor } from "./descriptor.ts";
import { in64BitMode, inLongMode, inProtectedMode, inVirtual8086 } from "./operand.ts";
import { isCanonical } from "./paging.ts";

export const SEGMENT_NAMES = ["ES", "CS", "SS", "DS", "FS", "GS", "LDTR", "TR"] as const;

/** Attributes of every segment in virtual-8086 mode: present, DPL 3, data, writable, accessed. */
export const VIRTUAL_8086_ATTRIBUTES = 0xf3;

/** A selector into a segment register in real or virtual-8086 mode. In real mode limit and attributes stay as they are ("unreal mode"). */
export function loadRealSegment(core: Core, n: number, selector: number): void {
  const base = BigInt(selector << 4);
  if (inVirtual8086(core)) core.writeSegment(n, selector, base, 0xffff, VIRTUAL_8086_ATTRIBUTES);
  else if ((core.attributes(n) & ATTRIBUTE.unusable) !== 0)
    core.writeSegment(n, selector, base, 0xffff, 0x93);
  else core.writeSegment(n, selector, base, core.segmentLimit(n), core.attributes(n));
}

/** Puts a checked descriptor into a segment register. */
export function writeDescriptor(core: Core, n: number, selector: number, descriptor: Descriptor): void {
  core.writeSegment(
    n,
    selector,
    BigInt(descriptor.base),
    descriptor.limit,
    descriptor.attributes | (descriptor.isSegment ? 1 : 0),
  );
}

/** A null selector in DS, ES, FS, GS or LDTR. */
export function writeNull(core: Core, n: number, selector: number): void {
  core.writeSegment(n, selector, 0n, 0, ATTRIBUTE.unusable);
}

/** A null selector in SS (64-bit mode below CPL 3): unusable, but it still carries CPL as its DPL. */
export function writeNullStack(core: Core, selector: number, cpl: number): void {
  core.writeSegment(SEG.ss, selector, 0n, 0xffffffff, ATTRIBUTE.unusable | (cpl << 5));
}

/**
 * A selector into ES, SS, DS, FS or GS, in any mode, as MOV, POP and LDS do it.
 */
export function loadSegment(core: Core, n: number, selector: number): void {
  if (!inProtectedMode(core)) loadRealSegment(core, n, selector);
  else if (n === SEG.ss) loadStackSegment(core, selector);
  else {
    const descriptor = checkData(core, n, selector, core.cpl, VECTOR.GP, 0);
    if (descriptor === null) writeNull(core, n, selector);
    else writeDescriptor(core, n, selector, descriptor);
  }
  core.updateMode();
}

/** Checks a selector for a data segment register; null for a null selector. `vector` is #GP, or #TS in a task switch. */
export function checkData(
  core: Core,
  n: number,
  selector: number,
  cpl: number,
  vector: number,
  ext: number,
): Descriptor | null {
  if (isNull(selector)) return null;
  const name = SEGMENT_NAMES[n]!;
  const descriptor = requireDescriptor(core, selector, vector, ext, name);
  if (!descriptor.isSegment || !descriptor.isReadable)
    throw badSelector(vector, selector, ext, `${name}: not a data segment or readable code segment`);
  const conforming = descriptor.isCode && descriptor.isConforming;
  if (!conforming && (descriptor.rpl > descriptor.dpl || cpl > descriptor.dpl))
    throw badSelector(
      vector,
      selector,
      ext,
      `${name}: DPL ${descriptor.dpl} is below CPL ${cpl} or RPL ${descriptor.rpl}`,
    );
  if (!descriptor.present) throw badSelector(VECTOR.NP, selector, ext, `${name}: segment not present`);
  markAccessed(core, descriptor);
  return descriptor;
}

function loadStackSegment(core: Core, selector: number): void {
  const cpl = core.cpl;
  if (isNull(selector)) {
    if (!in64BitMode(core) || cpl === 3 || (selector & 3) !== cpl)
      throw new Fault(VECTOR.GP, 0, "SS: null selector");
    writeNullStack(core, selector, cpl);
    return;
  }
  writeDescriptor(core, SEG.ss, selector, checkStack(core, selector, cpl, VECTOR.GP, VECTOR.SS, 0));
}

/** Checks a non-null selector for SS at privilege `cpl`. `vector` is #GP (loads) or #TS (stacks from a TSS); `absent` that of a segment not present. */
export function checkStack(
  core: Core,
  selector: number,
  cpl: number,
  vector: number,
  absent: number,
  ext: number,
): Descriptor {
  const descriptor = requireDescriptor(core, selector, vector, ext, "SS");
  if (descriptor.rpl !== cpl)
    throw badSelector(vector, selector, ext, `SS: RPL ${descriptor.rpl} is not CPL ${cpl}`);
  if (!descriptor.isWritable) throw badSelector(vector, selector, ext, "SS: not a writable data segment");
  if (descriptor.dpl !== cpl)
    throw badSelector(vector, selector, ext, `SS: DPL ${descriptor.dpl} is not CPL ${cpl}`);
  if (!descriptor.present) throw badSelector(absent, selector, ext, "SS: segment not present");
  markAccessed(core, descriptor);
  return descriptor;
}

/** LLDT, and LDTR in a task switch (`vector` is then #TS, also for "not present"). */
export function loadLdt(core: Core, selector: number, vector: number, ext: number): void {
  if (isNull(selector)) {
    writeNull(core, SEG.ldtr, selector);
    return;
  }
  if ((selector & 4) !== 0) throw badSelector(vector, selector, ext, "LDTR: the selector must be in the GDT");
  const descriptor = requireDescriptor(core, selector, vector, ext, "LDTR");
  if (descriptor.isSegment || descriptor.type !== SYSTEM_TYPE.ldt)
    throw badSelector(vector, selector, ext, "LDTR: not an LDT descriptor");
  const base = systemBase(core, descriptor, vector, ext, "LDTR");
  if (!descriptor.present)
    throw badSelector(vector === VECTOR.TS ? vector : VECTOR.NP, selector, ext, "LDTR: not present");
  core.writeSegment(SEG.ldtr, selector, base, descriptor.limit, descriptor.attributes);
}

/** LTR. */
export function loadTaskRegister(core: Core, selector: number): void {
  if (isNull(selector)) throw new Fault(VECTOR.GP, 0, "TR: null selector");
  if ((selector & 4) !== 0) throw badSelector(VECTOR.GP, selector, 0, "TR: the selector must be in the GDT");
  const descriptor = requireDescriptor(core, selector, VECTOR.GP, 0, "TR");
  const available =
    descriptor.type === SYSTEM_TYPE.tss32 || (descriptor.type === SYSTEM_TYPE.tss16 && !inLongMode(core));
  if (descriptor.isSegment || !available)
    throw badSelector(VECTOR.GP, selector, 0, "TR: not an available TSS");
  const base = systemBase(core, descriptor, VECTOR.GP, 0, "TR");
  if (!descriptor.present) throw badSelector(VECTOR.NP, selector, 0, "TR: TSS not present");
  setBusy(core, selector, true);
  core.writeSegment(SEG.tr, selector, base, descriptor.limit, descriptor.attributes | 2);
}

/** Base of an LDT or TSS: 64 bits from 16 bytes in long mode. */
function systemBase(core: Core, descriptor: Descriptor, vector: number, ext: number, name: string): bigint {
  if (!inLongMode(core)) return BigInt(descriptor.base);
  const upper = upperHalf(core, descriptor.selector);
  if (upper === null)
    throw badSelector(vector, descriptor.selector, ext, `${name}: the 16-byte descriptor exceeds its table`);
  if ((upper.reserved & 0x1f00) !== 0)
    throw badSelector(
      vector,
      descriptor.selector,
      ext,
      `${name}: the type field of the upper half is not zero`,
    );
  const base = (BigInt(upper.base) << 32n) | BigInt(descriptor.base);
  if (!isCanonical(core, base))
    throw badSelector(vector, descriptor.selector, ext, `${name}: base is not canonical`);
  return base;
}

/** After a return to an outer level: data segments that the new CPL may not use become null (SDM 2, RET). */
export function dropPrivilegedSegments(core: Core, cpl: number): void {
  for (const n of [SEG.es, SEG.ds, SEG.fs, SEG.gs]) {
    const attributes = core.attributes(n);
    if ((attributes & ATTRIBUTE.unusable) !== 0) continue;
    const conformingCode = (attributes & (ATTRIBUTE.code | ATTRIBUTE.conforming)) === (ATTRIBUTE.code | ATTRIBUTE.conforming);
    if (!conformingCode && (attributes >>> 5 & 3) < cpl) writeNull(core, n, 0);
  }
} // oxfmt-ignore
