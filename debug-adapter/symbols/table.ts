/**
 * The symbols of everything that is loaded: several images, each at its place, asked as one.
 *
 * Images may overlap (a chainloader's memory is overwritten by the kernel it starts, one file is mapped twice); the one added last
 * answers first, and one that has nothing to say passes the question on.
 */
import type { SymbolError } from "./error.ts";
import type { GuestSymbol, SymbolImage } from "./image.ts";
import type {
  AddressRange,
  Architecture,
  FrameContext,
  LineAddress,
  LineEntry,
  SymbolFrame,
  SymbolFunction,
  Type,
  Variable,
} from "./model.ts";
import { bestMatches } from "./source-path.ts";
import { convention } from "./unwind/registers.ts";
import {
  type FrameState,
  lookupAddress,
  type Outermost,
  type ReadMemory,
  type UnwindSymbols,
  type Unwound,
} from "./unwind/state.ts";
import { unwind } from "./unwind/unwind.ts";

/** A physical frame of a call stack: one stack frame, with the functions inlined into it. */
export interface StackFrame {
  readonly pc: bigint;
  /** What to look code and variables up by: `pc`, or `pc - 1` if that is a return address. */
  readonly address: bigint;
  readonly context: FrameContext;
  /** Innermost first; empty if nothing is known of the address. */
  readonly functions: readonly SymbolFrame[];
  /** How it was found: `top`, or as `Unwound.method`. */
  readonly method: "top" | Unwound["method"];
  /** It was interrupted where it stands, it did not call. */
  readonly isInterrupted: boolean;
}

export class SymbolTable implements UnwindSymbols {
  #images: readonly SymbolImage[] = [];

  /** Those added last first. */
  get images(): readonly SymbolImage[] {
    return this.#images;
  }

  add(image: SymbolImage): void {
    this.#images = [image, ...this.#images];
  }

  remove(image: SymbolImage): void {
    this.#images = this.#images.filter((each) => each !== image);
  }

  get problems(): readonly SymbolError[] {
    return [...new Set(this.#images.flatMap((image) => image.problems))];
  }

  imageAt(address: bigint): SymbolImage | null {
    return this.#images.find((image) => image.covers(address)) ?? null;
  }

  #first<T>(address: bigint, ask: (image: SymbolImage) => T | null): T | null {
    for (const image of this.#images) {
      if (!image.covers(address)) continue;
      const answer = ask(image);
      if (answer !== null) return answer;
    }
    return null;
  }

  /** Makes the indexes of all images in steps; each value is the fraction done. See `SymbolImage.index`. */
  *index(): Generator<number> {
    const images = this.#images;
    for (const [i, image] of images.entries()) {
      for (const done of image.index()) yield (i + done) / images.length;
    }
  }

  get isIndexed(): boolean {
    return this.#images.every((image) => image.isIndexed);
  }

  hasCode(address: bigint): boolean {
    return this.#images.some((image) => image.hasCode(address));
  }

  functionAt(address: bigint): SymbolFunction | null {
    return this.#first(address, (image) => image.functionAt(address));
  }

  functionStart(address: bigint): bigint | null {
    return this.#first(address, (image) => image.functionStart(address));
  }

  /** For a caller's frame ask with the return address minus one. */
  framesAt(address: bigint): readonly SymbolFrame[] {
    return this.#first(address, (image) => nonEmpty(image.framesAt(address))) ?? [];
  }

  lineAt(address: bigint): LineEntry | null {
    return this.#first(address, (image) => image.lineAt(address));
  }

  statementRange(address: bigint): AddressRange | null {
    return this.#first(address, (image) => image.statementRange(address));
  }

  linesWithin(low: bigint, high: bigint): readonly LineEntry[] {
    return this.#first(low, (image) => nonEmpty(image.linesWithin(low, high))) ?? [];
  }

  symbolAt(address: bigint): { readonly symbol: GuestSymbol; readonly offset: bigint } | null {
    return this.#first(address, (image) => image.symbolAt(address));
  }

  symbolsNamed(name: string): readonly GuestSymbol[] {
    return this.#images.flatMap((image) => image.symbolsNamed(name));
  }

  /** See `SymbolImage.functionsNamed`. */
  functionsNamed(name: string, isComplete = true): readonly SymbolFunction[] {
    return this.#images.flatMap((image) => image.functionsNamed(name, isComplete));
  }

  /**
   * See `SymbolImage.addressesForLine`. Of several images the ones whose files fit the path best answer; one that has code on the very
   * line goes before one that has it further down.
   */
  addressesForLine(file: string, line: number): readonly LineAddress[] {
    const found = this.#images.flatMap((image) => image.addressesForLine(file, line));
    const files = new Set(bestMatches(file, new Set(found.map((each) => each.file))));
    const fitting = found.filter((each) => files.has(each.file));
    const nearest = Math.min(...fitting.map((each) => each.line));
    return fitting.filter((each) => each.line === nearest);
  }

  linesOf(file: string, from: number, to: number): { readonly line: number; readonly column: number }[] {
    const found = this.#images.flatMap((image) => image.linesOf(file, from, to));
    const byPlace = new Map(found.map((each) => [`${each.line}:${each.column}`, each]));
    return [...byPlace.values()].sort((a, b) => a.line - b.line || a.column - b.column);
  }

  sources(): readonly string[] {
    return [...new Set(this.#images.flatMap((image) => image.sources()))];
  }

  globalsNamed(name: string, near?: bigint): readonly Variable[] {
    return this.#nearestFirst(near).flatMap((image) => image.globalsNamed(name, near));
  }

  fileVariables(address: bigint): readonly Variable[] {
    return this.#first(address, (image) => nonEmpty(image.fileVariables(address))) ?? [];
  }

  typeNamed(name: string, near?: bigint): Type | null {
    for (const image of this.#nearestFirst(near)) {
      const type = image.typeNamed(name, near);
      if (type) return type;
    }
    return null;
  }

  rulesAt(address: bigint): ReturnType<UnwindSymbols["rulesAt"]> {
    return this.#first(address, (image) => image.rulesAt(address));
  }

  /** The caller of a frame, or why there is none. */
  unwind(state: FrameState): Unwound | Outermost {
    return unwind(state, this);
  }

  /**
   * The call stack from the top frame's registers on, a frame a step. It ends where there is no caller; a corrupt stack may go on, so
   * the reader decides how deep to look.
   */
  *walk(
    architecture: Architecture,
    registers: ReadonlyMap<number, bigint>,
    readMemory: ReadMemory,
  ): Generator<StackFrame, Outermost> {
    let state: FrameState = { architecture, registers, readMemory, isExact: true };
    let method: StackFrame["method"] = "top";
    for (;;) {
      const step = this.unwind(state);
      const frame = this.#frame(state, method, step);
      if (!frame) return { kind: "outermost", reason: "the instruction pointer is not known" };
      yield frame;
      if (step.kind === "outermost") return step;
      method = step.method;
      state = { architecture, registers: step.registers, readMemory, isExact: step.isExact };
    }
  }

  #frame(state: FrameState, method: StackFrame["method"], step: Unwound | Outermost): StackFrame | null {
    const pc = state.registers.get(convention(state.architecture).instructionPointer);
    if (pc === undefined) return null;
    const address = lookupAddress(state, pc);
    const isInterrupted = method !== "top" && state.isExact;
    return {
      pc,
      address,
      context: this.#context(state, address, step),
      functions: this.framesAt(address),
      method,
      isInterrupted,
    };
  }

  #context(state: FrameState, address: bigint, step: Unwound | Outermost): FrameContext {
    const { registers, readMemory } = state;
    return {
      address,
      registers,
      readMemory,
      cfa: step.cfa,
      caller: () => {
        if (step.kind === "outermost") return null;
        const outer: FrameState = { ...state, registers: step.registers, isExact: step.isExact };
        const pc = step.registers.get(convention(state.architecture).instructionPointer) ?? 0n;
        return this.#context(outer, lookupAddress(outer, pc), this.unwind(outer));
      },
    };
  }

  #nearestFirst(near: bigint | undefined): readonly SymbolImage[] {
    if (near === undefined) return this.#images;
    return [...this.#images].sort((a, b) => Number(b.covers(near)) - Number(a.covers(near)));
  }
}

function nonEmpty<T>(list: readonly T[]): readonly T[] | null {
  return list.length > 0 ? list : null;
}
