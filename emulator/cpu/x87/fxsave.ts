/**
 * FXSAVE and FXRSTOR (SDM 2A, tables 3-42 to 3-45): x87 and SSE state in 512 bytes.
 *
 *     0 FCW  2 FSW  4 abridged tag (a bit per physical register: not empty)  6 FOP  8 FIP  16 FDP  24 MXCSR  28 MXCSR_MASK
 *     32 ST0 … ST7, 16 bytes each      160 XMM0 … XMM7 (to XMM15 in 64-bit mode)      416 … 511 reserved or for software: left alone
 *
 * FIP and FDP are 64 bits wide with REX.W, else an offset of 32 bits and a selector. The SSE part takes part if CR4.OSFXSR is set (the manual leaves
 * it open otherwise), which is what QEMU does.
 */
import type { Core } from "../core.ts";
import { CR4 } from "../core.ts";
import { Fault, VECTOR } from "../event.ts";
import type { Instruction, Operation } from "../instruction.ts";
import { MODE } from "../layout.ts";
import { loadImage, storeImage } from "./access.ts";
import { checkAvailable, Unit } from "./unit.ts";

const USED_BYTES = 416;
const IMAGE_BYTES = 512;
const ALIGNMENT = 16n;
/** MXCSR bits that may be set: all but denormals-are-zero is baseline, and DAZ came with the first x86-64. */
const MXCSR_MASK = 0xffff;

function checkAlignment(core: Core): void {
  if (core.effective % ALIGNMENT !== 0n)
    throw new Fault(VECTOR.GP, 0, "the operand of FXSAVE or FXRSTOR is not aligned to 16 bytes");
}

const xmmCount = (core: Core): number => ((core.mode & MODE.codeSize) === 2 ? 16 : 8);
const hasSse = (core: Core): boolean => (core.cr4 & CR4.OSFXSR) !== 0;

function pointers(view: DataView, unit: Unit, insn: Instruction): void {
  view.setBigUint64(
    8,
    insn.operandSize === 64 ? unit.ip : (unit.ip & 0xffff_ffffn) | (BigInt(unit.cs) << 32n),
    true,
  );
  view.setBigUint64(
    16,
    insn.operandSize === 64 ? unit.dp : (unit.dp & 0xffff_ffffn) | (BigInt(unit.ds) << 32n),
    true,
  );
}

const fxsave: Operation = (core, insn) => {
  checkAvailable(core);
  checkAlignment(core);
  const unit = new Unit(core);
  const sse = hasSse(core);
  // What is not stored keeps the bytes that memory had: so the part with XMM registers is only there if it is stored.
  const image = new Uint8Array(sse ? (xmmCount(core) === 16 ? USED_BYTES : 288) : 160);
  const view = new DataView(image.buffer);
  view.setUint16(0, unit.control, true);
  view.setUint16(2, unit.status, true);
  let abridged = 0;
  for (let n = 0; n < 8; n++) if (((unit.tag >>> (n * 2)) & 3) !== 3) abridged |= 1 << n;
  view.setUint8(4, abridged);
  view.setUint16(6, unit.opcode, true);
  pointers(view, unit, insn);
  view.setUint32(24, core.mxcsr, true);
  view.setUint32(28, MXCSR_MASK, true);
  for (let i = 0; i < 8; i++) image.set(core.fpuRegister((unit.top + i) & 7).subarray(0, 10), 32 + i * 16);
  if (sse) for (let n = 0; n < xmmCount(core); n++) image.set(core.xmm(n), 160 + n * 16);
  storeImage(core, insn, image, 16);
};

const fxrstor: Operation = (core, insn) => {
  checkAvailable(core);
  checkAlignment(core);
  const view = loadImage(core, insn, IMAGE_BYTES, 16);
  const image = new Uint8Array(view.buffer);
  const mxcsr = view.getUint32(24, true);
  if (hasSse(core) && (mxcsr & ~MXCSR_MASK) !== 0)
    throw new Fault(VECTOR.GP, 0, "FXRSTOR sets reserved bits of MXCSR");
  const unit = new Unit(core);
  const abridged = view.getUint8(4);
  unit.status = view.getUint16(2, true);
  unit.tag = 0;
  for (let i = 0; i < 8; i++) {
    const physical = (unit.top + i) & 7;
    const bytes = core.fpuRegister(physical);
    bytes.fill(0, 10);
    bytes.set(image.subarray(32 + i * 16, 42 + i * 16));
    if (((abridged >>> physical) & 1) === 0) unit.tag |= 3 << (physical * 2);
  }
  unit.tag = unit.computedTag();
  unit.control = view.getUint16(0, true);
  unit.opcode = view.getUint16(6, true);
  const wide = insn.operandSize === 64;
  unit.ip = wide ? view.getBigUint64(8, true) : BigInt(view.getUint32(8, true));
  unit.dp = wide ? view.getBigUint64(16, true) : BigInt(view.getUint32(16, true));
  unit.cs = wide ? 0 : view.getUint16(12, true);
  unit.ds = wide ? 0 : view.getUint16(20, true);
  if (!hasSse(core)) return;
  core.mxcsr = mxcsr;
  for (let n = 0; n < xmmCount(core); n++) core.xmm(n).set(image.subarray(160 + n * 16, 176 + n * 16));
};

export const fxsaveOperations: Record<string, Operation> = { fxsave, fxrstor };
