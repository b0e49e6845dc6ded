/**
 * The ways through a function: its instructions as blocks, and from each the blocks that may follow.
 *
 * Direct transfers are followed from the entry. Where a jump table leads to is known only when the frame is (`function.ts`), which then adds targets here.
 * Invariant: every step belongs to the function's own ranges; what leaves them is the end of a way.
 */
import type { Condition, Step } from "./step.ts";

/** From the function's lowest address, in bytes. */
export interface Extent {
  readonly from: number;
  /** Behind the last byte. */
  readonly to: number;
}

export interface Edge {
  readonly to: number;
  /** What holds on this way of the comparison before; null where nothing is known. */
  readonly condition: Condition | null;
  /** The return address has been pushed: a call within the function. */
  readonly isCall: boolean;
}

export interface Block {
  readonly at: number;
  readonly steps: readonly Step[];
  readonly edges: readonly Edge[];
  /** How it ends if no edge says so. */
  readonly end: "leaves" | "returns" | "stops" | "indirect" | "goes-on" | "bad";
}

const OPPOSITE: Readonly<Record<Condition, Condition>> = {
  equal: "not-equal",
  "not-equal": "equal",
  above: "below-or-equal",
  "above-or-equal": "below",
  below: "above-or-equal",
  "below-or-equal": "above",
  greater: "less-or-equal",
  "greater-or-equal": "less",
  less: "greater-or-equal",
  "less-or-equal": "greater",
  sign: "not-sign",
  "not-sign": "sign",
};

/** A function with more instructions is not followed: no compiler makes one, but damaged symbols do. */
const STEPS_MAX = 100_000;

export class FlowGraph {
  readonly #reader: { at(at: number): Step };
  readonly #extents: readonly Extent[];
  readonly #steps = new Map<number, Step>();
  readonly #leaders = new Set<number>();
  /** Targets of indirect jumps. */
  readonly #tables = new Map<number, readonly number[]>();
  readonly #entry: number;
  /** Whether a call of a target does not come back. */
  readonly #neverReturns: (target: number) => boolean;
  #blocks: ReadonlyMap<number, Block> | null = null;
  isTooLong = false;

  constructor(
    reader: { at(at: number): Step },
    extents: readonly Extent[],
    entry: number,
    neverReturns: (target: number) => boolean,
  ) {
    this.#reader = reader;
    this.#extents = extents;
    this.#entry = entry;
    this.#neverReturns = neverReturns;
    this.#follow([entry]);
  }

  has(at: number): boolean {
    return this.#extents.some(({ from, to }) => at >= from && at < to);
  }

  get steps(): ReadonlyMap<number, Step> {
    return this.#steps;
  }

  get blocks(): ReadonlyMap<number, Block> {
    return (this.#blocks ??= this.#divide());
  }

  /** Says where the indirect jump at `at` leads to; returns whether that is new. */
  add(at: number, targets: readonly number[]): boolean {
    const known = this.#tables.get(at);
    if (known !== undefined && targets.every((target) => known.includes(target))) return false;
    this.#tables.set(at, [...new Set([...(known ?? []), ...targets])]);
    this.#blocks = null;
    this.#follow(targets);
    return true;
  }

  #follow(leaders: readonly number[]): void {
    const waiting = [...leaders];
    for (let at = waiting.pop(); at !== undefined; at = waiting.pop()) {
      if (this.#leaders.has(at)) continue;
      this.#leaders.add(at);
      for (let next = at; ;) {
        if (this.#steps.has(next) || !this.has(next)) break;
        if (this.#steps.size >= STEPS_MAX) {
          this.isTooLong = true;
          return;
        }
        const step: Step = this.#reader.at(next);
        this.#steps.set(next, step);
        if (this.#endsBlock(step)) {
          for (const { to } of this.#edges(step)) waiting.push(to);
          break;
        }
        next += step.length;
      }
    }
  }

  /** The ways on from a step that ends a block, within the function. */
  #edges(step: Step): Edge[] {
    const next = step.at + step.length;
    const edges: Edge[] = [];
    const add = (to: number, condition: Condition | null, isCall = false): void => {
      if (this.has(to)) edges.push({ to, condition, isCall });
    };
    switch (step.flow) {
      case "next":
      case "indirect-call":
        add(next, null);
        break;
      case "call": {
        const target = step.target!;
        if (target === next) add(next, null, true);
        else if (target !== this.#entry && this.has(target)) {
          add(target, null, true);
          add(next, null);
        } else if (!this.#neverReturns(target)) add(next, null);
        break;
      }
      case "branch":
        add(step.target!, null);
        break;
      case "conditional":
        add(next, step.condition === null ? null : OPPOSITE[step.condition]);
        add(step.target!, step.condition);
        break;
      case "indirect-branch":
        for (const target of this.#tables.get(step.at) ?? []) add(target, null);
        break;
      case "return":
      case "stop":
      case "bad":
        break;
    }
    return edges;
  }

  #divide(): Map<number, Block> {
    const blocks = new Map<number, Block>();
    for (const at of this.#leaders) {
      const steps: Step[] = [];
      let step = this.#steps.get(at);
      if (step === undefined) continue;
      for (;;) {
        steps.push(step);
        const next: Step | undefined = this.#steps.get(step.at + step.length);
        if (this.#endsBlock(step) || next === undefined || this.#leaders.has(next.at)) break;
        step = next;
      }
      blocks.set(at, { at, steps, edges: this.#edges(step), end: endOf(step) });
    }
    return blocks;
  }

  /** Whether the next instruction begins another block, or is not reached from this one. */
  #endsBlock({ flow, target, at, length }: Step): boolean {
    switch (flow) {
      case "next":
      case "indirect-call":
        return false;
      case "call":
        return (
          target === at + length ||
          (target !== this.#entry && this.has(target!)) ||
          this.#neverReturns(target!)
        );
      case "branch":
      case "conditional":
      case "indirect-branch":
      case "return":
      case "stop":
      case "bad":
        return true;
    }
  }
}

function endOf({ flow }: Step): Block["end"] {
  switch (flow) {
    case "next":
    case "call":
    case "indirect-call":
    case "conditional":
      return "goes-on";
    case "branch":
      return "leaves";
    case "indirect-branch":
      return "indirect";
    case "return":
      return "returns";
    case "stop":
      return "stops";
    case "bad":
      return "bad";
  }
}
