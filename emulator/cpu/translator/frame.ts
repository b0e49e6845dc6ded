/**
 * What the instructions of one region share: the locals that hold guest registers, flags, budget and rip, and the ways out.
 *
 * Invariant: while a region runs, registers and flags in linear memory are old; every way out writes them back. Inside a region rip is the entry's plus a
 * constant.
 */
import {
  br,
  call,
  get,
  i32,
  i64,
  load,
  op,
  set,
  store,
  type FunctionBuilder,
  type Label,
  type Local,
  type Node,
} from "../../wasm/index.ts";
import { MODE, RUN, STATE, TRACE } from "../layout.ts";
import { WORDS, recipeNumber, type Recipe } from "./flags.ts";

/** How a region ends. */
export const LEFT = {
  /** Look up what follows. */
  lookup: 0,
  /** Let the interpreter run a trace from here. */
  interpret: 1,
} as const;

// A way out with a constant rip, as a number: rip's distance from the entry in bits 31:8, what the budget gets back in 7:1, LEFT in bit 0.
const REFUND_SHIFT = 1;
const DELTA_SHIFT = 8;
const DELTA_MAX = 2 ** 23 - 1;

/** Entrances that a region may have: their numbers are below the distance. */
const ENTRANCES_MAX = 2 ** DELTA_SHIFT;
/** What `TRACE.entrance` holds for entrance `number` at `delta`; null: none can be there. */
export const entranceWord = (number: number, delta: number): number | null =>
  number < ENTRANCES_MAX && Math.abs(delta) <= DELTA_MAX ? (delta << DELTA_SHIFT) | number : null;

/** Where the entrance of such a word is, in bytes from the first. */
export const entranceDelta = (word: number): number => word >> DELTA_SHIFT;

export class Frame {
  readonly f: FunctionBuilder;
  readonly mode: number;
  readonly budget: Local;
  /** rip of the entry. */
  readonly base: Local;
  /** rip where an indirect transfer went. */
  readonly target: Local;
  /** What the recipe in force keeps (`flags.ts`); what is narrower than 64 bits is in the low ones. */
  readonly a: Local;
  readonly r: Local;
  readonly carry: Local;
  /** The second operand, for conditions where the recipe is known; no way out needs it. */
  readonly b: Local;
  /** Number of the recipe in force. */
  readonly recipeLocal: Local;
  /** The recipe, where it is known at translation time. */
  recipe: Recipe | null = null;
  /** Nobody sees the flags of the instruction being translated: one behind it sets all of them, and the region cannot be left before. */
  flagsUnseen = false;
  /** In this block it has been made sure that SSE may be used. */
  vectorsChecked = false;
  readonly #code: Local;
  readonly #exit: Label;
  readonly #left: Label;
  readonly #registers: (Local | null)[] = Array.from({ length: 16 }, () => null);
  readonly #vectors: (Local | null)[] = Array.from({ length: 16 }, () => null);
  readonly #guest = new Set<Local>();
  #written = 0;
  #vectorsWritten = 0;

  /**
   * @param exit label behind the region's blocks, where `constantExit` stands
   * @param left label behind that, where `epilogue` stands
   */
  constructor(f: FunctionBuilder, mode: number, exit: Label, left: Label) {
    this.f = f;
    this.mode = mode;
    this.#exit = exit;
    this.#left = left;
    this.budget = f.local("i32");
    this.base = f.local("i64");
    this.target = f.local("i64");
    this.a = f.local("i64");
    this.r = f.local("i64");
    this.carry = f.local("i32");
    this.b = f.local("i64");
    this.recipeLocal = f.local("i32");
    this.#code = f.local("i32");
    for (const local of [this.a, this.b, this.r, this.carry, this.budget]) this.#guest.add(local);
  }

  /** Whether a local changes under a value that was read from it. */
  isGuest(local: Local): boolean {
    return this.#guest.has(local);
  }
  /** Local of a general register. */
  read(number: number): Local {
    let local = this.#registers[number] ?? null;
    if (local === null) {
      local = this.f.permanent("i64");
      this.#registers[number] = local;
      this.#guest.add(local);
    }
    return local;
  }
  /** The same, and it is written back when the region is left. */
  write(number: number): Local {
    this.#written |= 1 << number;
    return this.read(number);
  }
  /** Local of an XMM register. */
  readVector(number: number): Local {
    let local = this.#vectors[number] ?? null;
    if (local === null) {
      local = this.f.permanent("v128");
      this.#vectors[number] = local;
      this.#guest.add(local);
    }
    return local;
  }
  writeVector(number: number): Local {
    this.#vectorsWritten |= 1 << number;
    return this.readVector(number);
  }
  rip(delta: number): Node {
    return op("i64.add", get(this.base), i64(BigInt(delta)));
  }

  // --- flags ------------------------------------------------------------------------------------------------------------------------------

  setRecipe(recipe: Recipe): void {
    const number = recipeNumber(recipe);
    if (this.recipe === null || recipeNumber(this.recipe) !== number)
      this.f.emit(set(this.recipeLocal, i32(number)));
    this.recipe = recipe;
  }
  /** Writes the flag words of the recipe in force to the CPU's state. */
  callFlagWords(): Node {
    return call("flagWords", "void", ...[this.recipeLocal, this.a, this.r, this.carry].map(get));
  }

  // --- ways out ---------------------------------------------------------------------------------------------------------------------------

  /** Leaves with rip at `delta`; `refund` instants of what was charged are given back. */
  leave(delta: number, refund: number, interpret: boolean): readonly Node[] {
    const kind = interpret ? LEFT.interpret : LEFT.lookup;
    if (Math.abs(delta) > DELTA_MAX) {
      return [
        set(this.target, this.rip(delta)),
        set(this.budget, op("i32.add", get(this.budget), i32(refund))),
        set(this.#code, i32(kind)),
        br(this.#left),
      ];
    }
    const code = (delta << DELTA_SHIFT) | (refund << REFUND_SHIFT) | kind;
    return [set(this.#code, i32(code)), br(this.#exit)];
  }

  /** What stands before the blocks: everything into its local, and into `entrance`, if there is one, by which of several the region was entered. */
  prologue(entrance: Local | null): readonly Node[] {
    const rip = load("i64.load", i32(0), STATE.rip);
    const word = load("i32.load", get(this.f.param(0)), TRACE.entrance);
    const nodes: Node[] = [
      set(this.budget, load("i32.load", i32(0), RUN.budget)),
      ...(entrance === null
        ? [set(this.base, rip)]
        : [
            set(entrance, word),
            set(
              this.base,
              op("i64.sub", rip, op("i64.extend_i32_s", op("i32.shr_s", get(entrance), i32(DELTA_SHIFT)))),
            ),
            set(entrance, op("i32.and", get(entrance), i32(ENTRANCES_MAX - 1))),
          ]),
      set(this.r, load("i64.load", i32(0), STATE.lazyResult)),
      set(this.carry, load("i32.load", i32(0), STATE.lazyAux)),
    ];
    this.#registers.forEach((local, number) => {
      if (local !== null) nodes.push(set(local, load("i64.load", i32(0), STATE.gpr + number * 8)));
    });
    this.#vectors.forEach((local, number) => {
      if (local !== null) nodes.push(set(local, load("v128.load", i32(0), STATE.xmm + number * 16)));
    });
    return nodes;
  }

  /** Behind the blocks: the constant way out becomes rip and budget. */
  constantExit(): readonly Node[] {
    const delta = op("i64.extend_i32_s", op("i32.shr_s", get(this.#code), i32(DELTA_SHIFT)));
    const refund = op("i32.and", op("i32.shr_u", get(this.#code), i32(REFUND_SHIFT)), i32(0x7f));
    return [
      set(this.target, op("i64.add", get(this.base), delta)),
      set(this.budget, op("i32.add", get(this.budget), refund)),
      set(this.#code, op("i32.and", get(this.#code), i32(1))),
    ];
  }

  /** Behind that: everything back into the CPU's state, and LEFT as the result. */
  epilogue(severalPages: boolean): readonly Node[] {
    const f = this.f;
    const long = (this.mode & MODE.codeSize) === 2;
    const rip = long ? get(this.target) : op("i64.and", get(this.target), i64(0xffffffffn));
    return f.collect(() => {
      f.emit(
        store("i64.store", i32(0), STATE.rip, rip),
        store("i32.store", i32(0), RUN.budget, get(this.budget)),
      );
      this.#registers.forEach((local, number) => {
        if (local !== null && (this.#written & (1 << number)) !== 0)
          f.emit(store("i64.store", i32(0), STATE.gpr + number * 8, get(local)));
      });
      this.#vectors.forEach((local, number) => {
        if (local !== null && (this.#vectorsWritten & (1 << number)) !== 0)
          f.emit(store("v128.store", i32(0), STATE.xmm + number * 16, get(local)));
      });
      const words = [
        store("i64.store", i32(0), STATE.lazyResult, get(this.r)),
        store("i32.store", i32(0), STATE.lazyAux, get(this.carry)),
      ];
      f.emit({
        kind: "if",
        type: "void",
        condition: op("i32.eq", get(this.recipeLocal), i32(recipeNumber(WORDS))),
        yes: words,
        no: [this.callFlagWords()],
      });
      // The page that was looked up last is not the one that was entered.
      if (severalPages) f.emit(store("i64.store", i32(0), RUN.codePage, i64(-1n)));
      f.emit(get(this.#code));
    });
  }
}
