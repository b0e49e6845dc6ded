/** CMPXCHG8B and CMPXCHG16B (SDM 2A), fences and cache-line flushes, which a machine without caches has nothing to do for. */
import type { Core } from "../core.ts";
import { Fault, VECTOR } from "../event.ts";
import type { Instruction, Operation } from "../instruction.ts";

const [RAX, RCX, RDX, RBX] = [0, 1, 2, 3] as const;

const join = (core: Core, high: number, low: number, bits: 32 | 64): bigint =>
  (BigInt.asUintN(bits, core.gpr(high)) << BigInt(bits)) | BigInt.asUintN(bits, core.gpr(low));

function compareExchange(core: Core, insn: Instruction): void {
  const bits = insn.operandSize === 64 ? 64 : 32;
  const size = bits / 4;
  if (size === 16 && !core.has("cx16")) throw new Fault(VECTOR.UD, null, "CMPXCHG16B without CX16");
  if (size === 16 && (core.effective + core.segmentBase(insn.segment)) % 16n !== 0n) {
    throw new Fault(VECTOR.GP, 0, "CMPXCHG16B operand is not aligned to 16 bytes");
  }
  const offset = core.effective;
  core.probeMemory(insn.segment, offset, size, true, true);
  const present = core.readMemory(insn.segment, offset, size);
  const equal = present === join(core, RDX, RAX, bits);
  // The operand is written either way, as the manual has it: with its own value if they differ.
  core.writeMemory(insn.segment, offset, size, equal ? join(core, RCX, RBX, bits) : present);
  if (!equal) {
    core.setGpr(RAX, BigInt.asUintN(bits, present));
    core.setGpr(RDX, present >> BigInt(bits));
  }
  core.setZero(equal);
}

export const exchangeOperations: Record<string, Operation> = {
  cmpxchg8b: compareExchange,
  fence: () => {},
  // CLFLUSH faults as a read of the byte would.
  clflush: (core, insn) => core.probeMemory(insn.segment, core.effective, 1, false),
};
