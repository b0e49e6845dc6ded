/**
 * A function's use of the stack: how deep its frame is, what it keeps below RSP and where that is alive, found by following RSP through every path.
 *
 * Invariant: what is reported is certain. Where the analysis loses its way (no instruction, a jump table that cannot be read) the function says so (`gaps`): what was
 * found stays true, what was not found is not denied.
 * Elsewhere: which functions a file has (`program.ts`).
 */
import { accessesBelow, hasKnownIndex, RED_ZONE_BYTES, redZoneUse, type StackAccess } from "./access.ts";
import { along } from "./branch.ts";
import { FlowGraph, type Block, type Extent } from "./flow.ts";
import { Frame, meet, type Descents } from "./frame.ts";
import { InstructionReader } from "./instruction.ts";
import { RSP, type Bits, type Step } from "./step.ts";
import { targetsOf, type CodeBytes } from "./jump-table.ts";
import { Liveness, type ByteRange, type Overwrite } from "./liveness.ts";
import { ENTRY, type StackPlace } from "./value.ts";
import { forEachStep, walk } from "./walk.ts";

/** A function as a program's symbols know it. */
export interface FunctionBounds {
  readonly name: string;
  /** Linear address of its first instruction. */
  readonly entry: bigint;
  /** All its code, in any order; the compiler may put what is seldom executed elsewhere. */
  readonly ranges: readonly { readonly low: bigint; readonly high: bigint }[];
}

export interface FunctionContext extends CodeBytes {
  readonly bits: Bits;
  /** Whether a call of this address does not come back. */
  neverReturns(address: bigint): boolean;
}

/** What the analysis could not follow. */
export interface Gap {
  readonly address: bigint;
  readonly reason: "not an instruction" | "indirect jump" | "too long" | "no bytes";
}

/** An access to the red zone, by the linear address of its instruction. */
export interface RedZoneAccess extends Omit<StackAccess, "at"> {
  readonly address: bigint;
}

export interface FunctionStack {
  readonly name: string;
  readonly entry: bigint;
  readonly ranges: FunctionBounds["ranges"];
  /** Distance from RSP to the lowest byte in use below it; 0 if the red zone is not used. */
  readonly redZoneBytes: number;
  /** What it takes of the stack at most, the return address included and what it calls not, as GCC's -fstack-usage counts. Of a dynamic frame the part that is known. */
  readonly frameBytes: number;
  /** More at run time: `alloca`, another stack, a loop that pushes. */
  readonly isDynamic: boolean;
  /** Calls nobody, tail calls aside. */
  readonly isLeaf: boolean;
  readonly accesses: readonly RedZoneAccess[];
  /** Instructions of its own that store over what it keeps in the red zone. */
  readonly overwrites: readonly (Omit<Overwrite, "at"> & { readonly address: bigint })[];
  readonly gaps: readonly Gap[];
  /** Whether an instruction begins there, on some path. */
  reaches(address: bigint): boolean;
  /**
   * The bytes below RSP that may be read before they are stored again, before the instruction at `address` is executed, as offsets from RSP there, in ascending
   * order. Null if that is not known: no instruction is known there, the function has gaps, or RSP cannot be compared.
   */
  liveAt(address: bigint): readonly ByteRange[] | null;
  /** Bytes from RSP up to the return address, before the instruction at `address`; null if it is not reached or the distance is not fixed. */
  depthAt(address: bigint): number | null;
}

/** Analyses one function. */
export function analyseFunction(bounds: FunctionBounds, context: FunctionContext): FunctionStack {
  const low = bounds.ranges.reduce(
    (lowest, range) => (range.low < lowest ? range.low : lowest),
    bounds.ranges[0]?.low ?? bounds.entry,
  );
  return new Analysis(bounds, context, low).result();
}

class Analysis {
  readonly #bounds: FunctionBounds;
  readonly #context: FunctionContext;
  readonly #low: bigint;
  readonly #word: number;
  readonly #frames = new Map<number, Frame>();
  readonly #descents: Descents = new Map();
  readonly #gaps: Gap[] = [];
  /** Instructions with an index that access the red zone on a way that was followed with the index known. */
  readonly #proven = new Set<number>();
  /** The same of a pointer, on the way on which it still pointed to where it began. */
  readonly #pointed = new Set<number>();
  #blocks: ReadonlyMap<number, Block> = new Map();

  constructor(bounds: FunctionBounds, context: FunctionContext, low: bigint) {
    this.#bounds = bounds;
    this.#context = context;
    this.#low = low;
    this.#word = context.bits / 8;
  }

  result(): FunctionStack {
    const { name, entry, ranges } = this.#bounds;
    this.#follow();
    const accesses: StackAccess[] = [];
    let frameBytes = 0;
    let isDynamic = false;
    let isLeaf = true;
    let hasLocals = false;
    forEachStep(this.#blocks, this.#frames, this.#word, this.#low, (step, frame) => {
      accesses.push(...accessesBelow(step, frame));
      const { action } = step;
      if (step.flow === "call" || step.flow === "indirect-call") isLeaf &&= isGetPc(step);
      if (makesRoom(step)) hasLocals = true;
      const depth = this.#depth(frame.rsp, action.kind === "push" ? action.bytes : 0);
      frameBytes = Math.max(frameBytes, depth.bytes);
      isDynamic ||= depth.isDynamic;
    });
    const isCode = !this.#gaps.some(({ reason }) => reason === "not an instruction");
    // A function that calls nobody has nobody to hand a pointer to, and no list whose members others put in.
    const proven = isLeaf ? new Set([...this.#proven, ...this.#pointed]) : this.#proven;
    // In 32-bit code there is no red zone: what seems one is code of another width, or a stack that is somebody else's.
    const certain = isCode && this.#word === 8 ? redZoneUse(accesses, hasLocals, proven) : [];
    const used = certain ?? [];
    const redZoneBytes = used.reduce((most, { from }) => Math.max(most, -from), 0);
    const liveness =
      used.length === 0 ? "none" : Liveness.of(this.#blocks, this.#frames, this.#word, this.#low);
    const addressOf = (at: number): bigint => this.#low + BigInt(at);
    return {
      name,
      entry,
      ranges,
      redZoneBytes,
      frameBytes: frameBytes + this.#word,
      isDynamic,
      isLeaf,
      accesses: used.map(({ at, ...access }) => ({ ...access, address: addressOf(at) })),
      overwrites:
        liveness === null || liveness === "none"
          ? []
          : liveness.overwrites().map(({ at, ...lost }) => ({ ...lost, address: addressOf(at) })),
      gaps: this.#gaps,
      reaches: (address) => this.#stepAt(address) !== null,
      liveAt: (address) => {
        if (this.#gaps.length > 0 || liveness === null || this.#stepAt(address) === null) return null;
        return liveness === "none" ? [] : liveness.at(Number(address - this.#low));
      },
      depthAt: (address) => this.#depthAt(address),
    };
  }

  /** Follows control and what registers hold, together: a jump table is found by its address in a register. */
  #follow(): void {
    const { ranges, entry } = this.#bounds;
    const extents: Extent[] = ranges.map(({ low, high }) => ({
      from: Number(low - this.#low),
      to: Number(high - this.#low),
    }));
    const size = Math.max(0, ...extents.map(({ to }) => to));
    const readers = this.#readers(extents);
    try {
      const graph = new FlowGraph(
        { at: (at) => readerAt(readers, at).at(at) },
        extents,
        Number(entry - this.#low),
        (target) => (target < 0 || target >= size) && this.#context.neverReturns(this.#low + BigInt(target)),
      );
      const unknown = new Set<number>();
      do {
        this.#blocks = graph.blocks;
        this.#frames.clear();
        unknown.clear();
        this.#solve(Number(entry - this.#low));
      } while (this.#addTables(graph, unknown));
      for (const at of unknown) this.#gap(at, "indirect jump");
      for (const step of graph.steps.values())
        if (step.flow === "bad") this.#gap(step.at, "not an instruction");
      if (graph.isTooLong) this.#gap(Number(entry - this.#low), "too long");
    } finally {
      for (const { reader } of readers) reader.free();
    }
  }

  #gap(at: number, reason: Gap["reason"]): void {
    this.#gaps.push({ address: this.#low + BigInt(at), reason });
  }

  #readers(extents: readonly Extent[]): Reader[] {
    return extents.map(({ from, to }) => {
      const bytes = this.#context.read(this.#low + BigInt(from), to - from);
      if (bytes === null || bytes.length < to - from) this.#gap(from, "no bytes");
      return {
        from,
        to,
        reader: new InstructionReader(bytes ?? new Uint8Array(0), this.#low, from, this.#context.bits),
      };
    });
  }

  /** Frames at the beginnings of all blocks that are reached, until none changes. */
  #solve(entry: number): void {
    this.#frames.set(entry, Frame.entry());
    const waiting = [entry];
    const isWaiting = new Set(waiting);
    for (let at = waiting.pop(); at !== undefined; at = waiting.pop()) {
      isWaiting.delete(at);
      const block = this.#blocks.get(at);
      const start = this.#frames.get(at);
      if (block === undefined || start === undefined) continue;
      const look = (step: Step, frame: Frame): void => this.#prove(step, frame);
      const end = walk(block, start, this.#word, this.#low, look, this.#descents);
      for (const edge of block.edges) {
        const frame = along(edge, block, end, this.#word);
        if (frame === null) continue;
        const known = this.#frames.get(edge.to);
        if (known === undefined) this.#frames.set(edge.to, frame);
        else if (!meet(known, frame, edge.to, this.#descents)) continue;
        if (isWaiting.has(edge.to)) continue;
        isWaiting.add(edge.to);
        waiting.push(edge.to);
      }
    }
  }

  #prove(step: Step, frame: Frame): void {
    if (step.operands.length === 0) return;
    const isBelow = accessesBelow(step, frame).some(
      ({ isExact, from }) => isExact && from >= -RED_ZONE_BYTES,
    );
    if (!isBelow) return;
    const isIndexed = step.operands.some((operand) => hasKnownIndex(operand, frame));
    (isIndexed ? this.#proven : this.#pointed).add(step.at);
  }

  /** Reads the jump tables of blocks that end with an indirect jump; returns whether there is more to follow. */
  #addTables(graph: FlowGraph, unknown: Set<number>): boolean {
    let isMore = false;
    for (const block of graph.blocks.values()) {
      const start = this.#frames.get(block.at);
      if (block.end !== "indirect" || start === undefined) continue;
      let last: Frame = start;
      walk(block, start, this.#word, this.#low, (_, frame) => (last = frame.copy()));
      const step = block.steps.at(-1)!;
      const targets = targetsOf(step, last, this.#word, this.#low, (at) => graph.has(at), this.#context);
      const { rsp } = last;
      if (targets === "call") {
        // A tail call, if the frame is gone.
        if (rsp.base !== ENTRY || rsp.offset !== 0) unknown.add(step.at);
      } else if (targets === null) unknown.add(step.at);
      else isMore = graph.add(step.at, targets) || isMore;
    }
    return isMore;
  }

  /** How far below RSP at the entry a place is. */
  #depth(at: StackPlace, pushed: number): { readonly bytes: number; readonly isDynamic: boolean } {
    let bytes = pushed - at.offset;
    let { base } = at;
    for (let hops = 0; base !== ENTRY && hops < 8; hops++) {
      const descent = this.#descents.get(base);
      if (descent === undefined || descent === null) return { bytes, isDynamic: true };
      bytes += (descent.most ?? 0) - descent.from.offset;
      if (descent.most === null) return { bytes: Math.max(bytes, 0), isDynamic: true };
      ({ base } = descent.from);
    }
    return { bytes, isDynamic: base !== ENTRY };
  }

  #stepAt(address: bigint): { readonly block: Block; readonly at: number } | null {
    const at = Number(address - this.#low);
    for (const block of this.#blocks.values()) {
      if (!this.#frames.has(block.at) || at < block.at || at > block.steps.at(-1)!.at) continue;
      if (block.steps.some((step) => step.at === at)) return { block, at };
    }
    return null;
  }

  #depthAt(address: bigint): number | null {
    const found = this.#stepAt(address);
    if (found === null) return null;
    let depth: number | null = null;
    const start = this.#frames.get(found.block.at)!;
    walk(found.block, start, this.#word, this.#low, (step, { rsp }) => {
      if (step.at === found.at && rsp.base === ENTRY) depth = -rsp.offset;
    });
    return depth;
  }
}

interface Reader extends Extent {
  readonly reader: InstructionReader;
}

const readerAt = (readers: readonly Reader[], at: number): InstructionReader =>
  (readers.find(({ from, to }) => at >= from && at < to) ?? readers[0]!).reader;

/** CALL to the next instruction, the old way to have RIP: nobody is called. */
const isGetPc = ({ target, at, length }: Step): boolean => target === at + length;

/** Whether a step makes room for more than a saved register. */
function makesRoom({ action, clobbers }: Step): boolean {
  switch (action.kind) {
    case "move":
      return action.to === RSP && (action.from !== RSP || action.add < 0);
    case "align":
    case "difference":
    case "sum":
    case "derive":
    case "load":
      return action.to === RSP;
    case "enter":
      return action.bytes > 0;
    case "none":
    case "constant":
    case "address":
    case "extend":
    case "store":
    case "adjust":
    case "push":
    case "pop":
    case "leave":
    case "go":
    case "compare":
      return ((clobbers >> RSP) & 1) !== 0;
  }
}
