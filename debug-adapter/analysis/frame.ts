/**
 * The forward half of the analysis: what each register and each saved word of the stack is worth before every instruction.
 *
 * Invariant: RSP is always an exact place (`value.ts`). Saved words are believed to keep their value until something is stored over them through RSP, RBP or a
 * copy; a store through any other pointer is not taken for one into the frame's own saves, as no compiler's code and no sane assembly makes it one.
 * Elsewhere: which bytes below RSP are touched (`access.ts`), which way control goes (`flow.ts`).
 */
import { NONE, RBP, RIP, RSP, type Operand, type Step } from "./step.ts";
import { derived, ENTRY, join, place, plus, same, type StackPlace, type Value } from "./value.ts";

const REGISTERS = 16;
/** Registers that a call does not preserve: RAX, RCX, RDX, RSI, RDI, R8 to R11. */
const VOLATILE = 0b0000_1111_1100_0111;
const WORDS_MAX = 64;

/** How far a new base lies below the place that RSP was before; null where nobody knows. */
export interface Descent {
  readonly from: StackPlace;
  /** At most so many bytes further down. */
  readonly most: number | null;
}

/** Where new bases come from: kept for the function, filled as they are met. */
export type Descents = Map<number, Descent | null>;

export class Frame {
  readonly registers: Value[];
  /** Saved words by "base:offset"; only those of which something is known. */
  readonly words: Map<string, Value>;
  /** A number that an unsigned comparison on the way here has found something to be below: the length of a jump table. */
  limit: number | null;

  constructor(registers: Value[], words: Map<string, Value>, limit: number | null) {
    this.registers = registers;
    this.words = words;
    this.limit = limit;
  }

  static entry(): Frame {
    const registers: Value[] = Array.from({ length: REGISTERS }, () => null);
    registers[RSP] = place(ENTRY, 0);
    return new Frame(registers, new Map(), null);
  }

  copy(): Frame {
    return new Frame([...this.registers], new Map(this.words), this.limit);
  }

  get rsp(): StackPlace {
    return this.registers[RSP] as StackPlace;
  }

  /** A place that a base register and a displacement give; without a base, or with an index, what is known of it. */
  placeOf(operand: Operand): StackPlace | null {
    const { base, index, displacement } = operand;
    const value = base < 0 ? null : this.registers[base]!;
    if (value?.kind === "stack") {
      const moved = plus(value, displacement);
      if (moved?.kind !== "stack") return null;
      if (index === NONE) return moved;
      const factor = this.registers[index]!;
      if (factor?.kind === "constant")
        return plus(moved, Number(BigInt.asIntN(64, factor.value)) * operand.scale) as StackPlace;
      return place(moved.base, moved.offset, false);
    }
    // [rax + rsp-copy]: the pointer may be the index where its factor is 1.
    const other = index < 0 || operand.scale !== 1 ? null : this.registers[index]!;
    if (other?.kind !== "stack" || operand.sizeBytes === 0) return null;
    const moved = plus(other, displacement);
    if (moved?.kind !== "stack") return null;
    return base === NONE ? moved : place(moved.base, moved.offset, false);
  }

  /** Changes to what is known after `step`. `word` is the size of a register in bytes, `address` the function's lowest. */
  apply(step: Step, word: number, address: bigint, descents: Descents): void {
    const { registers } = this;
    const { action } = step;
    const before = this.rsp;
    this.limit = action.kind === "compare" ? null : this.limit;
    if (step.operands.length > 0 && action.kind !== "store" && action.kind !== "adjust") {
      for (const operand of step.operands) if (operand.writes) this.#overwrite(operand);
    }
    switch (action.kind) {
      case "none":
      case "compare":
      case "go":
        break;
      case "move":
        registers[action.to] = plus(registers[action.from]!, action.add);
        break;
      case "derive":
        registers[action.to] = derived(plus(registers[action.from]!, action.add));
        break;
      case "sum":
        registers[action.to] = sum(registers[action.to]!, registers[action.from]!);
        break;
      case "difference": {
        const to = registers[action.to]!;
        const from = registers[action.from]!;
        registers[action.to] =
          from?.kind === "constant" ? plus(to, -Number(BigInt.asIntN(64, from.value))) : derived(to);
        break;
      }
      case "align":
        registers[action.to] = derived(registers[action.to]!);
        if (action.to === RSP) {
          // RSP is a multiple of a word, of how many depends on who calls.
          descents.set(baseAt(step), { from: before, most: Math.max(0, action.bytes - word) });
          registers[RSP] = place(baseAt(step), 0);
        }
        break;
      case "constant":
        registers[action.to] = { kind: "constant", value: action.value };
        break;
      case "address":
        registers[action.to] = {
          kind: "constant",
          value: BigInt.asUintN(64, address + BigInt(action.at)),
        };
        break;
      case "load":
        registers[action.to] = this.#loaded(step.operands[0], action.isWhole, word);
        break;
      case "extend": {
        const value = registers[action.from]!;
        registers[action.to] = value?.kind === "entry" ? value : null;
        break;
      }
      case "store": {
        const [operand] = step.operands;
        if (operand === undefined) break;
        const to = this.#overwrite(operand);
        if (to?.isExact === true) this.#keep(to, registers[action.from]!);
        break;
      }
      case "adjust": {
        const [operand] = step.operands;
        const to = operand === undefined ? null : this.placeOf(operand);
        const known = to?.isExact === true ? this.words.get(key(to)) : undefined;
        if (operand !== undefined) this.#overwrite(operand);
        if (to !== null && known !== undefined) this.#keep(to, plus(known, action.add));
        break;
      }
      case "push": {
        const value = action.from === NONE ? null : registers[action.from]!;
        const to = plus(before, -action.bytes) as StackPlace;
        registers[RSP] = to;
        this.#forget(to, action.bytes);
        if (action.bytes === word) this.#keep(to, value);
        break;
      }
      case "pop": {
        const value = this.words.get(key(before)) ?? null;
        registers[RSP] = plus(before, action.bytes);
        if (action.to !== NONE) registers[action.to] = action.bytes === word ? value : null;
        break;
      }
      case "leave": {
        const from = registers[RBP]!;
        registers[RSP] = from?.kind === "stack" && from.isExact ? from : null;
        registers[RBP] = null;
        if (registers[RSP] !== null) {
          registers[RBP] = this.words.get(key(registers[RSP])) ?? null;
          registers[RSP] = plus(registers[RSP], word);
        }
        break;
      }
      case "enter": {
        const to = plus(before, -word) as StackPlace;
        this.#forget(to, word);
        this.#keep(to, registers[RBP]!);
        registers[RBP] = to;
        registers[RSP] = plus(to, -action.bytes);
        break;
      }
    }
    const clobbers =
      step.flow === "call" || step.flow === "indirect-call" ? step.clobbers | VOLATILE : step.clobbers;
    if (clobbers !== 0) {
      for (let register = 0; register < REGISTERS; register++)
        if ((clobbers >> register) & 1) registers[register] = null;
    }
    const after = registers[RSP]!;
    if (after?.kind === "stack" && after.isExact) return;
    // Wherever RSP went to, it is a place to count from.
    const descends = after?.kind === "stack" || action.kind === "difference";
    descents.set(baseAt(step), descends ? { from: before, most: null } : null);
    registers[RSP] = place(baseAt(step), 0);
  }

  /** What is stored over is no longer known. Returns where, if it is on the stack. */
  #overwrite(operand: Operand): StackPlace | null {
    const to = this.placeOf(operand);
    if (to === null || this.words.size === 0) return to;
    if (to.isExact && !operand.isOpen) this.#forget(to, Math.max(operand.sizeBytes, 1));
    return to;
  }

  #forget(at: StackPlace, bytes: number): void {
    if (this.words.size === 0) return;
    for (let offset = at.offset - 7; offset < at.offset + bytes; offset++)
      this.words.delete(`${at.base}:${offset}`);
  }

  #keep(at: StackPlace, value: Value): void {
    if (value?.kind === "stack" && this.words.size < WORDS_MAX) this.words.set(key(at), value);
  }

  #loaded(operand: Operand | undefined, isWhole: boolean, word: number): Value {
    if (operand === undefined) return null;
    const from = isWhole ? this.placeOf(operand) : null;
    if (from !== null) return from.isExact ? (this.words.get(key(from)) ?? null) : null;
    const table = this.tableOf(operand, word);
    return table === null
      ? null
      : { kind: "entry", table, bytes: isWhole && word === 8 ? 8 : 4, relativeTo: null };
  }

  /** The address of the table that an operand with an unknown index looks into; null if it does not look like one. */
  tableOf(operand: Operand, word: number): bigint | null {
    const { base, index, displacement } = operand;
    if (base === RIP) return null;
    const known = (register: number): bigint | null => {
      const value = register < 0 ? null : this.registers[register]!;
      return value?.kind === "constant" ? value.value : null;
    };
    const add = (value: bigint): bigint => BigInt.asUintN(word * 8, value + BigInt(displacement));
    const first = known(base);
    if (first !== null && index !== NONE) return add(first);
    const second = operand.scale === 1 ? known(index) : null;
    if (second !== null && base !== NONE) return add(second);
    // Without a base the displacement is the table; relocated objects have theirs near the code.
    return base === NONE && index !== NONE && operand.scale >= 4 && displacement !== 0 ? add(0n) : null;
  }
}

/** A base that begins behind an instruction, and one that begins where paths meet. */
const baseAt = (step: Step): number => step.at * 2 + 2;
export const baseOfMeeting = (at: number): number => at * 2 + 3;

const key = (at: StackPlace): string => `${at.base}:${at.offset}`;

function sum(a: Value, b: Value): Value {
  if (a?.kind === "entry" && b?.kind === "constant" && a.relativeTo === null)
    return { ...a, relativeTo: b.value };
  if (b?.kind === "entry" && a?.kind === "constant" && b.relativeTo === null)
    return { ...b, relativeTo: a.value };
  if (b?.kind === "constant") return plus(a, Number(BigInt.asIntN(64, b.value)));
  if (a?.kind === "constant") return plus(b, Number(BigInt.asIntN(64, a.value)));
  if (a?.kind === "stack" && b?.kind === "stack") return null;
  return derived(a) ?? derived(b);
}

/**
 * Brings what one path knows together with what others do, where they meet at `at`. Returns whether `into` has changed.
 * Where they disagree on RSP a new base begins.
 */
export function meet(into: Frame, from: Frame, at: number, descents: Descents): boolean {
  let changed = false;
  for (let register = 0; register < REGISTERS; register++) {
    const mine = into.registers[register]!;
    const theirs = from.registers[register]!;
    if (same(mine, theirs)) continue;
    if (register === RSP) {
      const base = baseOfMeeting(at);
      if (into.rsp.base === base && into.rsp.offset === 0) continue;
      descents.set(base, null);
      into.registers[RSP] = place(base, 0);
      changed = true;
      continue;
    }
    const both = join(mine, theirs);
    if (same(both, mine)) continue;
    into.registers[register] = both;
    changed = true;
  }
  for (const [where, value] of into.words) {
    const both = join(value, from.words.get(where) ?? null);
    if (same(both, value)) continue;
    if (both === null) into.words.delete(where);
    else into.words.set(where, both);
    changed = true;
  }
  if (into.limit !== from.limit && into.limit !== null) {
    into.limit = from.limit === null ? null : Math.max(into.limit, from.limit);
    changed = true;
  }
  return changed;
}
