/**
 * One statement of GNU assembly: labels, then an instruction, a directive, an assignment or the call of a macro.
 *
 * Invariant: never fails; what begins with no name is `unknown` and an error, except in bodies of macros, which are only text until they are used.
 * Elsewhere: what single directives mean (`directive.ts`), lines of the C preprocessor (`preprocessor.ts`).
 */
import { asArguments, macroAround, type Builder } from "../builder.ts";
import { closingOf, commaParts, isMark, spanOf, split, tokenOf, unbalanced, type Lexeme } from "../lexeme.ts";
import { isMnemonic, isPrefix, isRegister } from "../mnemonic.ts";
import type { Operand, Token } from "../syntax.ts";
import { directive, isDirective } from "./directive.ts";
import { addReferences, define, parametersOf } from "./name.ts";
import { attOperand, intelOperand, plainOperand } from "./operand.ts";

export function statement(builder: Builder, lexemes: readonly Lexeme[]): void {
  const rest = labels(builder, lexemes);
  const first = rest[0];
  if (first) {
    body(builder, rest, first);
  }
}

/** Takes `name:` and `1:` from the front. */
function labels(builder: Builder, lexemes: readonly Lexeme[]): readonly Lexeme[] {
  let at = 0;
  for (;;) {
    const lexeme = lexemes[at];
    if (!lexeme || !isMark(lexemes[at + 1], ":") || !canBeLabel(lexeme)) {
      return lexemes.slice(at);
    }
    label(builder, lexeme);
    at += 2;
  }
}

function canBeLabel(lexeme: Lexeme): boolean {
  return (
    lexeme.kind === "word" ||
    lexeme.kind === "pattern" ||
    lexeme.kind === "string" ||
    (lexeme.kind === "number" && /^\d+$/.test(lexeme.text))
  );
}

function label(builder: Builder, lexeme: Lexeme): void {
  const name = lexeme.kind === "string" ? lexeme.text.slice(1, -1) : lexeme.text;
  const kind = lexeme.kind === "number" ? "numeric" : name.startsWith(".L") ? "local" : "label";
  builder.definitions.push({ kind, name, token: tokenOf(lexeme) });
  builder.references.push(...parametersOf(lexeme));
  const macro = macroAround(builder);
  if (macro !== undefined && kind !== "numeric") {
    builder.templates.push({ kind: "label", macro, name, arguments: [] });
  }
}

function body(builder: Builder, lexemes: readonly Lexeme[], first: Lexeme): void {
  const second = lexemes[1];
  if (isMacroCall(first, second)) {
    call(builder, lexemes, first);
  } else if ((first.kind === "word" || first.kind === "pattern") && isAssignment(lexemes)) {
    assignment(builder, lexemes, first);
  } else if (first.kind === "word" && first.text.startsWith(".") && isDirective(first.text)) {
    directive(builder, lexemes, first);
  } else if (isMark(first, "{")) {
    // {vex}, {disp32}: how to encode what follows; {%k1} does not stand at the beginning.
    statement(builder, lexemes.slice(closingOf(lexemes, 0) + 1));
  } else if (first.kind === "word" && second && isPrefix(first.text) && startsWithName(second)) {
    prefixed(builder, lexemes);
  } else if (first.kind === "word" && isMnemonic(first.text, "gas")) {
    instruction(builder, [], lexemes, first);
  } else if (first.kind === "word" && isPrefix(first.text)) {
    instruction(builder, [], lexemes, first);
  } else if (first.kind === "word" || first.kind === "pattern") {
    call(builder, lexemes, first);
  } else {
    unknown(builder, lexemes);
  }
}

/** CALL(x): a `#define` with the name of an instruction. */
function isMacroCall(first: Lexeme, second: Lexeme | undefined): boolean {
  return isCapitalWord(first) && isMark(second, "(") && second?.isSpaced === false;
}

function startsWithName(lexeme: Lexeme): boolean {
  return lexeme.kind === "word" || lexeme.kind === "pattern" || isMark(lexeme, "{");
}

function isAssignment(lexemes: readonly Lexeme[]): boolean {
  return isMark(lexemes[1], "=") || isMark(lexemes[1], "==");
}

function assignment(builder: Builder, lexemes: readonly Lexeme[], name: Lexeme): void {
  const value = lexemes.slice(2);
  const operands = value.length > 0 ? [plainOperand(value, builder.text)] : [];
  builder.statements.push({
    ...spanOf(lexemes, 0),
    kind: "assignment",
    name: tokenOf(name),
    operands,
  });
  if (name.text !== ".") {
    define(builder, name, operands[0]?.text ?? "");
  }
  addReferences(builder, value);
}

function prefixed(builder: Builder, lexemes: readonly Lexeme[]): void {
  const prefixes: Token[] = [];
  let at = 0;
  for (;;) {
    const lexeme = lexemes[at];
    const after = lexemes[at + 1];
    if (!lexeme || !after || !isPrefix(lexeme.text) || !startsWithName(after)) {
      break;
    }
    prefixes.push(tokenOf(lexeme));
    at += 1;
  }
  while (isMark(lexemes[at], "{")) {
    at = closingOf(lexemes, at) + 1;
  }
  const mnemonic = lexemes[at];
  if (!mnemonic) {
    return;
  }
  if (mnemonic.kind === "word" && (isMnemonic(mnemonic.text, "gas") || isPrefix(mnemonic.text))) {
    instruction(builder, prefixes, lexemes.slice(at), mnemonic);
  } else {
    body(builder, lexemes.slice(at), mnemonic);
  }
}

function instruction(
  builder: Builder,
  prefixes: readonly Token[],
  lexemes: readonly Lexeme[],
  mnemonic: Lexeme,
): void {
  const rest = lexemes.slice(1);
  const operands = commaParts(rest).map((part) => operandOf(builder, part, mnemonic.text));
  const span = spanOf(lexemes, 0);
  builder.statements.push({
    start: prefixes[0]?.start ?? span.start,
    end: span.end,
    kind: "instruction",
    prefixes,
    mnemonic: tokenOf(mnemonic),
    operands,
  });
  addReferences(builder, rest);
  const wrong = unbalanced(rest);
  if (wrong && macroAround(builder) === undefined && builder.state.continues === null) {
    builder.errors.push({
      start: wrong.start,
      end: wrong.end,
      message: `"${wrong.text}" has no counterpart.`,
    });
  }
}

function operandOf(builder: Builder, lexemes: readonly Lexeme[], mnemonic: string): Operand {
  return builder.state.dialect === "att"
    ? attOperand(lexemes, builder.text, mnemonic)
    : intelOperand(lexemes, builder.text, mnemonic, false);
}

/** Arguments of a macro: commas or blanks divide them, where no operator stands at the blank. */
export function argumentParts(lexemes: readonly Lexeme[]): readonly (readonly Lexeme[])[] {
  return split(lexemes, (lexeme, before) => {
    if (isMark(lexeme, ",")) {
      return "drop";
    }
    const isGap = lexeme.isSpaced && before !== undefined && endsTerm(before) && beginsTerm(lexeme);
    return isGap ? "keep" : null;
  });
}

function endsTerm(lexeme: Lexeme): boolean {
  return lexeme.kind !== "mark" || lexeme.text === ")" || lexeme.text === "]";
}

function beginsTerm(lexeme: Lexeme): boolean {
  return lexeme.kind !== "mark" || lexeme.text === "$";
}

/** `name args` (`.macro`) or `NAME(args)` (`#define`), which may be followed by more on the same line. */
function call(builder: Builder, lexemes: readonly Lexeme[], name: Lexeme): void {
  const next = lexemes[1];
  const isFunction = isMark(next, "(") && next?.isSpaced === false;
  const end = isFunction ? closingOf(lexemes, 1) : lexemes.length;
  const isPlain = !isFunction && isCapitalWord(name) && next !== undefined && isCode(next);
  const args = isFunction
    ? commaParts(lexemes.slice(2, end))
    : isPlain
      ? []
      : argumentParts(lexemes.slice(1));
  const covered = isFunction ? lexemes.slice(0, end + 1) : isPlain ? [name] : lexemes;
  addCall(builder, name, args, covered);
  const rest = isFunction ? lexemes.slice(end + 1) : isPlain ? lexemes.slice(1) : [];
  if (isMark(rest[0], ":")) {
    after(builder, rest.slice(1));
  } else {
    after(builder, rest);
  }
}

function addCall(
  builder: Builder,
  name: Lexeme,
  args: readonly (readonly Lexeme[])[],
  covered: readonly Lexeme[],
): void {
  const operands = args.filter((part) => part.length > 0).map((part) => plainOperand(part, builder.text));
  builder.statements.push({
    ...spanOf(covered, 0),
    kind: "call",
    name: tokenOf(name),
    operands,
  });
  if (name.kind === "word") {
    builder.references.push({ name: name.text, token: tokenOf(name), isMnemonic: true });
  } else {
    builder.references.push(...parametersOf(name));
  }
  asArguments(builder, () => args.forEach((part) => addReferences(builder, part)));
  numericLabels(builder, args);
  const macro = macroAround(builder);
  if (macro !== undefined) {
    const texts = operands.map((operand) => operand.text);
    builder.templates.push({ kind: "call", macro, name: name.text, arguments: texts });
  }
}

/** EXC(1: movw (%esi), %bx): code with a label, handed to a macro. */
function numericLabels(builder: Builder, args: readonly (readonly Lexeme[])[]): void {
  for (const [first, second] of args) {
    if (first?.kind === "number" && /^\d+$/.test(first.text) && isMark(second, ":")) {
      builder.definitions.push({ kind: "numeric", name: first.text, token: tokenOf(first) });
    }
  }
}

/** What stands behind a call of a `#define` on the same line. */
function after(builder: Builder, rest: readonly Lexeme[]): void {
  const first = rest[0];
  if (first && (first.kind === "word" || first.kind === "pattern")) {
    statement(builder, rest);
  } else {
    addReferences(builder, rest);
  }
}

/** LOCK_PREFIX incl (%rax): a `#define` in front of an instruction. */
function isCapitalWord(lexeme: Lexeme): boolean {
  return lexeme.kind === "word" && /^[A-Z_][A-Z0-9_]*$/.test(lexeme.text);
}

function isCode(lexeme: Lexeme): boolean {
  return (
    lexeme.kind === "word" &&
    lexeme.isSpaced &&
    !isRegister(lexeme.text) &&
    (isMnemonic(lexeme.text, "gas") || isDirective(lexeme.text))
  );
}

function unknown(builder: Builder, lexemes: readonly Lexeme[]): void {
  const span = spanOf(lexemes, 0);
  builder.statements.push({ ...span, kind: "unknown" });
  addReferences(builder, lexemes);
  const first = lexemes[0];
  if (first && macroAround(builder) === undefined && !isMark(first, "%")) {
    const message = `A statement begins with a label, an instruction or a directive, not with ${first.kind === "number" ? "a number" : `"${first.text}"`}.`;
    builder.errors.push({ start: first.start, end: first.end, message });
  }
}
