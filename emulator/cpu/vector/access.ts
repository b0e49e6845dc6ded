/**
 * What MMX and SSE instructions need before they compute: whether the unit may be used, where a source operand is, and the state MMX leaves in the
 * x87 registers it shares (SDM 3A 2.5, 12.1, 13.1; 1 §9.6.2). Emitted meanings ask `refuseVector` when their own short test fails; operations in
 * TypeScript call `requireSse` or `requireMmx` first of all.
 */
import { CR0, CR4, type Core } from "../core.ts";
import { Fault, VECTOR } from "../event.ts";
import type { Instruction } from "../instruction.ts";
import { MODE, SEG, STATE } from "../layout.ts";
import { touch } from "../system/access.ts";
import { REFUSAL } from "./refusal.ts";
import { checkPending, Unit } from "../x87/unit.ts";

const ALIGNMENT = 16n;
/** STATE.fpu: status and tag word; TOP in the status word. */
const STATUS = STATE.fpu + 2;
const TAGS = STATE.fpu + 4;
const TOP = 7 << 11;

/** #UD unless the operating system has switched SSE on, #NM if the unit holds another task's state. */
export function requireSse(core: Core): void {
  if ((core.cr0 & CR0.EM) !== 0 || (core.cr4 & CR4.OSFXSR) === 0)
    throw new Fault(VECTOR.UD, null, "SSE instruction while CR0.EM is set or CR4.OSFXSR is not");
  requireOwner(core);
}

/** The same for MMX registers; an x87 exception that is pending is delivered now. */
export function requireMmx(core: Core, insn: Instruction): void {
  if ((core.cr0 & CR0.EM) !== 0) throw new Fault(VECTOR.UD, null, "MMX instruction while CR0.EM is set");
  requireOwner(core);
  checkPending(new Unit(core), insn);
}

function requireOwner(core: Core): void {
  if ((core.cr0 & CR0.TS) !== 0)
    throw new Fault(VECTOR.NM, null, "MMX or SSE instruction while CR0.TS is set");
}

/** What every MMX instruction but EMMS leaves: TOP is 0 and no register is empty. Called when nothing can fault any more. */
export function enterMmx(core: Core): void {
  core.view.setUint16(STATUS, core.view.getUint16(STATUS, true) & ~TOP, true);
  core.view.setUint16(TAGS, 0, true);
}

/** Writes an MMX register: the significand of an x87 register whose exponent becomes all ones. */
export function writeMm(core: Core, n: number, value: bigint): void {
  const at = STATE.fpuRegisters + (n & 7) * 16;
  core.view.setBigUint64(at, value, true);
  core.view.setUint16(at + 8, 0xffff, true);
}

/**
 * Where the `bytes` of the r/m operand are in linear memory: an XMM register (an MMX register with `unit` "mm"), or the memory operand, whose rights
 * have been checked. 16 bytes of memory must be aligned unless `unaligned`. Valid until the next access. Throws Fault.
 */
export function sourceAddress(
  core: Core,
  insn: Instruction,
  bytes: 1 | 2 | 4 | 8 | 16,
  options: { readonly unit?: "xmm" | "mm"; readonly unaligned?: boolean } = {},
): number {
  if (insn.rm >= 0)
    return options.unit === "mm" ? STATE.fpuRegisters + (insn.rm & 7) * 16 : STATE.xmm + insn.rm * 16;
  if (bytes === 16 && options.unaligned !== true) checkAlignment(core, insn);
  core.linearOf(insn.segment, core.effective, bytes, 0);
  return touch(core, bytes, "read", core.by, insn.segment === SEG.ss);
}

/** Comes before the segment's limit is looked at, as on processors: through SS they are different faults. */
function checkAlignment(core: Core, insn: Instruction): void {
  const based = (core.mode & MODE.codeSize) !== 2 || insn.segment >= SEG.fs;
  const address = core.effective + (based ? core.segmentBase(insn.segment) : 0n);
  if (address % ALIGNMENT !== 0n) throw misaligned();
}

const misaligned = (): Fault =>
  new Fault(VECTOR.GP, 0, "a 16-byte operand in memory is not aligned to 16 bytes");

/** Throws what the test that an emitted meaning made deserves. `core.rip` is that of the instruction. */
export function refuseVector(core: Core, refusal: number): void {
  if (refusal === REFUSAL.misaligned) throw misaligned();
  if (refusal !== REFUSAL.mmx) requireSse(core);
  if (refusal !== REFUSAL.sse) requireMmx(core, NOWHERE);
}

/** `checkPending` names the instruction by its end and its length; here its start is known. */
const NOWHERE: Instruction = {
  mnemonic: "mmx",
  length: 0,
  operandSize: 32,
  addressSize: 32,
  reg: 0,
  rm: 0,
  segment: SEG.ds,
  immediate: 0n,
  immediate2: 0,
  rep: "",
  lock: false,
  rex: false,
};
