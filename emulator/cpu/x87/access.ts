/**
 * Memory operands of x87 instructions, read and written through the processor's slow path.
 *
 * Invariant: an operand is checked as a whole (segment limit, then every page) before any byte of it is written. Images larger than a value are then
 * moved in pieces, which is what alignment is checked for (#AC).
 */
import type { Core } from "../core.ts";
import { Fault, VECTOR } from "../event.ts";
import type { Instruction } from "../instruction.ts";
import { RUN, TLB } from "../layout.ts";
import { commit, probe, touch } from "../system/access.ts";
import { BY, type By } from "../system/paging.ts";
import { segmented } from "../system/segmentation.ts";
import { SEG } from "../layout.ts";

const privilege = (core: Core): By => (core.word(RUN.dataTags) === TLB.readUser ? BY.user : BY.system);

function readHost(core: Core, insn: Instruction, size: number): number {
  segmented(core, insn.segment, size, 0);
  return touch(core, size, "read", privilege(core), insn.segment === SEG.ss);
}

export function loadSingle(core: Core, insn: Instruction): number {
  return core.view.getUint32(readHost(core, insn, 4), true);
}

export function loadDouble(core: Core, insn: Instruction): bigint {
  return core.view.getBigUint64(readHost(core, insn, 8), true);
}

export function loadInteger(core: Core, insn: Instruction, bits: 16 | 32 | 64): bigint {
  const host = readHost(core, insn, bits / 8);
  if (bits === 64) return core.view.getBigInt64(host, true);
  return BigInt(bits === 32 ? core.view.getInt32(host, true) : core.view.getInt16(host, true));
}

/** A copy of an operand of at most 16 bytes. */
export function loadBytes(core: Core, insn: Instruction, size: number): DataView {
  const host = readHost(core, insn, size);
  return new DataView(core.u8.slice(host, host + size).buffer);
}

export function storeBytes(core: Core, insn: Instruction, bytes: Uint8Array): void {
  segmented(core, insn.segment, bytes.length, 1);
  const host = touch(core, bytes.length, "write", privilege(core), insn.segment === SEG.ss);
  core.u8.set(bytes, host);
  if (core.word(RUN.commit) !== 0) commit(core);
}

/** Reads an image of `size` bytes, `from` bytes behind the operand's start, in pieces of `piece` bytes. */
export function loadImage(core: Core, insn: Instruction, size: number, piece: number, from = 0): DataView {
  const address = core.linearOf(insn.segment, core.effective + BigInt(from), size, 0);
  const by = privilege(core);
  probe(core, address, size, false, by);
  const image = new Uint8Array(size);
  for (let at = 0; at < size; at += piece) {
    const length = Math.min(piece, size - at);
    core.setQuad(RUN.address, wrapped(core, address + BigInt(at)));
    const host = touch(core, length, "read", by, insn.segment === SEG.ss);
    image.set(core.u8.subarray(host, host + length), at);
  }
  return new DataView(image.buffer);
}

/** Writes an image in pieces of `piece` bytes, the same way. */
export function storeImage(core: Core, insn: Instruction, image: Uint8Array, piece: number, from = 0): void {
  const address = core.linearOf(insn.segment, core.effective + BigInt(from), image.length, 1);
  const by = privilege(core);
  probe(core, address, image.length, true, by);
  for (let at = 0; at < image.length; at += piece) {
    const bytes = image.subarray(at, at + piece);
    core.setQuad(RUN.address, wrapped(core, address + BigInt(at)));
    const host = touch(core, bytes.length, "write", by, insn.segment === SEG.ss);
    core.u8.set(bytes, host);
    if (core.word(RUN.commit) !== 0) commit(core);
  }
}

/** Checks an image for writing as a whole, before its parts are written one by one. */
export function probeImage(core: Core, insn: Instruction, size: number): void {
  probe(core, core.linearOf(insn.segment, core.effective, size, 1), size, true, privilege(core));
}

/** #GP(0) if an image of FXSAVE or XSAVE is not aligned as it must be. */
export function checkAlignment(core: Core, insn: Instruction, alignment: number): void {
  const address = core.linearOf(insn.segment, core.effective, 1, 0);
  if (address % BigInt(alignment) !== 0n)
    throw new Fault(VECTOR.GP, 0, `a state image is not aligned to ${alignment} bytes`);
}

const wrapped = (core: Core, address: bigint): bigint => address & core.quad(RUN.linearMask);
