/**
 * What certainly happens to control registers where code goes straight on: which bits are set in them, which constants are loaded, in what order, and where
 * code of one width falls into code of another.
 *
 * Invariant: everything on one path is reached from what is before it on the path, conditional jumps not taken. A call, a macro, a conditional part, data among
 * code end the path: what they do nobody here knows. Only the neighbourhood of lines that touch these registers is looked at.
 * Source: Intel SDM 3A, 2.5 "Control Registers", 9.9 "Mode Switching", 9.8.5 "Initializing IA-32e Mode".
 */
import type { Bits, InstructionStatement, Line, Operand, Span, SyntaxFile } from "../syntax.ts";
import type { World } from "../world.ts";
import {
  controlOf,
  immediateText,
  instructionOf,
  isLeaving,
  registerNamed,
  registerOf,
  type Instruction,
} from "./instruction.ts";
import type { Value } from "./constant.ts";
import { layoutOf } from "./layout.ts";
import { scopeOf, type Scope } from "./scope.ts";
import { surveyOf } from "./survey.ts";
import { widthsOf, type Widths } from "./width.ts";

export type ControlRegister = "cr0" | "cr3" | "cr4" | "efer";

/** A register's content. */
type Known =
  | { readonly kind: "number"; readonly number: bigint }
  /** A label of the file and something added: its distance from a page boundary, where that is certain. */
  | { readonly kind: "offset"; readonly offset: bigint }
  /** As a control register was, but for bits that are certainly set or clear now. */
  | { readonly kind: "copy"; readonly of: ControlRegister; readonly set: bigint; readonly clear: bigint };

interface Step extends Span {
  readonly line: number;
  readonly bits: Bits;
}

export type Mark =
  | (Step & {
      readonly kind: "write";
      readonly register: ControlRegister;
      /** Bits that are certainly set by it. */
      readonly set: bigint;
      /** The whole value, where it is a number. */
      readonly value: bigint | undefined;
      /** Distance from the page boundary before it, where it is the address of a label whose place in its page is certain. */
      readonly offset: bigint | undefined;
      /** Where the number was loaded. */
      readonly from: Step | undefined;
      readonly source: Operand | undefined;
    })
  /** Code that is reached by falling or by a near jump from code of another width. */
  | (Step & {
      readonly kind: "width";
      readonly before: Bits;
      readonly isJump: boolean;
      readonly target: Bits;
    });

/** Marks in the order of the code. */
export type Path = readonly Mark[];

export const bit = (number: number): bigint => 1n << BigInt(number);
/** PWT and PCD of CR3, which are added to an address. */
const flags = 0x18n;
const efer = 0xc000_0080n;
/** Lines around one that touches a control register that are looked at. */
const reach = 300;

interface Walk {
  readonly scope: Scope;
  readonly widths: Widths;
  readonly section: string;
  readonly paths: Path[];
  path: Mark[];
  readonly registers: Map<string, { readonly known: Known; readonly at: Step }>;
  bits: Bits | undefined;
}

export function pathsOf(file: SyntaxFile, world: World): readonly Path[] {
  const control = surveyOf(file).linesOf("control");
  if (control.length === 0) {
    return [];
  }
  const scope = scopeOf(file, world);
  const known = results.get(scope);
  if (known) {
    return known;
  }
  const paths: Path[] = [];
  /** By section: code of one may stand between lines of another. */
  const done = new Map<string, number>();
  for (const number of control) {
    const line = file.lines[number];
    const section = line?.before.section ?? "";
    if (line && number > (done.get(section) ?? -1)) {
      done.set(section, walk(scope, widthsOf(file, world), number, section, paths));
    }
  }
  results.set(scope, paths);
  return paths;
}

const results = new WeakMap<Scope, readonly Path[]>();

/** Returns the line up to which everything has been seen. */
function walk(scope: Scope, widths: Widths, from: number, section: string, paths: Path[]): number {
  const { lines } = scope.file;
  const state: Walk = { scope, widths, section, paths, path: [], registers: new Map(), bits: undefined };
  let number = startOf(lines, from, section);
  for (let last = from; number < lines.length && number <= last + reach; number += 1) {
    const line = lines[number];
    if (line && line.before.section === section) {
      const count = state.path.length;
      follow(state, line, number);
      last = state.path.length > count ? number : last;
    }
  }
  finish(state);
  return number - 1;
}

/** Back to where code begins that reaches the line. */
function startOf(lines: readonly Line[], from: number, section: string): number {
  let start = from;
  for (let number = from - 1; number >= Math.max(0, from - reach); number -= 1) {
    const line = lines[number];
    if (!line || line.before.section !== section) {
      continue;
    }
    const ends = line.statements.some(
      (statement) =>
        statement.kind === "call" || (statement.kind === "instruction" && isLeaving(statement.mnemonic.text)),
    );
    if (ends) {
      break;
    }
    start = number;
  }
  return start;
}

function finish(state: Walk): void {
  if (state.path.length > 0) {
    state.paths.push(state.path);
  }
  state.path = [];
  state.registers.clear();
  state.bits = undefined;
}

function follow(state: Walk, line: Line, number: number): void {
  const isText = line.before.macros.length > 0 || line.after.macros.length > 0;
  if (isText) {
    return;
  }
  if (line.fold || line.includes.length > 0 || line.before.continues || line.before.conditions.length > 0) {
    finish(state);
  }
  for (const statement of line.statements) {
    switch (statement.kind) {
      case "instruction":
        instruction(state, statement, line, number);
        break;
      case "call":
      case "unknown":
        finish(state);
        break;
      case "directive":
        if (!isQuiet(statement.name.text)) {
          finish(state);
        }
        break;
      case "assignment":
        break;
    }
  }
}

/** Puts nothing into the code, or padding. */
function isQuiet(name: string): boolean {
  return /^(?:\.(?:code\d+|globl|global|type|size|set|equ|cfi_\w+|loc|align|balign|p2align|local|hidden|weak|section|pushsection|popsection|previous|text|data|bss|att_syntax|intel_syntax)|bits|use\d+|align|section|segment|global|extern|equ|default|cpu|#define|#undef|%define|%assign|%undef)$/.test(
    name,
  );
}

function instruction(state: Walk, statement: InstructionStatement, line: Line, number: number): void {
  const step: Step = {
    line: number,
    bits: state.widths.at(number),
    start: statement.start,
    end: statement.end,
  };
  if (state.bits !== undefined && step.bits !== state.bits && step.bits !== null && state.bits !== null) {
    state.path.push({ ...step, kind: "width", before: state.bits, isJump: false, target: step.bits });
  }
  state.bits = step.bits;
  const mnemonic = statement.mnemonic.text.toLowerCase();
  if (isLeaving(mnemonic)) {
    jump(state, statement, step);
    finish(state);
    return;
  }
  if (/^(?:l?call[wlq]?|int3?|into|syscall|sysenter|enter|vmrun|rep\w*)$/.test(mnemonic)) {
    finish(state);
    return;
  }
  effect(state, instructionOf(statement, line), statement, step);
}

/** A near jump into code of another width. */
function jump(state: Walk, { mnemonic, operands }: InstructionStatement, step: Step): void {
  const [target] = operands;
  const isNear = /^jmp[wlq]?$/i.test(mnemonic.text) && operands.length === 1 && target?.kind === "target";
  if (!isNear || !target || /:|\bfar\b|dword|word/i.test(target.text)) {
    return;
  }
  const value = state.scope.evaluate(target.text.replace(/^(?:short|near)\s+/i, ""), step.line);
  const [only] = value && value.number === 0n && value.labels.size === 1 ? value.labels : [];
  const bits = only === undefined ? null : bitsAt(state, only[0]);
  if (bits !== null && step.bits !== null && bits !== step.bits) {
    state.path.push({ ...step, kind: "width", before: step.bits, isJump: true, target: bits });
  }
}

/** How wide the code at a label is. */
function bitsAt({ scope, widths }: Walk, name: string): Bits {
  const numeric = /@(\d+)$/.exec(name)?.[1];
  const entries = scope.labels.get(name);
  const entry = entries?.length === 1 && entries[0]?.file === scope.file ? entries[0] : undefined;
  const from = numeric === undefined ? entry?.line : Number(numeric);
  if (from === undefined || from < 0) {
    return null;
  }
  for (const [count, line] of scope.file.lines.slice(from, from + 16).entries()) {
    if (
      line.fold ||
      line.before.conditions.length > 0 ||
      line.statements.some(({ kind }) => kind === "call")
    ) {
      return null;
    }
    if (line.statements.some(({ kind }) => kind === "instruction")) {
      return widths.at(from + count);
    }
  }
  return null;
}

function effect(state: Walk, one: Instruction, statement: InstructionStatement, step: Step): void {
  const [destination, source] = one.operands;
  const control = one.name === "mov" ? controlOf(destination) : undefined;
  if (control !== undefined && source) {
    write(state, control, source, step);
    return;
  }
  if (one.name === "lmsw" && destination) {
    writeStatus(state, destination, step);
    return;
  }
  if (one.name === "wrmsr") {
    writeModelSpecific(state, step);
    return;
  }
  if (one.name === "rdmsr") {
    const index = state.registers.get("c")?.known;
    const isEfer = index?.kind === "number" && index.number === efer;
    keep(state, "a", isEfer ? { kind: "copy", of: "efer", set: 0n, clear: 0n } : undefined, step);
    state.registers.delete("d");
    return;
  }
  if (isHarmless(statement, one)) {
    return;
  }
  const register = destination && registerOf(destination);
  if (register && /^(?:mov|or|and|xor|add|sub|inc|dec|lea|bts|btr|pop|shl|shr|not|neg)$/.test(one.name)) {
    keep(state, register.family, result(state, one, step), step);
  } else {
    // Strings, multiplications, exchanges: registers they do not name may change.
    state.registers.clear();
  }
}

function keep(state: Walk, family: string, known: Known | undefined, at: Step): void {
  if (known) {
    state.registers.set(family, { known, at });
  } else {
    state.registers.delete(family);
  }
}

/** Leaves all general registers as they are, but for the stack pointer. */
function isHarmless({ mnemonic }: InstructionStatement, { name, operands }: Instruction): boolean {
  const isSilent =
    /^(?:cli|sti|cld|std|clc|stc|nop|l[gi]dt[wlq]?|ltr[w]?|lldt|wbinvd|invlpg|[mls]fence|pause|out[bwl]?|fninit|finit|cmp[bwlq]?|test[bwlq]?|push[wlq]?|pushf[wdlq]?|j[a-z]+)$/i;
  const [destination] = operands;
  const isElsewhere = destination !== undefined && !registerOf(destination);
  return isSilent.test(mnemonic.text) || (isElsewhere && /^(?:mov|or|and|add|sub|xor|inc|dec)$/.test(name));
}

/** What the first operand, a register, holds after the instruction. */
function result(state: Walk, { name, operands }: Instruction, step: Step): Known | undefined {
  const [destination, source] = operands;
  const register = destination && registerOf(destination);
  if (!register || register.isHigh) {
    return undefined;
  }
  const before = state.registers.get(register.family)?.known;
  if (name === "mov" && source) {
    // Parts of registers are not followed.
    return register.width < 32 ? undefined : moved(state, source, register.width, step);
  }
  if (name === "xor" && source?.text === destination?.text && register.width >= 32) {
    return { kind: "number", number: 0n };
  }
  const text = source && immediateText(source);
  const value = text === undefined ? undefined : state.scope.number(text, step.line);
  if (!before || value === undefined) {
    return undefined;
  }
  const mask = (1n << BigInt(register.width)) - 1n;
  const operand = value & mask;
  switch (name) {
    case "or":
      return withBits(before, operand, 0n);
    case "bts":
      return withBits(before, 1n << (value & BigInt(register.width - 1)), 0n);
    case "btr":
      return withBits(before, 0n, 1n << (value & BigInt(register.width - 1)));
    case "and":
      return withBits(before, 0n, mask & ~operand);
    default:
      return undefined;
  }
}

function moved(state: Walk, source: Operand, width: number, step: Step): Known | undefined {
  const control = controlOf(source);
  if (control === "cr0" || control === "cr3" || control === "cr4") {
    return { kind: "copy", of: control, set: 0n, clear: 0n };
  }
  const other = registerOf(source);
  if (other) {
    return other.width >= 32 ? state.registers.get(other.family)?.known : undefined;
  }
  const text = immediateText(source);
  const value = text === undefined ? undefined : state.scope.evaluate(text, step.line);
  if (value && value.labels.size === 0) {
    return { kind: "number", number: BigInt.asUintN(width, value.number) };
  }
  const offset = value && offsetInPage(state.scope, value);
  return offset === undefined ? undefined : { kind: "offset", offset };
}

/** A label's place in its page: its section asks for pages, and its distance from something aligned so is certain. */
function offsetInPage(scope: Scope, value: Value): bigint | undefined {
  const [only] = value.labels.size === 1 ? value.labels : [];
  if (only?.[1] !== 1n) {
    return undefined;
  }
  const place = layoutOf(scope).placeOf(only[0]);
  const alignment = place?.alignment ?? 1n;
  return place && alignment % 4096n === 0n && alignment > 0n
    ? (place.offset + (value.number & ~flags)) & 0xfffn
    : undefined;
}

function withBits(known: Known, set: bigint, clear: bigint): Known {
  if (known.kind === "number") {
    return { kind: "number", number: (known.number | set) & ~clear };
  }
  if (known.kind === "offset") {
    return { kind: "offset", offset: (known.offset | (set & 0xfffn & ~flags)) & ~clear };
  }
  return { ...known, set: (known.set | set) & ~clear, clear: (known.clear | clear) & ~set };
}

function write(state: Walk, control: string, source: Operand, step: Step): void {
  if (control !== "cr0" && control !== "cr3" && control !== "cr4") {
    return;
  }
  const held = state.registers.get(registerNamed(source.registers[0]?.text ?? "")?.family ?? "");
  const known = held?.known;
  const number = known?.kind === "number" ? known.number : undefined;
  const set = number ?? (known?.kind === "copy" && known.of === control ? known.set : 0n);
  state.path.push({
    ...step,
    kind: "write",
    register: control,
    set,
    value: number,
    offset: known?.kind === "offset" ? known.offset : undefined,
    from: held?.at,
    source,
  });
}

/** `lmsw` writes the lowest bits of CR0; it can set PE. */
function writeStatus(state: Walk, source: Operand, step: Step): void {
  const held = state.registers.get(registerOf(source)?.family ?? "")?.known;
  const set =
    held?.kind === "number"
      ? held.number & 0xfn
      : held?.kind === "copy" && held.of === "cr0"
        ? held.set & 0xfn
        : 0n;
  state.path.push({
    ...step,
    kind: "write",
    register: "cr0",
    set,
    value: undefined,
    offset: undefined,
    from: undefined,
    source,
  });
}

function writeModelSpecific(state: Walk, step: Step): void {
  const index = state.registers.get("c")?.known;
  if (index?.kind !== "number" || index.number !== efer) {
    return;
  }
  const held = state.registers.get("a");
  const known = held?.known;
  const number = known?.kind === "number" ? known.number : undefined;
  const set = number ?? (known?.kind === "copy" && known.of === "efer" ? known.set : 0n);
  state.path.push({
    ...step,
    kind: "write",
    register: "efer",
    set,
    value: number,
    offset: undefined,
    from: held?.at,
    source: undefined,
  });
}
