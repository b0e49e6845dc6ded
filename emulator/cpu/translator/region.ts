/**
 * A region as a WebAssembly function `(trace) -> LEFT`, of the type of a handler: the plan's blocks as structured code, with guest registers in locals.
 *
 * Invariant: each block pays for all its instructions when it is entered, and is not entered with less than that left; where it is left early, what was not
 * executed is paid back. So at every way out the budget is exact.
 * Elsewhere: instructions (`vocabulary.ts`), what is where (`frame.ts`).
 */
import { FunctionBuilder, block, br, get, i32, i64, label, load, op, seldom, set, store, type FunctionBody, type Local, type Node } from "../../wasm/index.ts"; // oxfmt-ignore
import { INDIRECT_LOG, ITLB, MODE, RUN, SEG, SEGMENT, SEGMENT_BYTES, STATE } from "../layout.ts";
import { Frame } from "./frame.ts";
import { successors, targetsOf, type Block, type Plan, type PlannedInstruction } from "./plan.ts";
import { structure, type FlowBlock, type Terminator } from "./structure.ts";
import { RegionVocabulary, type Flow } from "./vocabulary.ts";
import type { Recipe } from "./flags.ts";

const PAGE = 4096;
/** Families that set all six flags and look at none; see `Frame.flagsUnseen`. */
const SETS_ALL_FLAGS = new Set(["add", "or", "and", "sub", "xor", "cmp", "test", "neg"]);
/** Families that have nothing to do with flags and, between registers, cannot leave. */
const LEAVES_FLAGS = new Set([
  "mov",
  "lea",
  "movzx8",
  "movzx16",
  "movsx8",
  "movsx16",
  "movsxd",
  "nop",
  "not",
  "bswap",
]);

/** @param logs indirect transfers that leave are noted in INDIRECT_LOG */
export function regionFunction(plan: Plan, name: string, logs = false): FunctionBody {
  return new Region(plan, name, logs).build();
}

class Region {
  readonly #plan: Plan;
  readonly #logs: boolean;
  readonly #f: FunctionBuilder;
  readonly #frame: Frame;
  readonly #exit = label("exit");
  readonly #left = label("left");
  readonly #flow: FlowBlock[] = [];
  /** Recipe in force at the end of each block. */
  readonly #recipes: (Recipe | null)[] = [];
  readonly #predecessors: number[][];
  /** Distance in pages from the entry's for the page of a delta. */
  readonly #entryOffset: number;

  constructor(plan: Plan, name: string, logs: boolean) {
    this.#logs = logs;
    this.#plan = plan;
    this.#f = new FunctionBuilder(name, { params: ["i32"], result: "i32" });
    this.#frame = new Frame(this.#f, plan.mode, this.#exit, this.#left);
    this.#entryOffset = plan.physical % PAGE;
    this.#predecessors = plan.blocks.map(() => []);
    plan.blocks.forEach((each, index) => {
      for (const to of successors(plan, each)) this.#predecessors[to]?.push(index);
    });
  }

  build(): FunctionBody {
    const f = this.#f;
    const { blocks } = this.#plan;
    // Numbers of the plan's blocks are taken first; edges with code of their own follow.
    const bodies: (readonly Node[])[] = [];
    const flows: (Flow | null)[] = [];
    for (const [index, each] of blocks.entries()) {
      this.#flow.push({ body: [], terminator: { kind: "leave" } });
      const { body, flow } = this.#body(each, index);
      bodies.push(body);
      flows.push(flow);
    }
    for (const [index, each] of blocks.entries()) {
      const [extra, terminator] = this.#terminator(each, flows[index] ?? null);
      this.#flow[index] = { body: [...(bodies[index] ?? []), ...extra], terminator };
    }
    const { entrances } = this.#plan;
    const entrance = entrances.length > 1 ? f.local("i32") : null;
    const code = structure(this.#flow, entrance === null ? 0 : this.#enter(entrance), f);
    const severalPages = this.#plan.pages.length > 1;
    f.emit(...this.#frame.prologue(entrance));
    f.emit(block(this.#left, [block(this.#exit, code), ...this.#frame.constantExit()]));
    f.emit(...this.#frame.epilogue(severalPages));
    return { ...f.finish(), exported: true };
  }

  /** Before all blocks: on with that of the entrance by which the region was entered. */
  #enter(entrance: Local): number {
    const cases = this.#plan.entrances.map((delta) => this.#plan.blockAt.get(delta)!);
    return this.#add({
      body: [],
      terminator: { kind: "switch", index: get(entrance), cases, otherwise: cases[0]! },
    });
  }

  #body(each: Block, index: number): { body: readonly Node[]; flow: Flow | null } {
    const f = this.#f;
    const frame = this.#frame;
    const [only, second] = this.#predecessors[index] ?? [];
    // An entrance is reached from outside as well.
    frame.recipe =
      !this.#plan.entrances.includes(each.delta) && only !== undefined && second === undefined && only < index
        ? (this.#recipes[only] ?? null)
        : null;
    frame.vectorsChecked = false;
    let flow: Flow | null = null;
    const body = f.collect(() => {
      const count = each.instructions.length;
      if (count > 0) {
        f.emit(set(frame.budget, op("i32.sub", get(frame.budget), i32(count))));
        f.emit(seldom(op("i32.lt_s", get(frame.budget), i32(0)), frame.leave(each.delta, count, true)));
      }
      each.instructions.forEach((instruction, at) => {
        frame.flagsUnseen = hidesFlags(each.instructions, at + 1);
        f.scope(() => {
          const { crosses, delta, length } = instruction;
          if (crosses !== null)
            this.#checkPage(crosses, delta + length - 1, frame.leave(delta, count - at, true));
          const v = new RegionVocabulary(frame, instruction, count - at);
          v.translate();
          flow = v.flow;
        });
      });
    });
    this.#recipes[index] = frame.recipe;
    return { body, flow };
  }

  #terminator(each: Block, flow: Flow | null): [readonly Node[], Terminator] {
    const frame = this.#frame;
    if (each.kind === "interpret") return [frame.leave(each.end, 0, true), { kind: "leave" }];
    if (each.kind === "next") return [[], { kind: "jump", to: this.#edge(each.delta, each.end) }];
    const last = each.instructions.at(-1);
    if (last === undefined || flow === null) return [frame.leave(each.end, 0, true), { kind: "leave" }];
    if (flow.kind === "indirect") return this.#indirect(each, last, flow.target);
    const target = this.#edge(last.delta, each.end + Number(last.immediate));
    if (flow.condition.kind === "const") return [[], { kind: "jump", to: target }];
    const next = this.#edge(last.delta, each.end);
    return [[], { kind: "branch", condition: flow.condition, yes: target, no: next }];
  }

  /** An indirect transfer is compared with the targets that the region has, and leaves for others. */
  #indirect(each: Block, last: PlannedInstruction, target: Node): [readonly Node[], Terminator] {
    const frame = this.#frame;
    const out: readonly Node[] = [
      ...(this.#logs ? this.#f.collect(() => this.#f.scope(() => this.#log(last, target))) : []),
      set(frame.target, target),
      br(this.#left),
    ];
    const [first, ...others] = targetsOf(this.#plan, last);
    if (first === undefined) return [out, { kind: "leave" }];
    let otherwise = this.#add({ body: out, terminator: { kind: "leave" } });
    for (const delta of others.toReversed())
      otherwise = this.#add(this.#compare(each, target, delta, otherwise));
    return [[], this.#compare(each, target, first, otherwise).terminator];
  }

  /** Notes where an indirect transfer goes. */
  #log(last: PlannedInstruction, target: Node): void {
    const f = this.#f;
    const at = f.let(load("i32.load", i32(0), RUN.indirect));
    const bytes = INDIRECT_LOG.entries * INDIRECT_LOG.entryBytes;
    const next = op("i32.and", op("i32.add", at, i32(INDIRECT_LOG.entryBytes)), i32(bytes - 1));
    f.emit(
      store("i64.store", at, INDIRECT_LOG.base, this.#frame.rip(last.delta)),
      store("i64.store", at, INDIRECT_LOG.base + 8, target),
      store("i32.store", i32(0), RUN.indirect, next),
    );
  }
  #compare(each: Block, target: Node, delta: number, no: number): FlowBlock {
    const condition = op("i64.eq", target, this.#frame.rip(delta));
    const terminator = { kind: "branch", condition, yes: this.#edge(each.delta, delta), no } as const;
    return { body: [], terminator };
  }

  #add(each: FlowBlock): number {
    return this.#flow.push(each) - 1;
  }

  /** The block to go to for getting from one place to another: the block there, a look at the other page before it, or a way out. */
  #edge(from: number, to: number): number {
    const frame = this.#frame;
    const found = this.#plan.blockAt.get(to);
    if (found === undefined)
      return this.#add({ body: frame.leave(to, 0, false), terminator: { kind: "leave" } });
    const distance = this.#distance(to);
    if (distance === this.#distance(from)) return found;
    const body = this.#f.collect(() =>
      this.#f.scope(() => this.#checkPage(distance, to, frame.leave(to, 0, false))),
    );
    return this.#add({ body, terminator: { kind: "jump", to: found } });
  }
  #distance(delta: number): number {
    return Math.floor((this.#entryOffset + delta) / PAGE);
  }

  /** Does `otherwise` unless the instruction TLB says that the page is where it was when the region was planned. `to` is some place on it. */
  #checkPage(distance: number, to: number, otherwise: readonly Node[]): void {
    const f = this.#f;
    const frame = this.#frame;
    const { mode, pages } = this.#plan;
    const long = (mode & MODE.codeSize) === 2;
    const csBase = load("i64.load", i32(0), STATE.segments + SEG.cs * SEGMENT_BYTES + SEGMENT.base);
    const linear = long
      ? frame.rip(to)
      : op("i64.and", op("i64.add", frame.rip(to), csBase), i64(0xffffffffn));
    const page = f.let(op("i64.and", linear, i64(-0x1000n)));
    const number = op("i32.and", op("i32.wrap_i64", op("i64.shr_u", page, i64(12n))), i32(ITLB.entries - 1));
    const entry = f.let(op("i32.shl", number, i32(Math.log2(ITLB.entryBytes))));
    const tag = ITLB.base + ((mode & MODE.user) === 0 ? ITLB.tagSystem : ITLB.tagUser);
    const physical = pages.find((each) => each.distance === distance)?.physicalPage ?? -1;
    const same = op(
      "i32.and",
      op("i64.eq", load("i64.load", entry, tag), page),
      op("i64.eq", load("i64.load", entry, ITLB.base + ITLB.physicalLow), i64(BigInt(physical))),
    );
    f.emit(seldom(op("i32.eqz", same), otherwise));
  }
}

/** Whether some instruction from `next` on sets all flags before anybody looks at them or the region can be left. */
function hidesFlags(instructions: readonly PlannedInstruction[], next: number): boolean {
  for (let at = next; at < instructions.length; at++) {
    const { family, variant } = instructions[at]!;
    if (variant.operands.includes("m") && family.name !== "lea") return false;
    if (SETS_ALL_FLAGS.has(family.name)) return true;
    if (!LEAVES_FLAGS.has(family.name)) return false;
  }
  return false;
}
