/** Instructions for operations that are called without a decoder. */
import { Fault } from "../../emulator/cpu/event.ts";
import type { Instruction } from "../../emulator/cpu/instruction.ts";
import { SEG } from "../../emulator/cpu/layout.ts";

export const instruction = (mnemonic: string, fields: Partial<Instruction> = {}): Instruction => ({
  mnemonic,
  length: 3,
  operandSize: 32,
  addressSize: 32,
  reg: 0,
  rm: -1,
  segment: SEG.ds,
  immediate: 0n,
  immediate2: 0,
  rep: "",
  lock: false,
  rex: false,
  ...fields,
});

/** The fault that something throws, or null. */
export function faultOf(run: () => void): Fault | null {
  try {
    run();
  } catch (thrown) {
    if (thrown instanceof Fault) return thrown;
    throw thrown;
  }
  return null;
}
