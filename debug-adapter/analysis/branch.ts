/**
 * What holds on one way out of a block: what a comparison says of its operands there, and whether the way is taken at all.
 *
 * Invariant: a way is only left out if the numbers compared are known; as frames lose knowledge, ways are added and never taken back.
 */
import type { Block, Edge } from "./flow.ts";
import type { Frame } from "./frame.ts";
import { NONE, RSP, type Condition, type Step } from "./step.ts";
import { place, plus } from "./value.ts";

/** The frame at the beginning of the next block; null if control never goes there. */
export function along(edge: Edge, block: Block, end: Frame, word: number): Frame | null {
  const frame = end.copy();
  if (edge.isCall) frame.registers[RSP] = plus(frame.rsp, -word);
  const { condition } = edge;
  // Whatever stands between may have set the flags anew.
  const before = block.steps.at(-2);
  if (condition === null || before === undefined) return frame;
  if (!holds(condition, before, frame, word)) return null;
  const { action } = before;
  if (action.kind !== "compare") return frame;
  const { left, right, value } = action;
  if (value !== null && value >= 0) {
    if (condition === "below") frame.limit = value;
    if (condition === "below-or-equal") frame.limit = value + 1;
  }
  // The end of a loop that goes down the stack page by page: RSP is what it was compared with.
  if (condition === "equal" && left >= 0 && right >= 0 && !action.isHalf) {
    const [moving, fixed] = left === RSP ? [left, right] : [right, left];
    const goal = frame.registers[fixed];
    if (moving === RSP && goal?.kind === "stack" && goal.isExact && goal.base !== frame.rsp.base)
      frame.registers[RSP] = place(goal.base, goal.offset);
  }
  return frame;
}

/** False if the condition does not hold for certain. */
function holds(condition: Condition, { action }: Step, frame: Frame, word: number): boolean {
  const known = (register: number): bigint | null => {
    const value = register < 0 ? null : frame.registers[register]!;
    return value?.kind === "constant" ? value.value : null;
  };
  if (action.kind === "move" && action.flags === true) {
    const result = known(action.to);
    const tells =
      condition === "equal" || condition === "not-equal" || condition === "sign" || condition === "not-sign";
    return result === null || !tells || compare(condition, result, 0n, word * 8);
  }
  if (action.kind !== "compare") return true;
  const apart = distance(action.left, action.right, frame);
  if (apart !== null && (condition === "equal" || condition === "not-equal"))
    return (apart === 0) === (condition === "equal");
  const left = known(action.left);
  const right = action.right === NONE && action.value !== null ? BigInt(action.value) : known(action.right);
  return left === null || right === null || compare(condition, left, right, action.isHalf ? 32 : word * 8);
}

/** Bytes between two places on the stack that are known exactly. */
function distance(left: number, right: number, { registers }: Frame): number | null {
  const a = left < 0 ? null : registers[left]!;
  const b = right < 0 ? null : registers[right]!;
  if (a?.kind !== "stack" || b?.kind !== "stack" || a.base !== b.base) return null;
  return a.isExact && b.isExact ? a.offset - b.offset : null;
}

function compare(condition: Condition, left: bigint, right: bigint, bits: number): boolean {
  const [a, b] = [BigInt.asUintN(bits, left), BigInt.asUintN(bits, right)];
  const [c, d] = [BigInt.asIntN(bits, left), BigInt.asIntN(bits, right)];
  switch (condition) {
    case "equal":
      return a === b;
    case "not-equal":
      return a !== b;
    case "above":
      return a > b;
    case "above-or-equal":
      return a >= b;
    case "below":
      return a < b;
    case "below-or-equal":
      return a <= b;
    case "greater":
      return c > d;
    case "greater-or-equal":
      return c >= d;
    case "less":
      return c < d;
    case "less-or-equal":
      return c <= d;
    case "sign":
      return BigInt.asIntN(bits, c - d) < 0n;
    case "not-sign":
      return BigInt.asIntN(bits, c - d) >= 0n;
  }
}
