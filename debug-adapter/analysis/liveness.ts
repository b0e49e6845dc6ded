/**
 * The backward half: which bytes below RSP hold, at an instruction, something that will still be read.
 *
 * A byte is live if it may have been stored below RSP on a way here and may be read on a way on before it is stored again. Both are over-estimates by the same
 * amount as the accesses are inexact: an access with an index is taken to touch every byte from where its object begins up to RSP.
 * Bytes are numbered from the lowest in use; a set of them is the bits of a bigint.
 */
import { accessesBelow, RED_ZONE_BYTES } from "./access.ts";
import type { Block } from "./flow.ts";
import type { Frame } from "./frame.ts";
import type { Operand, Step } from "./step.ts";
import { forEachStep, walk } from "./walk.ts";

/** Offsets from RSP, both negative or the second 0: bytes `from` up to, without, `to`. */
export interface ByteRange {
  readonly from: number;
  readonly to: number;
}

/** An instruction that itself stores over a byte which the function has stored below RSP and reads again. */
export interface Overwrite {
  /** From the function's lowest address. */
  readonly at: number;
  readonly kind: "push" | "call";
  /** From RSP before the instruction. */
  readonly from: number;
  readonly to: number;
}

interface Effect {
  /** Stored below RSP. */
  readonly stored: bigint;
  /** Stored for certain, all of it: what was there before is gone. */
  readonly killed: bigint;
  readonly read: bigint;
  /** Read while it lay below RSP. */
  readonly readBelow: bigint;
}

interface Sets {
  stored: bigint;
  live: bigint;
  liveBelow: bigint;
}

export class Liveness {
  /** Of the offsets from the base, the lowest. */
  readonly #lowest: number;
  readonly #highest: number;
  readonly #base: number;
  readonly #blocks: ReadonlyMap<number, Block>;
  readonly #frames: ReadonlyMap<number, Frame>;
  readonly #word: number;
  readonly #address: bigint;
  /** Stored on a way to the block's beginning; live there. */
  readonly #in = new Map<number, Sets>();

  private constructor(
    blocks: ReadonlyMap<number, Block>,
    frames: ReadonlyMap<number, Frame>,
    word: number,
    address: bigint,
    base: number,
    lowest: number,
    highest: number,
  ) {
    this.#blocks = blocks;
    this.#frames = frames;
    this.#word = word;
    this.#address = address;
    this.#base = base;
    this.#lowest = lowest;
    this.#highest = highest;
    this.#solve();
  }

  /** Null if what is stored below RSP cannot be compared throughout the function, since RSP's base changes; "none" if nothing is. */
  static of(
    blocks: ReadonlyMap<number, Block>,
    frames: ReadonlyMap<number, Frame>,
    word: number,
    address: bigint,
  ): Liveness | "none" | null {
    let base: number | null = null;
    let lowest = 0;
    let highest = 0;
    let isComparable = true;
    forEachStep(blocks, frames, word, address, (step, frame) => {
      const { rsp } = frame;
      for (const access of accessesBelow(step, frame)) {
        if (!access.writes || access.from < -RED_ZONE_BYTES) continue;
        if (base === null) {
          base = rsp.base;
          lowest = rsp.offset + access.from;
          highest = rsp.offset;
        }
        if (base !== rsp.base) isComparable = false;
        lowest = Math.min(lowest, rsp.offset + access.from);
        highest = Math.max(highest, rsp.offset);
      }
    });
    if (base === null) return "none";
    if (!isComparable || highest - lowest > 1 << 16) return null;
    return new Liveness(blocks, frames, word, address, base, lowest, highest);
  }

  /** What is live below RSP before the instruction at `at`; null if it is not reached, or RSP cannot be compared there. */
  at(at: number): readonly ByteRange[] | null {
    for (const block of this.#blocks.values()) {
      const last = block.steps.at(-1)!;
      if (at < block.at || at > last.at || !block.steps.some((step) => step.at === at)) continue;
      let found: readonly ByteRange[] | null = null;
      this.#backwards(block, (step, frame, before, after, stored) => {
        if (step.at !== at || frame.rsp.base !== this.#base) return;
        // One that is interrupted between its parts has stored some of what it stores.
        const live = step.isRepeated
          ? (before.live | after.live) & stored.after
          : before.live & stored.before;
        found = this.#ranges(live, frame.rsp.offset);
      });
      return found;
    }
    return null;
  }

  /** Pushes and calls of the function over its own live bytes. */
  overwrites(): Overwrite[] {
    const found: Overwrite[] = [];
    for (const block of this.#blocks.values()) {
      this.#backwards(block, (step, frame, _, after, stored) => {
        const pushed = pushedBytes(step, this.#word);
        const { rsp } = frame;
        if (pushed === 0 || rsp.base !== this.#base) return;
        const lost = this.#mask(rsp.offset - pushed, rsp.offset) & stored.before & after.liveBelow;
        for (const { from, to } of this.#ranges(lost, rsp.offset))
          found.push({ at: step.at, kind: step.action.kind === "push" ? "push" : "call", from, to });
      });
    }
    return found.sort((a, b) => a.at - b.at);
  }

  #mask(from: number, to: number): bigint {
    const low = Math.max(from, this.#lowest) - this.#lowest;
    const high = Math.min(to, this.#highest) - this.#lowest;
    return high <= low ? 0n : ((1n << BigInt(high - low)) - 1n) << BigInt(low);
  }

  #ranges(set: bigint, rsp: number): ByteRange[] {
    const ranges: ByteRange[] = [];
    let start: number | null = null;
    for (let offset = this.#lowest; offset <= rsp; offset++) {
      const isIn = offset < rsp && ((set >> BigInt(offset - this.#lowest)) & 1n) === 1n;
      if (isIn) start ??= offset;
      else if (start !== null) {
        ranges.push({ from: start - rsp, to: offset - rsp });
        start = null;
      }
    }
    return ranges;
  }

  #effect(step: Step, frame: Frame): Effect {
    let stored = 0n;
    let killed = 0n;
    let read = 0n;
    let readBelow = 0n;
    const { rsp } = frame;
    for (const operand of step.operands) {
      const at = frame.placeOf(operand);
      if (at === null || at.base !== this.#base) continue;
      const isExact = at.isExact && !operand.isOpen;
      const ceiling = rsp.base === this.#base ? Math.max(rsp.offset, at.offset) : this.#highest;
      const to = isExact ? at.offset + operand.sizeBytes : ceiling;
      // A pointer that wanders may do so in either direction.
      const mask = this.#mask(wanders(operand, frame) ? this.#lowest : at.offset, to);
      const below = rsp.base === this.#base ? mask & this.#mask(this.#lowest, rsp.offset) : 0n;
      if (operand.writes) {
        stored |= below;
        if (isExact && !operand.reads) killed |= mask;
      }
      if (operand.reads) {
        read |= mask;
        readBelow |= below;
      }
    }
    const pushed = pushedBytes(step, this.#word);
    if (rsp.base === this.#base) {
      if (pushed > 0) killed |= this.#mask(rsp.offset - pushed, rsp.offset);
      const { action } = step;
      if (action.kind === "pop") read |= this.#mask(rsp.offset, rsp.offset + action.bytes);
      if (step.flow === "return") read |= this.#mask(rsp.offset, rsp.offset + this.#word);
      // What lies below a callee's return address is the callee's.
      if (step.flow === "call" || step.flow === "indirect-call")
        killed |= this.#mask(this.#lowest, rsp.offset);
    }
    if (step.action.kind === "leave") {
      const from = frame.registers[5];
      if (from?.kind === "stack" && from.base === this.#base)
        read |= this.#mask(from.offset, from.offset + this.#word);
    }
    return { stored, killed, read, readBelow };
  }

  /** Calls `visit` with every step of a block, last first, and what holds before and after it. */
  #backwards(
    block: Block,
    visit: (
      step: Step,
      frame: Frame,
      before: Sets,
      after: Sets,
      stored: { before: bigint; after: bigint },
    ) => void,
  ): Sets {
    const start = this.#frames.get(block.at);
    const states: { step: Step; frame: Frame; effect: Effect; before: bigint; after: bigint }[] = [];
    let stored = this.#in.get(block.at)?.stored ?? 0n;
    if (start !== undefined) {
      walk(block, start, this.#word, this.#address, (step, frame) => {
        const effect = this.#effect(step, frame);
        const before = stored;
        stored = (stored & ~effect.killed) | effect.stored;
        states.push({ step, frame: frame.copy(), effect, before, after: stored });
      });
    }
    let after: Sets = { stored, live: 0n, liveBelow: 0n };
    for (const { to } of block.edges) {
      const next = this.#in.get(to);
      if (next === undefined) continue;
      after = { stored, live: after.live | next.live, liveBelow: after.liveBelow | next.liveBelow };
    }
    for (const { step, frame, effect, before: storedBefore, after: storedAfter } of states.reverse()) {
      const before: Sets = {
        stored: storedBefore,
        live: (after.live & ~effect.killed) | effect.read,
        liveBelow: (after.liveBelow & ~effect.killed) | effect.readBelow,
      };
      visit(step, frame, before, after, { before: storedBefore, after: storedAfter });
      after = before;
    }
    return { ...after, stored };
  }

  #solve(): void {
    for (const at of this.#blocks.keys()) this.#in.set(at, { stored: 0n, live: 0n, liveBelow: 0n });
    for (let changed = true; changed;) {
      changed = false;
      for (const block of this.#blocks.values()) {
        const mine = this.#in.get(block.at)!;
        const { stored, live, liveBelow } = this.#backwards(block, () => {});
        if (live !== mine.live || liveBelow !== mine.liveBelow) {
          mine.live = live;
          mine.liveBelow = liveBelow;
          changed = true;
        }
        for (const { to } of block.edges) {
          const next = this.#in.get(to);
          if (next === undefined || (next.stored | stored) === next.stored) continue;
          next.stored |= stored;
          changed = true;
        }
      }
    }
  }
}

function wanders({ base, index }: Operand, { registers }: Frame): boolean {
  return [base, index].some((register) => {
    const value = register < 0 ? null : registers[register]!;
    return value?.kind === "stack" && !value.isExact;
  });
}

/** Bytes that an instruction pushes. */
function pushedBytes({ action, flow }: Step, word: number): number {
  if (action.kind === "push") return action.bytes;
  if (action.kind === "enter") return word;
  return flow === "call" || flow === "indirect-call" ? word : 0;
}
