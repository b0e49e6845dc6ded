/** Goes through blocks with the frame before every instruction, from the frames at their beginnings: those are kept, the others made again. */
import type { Block } from "./flow.ts";
import type { Descents, Frame } from "./frame.ts";
import type { Step } from "./step.ts";

/** Calls `visit` with every step of a block and the frame before it, which is changed afterwards. */
export function walk(
  block: Block,
  start: Frame,
  word: number,
  address: bigint,
  visit: (step: Step, frame: Frame) => void,
  descents: Descents = new Map(),
): Frame {
  const frame = start.copy();
  for (const step of block.steps) {
    visit(step, frame);
    frame.apply(step, word, address, descents);
  }
  return frame;
}

/** The same for all blocks that are reached. */
export function forEachStep(
  blocks: ReadonlyMap<number, Block>,
  frames: ReadonlyMap<number, Frame>,
  word: number,
  address: bigint,
  visit: (step: Step, frame: Frame) => void,
): void {
  for (const block of blocks.values()) {
    const start = frames.get(block.at);
    if (start !== undefined) walk(block, start, word, address, visit);
  }
}
