/**
 * Instructions on descriptor tables, the TLB and hidden registers: LGDT and its kin, LLDT, LTR, INVLPG, INVPCID, SWAPGS, FS/GS base, STAC, XSETBV (SDM 2).
 */
import type { Core } from "../core.ts";
import { VECTOR } from "../event.ts";
import type { Instruction, Operation } from "../instruction.ts";
import { RUN, SEG, STATE } from "../layout.ts";
import { CR4, FLAG } from "../registers.ts";
import { inUse } from "../sse/index.ts";
import { requireUserMode } from "./control.ts";
import {
  gp, in64BitMode, inVirtual8086, operandOffset, readRegister, readRm16, requireCpl0, requireProtected, ud, writeRegister, writeRm,
} from "./operand.ts"; // oxfmt-ignore
import { isCanonical } from "./paging.ts";
import { loadLdt, loadTaskRegister } from "./segment.ts";
import { flushAll, flushNonGlobal, flushPcid, invalidatePage } from "./tlb.ts";

function loadTable(name: "gdtr" | "idtr"): Operation {
  return (core, insn) => {
    if (insn.rm >= 0) throw ud(`L${name.slice(0, 3).toUpperCase()} needs a memory operand`);
    requireCpl0(core, name === "gdtr" ? "LGDT" : "LIDT");
    const wide = in64BitMode(core);
    const limit = Number(core.readMemory(insn.segment, core.effective, 2));
    let base = core.readMemory(insn.segment, operandOffset(core, insn, 2), wide ? 8 : 4);
    if (!wide && insn.operandSize === 16) base &= 0xffffffn;
    if (wide && !isCanonical(core, base)) throw gp("the base of a descriptor table is not canonical");
    core[name] = { base, limit };
  };
}

function storeTable(name: "gdtr" | "idtr"): Operation {
  return (core, insn) => {
    if (insn.rm >= 0) throw ud(`S${name.slice(0, 3).toUpperCase()} needs a memory operand`);
    requireUserMode(core, name === "gdtr" ? "SGDT" : "SIDT");
    const wide = in64BitMode(core);
    const { base, limit } = core[name];
    const stored = wide ? base : insn.operandSize === 16 ? base & 0xffffffn : base & 0xffffffffn;
    const second = operandOffset(core, insn, 2);
    core.probeMemory(insn.segment, second, wide ? 8 : 4, true);
    core.writeMemory(insn.segment, core.effective, 2, BigInt(limit & 0xffff));
    core.writeMemory(insn.segment, second, wide ? 8 : 4, stored);
  };
}

const lldt: Operation = (core, insn) => {
  requireProtected(core, "LLDT");
  requireCpl0(core, "LLDT");
  loadLdt(core, readRm16(core, insn), VECTOR.GP, 0);
};

const ltr: Operation = (core, insn) => {
  requireProtected(core, "LTR");
  requireCpl0(core, "LTR");
  loadTaskRegister(core, readRm16(core, insn));
};

function storeSelector(name: string, segment: number): Operation {
  return (core, insn) => {
    requireProtected(core, name);
    requireUserMode(core, name);
    writeRm(core, insn, BigInt(core.selector(segment)), insn.rm >= 0 ? insn.operandSize : 16);
  };
}

const invlpg: Operation = (core, insn) => {
  if (insn.rm >= 0) throw ud("INVLPG needs a memory operand");
  requireCpl0(core, "INVLPG");
  // No segment check and no access: an address that is not canonical does nothing.
  const wide = in64BitMode(core);
  const based = !wide || insn.segment === SEG.fs || insn.segment === SEG.gs;
  const address = BigInt.asUintN(
    wide ? 64 : 32,
    core.effective + (based ? core.segmentBase(insn.segment) : 0n),
  );
  if (wide && !isCanonical(core, address)) return;
  core.setQuad(RUN.address, address);
  invalidatePage(core, core.word(RUN.address), core.word(RUN.address + 4), null);
};

const invpcid: Operation = (core, insn) => {
  requireCpl0(core, "INVPCID");
  const type = readRegister(core, insn.reg, in64BitMode(core) ? 64 : 32);
  const low = core.readMemory(insn.segment, core.effective, 8);
  const address = core.readMemory(insn.segment, operandOffset(core, insn, 8), 8);
  const pcid = Number(low & 0xfffn);
  if (type > 3n || low >> 12n !== 0n) throw gp("INVPCID: unknown type, or reserved bits in the descriptor");
  if (type < 2n && pcid !== 0 && (core.cr4 & CR4.PCIDE) === 0)
    throw gp("INVPCID: a PCID while CR4.PCIDE is clear");
  if (type === 0n && !isCanonical(core, address)) throw gp("INVPCID: the address is not canonical");
  if (type === 0n) {
    core.setQuad(RUN.address, address);
    invalidatePage(core, core.word(RUN.address), core.word(RUN.address + 4), pcid);
  } else if (type === 1n) flushPcid(core, pcid);
  else if (type === 2n) flushAll(core);
  else flushNonGlobal(core);
};

const swapgs: Operation = (core) => {
  if (!in64BitMode(core)) throw ud("SWAPGS outside 64-bit mode");
  requireCpl0(core, "SWAPGS");
  const base = core.segmentBase(SEG.gs);
  core.setSegmentBase(SEG.gs, core.quad(STATE.kernelGsBase));
  core.setQuad(STATE.kernelGsBase, base);
};

function requireBaseInstructions(core: Core): void {
  if (!in64BitMode(core) || (core.cr4 & CR4.FSGSBASE) === 0)
    throw ud("FS and GS base instructions need 64-bit mode and CR4.FSGSBASE");
}

const readBase =
  (segment: number): Operation =>
  (core: Core, insn: Instruction) => {
    requireBaseInstructions(core);
    writeRegister(core, insn.rm, insn.operandSize === 64 ? 64 : 32, core.segmentBase(segment));
  };

const writeBase =
  (segment: number): Operation =>
  (core: Core, insn: Instruction) => {
    requireBaseInstructions(core);
    const base = readRegister(core, insn.rm, insn.operandSize === 64 ? 64 : 32);
    if (!isCanonical(core, base)) throw gp(`0x${base.toString(16)} is not a canonical address`);
    core.setSegmentBase(segment, base);
  };

const setAlignmentCheck =
  (name: string, value: boolean): Operation =>
  (core) => {
    if (core.cpl !== 0) throw ud(`${name} at CPL ${core.cpl}`);
    core.setSystemFlag(FLAG.AC, value);
    core.closePages();
  };

const xgetbv: Operation = (core) => {
  if ((core.cr4 & CR4.OSXSAVE) === 0) throw ud("XGETBV with CR4.OSXSAVE clear");
  const register = core.gpr32(1);
  if (register > 1) throw gp(`XGETBV: XCR${register} does not exist`);
  // Register 1 is XCR0 and XINUSE.
  const value = register === 0 ? core.xcr0 : core.xcr0 & BigInt(inUse(core));
  core.setGpr(0, value & 0xffffffffn);
  core.setGpr(2, value >> 32n);
};

const xsetbv: Operation = (core) => {
  if ((core.cr4 & CR4.OSXSAVE) === 0) throw ud("XSETBV with CR4.OSXSAVE clear");
  requireCpl0(core, "XSETBV");
  const value = (BigInt(core.gpr32(2)) << 32n) | BigInt(core.gpr32(0));
  // x87 always, SSE if there is any.
  const known = core.has("sse") ? 3n : 1n;
  if (core.gpr32(1) !== 0 || (value & 1n) === 0n || (value & ~known) !== 0n)
    throw gp("XSETBV: the value is not allowed");
  core.xcr0 = value;
};

const cacheControl =
  (name: string): Operation =>
  (core) => {
    // There is no cache to write back or to lose.
    requireCpl0(core, name);
  };

const notImplementedHere =
  (name: string): Operation =>
  (core) => {
    throw ud(`${name}: ${inVirtual8086(core) ? "not in virtual-8086 mode" : "CPUID does not advertise it"}`);
  };

export const tableOperations = {
  lgdt: loadTable("gdtr"),
  lidt: loadTable("idtr"),
  sgdt: storeTable("gdtr"),
  sidt: storeTable("idtr"),
  lldt,
  ltr,
  sldt: storeSelector("SLDT", SEG.ldtr),
  str: storeSelector("STR", SEG.tr),
  invlpg,
  invpcid,
  swapgs,
  rdfsbase: readBase(SEG.fs),
  rdgsbase: readBase(SEG.gs),
  wrfsbase: writeBase(SEG.fs),
  wrgsbase: writeBase(SEG.gs),
  clac: setAlignmentCheck("CLAC", false),
  stac: setAlignmentCheck("STAC", true),
  xgetbv,
  xsetbv,
  invd: cacheControl("INVD"),
  wbinvd: cacheControl("WBINVD"),
  monitor: notImplementedHere("MONITOR"),
  mwait: notImplementedHere("MWAIT"),
  rsm: notImplementedHere("RSM"),
} satisfies Record<string, Operation>;
