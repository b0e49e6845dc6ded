/**
 * The stacks of a machine as the Stack panel and `info stack` show them: questions about one stop, answered from chains that are kept for its length.
 *
 * Invariant: looking changes nothing for the guest. A picture is made anew when its first frames are asked for; what else is asked at the same instant
 * comes from the same chain.
 * Elsewhere: frames (`chain.ts`), their bytes (`slots.ts`), below the stack pointer (`window.ts`), all stacks (`stacks.ts`).
 */
import { ACTIVITY, type Core, type Machine } from "../../emulator/index.ts";
import type {
  StackArguments,
  StackBody,
  StackFrame,
  StackSlot,
  StackSummary,
  StackWordsArguments,
  StackWordsBody,
} from "../../media/protocol.ts";
import { badReference } from "../errors.ts";
import { convention, type SymbolTable } from "../symbols/index.ts";
import { Chain, type Stretch } from "./chain.ts";
import { extentOf, type Extent } from "./extent.ts";
import type { Frame } from "./frame.ts";
import { linuxTasks } from "./linux-tasks.ts";
import { StackRecord } from "./record.ts";
import { slotsOf, wordSlot, type Earlier, type SlotContext } from "./slots.ts";
import { stackBytes, stackId, stacksOf } from "./stacks.ts";
import { hex, Pointers } from "./target.ts";
import { FunctionUses } from "./use.ts";
import { variablesIn } from "./variables.ts";
import { stackWarnings } from "./warning.ts";
import { windowsOf } from "./window.ts";

const FRAMES = 32;
const DETAILED = 8;
const MOST_FRAMES = 1024;
const MOST_WORDS = 4096;
/** Interrupted frames, and what words point to, are looked for in so many. */
const KNOWN_FRAMES = 24;

const METHODS: Record<Stretch["physical"]["method"], StackFrame["method"]> = {
  top: "top",
  cfi: "rules",
  "frame-pointer": "frame pointer",
  prologue: "prologue",
  scan: "guess",
  interrupt: "interrupt",
};

/** Whose stacks they are: a session's target, or what the command line has of one. */
export interface StackSubject {
  readonly machine: Machine;
  readonly symbols: SymbolTable;
  readonly isLinux: boolean;
  /** "kernel_main+0x1c", or null. */
  describe(address: bigint): string | null;
  /** Where in an image without symbols code is, or null. */
  placeOf(address: bigint): string | null;
}

/** What is kept of a CPU's stack at one instant. */
interface Kept {
  readonly instant: number;
  readonly chain: Chain;
  readonly pointers: Pointers;
  readonly extent: Extent;
  readonly earlier: Earlier | null;
  readonly slots: Map<number, readonly StackSlot[]>;
}

export class StackPictures {
  readonly #subject: StackSubject;
  readonly #record = new StackRecord();
  readonly #kept = new Map<number, Kept>();
  readonly #uses = new Map<number, FunctionUses>();

  constructor(subject: StackSubject) {
    this.#subject = subject;
  }

  get #instant(): number {
    return this.#subject.machine.instant;
  }

  #keep(core: Core, isFresh: boolean): Kept {
    const known = this.#kept.get(core.index);
    const instant = this.#instant;
    if (!isFresh && known?.instant === instant) return known;
    const chain = new Chain(core, this.#subject.symbols);
    const { space, pointer, table } = chain;
    const kept = {
      instant,
      chain,
      pointers: new Pointers(space, table, chain),
      extent: extentOf(core, space, table, pointer),
      earlier: this.#record.at(core, space, pointer, instant),
      slots: new Map<number, readonly StackSlot[]>(),
    };
    this.#kept.set(core.index, kept);
    return kept;
  }

  /** The frames of a CPU's stack, and what lies below its stack pointer. */
  picture(core: Core, args: StackArguments, wanted: Frame | null = null): StackBody {
    const start = bounded(args.start, 0, Number.MAX_SAFE_INTEGER);
    const count = bounded(args.count, FRAMES, MOST_FRAMES);
    const detailed = bounded(args.detailed, DETAILED, MOST_FRAMES);
    const kept = this.#keep(core, start === 0);
    const { chain, extent, earlier } = kept;
    const { space, pointer, bits, wordBytes } = chain;
    const frames: StackFrame[] = [];
    // One more, to know whether there is one; and some for words that point to frames further out.
    chain.at(Math.max(start + count, KNOWN_FRAMES));
    for (let index = start; index < start + count; index++) {
      const stretch = chain.at(index);
      if (stretch === null) break;
      frames.push(this.#frame(kept, stretch, index < start + detailed));
    }
    const { why } = space.readUpTo({ space: "linear", offset: pointer }, 1);
    const high = extent.high ?? chain.known.at(-1)?.high ?? pointer;
    const id = stackId(extent, high);
    this.#record.see(id, extent, pointer);
    const windows =
      start > 0
        ? []
        : windowsOf(
            { chain, earlier, uses: this.#usesOf(chain), slots: (stretch) => this.#slots(kept, stretch) },
            Math.min(KNOWN_FRAMES, count),
          );
    return {
      cpu: core.index,
      bits,
      wordBytes,
      instant: kept.instant,
      pointer: hex(pointer),
      pointerName: bits === 64 ? "RSP" : bits === 32 ? "ESP" : "SP",
      unreadable: why === null ? null : { address: hex(pointer), why },
      stack: id,
      start,
      frames,
      chosen: wanted === null ? null : indexOf(chain, wanted),
      hasMore: chain.at(start + count) !== null,
      end: chain.at(start + count) === null ? chain.end : null,
      windows,
      warnings:
        start > 0 ? [] : stackWarnings(this.#subject.isLinux, kept.chain, extent, why, frames, windows),
    };
  }

  #usesOf(chain: Chain): FunctionUses {
    const { core, table, read } = chain;
    const known = this.#uses.get(core.index);
    const uses = known ?? new FunctionUses(table, read);
    uses.read = read;
    if (known === undefined) this.#uses.set(core.index, uses);
    return uses;
  }

  /** The slots of one frame; none if there is no such frame. */
  slots(core: Core, index: number): readonly StackSlot[] {
    const kept = this.#keep(core, false);
    const stretch = Number.isInteger(index) && index >= 0 ? kept.chain.at(index) : null;
    return stretch === null ? [] : this.#slots(kept, stretch);
  }

  /** Every stack there is. */
  stacks(): readonly StackSummary[] {
    const { symbols, isLinux } = this.#subject;
    const chains = this.#chains();
    const [first] = chains;
    return stacksOf({
      table: symbols,
      record: this.#record,
      chains,
      byName: !isLinux,
      known: !isLinux || first === undefined ? [] : linuxTasks(first, symbols),
    });
  }

  get markedAt(): number | null {
    return this.#record.markedAt;
  }

  /** High-water marks count from now on. */
  mark(): number {
    const bytes = new Map<string, Uint8Array>();
    const [first] = this.#chains();
    for (const { id, low, high } of this.stacks()) {
      const found =
        first === undefined || low === null ? null : stackBytes(first.space, BigInt(low), BigInt(high));
      if (found !== null) bytes.set(id, found);
    }
    this.#record.mark(this.#instant, bytes);
    return this.#instant;
  }

  /** Words of any stack, from an end downwards. Throws `badReference`. */
  words(core: Core, { high, count }: StackWordsArguments): StackWordsBody {
    if (!/^0x[0-9a-f]{1,16}$/i.test(high)) throw badReference(high);
    const kept = this.#keep(core, false);
    const { chain } = kept;
    const word = BigInt(chain.wordBytes);
    const context = this.#context(kept);
    const words: StackSlot[] = [];
    const end = BigInt(high) - (BigInt(high) % word);
    for (let n = 1n; n <= BigInt(bounded(count, 0, MOST_WORDS)); n++) {
      const address = end - n * word;
      if (address < 0n) break;
      const { bytes, why } = chain.space.readUpTo({ space: "linear", offset: address }, chain.wordBytes);
      if (why !== null)
        return {
          wordBytes: chain.wordBytes,
          words,
          unreadable: { address: hex(address + BigInt(bytes.length)), why },
        };
      words.push(wordSlot(context, address, bytes));
    }
    return { wordBytes: chain.wordBytes, words, unreadable: null };
  }

  #chains(): readonly Chain[] {
    return this.#subject.machine.cpus
      .filter(({ activity }) => activity !== ACTIVITY.waitForSipi)
      .map((core) => {
        const { chain } = this.#keep(core, false);
        // Interrupted code may be on other stacks.
        chain.at(KNOWN_FRAMES);
        return chain;
      });
  }

  #context({ chain, pointers, earlier, extent }: Kept): SlotContext {
    return { chain, pointers, earlier, limit: extent.high };
  }

  #slots(kept: Kept, stretch: Stretch): readonly StackSlot[] {
    let slots = kept.slots.get(stretch.index);
    if (slots === undefined) kept.slots.set(stretch.index, (slots = slotsOf(this.#context(kept), stretch)));
    return slots;
  }

  #frame(kept: Kept, stretch: Stretch, isDetailed: boolean): StackFrame {
    const { index, physical, pc, low, high, frames } = stretch;
    const subject = this.#subject;
    const before = index === 0 ? null : kept.chain.at(index - 1);
    const place = placeAfter(kept, before, stretch);
    return {
      index,
      functions: frames.flatMap(({ symbols }) =>
        symbols === null
          ? []
          : [
              {
                name: symbols.function.name,
                file: symbols.position?.file ?? null,
                line: symbols.position?.line ?? 0,
              },
            ],
      ),
      pc: hex(pc),
      label: labelOf(stretch) ?? subject.describe(pc) ?? subject.placeOf(pc) ?? hex(pc),
      low: hex(low),
      high: high === null ? null : hex(high),
      isInterrupted: physical.isInterrupted,
      method: METHODS[physical.method],
      ...place,
      registers: isDetailed ? variablesIn(kept.chain, stretch).elsewhere : [],
      ...(isDetailed ? { slots: this.#slots(kept, stretch) } : {}),
    };
  }
}

/** Which of the known stretches a frame is; its inlined functions have it in common. */
function indexOf(chain: Chain, { pc, physical, architecture }: Frame): number | null {
  const { stackPointer } = convention(architecture);
  const low = physical.context.registers.get(stackPointer);
  const found = chain.known.find((stretch) => stretch.low === low && stretch.pc === pc);
  return found?.index ?? null;
}

const bounded = (value: number | undefined, otherwise: number, most: number): number =>
  Math.min(most, Math.max(0, Math.trunc(value ?? otherwise)));

/** Behind a call to a function that never returns lies another function: the frame belongs to the one that called. */
function labelOf({ pc, frames }: Stretch): string | null {
  const fun = frames.at(-1)!.symbols?.function;
  return fun === undefined || pc <= fun.low ? null : `${fun.name}+${hex(pc - fun.low)}`;
}

/** How a frame lies to the one that it called, or that interrupted it. */
function placeAfter(
  { extent, chain: { table } }: Kept,
  before: Stretch | null,
  { low }: Stretch,
): Pick<StackFrame, "switchedTo" | "alignmentBytes"> {
  if (before === null) return { switchedTo: null, alignmentBytes: 0 };
  const gap = before.high === null ? -1n : low - before.high;
  if (gap >= 0n && gap < 16n)
    return { switchedTo: null, alignmentBytes: before.pushed === null ? 0 : Number(gap) };
  const { core, space } = before.frames[0]!;
  // Two frames far from each other in one stack are on one stack all the same: the end of the lower one was not known.
  const previous =
    extent.low !== null && extent.high !== null && before.low >= extent.low && before.low <= extent.high
      ? extent
      : extentOf(core, space, table, before.low);
  const isSame =
    previous.low !== null && previous.high !== null && low >= previous.low && low <= previous.high;
  if (isSame) return { switchedTo: null, alignmentBytes: 0 };
  const own = extentOf(core, space, table, low);
  return { switchedTo: stackId(own, own.high ?? low), alignmentBytes: 0 };
}
