/**
 * Whether entering a region pays. Going in and out takes as long as the interpreter takes for some ten instructions: registers come and go through memory,
 * flags are put together, and what follows is looked up.
 */
import { isRelative, isReturn, successors, type Block, type Plan } from "./plan.ts";

/** Instructions on all ways from the entry, below which a region without a loop is not worth entering. */
const INSTRUCTIONS_MIN = 14;

/** Instructions in front of an indirect jump, and with it, below which it is only a step on the way somewhere, such as a thunk. */
const JUMP_MIN = 3;

/** Whether a loop or many instructions can be reached inside the region from its entry. */
export function isWorthEntering(plan: Plan): boolean {
  /** On the way to the block that is looked at, and all that have been looked at. */
  const under = new Set<number>();
  const seen = new Set<number>();
  let instructions = 0;
  const visit = (index: number): boolean => {
    const each = plan.blocks[index]!;
    seen.add(index);
    instructions += each.instructions.length;
    if (instructions >= INSTRUCTIONS_MIN) return true;
    under.add(index);
    const found = ways(plan, each).some((next) => (seen.has(next) ? under.has(next) : visit(next)));
    under.delete(index);
    return found;
  };
  return visit(0);
}

/** Where one may go on from a block, within a routine: a call that is part of the region is followed into it and comes back, so that a return leads nowhere. */
function ways(plan: Plan, each: Block): readonly number[] {
  const last = each.instructions.at(-1);
  if (last !== undefined && isReturn(last)) return [];
  const back = plan.returns.includes(each.end) ? plan.blockAt.get(each.end) : undefined;
  return back === undefined ? successors(plan, each) : [...successors(plan, each), back];
}

/** Whether a region may become worth entering once it is known where its indirect jumps and calls go, which is seen only while it runs. */
export function mayGrow({ blocks, instructions, targets }: Plan): boolean {
  if (instructions < JUMP_MIN) return false;
  return blocks.some((each) => {
    const last = each.instructions.at(-1);
    if (each.kind !== "flow" || last === undefined) return false;
    return !isRelative(last) && !isReturn(last) && !targets.has(last.delta);
  });
}
