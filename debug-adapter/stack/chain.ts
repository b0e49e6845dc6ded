/**
 * The call stack of a CPU as stretches of memory: each physical frame with the bytes that belong to it, made as they are asked for.
 *
 * Invariant: a chain belongs to one stop, as its frames do. A frame reaches from its stack pointer up to its canonical frame address, the
 * return address included; where the processor pushed the way back, up to the end of what it pushed.
 * Elsewhere: how a caller is found (`symbols/unwind/`), what lies in a frame (`slots.ts`).
 */
import type { Core } from "../../emulator/index.ts";
import { GuestSpace, littleEndian } from "../memory/space.ts";
import { codeBits } from "../registers/index.ts";
import {
  convention,
  type FrameRow,
  type ReadMemory,
  type StackFrame,
  type SymbolTable,
} from "../symbols/index.ts";
import { architectureOf, topRegisters, type Frame } from "./frame.ts";
import { pushedAt, type Pushed } from "./pushed.ts";
import { pageReader } from "./reader.ts";

/** A recursion without end on a large stack has more; they would say nothing new. */
const DEEPEST = 1 << 15;

export interface Stretch {
  /** From 0, innermost first. */
  readonly index: number;
  /** What runs in it, innermost inlined function first. */
  readonly frames: readonly Frame[];
  readonly physical: StackFrame;
  readonly pc: bigint;
  readonly low: bigint;
  readonly high: bigint | null;
  /** The rules at its instruction, if call frame information describes it. */
  readonly rules: FrameRow | null;
  /** Where its return address is; null where the processor pushed the way back, and where nobody knows. */
  readonly returnAt: bigint | null;
  /** What the processor pushed when it came here from the next frame. */
  readonly pushed: Pushed | null;
}

export class Chain {
  readonly core: Core;
  readonly table: SymbolTable;
  readonly space: GuestSpace;
  readonly bits: 16 | 32 | 64;
  readonly wordBytes: 2 | 4 | 8;
  readonly registers: ReadonlyMap<number, bigint>;
  /** Memory at this stop. */
  readonly read: ReadMemory;
  readonly #walk: ReturnType<SymbolTable["walk"]>;
  readonly #stretches: Stretch[] = [];
  /** The frame whose caller has not been looked at. */
  #last: StackFrame | null = null;
  #frameIndex = 0;
  #end: string | null = null;

  constructor(core: Core, table: SymbolTable) {
    this.core = core;
    this.table = table;
    this.space = new GuestSpace(core);
    this.bits = codeBits(core);
    this.wordBytes = this.bits === 64 ? 8 : this.bits === 32 ? 4 : 2;
    this.registers = topRegisters(core);
    this.read = pageReader(this.space);
    this.#walk = table.walk(architectureOf(core), this.registers, this.read);
    this.#last = this.#next();
  }

  /** The stack pointer, linear. */
  get pointer(): bigint {
    return this.registers.get(convention(architectureOf(this.core)).stackPointer)!;
  }

  /** Why the last frame has no caller; null while that is not known. */
  get end(): string | null {
    return this.#end;
  }

  /** Those that were asked for. */
  get known(): readonly Stretch[] {
    return this.#stretches;
  }

  /** Null behind the last. */
  at(index: number): Stretch | null {
    while (this.#stretches.length <= index && this.#last !== null) this.#grow();
    return this.#stretches[index] ?? null;
  }

  #next(): StackFrame | null {
    const step = this.#walk.next();
    if (step.done !== true) return step.value;
    this.#end = step.value.reason;
    return null;
  }

  #grow(): void {
    const physical = this.#last!;
    const isDeep = this.#stretches.length + 1 >= DEEPEST;
    // What was pushed in 16-bit code, words of 2 bytes, is not followed.
    const caller = isDeep || this.bits === 16 ? null : this.#next();
    if (isDeep) this.#end = `only the innermost ${DEEPEST} frames are followed`;
    if (this.bits === 16) this.#end = "callers of 16-bit code are not followed";
    this.#last = caller;
    this.#stretches.push(this.#stretch(physical, caller));
  }

  #stretch(physical: StackFrame, caller: StackFrame | null): Stretch {
    const architecture = architectureOf(this.core);
    const names = convention(architecture);
    const word = BigInt(names.wordBytes);
    const { core, space, bits } = this;
    const { pc, context } = physical;
    const index = this.#stretches.length;
    const common = { core, space, bits, architecture, pc, physical, isTop: index === 0 };
    const frames: Frame[] = physical.functions.map((symbols) => ({
      ...common,
      index: this.#frameIndex++,
      symbols,
    }));
    if (frames.length === 0) frames.push({ ...common, index: this.#frameIndex++, symbols: null });
    const low = context.registers.get(names.stackPointer) ?? this.pointer;
    const cfa = bits === 16 ? undefined : context.cfa;
    const rules = caller === null || caller.method === "cfi" ? this.#rules(physical, architecture) : null;
    const back = rules?.rules.get(rules.returnRegister);
    let returnAt: bigint | null = null;
    if (cfa !== undefined && back?.kind === "offset") returnAt = cfa + back.offset;
    else if (cfa !== undefined && caller !== null) returnAt = cfa - word;
    let pushed: Pushed | null = null;
    if (caller !== null && caller.isInterrupted) {
      const at = caller.method === "interrupt" ? pushedByScan(cfa, caller, low) : returnAt;
      pushed = at === null ? null : pushedAt(core, space, this.table, at, physical);
      returnAt = null;
    }
    const high = pushed !== null && (cfa === undefined || pushed.high > cfa) ? pushed.high : (cfa ?? null);
    return {
      index,
      frames,
      physical,
      pc,
      low,
      high: high === null || high < low ? null : high,
      rules,
      returnAt,
      pushed,
    };
  }

  #rules(physical: StackFrame, architecture: Frame["architecture"]): FrameRow | null {
    const row = this.table.rulesAt(physical.address)?.row ?? null;
    return row?.architecture === architecture ? row : null;
  }
}

/** Unwinding found five words, or three in 32-bit code without a change of privilege; the first is the instruction pointer. */
function pushedByScan(cfa: bigint | undefined, caller: StackFrame, low: bigint): bigint | null {
  if (cfa === undefined) return null;
  for (const [words, bytes] of [
    [5n, 8n],
    [5n, 4n],
    [3n, 4n],
  ] as const) {
    const at = cfa - words * bytes;
    if (at < low) continue;
    const read = caller.context.readMemory(at, Number(bytes));
    if (read !== null && littleEndian(read) === caller.pc) return at;
  }
  return null;
}
