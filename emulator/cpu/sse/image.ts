/**
 * x87 and SSE state as FXSAVE and XSAVE lay it out (SDM 2A FXSAVE, tables 3-42 to 3-45; SDM 1 §13.4.1, §13.5):
 *
 *     0 FCW  2 FSW  4 abridged tag (a bit per physical register: not empty)  6 FOP  8 FIP  16 FDP  24 MXCSR  28 MXCSR_MASK
 *     32 ST0 … ST7, 16 bytes each      160 XMM0 … XMM7 (to XMM15 in 64-bit mode)      416 … 511 reserved or for software
 *
 * FIP and FDP are 64 bits wide with REX.W, else an offset of 32 bits and a selector.
 */
import type { Core } from "../core.ts";
import type { Instruction } from "../instruction.ts";
import { MODE, STATE } from "../layout.ts";
import { Unit } from "../x87/unit.ts";
import { MXCSR, MXCSR_MASK } from "./environment.ts";

export const IMAGE = { x87Bytes: 24, mxcsr: 24, registers: 32, xmm: 160, bytes: 512 } as const;
const REGISTER_BYTES = 16;
const EMPTY = 3;

/** How many XMM registers the mode has. */
export const xmmCount = (core: Core): number => ((core.mode & MODE.codeSize) === 2 ? 16 : 8);

/** The control block and, from `registers` on, the stack. */
export function x87Image(core: Core, insn: Instruction): { readonly control: Uint8Array; readonly registers: Uint8Array } {
  const unit = new Unit(core);
  const control = new Uint8Array(IMAGE.x87Bytes);
  const view = new DataView(control.buffer);
  view.setUint16(0, unit.control, true);
  view.setUint16(2, unit.status, true);
  let abridged = 0;
  for (let n = 0; n < 8; n++) if (((unit.tag >>> (n * 2)) & 3) !== EMPTY) abridged |= 1 << n;
  view.setUint8(4, abridged);
  view.setUint16(6, unit.opcode, true);
  const wide = insn.operandSize === 64;
  const narrowed = (offset: bigint, selector: number): bigint => (offset & 0xffff_ffffn) | (BigInt(selector) << 32n);
  view.setBigUint64(8, wide ? unit.ip : narrowed(unit.ip, unit.cs), true);
  view.setBigUint64(16, wide ? unit.dp : narrowed(unit.dp, unit.ds), true);
  const registers = new Uint8Array(8 * REGISTER_BYTES);
  for (let i = 0; i < 8; i++) registers.set(core.fpuRegister((unit.top + i) & 7).subarray(0, 10), i * REGISTER_BYTES);
  return { control, registers };
} // oxfmt-ignore

export function loadX87Image(core: Core, insn: Instruction, image: DataView): void {
  const unit = new Unit(core);
  const abridged = image.getUint8(4);
  unit.status = image.getUint16(2, true);
  unit.tag = 0;
  for (let i = 0; i < 8; i++) {
    const physical = (unit.top + i) & 7;
    const bytes = core.fpuRegister(physical);
    bytes.fill(0, 10);
    bytes.set(new Uint8Array(image.buffer, image.byteOffset + IMAGE.registers + i * REGISTER_BYTES, 10));
    if (((abridged >>> physical) & 1) === 0) unit.tag |= EMPTY << (physical * 2);
  }
  unit.tag = unit.computedTag();
  unit.control = image.getUint16(0, true);
  unit.opcode = image.getUint16(6, true);
  const wide = insn.operandSize === 64;
  unit.ip = wide ? image.getBigUint64(8, true) : BigInt(image.getUint32(8, true));
  unit.dp = wide ? image.getBigUint64(16, true) : BigInt(image.getUint32(16, true));
  unit.cs = wide ? 0 : image.getUint16(12, true);
  unit.ds = wide ? 0 : image.getUint16(20, true);
}

/** What XRSTOR makes of x87 state whose bit in XSTATE_BV is 0: FNINIT, and the registers are zeros. */
export function initializeX87(core: Core): void {
  new Unit(core).initialize();
  core.u8.fill(0, STATE.fpuRegisters, STATE.fpuRegisters + 8 * REGISTER_BYTES);
}

export const xmmImage = (core: Core): Uint8Array =>
  core.u8.slice(STATE.xmm, STATE.xmm + xmmCount(core) * REGISTER_BYTES);
export function loadXmmImage(core: Core, image: DataView): void {
  const bytes = new Uint8Array(image.buffer, image.byteOffset + IMAGE.xmm, xmmCount(core) * REGISTER_BYTES);
  core.u8.set(bytes, STATE.xmm);
}
/** Only the registers that the mode has. */
export function initializeXmm(core: Core): void {
  core.u8.fill(0, STATE.xmm, STATE.xmm + xmmCount(core) * REGISTER_BYTES);
}

/** MXCSR and MXCSR_MASK. */
export function mxcsrImage(core: Core): Uint8Array {
  const image = new Uint8Array(8);
  const view = new DataView(image.buffer);
  view.setUint32(0, core.mxcsr, true);
  view.setUint32(4, MXCSR_MASK, true);
  return image;
}

/** Whether x87 state is what FNINIT and zeroed registers are, so that XSAVEOPT and XSAVEC leave it out. */
export function isX87Initial(core: Core): boolean {
  const unit = new Unit(core);
  if (unit.control !== 0x37f || unit.status !== 0 || unit.tag !== 0xffff || unit.opcode !== 0) return false;
  if (unit.ip !== 0n || unit.dp !== 0n || unit.cs !== 0 || unit.ds !== 0) return false;
  return core.u8.subarray(STATE.fpuRegisters, STATE.fpuRegisters + 8 * REGISTER_BYTES).every((byte) => byte === 0);
} // oxfmt-ignore
/** Whether the registers that the mode has are zeros. */
export const isXmmInitial = (core: Core): boolean => xmmImage(core).every((byte) => byte === 0);
export const isMxcsrInitial = (core: Core): boolean => core.mxcsr === MXCSR.reset;
