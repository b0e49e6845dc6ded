/**
 * XSAVE, XSAVEOPT, XSAVEC, XSAVES, XRSTOR and XRSTORS (SDM 1 chapter 13) for the components x87 (bit 0) and SSE (bit 1).
 *
 *     0 the 512 bytes of FXSAVE      512 XSTATE_BV      520 XCOMP_BV (bit 63: compacted)      528 … 575 zeros
 *
 * As no component lies behind byte 576, the compacted format differs from the standard one in its header alone. A component is in use
 * (XINUSE) if its state is not the initial one; MXCSR is never part of that, but XSAVEC and XSAVES save SSE state when only MXCSR is not initial.
 * IA32_XSS is 0: there are no supervisor components. XSAVEOPT and XSAVES do not track modifications, which the manual allows.
 */
import { CR0, CR4, type Core } from "../core.ts";
import { Fault, VECTOR } from "../event.ts";
import type { Instruction, Operation } from "../instruction.ts";
import { checkAlignment, loadImage, probeImage, storeImage } from "../x87/access.ts";
import { MXCSR, MXCSR_MASK } from "./environment.ts";
import {
  IMAGE,
  initializeX87,
  initializeXmm,
  isMxcsrInitial,
  isX87Initial,
  isXmmInitial,
  loadX87Image,
  loadXmmImage,
  mxcsrImage,
  x87Image,
  xmmImage,
} from "./image.ts";

/** Components by their bits in XCR0. */
const COMPONENT = { x87: 1, sse: 2 } as const;
/** Size of the area, the same in both formats. */
const XSAVE_BYTES = 576;
const HEADER_BYTES = 64;
const ALIGNMENT = 64;
const PIECE = 16;
const COMPACTED = 1n << 63n;

const gp = (why: string): Fault => new Fault(VECTOR.GP, 0, why);

function begin(core: Core, insn: Instruction): void {
  if ((core.cr4 & CR4.OSXSAVE) === 0)
    throw new Fault(VECTOR.UD, null, "XSAVE or its kin while CR4.OSXSAVE is clear");
  if ((core.cr0 & CR0.TS) !== 0) throw new Fault(VECTOR.NM, null, "XSAVE or its kin while CR0.TS is set");
  checkAlignment(core, insn, ALIGNMENT);
}

/** RFBM: what EDX:EAX asks for and XCR0 has. */
const requested = (core: Core): number => core.gpr32(0) & Number(core.xcr0 & 0xffff_ffffn);

/** XINUSE, for XGETBV with ECX = 1 as well. */
export const inUse = (core: Core): number =>
  (isX87Initial(core) ? 0 : COMPONENT.x87) | (isXmmInitial(core) ? 0 : COMPONENT.sse);

function storeComponents(core: Core, insn: Instruction, components: number): void {
  if ((components & COMPONENT.x87) !== 0) {
    const { control, registers } = x87Image(core, insn);
    storeImage(core, insn, control, 8);
    storeImage(core, insn, registers, PIECE, IMAGE.registers);
  }
  if ((components & COMPONENT.sse) !== 0) storeImage(core, insn, xmmImage(core), PIECE, IMAGE.xmm);
}

const quadBytes = (...values: readonly bigint[]): Uint8Array =>
  new Uint8Array(BigUint64Array.from(values).buffer);

/** XSAVE, and with `optimized` XSAVEOPT, which leaves out components that are not in use. */
const xsave =
  (optimized: boolean): Operation =>
  (core, insn) => {
    begin(core, insn);
    const wanted = requested(core);
    const used = inUse(core) & wanted;
    probeImage(core, insn, XSAVE_BYTES);
    const before = loadImage(core, insn, 8, 8, IMAGE.bytes).getBigUint64(0, true);
    storeComponents(core, insn, optimized ? used : wanted);
    if ((wanted & COMPONENT.sse) !== 0) storeImage(core, insn, mxcsrImage(core), 8, IMAGE.mxcsr);
    storeImage(core, insn, quadBytes((before & ~BigInt(wanted)) | BigInt(used)), 8, IMAGE.bytes);
  };

/** XSAVEC, and XSAVES, which only CPL 0 may execute. */
const xsaveCompacted =
  (supervisor: boolean): Operation =>
  (core, insn) => {
    begin(core, insn);
    if (supervisor && core.cpl !== 0) throw gp("XSAVES outside CPL 0");
    const wanted = requested(core);
    const used = (inUse(core) | (isMxcsrInitial(core) ? 0 : COMPONENT.sse)) & wanted;
    probeImage(core, insn, XSAVE_BYTES);
    storeComponents(core, insn, used);
    if ((used & COMPONENT.sse) !== 0) storeImage(core, insn, mxcsrImage(core), 8, IMAGE.mxcsr);
    storeImage(core, insn, quadBytes(BigInt(used), COMPACTED | BigInt(wanted)), 8, IMAGE.bytes);
  };

/** Checks the header (SDM 1 §13.8, §13.12); gives XSTATE_BV and whether the format is the compacted one. */
function header(core: Core, image: DataView, supervisor: boolean): { readonly present: number; readonly compacted: boolean } {
  const quad = (at: number): bigint => image.getBigUint64(IMAGE.bytes + at, true);
  const [state, layout] = [quad(0), quad(8)];
  const compacted = (layout & COMPACTED) !== 0n;
  const { xcr0 } = core;
  if (!compacted && supervisor) throw gp("XRSTORS of an image that is not compacted");
  if (!compacted && layout !== 0n) throw gp("XRSTOR: XCOMP_BV is not 0 in the standard format");
  if ((state & ~xcr0) !== 0n) throw gp("XRSTOR: XSTATE_BV has components that XCR0 has not");
  if (compacted && (layout & ~COMPACTED & ~xcr0) !== 0n) throw gp("XRSTOR: XCOMP_BV has components that XCR0 has not");
  if (compacted && (state & ~layout) !== 0n) throw gp("XRSTOR: XSTATE_BV has components that XCOMP_BV has not");
  for (let at = 16; at < (compacted ? HEADER_BYTES : 24); at += 8) if (quad(at) !== 0n) throw gp("XRSTOR: reserved bytes of the header are not 0");
  return { present: Number(state), compacted };
} // oxfmt-ignore

/** XRSTOR and XRSTORS. */
const xrstor =
  (supervisor: boolean): Operation =>
  (core, insn) => {
    begin(core, insn);
    if (supervisor && core.cpl !== 0) throw gp("XRSTORS outside CPL 0");
    const image = loadImage(core, insn, XSAVE_BYTES, PIECE);
    const wanted = requested(core);
    const { present, compacted } = header(core, image, supervisor);
    const loaded = wanted & present;
    const mxcsr = image.getUint32(IMAGE.mxcsr, true);
    // The standard format holds MXCSR whether or not SSE state is present.
    const loadsMxcsr = ((compacted ? loaded : wanted) & COMPONENT.sse) !== 0;
    if (loadsMxcsr && (mxcsr & ~MXCSR_MASK) !== 0) throw gp("XRSTOR sets reserved bits of MXCSR");
    if ((wanted & COMPONENT.x87) !== 0) {
      if ((loaded & COMPONENT.x87) !== 0) loadX87Image(core, insn, image);
      else initializeX87(core);
    }
    if ((wanted & COMPONENT.sse) === 0) return;
    if ((loaded & COMPONENT.sse) !== 0) loadXmmImage(core, image);
    else initializeXmm(core);
    core.mxcsr = loadsMxcsr ? mxcsr : MXCSR.reset;
  };

export const xsaveOperations: Record<string, Operation> = {
  xsave: xsave(false),
  xsaveopt: xsave(true),
  xsavec: xsaveCompacted(false),
  xsaves: xsaveCompacted(true),
  xrstor: xrstor(false),
  xrstors: xrstor(true),
};
