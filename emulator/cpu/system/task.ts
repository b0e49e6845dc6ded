/**
 * Hardware task switches (SDM 3A chapter 7).
 *
 *     32-bit TSS  0 link · 4 esp0 ss0 esp1 ss1 esp2 ss2 · 1Ch cr3 · 20h eip · 24h eflags · 28h eax … edi · 48h es cs ss ds fs gs · 60h ldt · 64h T, I/O map base
 *     16-bit TSS  0 link · 2 sp0 … ss2 · 0Eh ip · 10h flags · 12h ax … di · 22h es cs ss ds · 2Ah ldt
 *
 * Invariant: everything that can be checked in the old task is checked before its TSS is written. What fails afterwards (a selector in the new TSS) is a
 * fault of the new task, thrown as a TaskFault.
 */
import type { Core } from "../core.ts";
import { Fault, VECTOR } from "../event.ts";
import { SEG, STATE } from "../layout.ts";
import { CR0, CR4, FLAG } from "../registers.ts";
import { probe, readLinear32, writeLinear } from "./access.ts";
import { badSelector, isNull, requireDescriptor, selectorError, setBusy, SYSTEM_TYPE } from "./descriptor.ts";
import type { Descriptor } from "./descriptor.ts";
import { checkUsable, codeDescriptor, outsideCode } from "./code.ts";
import { BY, loadPdptes } from "./paging.ts";
import {
  checkData, checkStack, loadLdt, SEGMENT_NAMES, VIRTUAL_8086_ATTRIBUTES, writeDescriptor, writeNull,
} from "./segment.ts"; // oxfmt-ignore
import { Stack } from "./stack.ts";
import { is32BitTss } from "./tss.ts";
import { flushNonGlobal } from "./tlb.ts";

/** A fault that belongs to the new task: its return address is the new task's, not that of the instruction that switched. */
export class TaskFault extends Fault {
  readonly rip: bigint;
  constructor(fault: Fault, rip: bigint) {
    super(fault.vector, fault.errorCode, fault.why, fault.address);
    this.rip = rip;
  }
}

export type TaskSwitch = "jump" | "call" | "interrupt" | "iret";

interface Image {
  readonly cr3: number | null;
  readonly eip: number;
  readonly eflags: number;
  /** in encoding order */
  readonly gprs: readonly number[];
  /** ES CS SS DS FS GS */
  readonly selectors: readonly number[];
  readonly ldt: number;
  readonly trap: boolean;
}

const TR = SEGMENT_NAMES[SEG.tr];

/** Finds the TSS that a JMP, CALL, task gate or IRET names and checks that it may be switched to. */
export function taskDescriptor(core: Core, selector: number, reason: TaskSwitch, ext: number): Descriptor {
  const vector = reason === "iret" ? VECTOR.TS : VECTOR.GP;
  if (isNull(selector) || (selector & 4) !== 0) throw badSelector(vector, selector, ext, `${TR}: not a selector into the GDT`);
  const descriptor = requireDescriptor(core, selector, vector, ext, TR);
  const wanted = reason === "iret" ? [SYSTEM_TYPE.tss16Busy, SYSTEM_TYPE.tss32Busy] : [SYSTEM_TYPE.tss16, SYSTEM_TYPE.tss32];
  if (descriptor.isSegment || !wanted.some((type) => type === descriptor.type))
    throw badSelector(vector, selector, ext, `${TR}: not ${reason === "iret" ? "a busy" : "an available"} TSS`);
  if (!descriptor.present) throw badSelector(VECTOR.NP, selector, ext, `${TR}: TSS not present`);
  return descriptor;
} // oxfmt-ignore

/** A task gate in the IDT: switches, and pushes the error code on the new task's stack. */
export function switchThroughGate(
  core: Core,
  selector: number,
  errorCode: number | null,
  ext: number,
  flags: number,
): void {
  const descriptor = taskDescriptor(core, selector, "interrupt", ext);
  switchTask(core, descriptor, "interrupt", ext, flags);
  if (errorCode === null) return;
  try {
    const stack = Stack.current(core, ext);
    stack.push(is32BitTss(core) ? 4 : 2, BigInt(errorCode));
    stack.commit();
  } catch (fault) {
    throw fault instanceof Fault ? new TaskFault(fault, core.rip) : fault;
  }
}

/** Switches to the task of a checked descriptor. `savedFlags` is the EFLAGS image for the old TSS; RIP is already the old task's return address. */
export function switchTask(
  core: Core,
  descriptor: Descriptor,
  reason: TaskSwitch,
  ext = 0,
  savedFlags = core.eflags,
): void {
  const wide = (descriptor.type & 8) !== 0;
  const base = BigInt(descriptor.base);
  if (descriptor.limit < (wide ? 0x67 : 0x2b))
    throw badSelector(VECTOR.TS, descriptor.selector, ext, `${TR}: the new TSS's limit is too small`);
  const oldSelector = core.selector(SEG.tr);
  const oldWide = is32BitTss(core);
  const oldBase = core.segmentBase(SEG.tr);
  if (core.segmentLimit(SEG.tr) < (oldWide ? 0x5f : 0x29))
    throw new Fault(VECTOR.TS, selectorError(oldSelector, ext), `${TR}: the old TSS's limit is too small`);
  const nests = reason === "call" || reason === "interrupt";
  probe(core, oldBase, oldWide ? 0x68 : 0x2c, true, BY.processor);
  probe(core, base, wide ? 0x68 : 0x2c, nests, BY.processor);
  const image = wide ? read32(core, base) : read16(core, base);

  if (reason === "jump" || reason === "iret") setBusy(core, oldSelector, false);
  save(core, oldBase, oldWide, reason === "iret" ? savedFlags & ~FLAG.NT : savedFlags);
  if (nests) writeLinear(core, base, 2, BigInt(oldSelector), BY.processor);
  if (reason !== "iret") setBusy(core, descriptor.selector, true);

  core.writeSegment(SEG.tr, descriptor.selector, base, descriptor.limit, descriptor.attributes | 2);
  core.setQuad(STATE.cr0, BigInt((core.cr0 | CR0.TS) >>> 0));
  core.setQuad(STATE.dr + 7 * 8, core.dr(7) & ~0x55n);
  load(core, image, nests ? image.eflags | FLAG.NT : image.eflags, wide);
}

const word = (core: Core, base: bigint, offset: number, size: 2 | 4): number =>
  readLinear32(core, BigInt.asUintN(32, base + BigInt(offset)), size, BY.processor);

function read32(core: Core, base: bigint): Image {
  const at = (offset: number, size: 2 | 4 = 4): number => word(core, base, offset, size);
  return {
    cr3: at(0x1c),
    eip: at(0x20),
    eflags: at(0x24),
    gprs: [0, 1, 2, 3, 4, 5, 6, 7].map((n) => at(0x28 + n * 4)),
    selectors: [0, 1, 2, 3, 4, 5].map((n) => at(0x48 + n * 4, 2)),
    ldt: at(0x60, 2),
    trap: (at(0x64, 2) & 1) !== 0,
  };
}

function read16(core: Core, base: bigint): Image {
  const at = (offset: number): number => word(core, base, offset, 2);
  return {
    cr3: null,
    eip: at(0x0e),
    eflags: at(0x10),
    // The upper halves of the 32-bit registers become ones, as on processors that have them (SDM 3A 7.6 leaves them undefined; QEMU does this).
    gprs: [0, 1, 2, 3, 4, 5, 6, 7].map((n) => (at(0x12 + n * 2) | 0xffff0000) >>> 0),
    selectors: [...[0, 1, 2, 3].map((n) => at(0x22 + n * 2)), 0, 0],
    ldt: at(0x2a),
    trap: false,
  };
}

function save(core: Core, base: bigint, wide: boolean, eflags: number): void {
  const put = (offset: number, size: 2 | 4, value: number): void =>
    writeLinear(core, BigInt.asUintN(32, base + BigInt(offset)), size, BigInt(value >>> 0), BY.processor);
  const size = wide ? 4 : 2;
  const start = wide ? 0x20 : 0x0e;
  put(start, size, core.word(STATE.rip));
  put(start + size, size, eflags);
  for (let n = 0; n < 8; n++) put(start + (2 + n) * size, size, core.gpr32(n));
  for (let n = 0; n < (wide ? 6 : 4); n++) put(start + (10 + n) * size, 2, core.selector(n));
}

function load(core: Core, image: Image, eflags: number, wide: boolean): void {
  if (
    image.cr3 !== null &&
    (core.cr0 & CR0.PG) !== 0 &&
    (core.word(STATE.cr3) !== image.cr3 || (core.cr4 & CR4.PAE) !== 0)
  ) {
    core.setQuad(STATE.cr3, BigInt(image.cr3));
    flushNonGlobal(core);
  }
  core.rip = BigInt(image.eip);
  core.eflags = wide ? (eflags & 0x3f7fd5) | 2 : (eflags & 0x7fd5) | 2;
  image.gprs.forEach((value, n) => core.setGpr32(n, value));
  const virtual = (core.eflags & FLAG.VM) !== 0;
  const cpl = virtual ? 3 : image.selectors[SEG.cs]! & 3;
  // Until each is checked, the segments of the new task are its selectors and nothing else; SS carries the new CPL.
  for (let n = 0; n < 6; n++) {
    const selector = image.selectors[n]!;
    if (virtual) core.writeSegment(n, selector, BigInt(selector << 4), 0xffff, VIRTUAL_8086_ATTRIBUTES);
    else writeNull(core, n, selector);
  }
  if (!virtual) core.writeSegment(SEG.ss, image.selectors[SEG.ss]!, 0n, 0, 0x10000 | (cpl << 5));
  writeNull(core, SEG.ldtr, image.ldt);
  core.updateMode();
  try {
    if (
      image.cr3 !== null &&
      (core.cr0 & CR0.PG) !== 0 &&
      (core.cr4 & CR4.PAE) !== 0 &&
      !loadPdptes(core, image.cr3)
    )
      throw new Fault(VECTOR.GP, 0, "CR3 in the new TSS names a PDPTE with a reserved bit set");
    loadLdt(core, image.ldt, VECTOR.TS, 0);
    if (!virtual) loadSegments(core, image, cpl);
    core.updateMode();
    if (BigInt(image.eip) > BigInt(core.segmentLimit(SEG.cs)))
      throw outsideCode(core.rip, core.segmentLimit(SEG.cs), 0);
  } catch (fault) {
    core.updateMode();
    throw fault instanceof Fault ? new TaskFault(fault, core.rip) : fault;
  }
  if (image.trap) core.pendingDebug |= 0x8000;
}

/** CS, SS and the data segments of the new task; what is wrong with them is #TS, #NP or #SS of the selector (SDM 3A table 7-1). */
function loadSegments(core: Core, image: Image, cpl: number): void {
  const codeSelector = image.selectors[SEG.cs]!;
  if (isNull(codeSelector)) throw new Fault(VECTOR.TS, 0, "CS: null selector in the new TSS");
  const code = asInvalidTss(() => codeDescriptor(core, codeSelector, 0));
  if (code.isConforming ? code.dpl > cpl : code.dpl !== cpl)
    throw badSelector(VECTOR.TS, codeSelector, 0, `CS: DPL ${code.dpl} does not fit RPL ${cpl}`);
  checkUsable(core, code, 0);
  const stackSelector = image.selectors[SEG.ss]!;
  if (isNull(stackSelector)) throw new Fault(VECTOR.TS, 0, "SS: null selector in the new TSS");
  writeDescriptor(core, SEG.ss, stackSelector, checkStack(core, stackSelector, cpl, VECTOR.TS, VECTOR.SS, 0));
  writeDescriptor(core, SEG.cs, codeSelector, code);
  for (const n of [SEG.es, SEG.ds, SEG.fs, SEG.gs]) {
    const selector = image.selectors[n]!;
    const descriptor = checkData(core, n, selector, cpl, VECTOR.TS, 0);
    if (descriptor !== null) writeDescriptor(core, n, selector, descriptor);
  }
}

function asInvalidTss<T>(check: () => T): T {
  try {
    return check();
  } catch (fault) {
    throw fault instanceof Fault && fault.vector === VECTOR.GP
      ? new Fault(VECTOR.TS, fault.errorCode, fault.why)
      : fault;
  }
}
