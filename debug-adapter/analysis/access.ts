/**
 * Accesses below RSP: which bytes of the red zone a function touches, and by which instruction.
 *
 * An access at a known distance below RSP is one whatever else is known. One with an index, or through a pointer that has wandered, begins below RSP but may end
 * above; and a register that points below RSP may do so on a path that is never taken (the member of a list that is found empty before). These count where the
 * function's frame has no room that they could be meant for, or where the function uses the red zone beyond doubt anyway.
 */
import type { Frame } from "./frame.ts";
import { RBP, RSP, type Operand, type Step } from "./step.ts";

/** The System V ABI's promise: so many bytes below RSP are not touched by signals and interrupts (x86-64 psABI, 3.2.2). */
export const RED_ZONE_BYTES = 128;

export interface StackAccess {
  /** Of the instruction, from the function's lowest address, in bytes. */
  readonly at: number;
  /** First byte, from RSP, negative: in the red zone. */
  readonly from: number;
  readonly sizeBytes: number;
  readonly reads: boolean;
  readonly writes: boolean;
  /** What the instruction addresses it by: RSP, RBP as a frame pointer, or a register that points below RSP itself. */
  readonly by: "rsp" | "rbp" | "pointer";
  /** False: with an index, or through a pointer that wanders; `from` is where the object begins. */
  readonly isExact: boolean;
}

/** The accesses of one instruction that begin below RSP as it is before it. */
export function accessesBelow(step: Step, frame: Frame): StackAccess[] {
  const found: StackAccess[] = [];
  for (const operand of step.operands) {
    const at = frame.placeOf(operand);
    const { rsp } = frame;
    if (at === null || at.base !== rsp.base) continue;
    const from = at.offset - rsp.offset;
    if (from >= 0) continue;
    const { sizeBytes, reads, writes } = operand;
    const isExact = at.isExact && !operand.isOpen;
    found.push({ at: step.at, from, sizeBytes, reads, writes, by: byOf(operand, frame), isExact });
  }
  return found;
}

function byOf({ base }: Operand, { registers, rsp }: Frame): StackAccess["by"] {
  if (base === RSP) return "rsp";
  const rbp = registers[RBP];
  const isFramePointer = base === RBP && rbp?.kind === "stack" && rbp.isExact && rbp.offset >= rsp.offset;
  return isFramePointer ? "rbp" : "pointer";
}

/** Whether the operand's index is known to be a number here, on some way to it: with RSP that is an access beyond doubt. */
export function hasKnownIndex({ base, index }: Operand, frame: Frame): boolean {
  return base === RSP && index >= 0 && frame.registers[index]?.kind === "constant";
}

/**
 * Those that are uses of the red zone; null if there are some of which nobody can tell.
 * @param hasLocals the function makes room on the stack for more than saved registers
 * @param proven instructions with an index that were seen to access it
 */
export function redZoneUse(
  accesses: readonly StackAccess[],
  hasLocals: boolean,
  proven: ReadonlySet<number>,
): readonly StackAccess[] | null {
  // Further down nothing is promised: stack probes, mostly.
  const near = accesses.filter(({ from }) => from >= -RED_ZONE_BYTES);
  if (near.length === 0 || !hasLocals) return near;
  const isCertain = ({ isExact, by, at }: StackAccess): boolean =>
    (isExact && by !== "pointer") || proven.has(at);
  return near.some(isCertain) ? near : null;
}
