/** PUSHA, POPA and ENTER (SDM 2A/2B): several stack accesses that must all be possible before the first is done. */
import { MODE, SEG } from "../layout.ts";
import type { Core } from "../core.ts";
import type { Instruction, Operation } from "../instruction.ts";

const RSP = 4;
const RBP = 5;

/** Mask of the stack pointer's size in this mode. */
const stackMask = (core: Core): bigint =>
  (core.mode & MODE.codeSize) === 2
    ? 0xffffffffffffffffn
    : (core.mode & MODE.stack32) !== 0
      ? 0xffffffffn
      : 0xffffn;

function setStackPointer(core: Core, n: number, value: bigint): void {
  const mask = stackMask(core);
  const kept = mask === 0xffffn ? core.gpr(n) & ~mask : 0n;
  core.setGpr(n, kept | (value & mask));
}

const bytesOf = (insn: Instruction): number => insn.operandSize / 8;

/** Writes values downwards from rSP; all are probed first. Returns the new stack pointer. */
function pushAll(core: Core, values: readonly bigint[], size: number): bigint {
  const mask = stackMask(core);
  const at = (index: number) => (core.gpr(RSP) - BigInt(size * (index + 1))) & mask;
  values.forEach((_, index) => core.probeMemory(SEG.ss, at(index), size, true));
  values.forEach((value, index) =>
    core.writeMemory(SEG.ss, at(index), size, BigInt.asUintN(size * 8, value)),
  );
  return at(values.length - 1);
}

export const frameOperations: Record<string, Operation> = {
  pusha: (core, insn) => {
    const values = [0, 1, 2, 3, 4, 5, 6, 7].map((n) => core.gpr(n));
    setStackPointer(core, RSP, pushAll(core, values, bytesOf(insn)));
  },
  popa: (core, insn) => {
    const size = bytesOf(insn);
    const mask = stackMask(core);
    const values = [7, 6, 5, 4, 3, 2, 1, 0].map((n, index) => ({
      n,
      value: core.readMemory(SEG.ss, (core.gpr(RSP) + BigInt(size * index)) & mask, size),
    }));
    const top = core.gpr(RSP) + BigInt(size * 8);
    for (const { n, value } of values) {
      if (n === RSP) continue;
      if (size === 2) core.setGpr16(n, Number(value));
      else core.setGpr(n, value);
    }
    setStackPointer(core, RSP, top);
  },
  enter: (core, insn) => {
    const size = bytesOf(insn);
    const mask = stackMask(core);
    const level = insn.immediate2 & 31;
    const frame = core.gpr(RBP);
    const before = core.gpr(RSP);
    const down = (from: bigint, count: number) => (from - BigInt(size * count)) & mask;
    // Only the stack pointer's own size is counted down; what lies above it stays and becomes part of the frame pointer.
    const top = (before & ~mask) | down(before, 1);
    const pushes = level === 0 ? 1 : level + 1;
    // In the order of the accesses: of several that would fault, the first one does.
    for (let i = 1; i <= pushes; i++) {
      if (i > 1 && i <= level) core.probeMemory(SEG.ss, down(frame, i - 1), size, false);
      core.probeMemory(SEG.ss, down(before, i), size, true);
    }
    const push = (index: number, value: bigint) =>
      core.writeMemory(SEG.ss, down(before, index), size, BigInt.asUintN(size * 8, value));
    push(1, frame);
    // One by one: a frame that overlaps the new one is read as the pushes have left it.
    for (let i = 1; i < level; i++) push(i + 1, core.readMemory(SEG.ss, down(frame, i), size));
    if (level > 0) push(pushes, top);
    const pointer = down(before, pushes);
    const final = (pointer - insn.immediate) & mask;
    // The manual probes a byte at the new top of the stack, so that a stack overflow shows here and not at the next push.
    core.probeMemory(SEG.ss, final, 1, true);
    if (insn.operandSize === 16) core.setGpr16(RBP, Number(top & 0xffffn));
    else core.setGpr(RBP, top);
    setStackPointer(core, RSP, final);
  },
};
