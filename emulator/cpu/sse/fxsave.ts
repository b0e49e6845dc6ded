/**
 * FXSAVE and FXRSTOR (SDM 2A): x87 and SSE state in 512 bytes, laid out in `image.ts`.
 *
 * The SSE part takes part if CR4.OSFXSR is set (the manual leaves it open otherwise), which is what QEMU does. What is not stored keeps the bytes that
 * memory had.
 */
import type { Core } from "../core.ts";
import { CR4 } from "../core.ts";
import { Fault, VECTOR } from "../event.ts";
import type { Operation } from "../instruction.ts";
import { checkAlignment, loadImage, storeImage } from "../x87/access.ts";
import { checkAvailable } from "../x87/unit.ts";
import { MXCSR_MASK } from "./environment.ts";
import { IMAGE, loadX87Image, loadXmmImage, mxcsrImage, x87Image, xmmImage } from "./image.ts";

const ALIGNMENT = 16;
const PIECE = 16;

const hasSse = (core: Core): boolean => (core.cr4 & CR4.OSFXSR) !== 0;

const fxsave: Operation = (core, insn) => {
  checkAvailable(core);
  checkAlignment(core, insn, ALIGNMENT);
  const { control, registers } = x87Image(core, insn);
  const xmm = hasSse(core) ? xmmImage(core) : new Uint8Array(0);
  const image = new Uint8Array(IMAGE.xmm + xmm.length);
  image.set(control);
  image.set(mxcsrImage(core), IMAGE.mxcsr);
  image.set(registers, IMAGE.registers);
  image.set(xmm, IMAGE.xmm);
  storeImage(core, insn, image, PIECE);
};

const fxrstor: Operation = (core, insn) => {
  checkAvailable(core);
  checkAlignment(core, insn, ALIGNMENT);
  const image = loadImage(core, insn, IMAGE.bytes, PIECE);
  const mxcsr = image.getUint32(IMAGE.mxcsr, true);
  if (hasSse(core) && (mxcsr & ~MXCSR_MASK) !== 0)
    throw new Fault(VECTOR.GP, 0, "FXRSTOR sets reserved bits of MXCSR");
  loadX87Image(core, insn, image);
  if (!hasSse(core)) return;
  core.mxcsr = mxcsr;
  loadXmmImage(core, image);
};

export const fxsaveOperations: Record<string, Operation> = { fxsave, fxrstor };
