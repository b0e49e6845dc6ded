/** Which instructions a region executes itself; the others are left to the interpreter, one at a time. */
import type { PlannedInstruction } from "./plan.ts";

/** Families whose meanings use what only the interpreter has, or change the mode that a region is made for. */
const LEFT = new Set(["emms", "syscall", "sysret", "iret"]);

export function isTranslatable(instruction: PlannedInstruction): boolean {
  const { family, variant } = instruction;
  if (family.meaning === null || family.traits.repeats === true || LEFT.has(family.name)) return false;
  // A 16-bit operand size cuts off the targets of jumps.
  if (family.traits.ends === true && variant.width === 16) return false;
  // Segments with limits, 16-bit stacks and MMX: not in hot code of this century.
  if (variant.stack === "ss" || variant.operands.includes("y")) return false;
  return variant.memory !== "ms" || variant.address === 64;
}
