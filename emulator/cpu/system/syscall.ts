/**
 * Fast system calls: SYSCALL, SYSRET, SYSENTER, SYSEXIT, as Intel's processors do them (SDM 2): SYSCALL and SYSRET exist in 64-bit mode only.
 */
import type { Core } from "../core.ts";
import type { Operation } from "../instruction.ts";
import { SEG, STATE } from "../layout.ts";
import { EFER, FLAG, flatCode, flatStack } from "../registers.ts";
import { gp, in64BitMode, inLongMode, inRealMode, requireCpl0, ud } from "./operand.ts";
import { isCanonical } from "./paging.ts";

/** DR6.BS */
const SINGLE_STEP = 0x4000;

/** Loads CS and SS with flat segments of privilege `cpl`, without a look at the GDT. */
function loadFlat(core: Core, codeSelector: number, stackSelector: number, cpl: number, long: boolean): void {
  core.writeSegment(SEG.cs, (codeSelector & 0xfffc) | cpl, 0n, 0xffffffff, flatCode(cpl, long));
  core.writeSegment(SEG.ss, (stackSelector & 0xfffc) | cpl, 0n, 0xffffffff, flatStack(cpl));
}

const syscall: Operation = (core) => {
  if ((core.efer & EFER.SCE) === 0) throw ud("SYSCALL with EFER.SCE clear");
  if (!in64BitMode(core)) throw ud("SYSCALL outside 64-bit mode");
  core.setGpr(1, core.rip);
  core.setGpr(11, core.rflags);
  core.rip = core.quad(STATE.lstar);
  core.eflags = (core.eflags & ~core.word(STATE.fmask) & ~(FLAG.RF | FLAG.VM)) | 2;
  const selector = core.word(STATE.star + 4) & 0xffff;
  loadFlat(core, selector, (selector & 0xfffc) + 8, 0, true);
  core.updateMode();
  // Both look at TF after they have changed it: masked by IA32_FMASK there is no trap in the kernel, and one set by SYSRET traps at once.
  core.untraced = !core.systemFlag(FLAG.TF);
};

const sysret: Operation = (core, insn) => {
  if ((core.efer & EFER.SCE) === 0) throw ud("SYSRET with EFER.SCE clear");
  if (!in64BitMode(core)) throw ud("SYSRET outside 64-bit mode");
  requireCpl0(core, "SYSRET");
  const long = insn.operandSize === 64;
  const rip = core.gpr(1);
  if (long && !isCanonical(core, rip)) throw gp("SYSRET: RCX is not canonical");
  core.rip = long ? rip : rip & 0xffffffffn;
  core.eflags = (Number(core.gpr(11) & 0x3c7fd7n)) | 2;
  const selector = core.word(STATE.star + 4) >>> 16;
  loadFlat(core, selector + (long ? 16 : 0), selector + 8, 3, long);
  core.updateMode();
  if (core.systemFlag(FLAG.TF)) core.pendingDebug |= SINGLE_STEP;
  else core.untraced = true;
}; // oxfmt-ignore

const sysenter: Operation = (core) => {
  if (inRealMode(core)) throw gp("SYSENTER in real-address mode");
  const selector = core.word(STATE.sysenterCs) & 0xffff;
  if ((selector & 0xfffc) === 0) throw gp("SYSENTER with a null selector in IA32_SYSENTER_CS");
  const long = inLongMode(core);
  core.setSystemFlag(FLAG.VM | FLAG.IF | FLAG.RF, false);
  const mask = long ? 0xffffffffffffffffn : 0xffffffffn;
  core.rsp = core.quad(STATE.sysenterEsp) & mask;
  core.rip = core.quad(STATE.sysenterEip) & mask;
  loadFlat(core, selector, (selector & 0xfffc) + 8, 0, long);
  core.updateMode();
};

const sysexit: Operation = (core, insn) => {
  const selector = core.word(STATE.sysenterCs) & 0xffff;
  if (inRealMode(core) || (selector & 0xfffc) === 0) throw gp("SYSEXIT with a null selector in IA32_SYSENTER_CS, or in real-address mode");
  requireCpl0(core, "SYSEXIT");
  const long = insn.operandSize === 64;
  const rip = core.gpr(2);
  const rsp = core.gpr(1);
  if (long && !(isCanonical(core, rip) && isCanonical(core, rsp))) throw gp("SYSEXIT: RCX or RDX is not canonical");
  core.rip = long ? rip : rip & 0xffffffffn;
  core.rsp = long ? rsp : rsp & 0xffffffffn;
  const base = selector & 0xfffc;
  loadFlat(core, base + (long ? 32 : 16), base + (long ? 40 : 24), 3, long);
  core.updateMode();
}; // oxfmt-ignore

export const syscallOperations = { syscall, sysret, sysenter, sysexit } satisfies Record<string, Operation>;
