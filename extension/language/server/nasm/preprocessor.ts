/**
 * NASM's preprocessor: `%define` and its kin, macros of several lines, conditions, repetitions, included files.
 *
 * Invariant: a line that begins with a word after "%" is one directive; what is not known here uses the names on it.
 * Source: NASM manual, 4 "The NASM Preprocessor".
 */
import {
  closeCondition,
  closeMacro,
  nextBranch,
  openCondition,
  openMacro,
  type Builder,
} from "../builder.ts";
import { plainOperand } from "../gas/operand.ts";
import { closingOf, commaParts, isMark, spanOf, tokenOf, type Lexeme } from "../lexeme.ts";
import type { Token } from "../syntax.ts";
import { addReferences } from "./name.ts";

export function preprocessor(builder: Builder, lexemes: readonly Lexeme[], first: Lexeme): void {
  const rest = lexemes.slice(1);
  const name = first.text.toLowerCase();
  builder.statements.push({
    ...spanOf(lexemes, 0),
    kind: "directive",
    name: { ...tokenOf(first), text: name },
    operands: commaParts(rest)
      .filter((part) => part.length > 0)
      .map((part) => plainOperand(part, builder.text)),
  });
  if (!block(builder, name, first, rest)) {
    naming(builder, name, rest);
  }
}

/** Directives that begin and end parts. */
function block(builder: Builder, name: string, first: Lexeme, rest: readonly Lexeme[]): boolean {
  if (name.startsWith("%if")) {
    builder.opens = "%if";
    openCondition(builder);
    condition(builder, name, rest);
    return true;
  }
  if (/^%el(?:se|if)/.test(name)) {
    builder.closes = "%if";
    builder.opens = "%if";
    nextBranch(builder, name === "%else");
    condition(builder, name, rest);
    return true;
  }
  switch (name) {
    case "%endif":
      builder.closes = "%if";
      closeCondition(builder);
      return true;
    case "%macro":
    case "%imacro":
    case "%rmacro":
    case "%irmacro":
      builder.opens = "%macro";
      macro(builder, first, rest);
      return true;
    case "%endmacro":
    case "%endm":
      builder.closes = "%macro";
      if (builder.state.macros.length === 0) {
        const { start, end } = first;
        builder.errors.push({ start, end, message: `"${first.text}" ends no macro.` });
      }
      closeMacro(builder);
      return true;
    case "%rep":
      builder.opens = "%rep";
      addReferences(builder, rest);
      return true;
    case "%endrep":
      builder.closes = "%rep";
      return true;
    default:
      return false;
  }
}

/** `%ifidn`, `%ifctx` … compare texts, not symbols. */
function condition(builder: Builder, name: string, rest: readonly Lexeme[]): void {
  if (!/^%(?:el)?ifn?(?:idni?|ctx|id|num|str|token|empty|env)$/.test(name)) {
    addReferences(builder, rest);
  }
}

function macro(builder: Builder, first: Lexeme, rest: readonly Lexeme[]): void {
  const name = rest[0];
  if (name === undefined || name.kind === "string" || name.kind === "number") {
    const { start, end } = first;
    builder.errors.push({ start, end, message: "A macro has a name." });
    openMacro(builder, "");
    return;
  }
  const { text } = name;
  builder.definitions.push({
    kind: "macro",
    name: text,
    token: tokenOf(name),
    value: rest
      .slice(1)
      .map((part) => part.text)
      .join(" "),
  });
  openMacro(builder, text);
}

function naming(builder: Builder, name: string, rest: readonly Lexeme[]): void {
  const subject = rest[0];
  switch (name) {
    case "%define":
    case "%xdefine":
    case "%idefine":
    case "%ixdefine":
      single(builder, rest);
      return;
    case "%assign":
    case "%iassign":
    case "%defstr":
    case "%idefstr":
    case "%deftok":
    case "%ideftok":
    case "%defalias":
    case "%strlen":
    case "%strcat":
    case "%substr":
    case "%pathsearch":
      value(builder, rest);
      return;
    case "%undef":
    case "%undefalias":
    case "%unmacro":
    case "%unimacro":
      if (subject?.kind === "word") {
        const token: Token = tokenOf(subject);
        builder.references.push({ name: token.text, token, isWritten: true });
      }
      return;
    case "%include":
      include(builder, subject);
      return;
    case "%local":
    case "%arg":
      locals(builder, rest);
      return;
    case "%push":
    case "%pop":
    case "%repl":
    case "%error":
    case "%warning":
    case "%fatal":
    case "%note":
    case "%line":
    case "%pragma":
    case "%use":
    case "%depend":
    case "%stacksize":
    case "%clear":
    case "%rotate":
    case "%exitrep":
    case "%exitmacro":
      return;
    default:
      addReferences(builder, rest);
  }
}

/** %define name value, %define name(a, b) value */
function single(builder: Builder, rest: readonly Lexeme[]): void {
  const name = rest[0];
  if (!name || (name.kind !== "word" && name.kind !== "pattern")) {
    return;
  }
  const bracket = rest[1];
  const isFunction = isMark(bracket, "(") && bracket?.isSpaced === false;
  const end = isFunction ? closingOf(rest, 1) : 0;
  const parameters = isFunction
    ? rest
        .slice(2, end)
        .filter((part) => part.kind === "word")
        .map((part) => part.text)
    : [];
  const body = rest.slice(end + 1);
  const span = spanOf(body, 0);
  builder.definitions.push({
    kind: "define",
    name: name.text,
    token: tokenOf(name),
    value: builder.text.slice(span.start, span.end),
    ...(isFunction ? { parameters } : {}),
  });
  addReferences(builder, body, parameters);
}

function value(builder: Builder, rest: readonly Lexeme[]): void {
  const name = rest[0];
  const body = rest.slice(1);
  if (name?.kind === "word" || name?.kind === "pattern") {
    const span = spanOf(body, 0);
    builder.definitions.push({
      kind: "define",
      name: name.text,
      token: tokenOf(name),
      value: builder.text.slice(span.start, span.end),
    });
  }
  addReferences(builder, body);
}

/** %local name:dword, other:word */
function locals(builder: Builder, rest: readonly Lexeme[]): void {
  for (const part of commaParts(rest)) {
    const name = part[0];
    if (name?.kind === "word") {
      builder.definitions.push({ kind: "define", name: name.text, token: tokenOf(name) });
    }
  }
}

function include(builder: Builder, path: Lexeme | undefined): void {
  if (path?.kind === "string" && path.text.length > 1) {
    const { start, end, text } = path;
    builder.includes.push({
      path: { text: text.slice(1, -1), start: start + 1, end: end - 1 },
      isSystem: true,
      isBinary: false,
    });
  }
}
