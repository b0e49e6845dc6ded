/**
 * What a region is made of: basic blocks found from a hot instruction on, along jumps, calls and their returns, as far as they have been executed.
 *
 * Invariant: everything in a plan is relative: to the rip of the entry (`delta`), and to the linear page it lies on. Where another page of code is in
 * physical memory is noted, and the region checks it each time it goes there.
 * Elsewhere: what becomes of a plan (`region.ts`), when one is made (`translator.ts`).
 */
import { assert } from "../../assert.ts";
import type { Decoded, Decoder } from "../decode.ts";
import type { Variant } from "../interpreter/variant.ts";
import type { Family } from "../../isa/index.ts";
import type { SegmentNumber } from "../layout.ts";
import { isTranslatable } from "./translatable.ts";

const PAGE = 4096;

export interface PlannedInstruction {
  /** Bytes from the region's entry. */
  readonly delta: number;
  readonly length: number;
  readonly family: Family;
  readonly variant: Variant;
  readonly registers: readonly [number, number, number];
  readonly base: number;
  readonly index: number;
  readonly shift: number;
  readonly ripRelative: boolean;
  readonly displacement: bigint;
  readonly immediate: bigint;
  readonly segment: SegmentNumber;
  readonly addressSize: 16 | 32 | 64;
  /** Distance of the second page of an instruction that crosses one; null if it does not. */
  readonly crosses: number | null;
}

export interface Block {
  readonly delta: number;
  readonly instructions: PlannedInstruction[];
  /** "flow": the last instruction says where it goes on; "next": at `end`; "interpret": the instruction at `end` is left to the interpreter. */
  kind: "flow" | "next" | "interpret";
  /** First byte behind the block. */
  end: number;
}

/** A page of code that a region runs on: the linear page by its distance from the entry's, and the guest-physical page. */
export interface CodePage {
  readonly distance: number;
  readonly physicalPage: number;
}

export interface Plan {
  readonly physical: number;
  readonly mode: number;
  /** The first is the entry. */
  readonly blocks: readonly Block[];
  /** Where the region can be entered, by their delta: at 0, and behind calls that leave it, where they return to. */
  readonly entrances: readonly number[];
  readonly pages: readonly CodePage[];
  readonly instructions: number;
  /** Where calls that are part of the region return to. */
  readonly returns: readonly number[];
  /** Where indirect transfers have been seen to go, by their delta. */
  readonly targets: Targets;
  /** Whether RIP, RET and so on may go to `delta`: the block there, or −1. */
  readonly blockAt: ReadonlyMap<number, number>;
}

/** Deltas of targets, the most frequent first, by the delta of the transfer. */
export type Targets = ReadonlyMap<number, readonly number[]>;

/** Where planning begins. */
export interface PlanEntry {
  readonly physical: number;
  readonly mode: number;
  /** How often it has been entered. */
  readonly entries: number;
  readonly targets?: Targets;
}

/** What planning asks of the world. */
export interface CodeView {
  readonly decoder: Decoder;
  /** Bytes of linear memory and the host address of a guest-physical page's frame, or 0 if no code can be kept there. */
  readonly bytes: Uint8Array;
  frame(physicalPage: number): number;
  /** How often the code at a physical address has been entered, as far as is known. */
  entries(physical: number, mode: number): number;
  /** Guest-physical page of the linear page `distance` pages from the entry's; −1 if nothing is mapped there. */
  page(distance: number): number;
  /** The run may have to stop before the instruction at this offset of a guest-physical page. */
  breaks(physicalPage: number, offset: number): boolean;
}

export interface PlanLimits {
  readonly blocks: number;
  readonly instructions: number;
  readonly pages: number;
  /** Calls are followed while the region has no more instructions than this. */
  readonly inlined: number;
}

const NOWHERE: Targets = new Map();
const BLOCK_INSTRUCTIONS_MAX = 63;
/** Targets that an indirect transfer inside a region is compared with, at most. */
const TARGETS_MAX = 10;
/** A target is part of a region if it was entered at least this often for each time the region's entry was. */
const SHARE = 1 / 24;

export function plan(entry: PlanEntry, view: CodeView, limits: PlanLimits): Plan | null {
  return new Planner(entry, view, limits).plan();
}

class Planner {
  readonly #entry: PlanEntry;
  readonly #view: CodeView;
  readonly #limits: PlanLimits;
  readonly #offset: number;
  readonly #blocks: Block[] = [];
  readonly #blockAt = new Map<number, number>();
  /** Block and place of each instruction, to find jumps into the middle. */
  readonly #inside = new Map<number, Block>();
  readonly #pages: CodePage[] = [];
  readonly #returns: number[] = [];
  readonly #entrances: number[] = [0];
  #count = 0;
  readonly #waiting: number[] = [0];

  constructor(entry: PlanEntry, view: CodeView, limits: PlanLimits) {
    this.#entry = entry;
    this.#view = view;
    this.#limits = limits;
    this.#offset = entry.physical % PAGE;
  }

  plan(): Plan | null {
    const { physical, mode } = this.#entry;
    for (let next = 0; next < this.#waiting.length; next++) this.#follow(this.#waiting[next]!);
    const first = this.#blocks[0];
    if (first === undefined || first.instructions.length === 0) return null;
    return {
      physical,
      mode,
      blocks: this.#blocks,
      entrances: this.#entrances.filter((delta) => this.#blockAt.has(delta)),
      pages: this.#pages,
      instructions: this.#count,
      targets: this.#entry.targets ?? NOWHERE,
      returns: this.#returns.filter((delta) => this.#blockAt.has(delta)),
      blockAt: this.#blockAt,
    };
  }

  #follow(delta: number): void {
    if (this.#blockAt.has(delta)) return;
    if (this.#blocks.length >= this.#limits.blocks || this.#count >= this.#limits.instructions) return;
    const owner = this.#inside.get(delta);
    if (owner !== undefined) return this.#split(owner, delta);
    const page = this.#page(delta);
    if (page === null) return;
    const offset = this.#pageOffset(delta);
    if (delta !== 0) {
      const entries = this.#view.entries(page.physicalPage * PAGE + offset, this.#entry.mode);
      if (entries < Math.max(2, this.#entry.entries * SHARE)) return;
    }
    this.#decode(delta, page, offset);
  }

  #pageOffset(delta: number): number {
    const at = this.#offset + delta;
    return at - Math.floor(at / PAGE) * PAGE;
  }

  #page(delta: number): CodePage | null {
    const distance = Math.floor((this.#offset + delta) / PAGE);
    const known = this.#pages.find((page) => page.distance === distance);
    if (known !== undefined) return known;
    if (this.#pages.length >= this.#limits.pages) return null;
    const physicalPage = distance === 0 ? Math.floor(this.#entry.physical / PAGE) : this.#view.page(distance);
    if (physicalPage < 0 || this.#view.frame(physicalPage) === 0) return null;
    const page = { distance, physicalPage };
    this.#pages.push(page);
    return page;
  }

  #decode(delta: number, page: CodePage, offset: number): void {
    const { decoder, bytes } = this.#view;
    const { mode } = this.#entry;
    const frame = this.#view.frame(page.physicalPage);
    const block: Block = { delta, instructions: [], kind: "next", end: delta };
    let at = offset;
    for (;;) {
      const here = delta + (at - offset);
      block.end = here;
      if (block.instructions.length > 0 && this.#blockAt.has(here)) break;
      if (at >= PAGE) break;
      if (this.#view.breaks(page.physicalPage, at)) {
        block.kind = "interpret";
        break;
      }
      if (block.instructions.length >= BLOCK_INSTRUCTIONS_MAX) break;
      let decoded = decoder.decode(bytes, frame + at, frame + PAGE, mode);
      let crosses: number | null = null;
      const next = decoded === "short" ? this.#page(here + PAGE - at) : null;
      if (next !== null) {
        crosses = next.distance;
        decoded = this.#decodeAcross(frame + at, PAGE - at, next);
      }
      const instruction = instructionOf(decoder, decoded, here, crosses);
      if (instruction === null) {
        block.kind = "interpret";
        break;
      }
      block.instructions.push(instruction);
      this.#inside.set(here, block);
      at += instruction.length;
      block.end = here + instruction.length;
      if (instruction.family.traits.ends === true) {
        block.kind = "flow";
        break;
      }
      if (crosses !== null) break;
    }
    this.#blockAt.set(delta, this.#blocks.length);
    this.#blocks.push(block);
    this.#count += block.instructions.length;
    this.#leads(block);
  }

  /** Decodes what begins with the last `head` bytes of a page, at host address `at`. */
  #decodeAcross(at: number, head: number, next: CodePage): Decoded {
    const { decoder, bytes } = this.#view;
    const joined = new Uint8Array(head + 16);
    const frame = this.#view.frame(next.physicalPage);
    joined.set(bytes.subarray(at, at + head));
    joined.set(bytes.subarray(frame, frame + 16), head);
    return decoder.decode(joined, 0, joined.length, this.#entry.mode);
  }

  /** Notes where a block goes on. */
  #leads(block: Block): void {
    if (block.kind === "next") this.#waiting.push(block.end);
    const last = block.instructions.at(-1);
    if (block.kind !== "flow" || last === undefined) return;
    const { name } = last.family;
    const target = block.end + Number(last.immediate);
    const seen = this.#entry.targets?.get(last.delta);
    if (seen !== undefined) {
      if (name === "call_rm" && this.#count > this.#limits.inlined) return this.#leaves(block);
      this.#waiting.push(...seen);
      if (name !== "call_rm") return;
      this.#waiting.push(block.end);
      this.#returns.push(block.end);
    } else if (name === "call_rm") {
      this.#leaves(block);
    } else if (name === "call") {
      if (this.#count > this.#limits.inlined) return this.#leaves(block);
      this.#waiting.push(target);
      this.#waiting.push(block.end);
      this.#returns.push(block.end);
    } else if (isRelative(last)) {
      this.#waiting.push(target);
      if (name !== "jmp") this.#waiting.push(block.end);
    }
  }

  /** A call is no part of the region; where it returns to is an entrance. */
  #leaves(block: Block): void {
    if (this.#entrances.includes(block.end)) return;
    this.#waiting.push(block.end);
    this.#entrances.push(block.end);
  }

  /** A jump into the middle of a block: what is behind the target becomes a block of its own. */
  #split(owner: Block, delta: number): void {
    const from = owner.instructions.findIndex((instruction) => instruction.delta === delta);
    const tail: Block = {
      delta,
      instructions: owner.instructions.splice(from),
      kind: owner.kind,
      end: owner.end,
    };
    for (const instruction of tail.instructions) this.#inside.set(instruction.delta, tail);
    owner.kind = "next";
    owner.end = delta;
    this.#blockAt.set(delta, this.#blocks.length);
    this.#blocks.push(tail);
  }
}

/** Whether an instruction is a branch by a distance. */
export const isRelative = (instruction: PlannedInstruction): boolean =>
  instruction.family.forms[0]?.operands[0]?.kind === "rel";
export const isReturn = ({ family }: PlannedInstruction): boolean => family.name.startsWith("ret");

/** Where an indirect transfer may go without leaving the region: where it has been seen to go, and RET behind the calls that are part of the region. */
export function targetsOf(plan: Plan, instruction: PlannedInstruction): readonly number[] {
  const { targets, returns, blockAt } = plan;
  const all = new Set(targets.get(instruction.delta));
  if (isReturn(instruction)) for (const back of returns) all.add(back);
  return [...all].filter((each) => blockAt.has(each)).slice(0, TARGETS_MAX);
}

/** The blocks that one may go on with, by their places in the plan; each as often as there are ways to it. */
export function successors(plan: Plan, each: Block): readonly number[] {
  const at = (delta: number): readonly number[] => {
    const found = plan.blockAt.get(delta);
    return found === undefined ? [] : [found];
  };
  if (each.kind === "next") return at(each.end);
  if (each.kind === "interpret") return [];
  const last = each.instructions.at(-1);
  if (last === undefined) return [];
  // A target of an indirect transfer counts as one of several ways to get there: nothing is known of the flags.
  if (!isRelative(last)) return targetsOf(plan, last).flatMap((delta) => [...at(delta), ...at(delta)]);
  const target = at(each.end + Number(last.immediate));
  return ["jmp", "call"].includes(last.family.name) ? target : [...target, ...at(each.end)];
}

/** The instructions of a block from its bytes alone, as planning found them. */
export function decodeBlock(
  decoder: Decoder,
  bytes: Uint8Array,
  { physical, mode }: { readonly physical: number; readonly mode: number },
  delta: number,
): PlannedInstruction[] {
  const instructions: PlannedInstruction[] = [];
  const pageOf = (at: number): number => Math.floor(((physical % PAGE) + delta + at) / PAGE);
  for (let at = 0; at < bytes.length;) {
    const decoded = decoder.decode(bytes, at, bytes.length, mode);
    const last = pageOf(at + decoder.length - 1);
    const crosses = last === pageOf(at) ? null : last;
    const instruction = instructionOf(decoder, decoded, delta + at, crosses);
    assert(instruction !== null, "what was decoded once is decoded again", delta + at);
    instructions.push(instruction);
    at += instruction.length;
  }
  return instructions;
}

function instructionOf(
  d: Decoder,
  decoded: Decoded,
  delta: number,
  crosses: number | null,
): PlannedInstruction | null {
  if (decoded !== "handler" || d.variant === null || d.family === null) return null;
  const wideOffset = d.wide !== null && d.hasMemory;
  const instruction: PlannedInstruction = {
    delta,
    length: d.length,
    family: d.family,
    variant: d.variant,
    registers: [d.registers[0], d.registers[1], d.registers[2]],
    base: d.base,
    index: d.index,
    shift: d.shift,
    ripRelative: d.ripRelative,
    displacement: wideOffset && d.wide !== null ? d.wide : BigInt(d.displacement),
    immediate: d.wide !== null && !wideOffset ? d.wide : BigInt(d.immediate),
    segment: d.segment,
    addressSize: d.addressSize,
    crosses,
  };
  return isTranslatable(instruction) ? instruction : null;
}
