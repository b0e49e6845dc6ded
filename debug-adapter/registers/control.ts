/**
 * Writes with consequences: control registers, EFER and segment selectors, with the checks that MOV CR, WRMSR and MOV Sreg make (SDM 3A §2.5,
 * §4.1, §3.4.3) so that the debugger cannot put a processor into a state that no program could.
 */
import {
  ATTRIBUTE,
  CR0,
  CR4,
  EFER,
  MODE,
  SEG,
  STATE,
  flushAll,
  loadPdptes,
  type Core,
  type SegmentNumber,
} from "../../emulator/index.ts";
import { registerRefused } from "../errors.ts";
import { GuestSpace } from "../memory/space.ts";
import { decodeDescriptor, isWide } from "./descriptor.ts";

const or = (values: { readonly [name: string]: number }): bigint =>
  BigInt(Object.values(values).reduce((all, value) => (all | value) >>> 0, 0));
const KNOWN = { cr0: or(CR0), cr4: or(CR4), efer: or(EFER) } as const;

/** Throws `registerRefused`; nothing has changed then. */
export function writeControl(core: Core, name: "cr0" | "cr3" | "cr4" | "efer", value: bigint): void {
  const refuse = (why: string): Error => registerRefused(name.toUpperCase(), why);
  if (name === "cr3" && value >> 52n !== 0n) throw refuse("it holds a physical address of at most 52 bits");
  if (name !== "cr3" && (value & ~KNOWN[name]) !== 0n) throw refuse("a reserved bit would be set");
  const next = { cr0: core.cr0, cr4: core.cr4, efer: core.efer };
  if (name !== "cr3") next[name] = Number(value);
  const cr3 = name === "cr3" ? value : core.cr3;
  const paging = (next.cr0 & CR0.PG) !== 0;
  const pae = (next.cr4 & CR4.PAE) !== 0;
  const long = (next.efer & EFER.LME) !== 0;
  if (paging && (next.cr0 & CR0.PE) === 0) throw refuse("PG needs PE");
  if ((next.cr0 & CR0.NW) !== 0 && (next.cr0 & CR0.CD) === 0) throw refuse("NW needs CD");
  if (paging && long && !pae) throw refuse("long mode needs CR4.PAE");
  if (paging && long !== ((core.efer & EFER.LME) !== 0)) throw refuse("LME cannot change while paging is on");
  if (((next.cr4 ^ core.cr4) & CR4.LA57) !== 0 && (core.efer & EFER.LMA) !== 0)
    throw refuse("LA57 cannot change in long mode");
  if ((next.cr4 & ~core.cr4 & CR4.PCIDE) !== 0 && (core.efer & EFER.LMA) === 0)
    throw refuse("PCIDE needs long mode");
  if (paging && pae && !long) {
    if (!loadPdptes(core, Number(cr3)))
      throw refuse("a directory pointer it would load has reserved bits set");
  } else {
    core.setWord(STATE.pdptePresent, 0);
  }
  // ET is always 1; LMA follows LME and PG.
  core.setQuad(STATE.cr0, BigInt((next.cr0 | CR0.ET) >>> 0));
  core.setQuad(STATE.cr3, cr3);
  core.setQuad(STATE.cr4, BigInt(next.cr4));
  core.setQuad(STATE.efer, BigInt(long && paging ? next.efer | EFER.LMA : next.efer & ~EFER.LMA));
  flushAll(core);
  core.updateMode();
}

/** Loads a segment register as MOV Sreg, LLDT or LTR would, from the GDT or LDT in protected mode. Throws `registerRefused`. */
export function writeSelector(core: Core, n: SegmentNumber, value: bigint): void {
  const name = ["ES", "CS", "SS", "DS", "FS", "GS", "LDTR", "TR"][n]!;
  const refuse = (why: string): Error => registerRefused(name, why);
  if (value > 0xffffn) throw refuse("a selector has 16 bits");
  const selector = Number(value);
  const isReal = (core.mode & MODE.protected) === 0 || (core.mode & MODE.virtual8086) !== 0;
  if (isReal && n !== SEG.ldtr && n !== SEG.tr) {
    core.setSegment(n, { ...core.segment(n), selector, base: BigInt(selector * 16) });
    return;
  }
  if (selector < 4) {
    if (n === SEG.cs || n === SEG.tr) throw refuse("a null selector cannot be loaded there");
    if (n === SEG.ss && (core.mode & MODE.codeSize) !== 2)
      throw refuse("a null selector cannot be loaded there");
    const dpl = core.attributes(SEG.ss) & ATTRIBUTE.dpl;
    core.setSegment(n, {
      selector,
      base: 0n,
      limit: 0,
      attributes: ATTRIBUTE.unusable | (n === SEG.ss ? dpl : 0),
    });
    return;
  }
  const isLocal = (selector & 4) !== 0;
  const table = isLocal
    ? { base: core.segmentBase(SEG.ldtr), limit: core.segmentLimit(SEG.ldtr) }
    : core.gdtr;
  const at = selector & 0xfff8;
  const long = (core.mode & MODE.long) !== 0;
  if (at + 7 > table.limit) throw refuse(`the ${isLocal ? "LDT" : "GDT"} ends before entry ${at >>> 3}`);
  const space = new GuestSpace(core);
  const entry = (offset: number): bigint =>
    space.readUnsigned({ space: "linear", offset: table.base + BigInt(offset) }, 8);
  const low = entry(at);
  const descriptor = decodeDescriptor(low, isWide(low, long) ? entry(at + 8) : 0n, long);
  const wantsSystem = n === SEG.ldtr || n === SEG.tr;
  if (descriptor.kind !== (wantsSystem ? "system" : "segment"))
    throw refuse(`entry ${at >>> 3} is ${descriptor.text}`);
  if ((descriptor.attributes & ATTRIBUTE.present) === 0) throw refuse(`entry ${at >>> 3} is not present`);
  const isCode = (descriptor.attributes & ATTRIBUTE.code) !== 0;
  if (n === SEG.cs && !isCode) throw refuse(`entry ${at >>> 3} is ${descriptor.text}, not code`);
  if (n === SEG.ss && (isCode || (descriptor.attributes & ATTRIBUTE.writable) === 0)) {
    throw refuse(`entry ${at >>> 3} is ${descriptor.text}, not writable data`);
  }
  if (n === SEG.ldtr && descriptor.kind === "system" && descriptor.type !== "LDT")
    throw refuse(`entry ${at >>> 3} is ${descriptor.text}`);
  if (n === SEG.tr && descriptor.kind === "system" && descriptor.type === "LDT")
    throw refuse(`entry ${at >>> 3} is ${descriptor.text}`);
  const busy = n === SEG.tr ? 2 : 0;
  const { base, limit } = descriptor;
  core.setSegment(n, {
    selector,
    base,
    limit,
    attributes: descriptor.attributes | busy | (wantsSystem ? 0 : ATTRIBUTE.accessed),
  });
}

/** Base of a segment by its selector: shifted in real mode, else from its descriptor. Throws `registerRefused`, `unmapped`. */
export function selectorBase(core: Core, selector: number): bigint {
  if ((core.mode & MODE.protected) === 0 || (core.mode & MODE.virtual8086) !== 0)
    return BigInt(selector * 16);
  const isLocal = (selector & 4) !== 0;
  const table = isLocal
    ? { base: core.segmentBase(SEG.ldtr), limit: core.segmentLimit(SEG.ldtr) }
    : core.gdtr;
  const at = selector & 0xfff8;
  if (at + 7 > table.limit)
    throw registerRefused("The selector", `the ${isLocal ? "LDT" : "GDT"} ends before entry ${at >>> 3}`);
  const low = new GuestSpace(core).readUnsigned({ space: "linear", offset: table.base + BigInt(at) }, 8);
  const descriptor = decodeDescriptor(low, 0n, false);
  return descriptor.kind === "segment" ? descriptor.base : 0n;
}
