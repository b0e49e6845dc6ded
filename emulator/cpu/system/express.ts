/**
 * Interrupts and IRETQ in 64-bit mode as they nearly always are: a present gate to 64-bit code at CPL 0, a flat return, and everything they read and write
 * reachable through TLB tags.
 *
 * Invariant: either all of it is done, and exactly as `interrupt.ts` and `return.ts` do it, or nothing has changed and the answer is false: then those do it,
 * or fault. A tag that matches means that no walk, no check of rights and no device is in between, so nothing is filled or reported either way. Addresses and
 * offsets are pairs of 32-bit halves because this is a hot path and bigints allocate.
 */
import type { Core } from "../core.ts";
import type { DeliveryKind } from "../event.ts";
import { SEG, SEGMENT, SEGMENT_BYTES, STATE } from "../layout.ts";
import { ATTRIBUTE, FLAG } from "../registers.ts";
import { taggedAt } from "./access.ts";
import { BY, canonical } from "./paging.ts";
import type { By } from "./paging.ts";
import { dropPrivilegedSegments } from "./segment.ts";
import { byLevel } from "./stack.ts";

/** Bits of a descriptor's upper half (SDM 3A figure 3-8). */
const HIGH = { accessed: 0x100, writable: 0x200, conforming: 0x400, code: 0x800, segment: 0x1000, present: 0x8000, long: 0x200000, big: 0x400000 } as const; // oxfmt-ignore
/** What code to be entered must have, among what is looked at: 64-bit, nonconforming, accessed before. */
const CODE_LOOKED_AT =
  HIGH.accessed | HIGH.conforming | HIGH.code | HIGH.segment | HIGH.present | HIGH.long | HIGH.big;
const CODE = HIGH.accessed | HIGH.code | HIGH.segment | HIGH.present | HIGH.long;
const STACK_LOOKED_AT = HIGH.accessed | HIGH.writable | HIGH.code | HIGH.segment | HIGH.present;
const STACK = HIGH.accessed | HIGH.writable | HIGH.segment | HIGH.present;

const FRAME_BYTES = 40;
const dplOf = (high: number): number => (high >>> 13) & 3;

/** Words of the CPU state. */
const RIP = STATE.rip >>> 2;
const RSP = (STATE.gpr + 4 * 8) >>> 2;
/** Index of a segment register's word. */
const segmentWord = (n: number, field: number): number => (STATE.segments + n * SEGMENT_BYTES + field) >>> 2;

/** Host address of `size` bytes at `base` (a quadword of the CPU state) + `offset`, if a tag allows the access; else 0. Tables and frames that are not aligned to 4 are none of ours. */
function reach(core: Core, base: number, offset: number, size: number, write: boolean, by: By): number {
  const { u32 } = core;
  const sum = u32[base >>> 2]! + offset;
  const low = sum >>> 0;
  const high = u32[(base + 4) >>> 2]!;
  const host = taggedAt(core, low, low === sum ? high : (high + 1) >>> 0, size, write, by);
  return (host & 3) === 0 ? host : 0;
}

/** Host address of a descriptor in the GDT, or 0. */
function descriptorAt(core: Core, selector: number): number {
  const offset = selector & 0xfff8;
  if ((selector & 4) !== 0 || offset === 0 || offset + 7 > core.u32[(STATE.gdtr + 8) >>> 2]!) return 0;
  return reach(core, STATE.gdtr, offset, 8, false, BY.processor);
}

/** `writeDescriptor` for the two words of a code or data descriptor that was accessed before. */
function load(core: Core, n: number, selector: number, low: number, high: number): void {
  const { u32 } = core;
  const limit = (low & 0xffff) | (high & 0xf0000);
  u32[segmentWord(n, SEGMENT.selector)] = selector;
  u32[segmentWord(n, SEGMENT.attributes)] = (high >>> 8) & 0xf0ff;
  u32[segmentWord(n, SEGMENT.base)] = (low >>> 16) | ((high & 0xff) << 16) | (high & 0xff000000);
  u32[segmentWord(n, SEGMENT.base) + 1] = 0;
  u32[segmentWord(n, SEGMENT.limit)] = (high & 0x800000) !== 0 ? (limit << 12) | 0xfff : limit;
}

/** A null SS that carries CPL. */
function loadNullStack(core: Core, selector: number, cpl: number): void {
  const { u32 } = core;
  u32[segmentWord(SEG.ss, SEGMENT.selector)] = selector;
  u32[segmentWord(SEG.ss, SEGMENT.attributes)] = ATTRIBUTE.unusable | (cpl << 5);
  u32[segmentWord(SEG.ss, SEGMENT.base)] = 0;
  u32[segmentWord(SEG.ss, SEGMENT.base) + 1] = 0;
  u32[segmentWord(SEG.ss, SEGMENT.limit)] = 0xffffffff;
}

/** Whether the program asked for it (INT n, INT3, INTO), which the gate's DPL may forbid. */
export const isSoftware = (kind: DeliveryKind): boolean =>
  kind === "software" || kind === "int3" || kind === "into";

/** Delivery through a 64-bit gate (SDM 3A 6.14). `image` is the EFLAGS to push. */
export function expressDelivery(core: Core, vector: number, errorCode: number | null, image: number, kind: DeliveryKind): boolean {
  const state = core.u32;
  if (vector * 16 + 15 > state[(STATE.idtr + 8) >>> 2]!) return false;
  const gate = reach(core, STATE.idtr, vector * 16, 16, false, BY.processor);
  if (gate === 0) return false;
  const host = core.host.u32;
  const gateLow = host[gate >>> 2]!;
  const gateHigh = host[(gate >>> 2) + 1]!;
  const ripHigh = host[(gate >>> 2) + 2]!;
  const cpl = state[STATE.cpl >>> 2]!;
  // Present, system, type 14 or 15.
  if ((gateHigh & 0x9e00) !== 0x8e00 || (isSoftware(kind) && dplOf(gateHigh) < cpl) || !canonical(core, ripHigh)) return false;
  const selector = gateLow >>> 16;
  const code = descriptorAt(core, selector);
  if (code === 0) return false;
  const codeLow = host[code >>> 2]!;
  const codeHigh = host[(code >>> 2) + 1]!;
  if ((codeHigh & CODE_LOOKED_AT) !== CODE || dplOf(codeHigh) !== 0) return false;
  const ist = gateHigh & 7;
  const isInner = cpl !== 0;
  const oldLow = state[RSP]!;
  const oldHigh = state[RSP + 1]!;
  let stackLow = oldLow;
  let stackHigh = oldHigh;
  if (ist !== 0 || isInner) {
    const offset = ist !== 0 ? 28 + ist * 8 : 4;
    if (offset + 7 > state[segmentWord(SEG.tr, SEGMENT.limit)]!) return false;
    const slot = reach(core, STATE.segments + SEG.tr * SEGMENT_BYTES + SEGMENT.base, offset, 8, false, BY.processor);
    if (slot === 0) return false;
    stackLow = host[slot >>> 2]!;
    stackHigh = host[(slot >>> 2) + 1]!;
    if (!canonical(core, stackHigh)) return false;
  }
  const bytes = errorCode === null ? FRAME_BYTES : FRAME_BYTES + 8;
  stackLow = (stackLow & ~0xf) >>> 0;
  if (stackLow < bytes) return false;
  stackLow -= bytes;
  const frame = taggedAt(core, stackLow, stackHigh, bytes, true, BY.system);
  if (frame === 0) return false;
  const hook = ist !== 0 || !isInner ? core.stackHook : null;
  if (hook !== null) hook.interrupting(core, ist);

  let at = frame >>> 2;
  if (errorCode !== null) {
    host[at] = errorCode;
    host[at + 1] = 0;
    at += 2;
  }
  host[at] = state[RIP]!;
  host[at + 1] = state[RIP + 1]!;
  host[at + 2] = state[segmentWord(SEG.cs, SEGMENT.selector)]!;
  host[at + 3] = 0;
  host[at + 4] = image;
  host[at + 5] = 0;
  host[at + 6] = oldLow;
  host[at + 7] = oldHigh;
  host[at + 8] = state[segmentWord(SEG.ss, SEGMENT.selector)]!;
  host[at + 9] = 0;
  core.setSystemFlag(FLAG.TF | FLAG.NT | FLAG.VM | FLAG.RF | ((gateHigh & 0x100) === 0 ? FLAG.IF : 0), false);
  if (isInner) loadNullStack(core, 0, 0);
  state[RSP] = stackLow;
  state[RSP + 1] = stackHigh;
  load(core, SEG.cs, selector & ~3, codeLow, codeHigh);
  state[RIP] = (gateLow & 0xffff) | (gateHigh & 0xffff0000);
  state[RIP + 1] = ripHigh;
  core.updateMode();
  if (hook !== null) hook.interrupted(core, vector, errorCode, kind, ist);
  return true;
} // oxfmt-ignore

/** IRETQ in 64-bit mode to 64-bit code. `replace` puts flags of the image in place that the level may change. */
export function expressReturn(core: Core, replace: (core: Core, image: number, mask: number) => void, mask: number): boolean {
  const state = core.u32;
  const cpl = state[STATE.cpl >>> 2]!;
  const frame = reach(core, STATE.gpr + 4 * 8, 0, FRAME_BYTES, false, byLevel(cpl));
  if (frame === 0) return false;
  const host = core.host.u32;
  const at = frame >>> 2;
  const ripHigh = host[at + 1]!;
  const selector = host[at + 2]! & 0xffff;
  const stackSelector = host[at + 8]! & 0xffff;
  const rpl = selector & 3;
  if (rpl < cpl || !canonical(core, ripHigh)) return false;
  const code = descriptorAt(core, selector);
  if (code === 0) return false;
  const codeLow = host[code >>> 2]!;
  const codeHigh = host[(code >>> 2) + 1]!;
  if ((codeHigh & CODE_LOOKED_AT) !== CODE || dplOf(codeHigh) !== rpl) return false;
  let stackLow = 0;
  let stackDescriptor = 0;
  if ((stackSelector & 0xfffc) !== 0) {
    const stack = descriptorAt(core, stackSelector);
    if (stack === 0) return false;
    stackLow = host[stack >>> 2]!;
    stackDescriptor = host[(stack >>> 2) + 1]!;
    const fits = (stackDescriptor & STACK_LOOKED_AT) === STACK && dplOf(stackDescriptor) === rpl;
    if (!fits || (stackSelector & 3) !== rpl) return false;
  } else if (rpl === 3) return false;

  replace(core, host[at + 4]!, mask);
  if (stackDescriptor === 0) loadNullStack(core, stackSelector, rpl);
  else load(core, SEG.ss, stackSelector, stackLow, stackDescriptor);
  load(core, SEG.cs, selector, codeLow, codeHigh);
  state[RIP] = host[at]!;
  state[RIP + 1] = ripHigh;
  state[RSP] = host[at + 6]!;
  state[RSP + 1] = host[at + 7]!;
  if (rpl !== cpl) dropPrivilegedSegments(core, rpl);
  core.updateMode();
  return true;
} // oxfmt-ignore
