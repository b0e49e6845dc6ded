/**
 * Control and debug registers (SDM 2, MOV CRn and DRn, LMSW, SMSW, CLTS): what each bit requires, and what a change of it does to the TLB and the mode.
 */
import type { Core } from "../core.ts";
import { Fault, VECTOR, WATCH } from "../event.ts";
import type { Operation } from "../instruction.ts";
import { MODE, SEG, STATE } from "../layout.ts";
import { CR0, CR4, EFER } from "../registers.ts";
import type { FeatureName } from "./feature.ts";
import {
  gp,
  in64BitMode,
  readRegister,
  readRm16,
  requireCpl0,
  ud,
  writeRegister,
  writeRm,
} from "./operand.ts";
import { loadPdptes, PHYSICAL_BITS } from "./paging.ts";
import { dropTags, flushAll, flushNonGlobal, flushPcid, forgetCodePage, switchPcid } from "./tlb.ts";

/** Reserved bits 31:0 of CR0 keep their value when written. */
const CR0_WRITABLE = CR0.PE | CR0.MP | CR0.EM | CR0.TS | CR0.NE | CR0.WP | CR0.AM | CR0.NW | CR0.CD | CR0.PG;

const CR4_FEATURES: readonly (readonly [number, FeatureName | null])[] = [
  [CR4.VME | CR4.PVI, "vme"], [CR4.TSD, "tsc"], [CR4.DE, "de"], [CR4.PSE, "pse"], [CR4.PAE, "pae"], [CR4.MCE, "mce"], [CR4.PGE, "pge"],
  [CR4.PCE, null], [CR4.OSFXSR, "fxsr"], [CR4.OSXMMEXCPT, "sse"], [CR4.UMIP, "umip"], [CR4.LA57, "la57"], [CR4.FSGSBASE, "fsgsbase"],
  [CR4.PCIDE, "pcid"], [CR4.OSXSAVE, "xsave"], [CR4.SMEP, "smep"], [CR4.SMAP, "smap"],
]; // oxfmt-ignore
/** Bits of CR4 that may be set, which follow from the processor's features. */
const cr4Writable = (core: Core): number =>
  CR4_FEATURES.reduce(
    (bits, [mask, feature]) => (feature === null || core.has(feature) ? bits | mask : bits),
    0,
  );

/** Changes of these bits empty the TLBs (SDM 3A 4.10.4.1; a superset, which is allowed). */
const CR4_FLUSHING = CR4.PSE | CR4.PAE | CR4.PGE | CR4.PCIDE | CR4.SMEP | CR4.SMAP | CR4.LA57;

const PAE_RELEVANT = CR0.PG | CR0.CD | CR0.NW;

function reportControl(core: Core, register: string, before: bigint, after: bigint): void {
  if ((core.watched & WATCH.control) !== 0) core.report({ kind: "control", register, before, after });
}

function reportBit(core: Core, bit: "PE" | "PG" | "LMA", before: number, after: number, mask: number): void {
  if ((core.watched & WATCH.mode) !== 0 && ((before ^ after) & mask) !== 0) core.report({ kind: "mode", bit, value: (after & mask) !== 0 });
} // oxfmt-ignore

/** MOV to CR0 and LMSW. #GP(0) for combinations the manual forbids. */
function writeCr0(core: Core, value: bigint): void {
  if (value >> 32n !== 0n) throw gp("CR0: bits 63:32 are reserved");
  const before = core.cr0;
  const after = ((Number(value) & CR0_WRITABLE) | CR0.ET) >>> 0;
  const changed = before ^ after;
  const paging = (after & CR0.PG) !== 0;
  if (paging && (after & CR0.PE) === 0) throw gp("CR0: PG without PE");
  if ((after & CR0.NW) !== 0 && (after & CR0.CD) === 0) throw gp("CR0: NW without CD");
  const efer = core.efer;
  let newEfer = efer;
  if ((changed & CR0.PG) !== 0) {
    if (paging && (efer & EFER.LME) !== 0) {
      if ((core.cr4 & CR4.PAE) === 0) throw gp("CR0: PG with EFER.LME but without CR4.PAE");
      if ((core.attributes(SEG.cs) & 0x2000) !== 0) throw gp("CR0: PG with EFER.LME while CS.L is set");
      if ((core.attributes(SEG.tr) & 8) === 0) throw gp("CR0: PG with EFER.LME while TR holds a 16-bit TSS");
      newEfer |= EFER.LMA;
    }
    if (!paging) {
      if (in64BitMode(core)) throw gp("CR0: PG cleared in 64-bit mode");
      if ((core.cr4 & CR4.PCIDE) !== 0) throw gp("CR0: PG cleared while CR4.PCIDE is set");
      newEfer &= ~EFER.LMA;
    }
  }
  const pae = paging && (core.cr4 & CR4.PAE) !== 0 && (newEfer & EFER.LMA) === 0;
  if (pae && (changed & PAE_RELEVANT) !== 0 && !loadPdptes(core, core.word(STATE.cr3)))
    throw gp("CR0: a PDPTE has a reserved bit set");
  core.setQuad(STATE.cr0, BigInt(after));
  core.setQuad(STATE.efer, BigInt(newEfer));
  if ((changed & CR0.PG) !== 0) flushAll(core);
  else if ((changed & CR0.WP) !== 0) dropTags(core);
  core.updateMode();
  reportControl(core, "CR0", BigInt(before), BigInt(after));
  reportBit(core, "PE", before, after, CR0.PE);
  reportBit(core, "PG", before, after, CR0.PG);
  reportBit(core, "LMA", efer, newEfer, EFER.LMA);
}

function writeCr3(core: Core, value: bigint): void {
  const before = core.cr3;
  const cr4 = core.cr4;
  const pcide = (cr4 & CR4.PCIDE) !== 0;
  const keep = pcide && value >> 63n !== 0n;
  const after = pcide ? value & 0x7fffffffffffffffn : value;
  const long = (core.mode & MODE.long) !== 0;
  if (long && after >> BigInt(PHYSICAL_BITS) !== 0n)
    throw gp("CR3: an address beyond the physical address width");
  const pae = (core.cr0 & CR0.PG) !== 0 && (cr4 & CR4.PAE) !== 0 && !long;
  if (pae && !loadPdptes(core, Number(after & 0xffffffffn))) throw gp("CR3: a PDPTE has a reserved bit set");
  core.setQuad(STATE.cr3, after);
  if (!pcide) flushNonGlobal(core);
  else {
    if (!keep) flushPcid(core, Number(after & 0xfffn));
    switchPcid(core);
  }
  core.tableHook?.rootChanged(core, before, after, keep);
  reportControl(core, "CR3", before, after);
}

function writeCr4(core: Core, value: bigint): void {
  if ((value & ~BigInt(cr4Writable(core))) !== 0n) throw gp(`CR4: reserved bits in 0x${value.toString(16)}`);
  const before = core.cr4;
  const after = Number(value);
  const changed = before ^ after;
  const long = (core.mode & MODE.long) !== 0;
  if (long && (after & CR4.PAE) === 0) throw gp("CR4: PAE cleared in long mode");
  if (long && (changed & CR4.LA57) !== 0) throw gp("CR4: LA57 changed in long mode");
  if ((changed & after & CR4.PCIDE) !== 0 && (!long || (core.word(STATE.cr3) & 0xfff) !== 0))
    throw gp("CR4: PCIDE set outside long mode, or with CR3 bits 11:0 not zero");
  const pae = (core.cr0 & CR0.PG) !== 0 && (after & CR4.PAE) !== 0 && !long;
  if (
    pae &&
    (changed & (CR4.PAE | CR4.PGE | CR4.PSE | CR4.SMEP)) !== 0 &&
    !loadPdptes(core, core.word(STATE.cr3))
  )
    throw gp("CR4: a PDPTE has a reserved bit set");
  core.setQuad(STATE.cr4, BigInt(after));
  if ((changed & CR4_FLUSHING) !== 0) flushAll(core);
  forgetCodePage(core);
  reportControl(core, "CR4", BigInt(before), BigInt(after));
}

const moveWidth = (core: Core): 32 | 64 => (in64BitMode(core) ? 64 : 32);

const movFromControl: Operation = (core, insn) => {
  const value = readControl(core, insn.reg);
  if (value === null) throw ud(`CR${insn.reg} does not exist`);
  requireCpl0(core, `MOV from CR${insn.reg}`);
  writeRegister(core, insn.rm, moveWidth(core), value);
};

function readControl(core: Core, n: number): bigint | null {
  if (n === 0) return BigInt(core.cr0);
  if (n === 2) return core.cr2;
  if (n === 3) return core.cr3;
  if (n === 4) return BigInt(core.cr4);
  return n === 8 ? BigInt(core.cr8) : null;
}

const movToControl: Operation = (core, insn) => {
  if (readControl(core, insn.reg) === null) throw ud(`CR${insn.reg} does not exist`);
  requireCpl0(core, `MOV to CR${insn.reg}`);
  const value = readRegister(core, insn.rm, moveWidth(core));
  if (insn.reg === 0) writeCr0(core, value);
  else if (insn.reg === 3) writeCr3(core, value);
  else if (insn.reg === 4) writeCr4(core, value);
  else if (insn.reg === 2) {
    const before = core.cr2;
    core.cr2 = value;
    reportControl(core, "CR2", before, value);
  } else {
    if (value > 15n) throw gp("CR8: bits 63:4 are reserved");
    const before = core.cr8;
    core.cr8 = Number(value);
    core.environment.apic?.(core.index).setTaskPriority(Number(value) << 4);
    reportControl(core, "CR8", BigInt(before), value);
  }
};

/** DR4 and DR5 are DR6 and DR7 unless CR4.DE is set; DR7.GD guards all of them. */
function debugRegister(core: Core, n: number, name: string): number {
  const aliased = n === 4 || n === 5;
  if (n > 7 || (aliased && (core.cr4 & CR4.DE) !== 0)) throw ud(`DR${n} does not exist`);
  requireCpl0(core, name);
  if ((core.word(STATE.dr + 7 * 8) & 0x2000) !== 0)
    throw new Fault(VECTOR.DB, null, "a debug register was accessed with DR7.GD set", 0x2000n);
  return aliased ? n + 2 : n;
}

const movFromDebug: Operation = (core, insn) => {
  const n = debugRegister(core, insn.reg, "MOV from a debug register");
  writeRegister(core, insn.rm, moveWidth(core), core.dr(n));
};

const movToDebug: Operation = (core, insn) => {
  const n = debugRegister(core, insn.reg, "MOV to a debug register");
  const value = readRegister(core, insn.rm, moveWidth(core));
  if (n >= 6 && value >> 32n !== 0n) throw gp(`DR${n}: bits 63:32 are reserved`);
  // Fixed bits: DR6 31:16 and 11:4 ones, 12 zero; DR7 10 one, 15, 14, 12, 11 zero.
  const fixed = n === 6 ? (value & 0xe00fn) | 0xffff0ff0n : n === 7 ? (value & ~0xd800n) | 0x400n : value;
  const before = core.dr(n);
  core.setDr(n, fixed);
  reportControl(core, `DR${n}`, before, fixed);
};

const lmsw: Operation = (core, insn) => {
  requireCpl0(core, "LMSW");
  const value = readRm16(core, insn);
  // Only PE, MP, EM and TS; PE can be set and not cleared.
  writeCr0(core, BigInt(((core.cr0 & ~0xe) | (value & 0xf)) >>> 0));
};

const smsw: Operation = (core, insn) => {
  requireUserMode(core, "SMSW");
  writeRm(core, insn, BigInt(core.cr0), insn.rm >= 0 ? insn.operandSize : 16);
};

/** User-mode instruction prevention: SGDT, SIDT, SLDT, SMSW and STR are #GP(0) above CPL 0. */
export function requireUserMode(core: Core, name: string): void {
  if ((core.cr4 & CR4.UMIP) !== 0 && core.cpl !== 0) throw gp(`${name} at CPL ${core.cpl} with CR4.UMIP set`);
}

const clts: Operation = (core) => {
  requireCpl0(core, "CLTS");
  const before = core.cr0;
  const after = (before & ~CR0.TS) >>> 0;
  core.setQuad(STATE.cr0, BigInt(after));
  reportControl(core, "CR0", BigInt(before), BigInt(after));
};

export const controlOperations = {
  mov_r_cr: movFromControl,
  mov_cr_r: movToControl,
  mov_r_dr: movFromDebug,
  mov_dr_r: movToDebug,
  lmsw,
  smsw,
  clts,
} satisfies Record<string, Operation>;
