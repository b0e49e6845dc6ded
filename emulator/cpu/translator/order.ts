/**
 * Regions made on another thread: an order is plain data, plans with the bytes of their code; what comes back is a compiled module.
 *
 * Invariant: a plan read from an order equals the plan that it was written from, so who makes a region makes the same one.
 * Elsewhere: who decides what is made and puts it to use (`translator.ts`), the thread itself (the host's, by `MachineHost.workshop`).
 */
import { assert } from "../../assert.ts";
import { exceptionImports } from "../../isa/index.ts";
import { encodeModule, type Signature } from "../../wasm/index.ts";
import { Decoder } from "../decode.ts";
import { absentForms } from "../requirement.ts";
import type { FeatureName } from "../system/feature.ts";
import { FLAG_WORDS } from "./flags.ts";
import { decodeBlock, type Block, type CodePage, type Plan, type Targets } from "./plan.ts";
import { regionFunction } from "./region.ts";

/** A region to be made. */
export interface Task {
  readonly made: Plan;
  /** It does not grow any more, so nobody asks where its indirect transfers go. */
  readonly isLast: boolean;
}

/** Kinds of blocks by their number in `OrderedRegion.blocks`. */
const KINDS: readonly Block["kind"][] = ["flow", "next", "interpret"];
/** Numbers of a block in `OrderedRegion.blocks`: delta, bytes, kind. */
const BLOCK_NUMBERS = 3;

/** A plan as few pieces: what goes from thread to thread is paid for by the piece. */
interface OrderedRegion {
  readonly isLast: boolean;
  readonly physical: number;
  readonly mode: number;
  /** BLOCK_NUMBERS for each block. */
  readonly blocks: Int32Array;
  /** The code of all blocks, one behind the other. */
  readonly bytes: Uint8Array;
  readonly entrances: readonly number[];
  readonly pages: readonly CodePage[];
  readonly returns: readonly number[];
  readonly targets: Targets;
}

/** Regions that become one module. Plain data: it goes from thread to thread. */
export interface Order {
  readonly number: number;
  /** The processor's, with spaces between them. */
  readonly features: string;
  readonly regions: readonly OrderedRegion[];
}

/** What an order became: a module that exports `r0`, `r1`, …, one function for each region. */
export interface Product {
  readonly number: number;
  readonly module: WebAssembly.Module;
  /** Bytes of WebAssembly. */
  readonly size: number;
  /** Spent on it, by the other thread's stopwatch. */
  readonly milliseconds: number;
}

/** Where regions are made while the guest runs. Nothing that the guest sees depends on when they are ready. */
export interface Workshop {
  /** There will be orders soon. */
  prepare(): void;
  /** Whether it took the order. It takes none before it is ready, and none after it has failed. */
  order(order: Order): boolean;
  /** A product that is ready, each once; null: none is. */
  take(): Product | null;
  /** What it has taken and not given back will never be done. */
  readonly failed: boolean;
}

/** What regions call; and with SSE floating point. */
const IMPORTS: readonly { readonly name: string; readonly signature: Signature }[] = [
  { name: "refillRead", signature: { params: ["i64", "i32"], result: "i32" } },
  { name: "refillWrite", signature: { params: ["i64", "i32"], result: "i32" } },
  { name: "flagWords", signature: FLAG_WORDS },
];
export const REGION_IMPORTS: typeof IMPORTS = [...IMPORTS, ...exceptionImports];

const usesVectors = (made: Plan): boolean =>
  made.blocks.some((each) => each.instructions.some(({ variant }) => variant.operands.includes("x")));

/** The bytes of a module with one function for each task. */
export function moduleBytes(tasks: readonly Task[]): Uint8Array {
  const functions = tasks.map(({ made, isLast }, index) => regionFunction(made, `r${index}`, !isLast));
  const imports = tasks.some(({ made }) => usesVectors(made)) ? REGION_IMPORTS : IMPORTS;
  return encodeModule({ imports, functions, table: [] });
}

/** @param copy writes the code of a block to the beginning of `into` */
export function orderOf(
  number: number,
  features: string,
  tasks: readonly Task[],
  copy: (made: Plan, block: Block, into: Uint8Array) => void,
): Order {
  const regions = tasks.map(({ made, isLast }): OrderedRegion => {
    const { physical, mode, entrances, pages, returns, targets } = made;
    const blocks = new Int32Array(made.blocks.length * BLOCK_NUMBERS);
    const bytes = new Uint8Array(made.blocks.reduce((sum, { delta, end }) => sum + end - delta, 0));
    let done = 0;
    for (const [index, each] of made.blocks.entries()) {
      const length = each.end - each.delta;
      blocks.set([each.delta, length, KINDS.indexOf(each.kind)], index * BLOCK_NUMBERS);
      copy(made, each, bytes.subarray(done));
      done += length;
    }
    return { isLast, physical, mode, blocks, bytes, entrances, pages, returns, targets };
  });
  return { number, features, regions };
}

function planOf(region: OrderedRegion, decoder: Decoder): Plan {
  const { physical, mode, entrances, pages, returns, targets } = region;
  const blocks: Block[] = [];
  let done = 0;
  for (let at = 0; at < region.blocks.length; at += BLOCK_NUMBERS) {
    const delta = region.blocks[at]!;
    const length = region.blocks[at + 1]!;
    const number = region.blocks[at + 2]!;
    const kind = KINDS[number];
    assert(kind !== undefined, "a kind of block", number);
    const bytes = region.bytes.subarray(done, done + length);
    const instructions = decodeBlock(decoder, bytes, region, delta);
    assert(instructions.length > 0 || kind !== "flow", "a block that branches has instructions", delta);
    blocks.push({ delta, kind, end: delta + length, instructions });
    done += length;
  }
  const instructions = blocks.reduce((sum, each) => sum + each.instructions.length, 0);
  const blockAt = new Map(blocks.map(({ delta }, index) => [delta, index]));
  return { physical, mode, blocks, entrances, pages, instructions, returns, targets, blockAt };
}

/** Carries out orders, on the other thread. Decoders are kept: their tables are made once for each set of features. */
export class Maker {
  readonly #decoders = new Map<string, Decoder>();
  readonly #stopwatch: () => number;

  /** @param stopwatch milliseconds, for `Product.milliseconds` */
  constructor(stopwatch: () => number) {
    this.#stopwatch = stopwatch;
  }

  make({ number, features, regions }: Order): Product {
    const started = this.#stopwatch();
    const decoder = this.#decoder(features);
    const bytes = moduleBytes(
      regions.map((region) => ({ made: planOf(region, decoder), isLast: region.isLast })),
    );
    const module = new WebAssembly.Module(bytes);
    return { number, module, size: bytes.length, milliseconds: this.#stopwatch() - started };
  }

  #decoder(features: string): Decoder {
    const known = this.#decoders.get(features);
    if (known !== undefined) return known;
    const decoder = new Decoder(absentForms(new Set(features.split(" ") as FeatureName[])));
    this.#decoders.set(features, decoder);
    return decoder;
  }
}
