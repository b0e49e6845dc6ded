/**
 * One statement of NASM's language: a label with or without a colon, then an instruction, a directive, data or the call of a macro.
 *
 * Invariant: never fails. A name that stands alone without a colon may be a label or a macro without parameters; it is taken for the call, since NASM
 * itself warns of such a label.
 * Source: NASM manual, 3.1 "Layout of a NASM Source Line", 3.2 "Pseudo-Instructions", 5.11 "Structures", 8 "Assembler Directives".
 */
import { asArguments, macroAround, setBits, setSection, update, type Builder } from "../builder.ts";
import { intelOperand, plainOperand, valued } from "../gas/operand.ts";
import { commaParts, isMark, spanOf, tokenOf, type Lexeme } from "../lexeme.ts";
import { isMnemonic, isPrefix, isRegister } from "../mnemonic.ts";
import type { Linkage, Operand, Token } from "../syntax.ts";
import { addReferences, define } from "./name.ts";
import { stringValue, valueOf } from "./number.ts";

export const dataNames: ReadonlySet<string> = new Set(
  "db dw dd dq dt do dy dz resb resw resd resq rest reso resy resz equ incbin times".split(" "),
);
export const directiveNames: ReadonlySet<string> = new Set(
  (
    "bits use16 use32 use64 default section segment absolute extern required global common static cpu float org align alignb sectalign struc endstruc istruc at iend " +
    "group import export library module uppercase warning list debug map prefix gprefix suffix gsuffix postfix gpostfix lprefix lsuffix safeseh osabi dollarhex"
  ).split(" "),
);

function isData(lexeme: Lexeme | undefined): boolean {
  return lexeme?.kind === "word" && dataNames.has(lexeme.text.toLowerCase());
}

function isDirective(lexeme: Lexeme | undefined): boolean {
  return lexeme?.kind === "word" && directiveNames.has(lexeme.text.toLowerCase());
}

function isCode(lexeme: Lexeme | undefined): boolean {
  return lexeme?.kind === "word" && (isMnemonic(lexeme.text, "nasm") || isPrefix(lexeme.text));
}

export function statement(builder: Builder, lexemes: readonly Lexeme[]): void {
  const first = lexemes[0];
  if (!first) {
    return;
  }
  if (isMark(first, "[") && isDirective(lexemes[1])) {
    const end = lexemes.findIndex((lexeme) => isMark(lexeme, "]"));
    directive(builder, lexemes.slice(1, end < 0 ? lexemes.length : end));
  } else if (labelled(builder, lexemes, first)) {
    return;
  } else if (isDirective(first)) {
    directive(builder, lexemes);
  } else if (isData(first)) {
    dataOf(builder, lexemes, first);
  } else if (isCode(first)) {
    instruction(builder, lexemes);
  } else if (first.kind === "word" || first.kind === "pattern") {
    call(builder, lexemes, first);
  } else if (isMark(first, "{")) {
    // {evex}, {vex3}: how to encode what follows.
    statement(builder, lexemes.slice(lexemes.findIndex((lexeme) => isMark(lexeme, "}")) + 1 || 1));
  } else {
    unknown(builder, lexemes, first);
  }
}

/** `name:`, `name db 1`, `name equ 1`, `name mov ax, bx`: the label, and what follows it. */
function labelled(builder: Builder, lexemes: readonly Lexeme[], first: Lexeme): boolean {
  const second = lexemes[1];
  const hasColon = isMark(second, ":");
  const isName = (first.kind === "word" && !isRegister(first.text)) || first.kind === "pattern";
  const isBare =
    !hasColon &&
    !isCode(first) &&
    !isDirective(first) &&
    !isData(first) &&
    (isData(second) || isCode(second));
  // "lock:" is a label as well, but "fs:" never begins a line that assembles.
  if (!isName || !(hasColon || isBare)) {
    return false;
  }
  const rest = lexemes.slice(hasColon ? 2 : 1);
  const isEqu = rest[0]?.text.toLowerCase() === "equ";
  // "%1:" may stand for a label as well as for nothing.
  if (isEqu) {
    const span = spanOf(rest.slice(1), 0);
    define(builder, first, "constant", { value: builder.text.slice(span.start, span.end) });
  } else {
    define(builder, first, isField(builder) ? "field" : "label");
  }
  statement(builder, rest);
  return true;
}

/** Between `struc` and `endstruc` labels are fields; the section says so. */
function isField(builder: Builder): boolean {
  return builder.state.section.startsWith("struc ");
}

function dataOf(builder: Builder, lexemes: readonly Lexeme[], first: Lexeme): void {
  const name = first.text.toLowerCase();
  const rest = lexemes.slice(1);
  const at = name === "times" ? rest.findIndex((part) => isData(part) || isCode(part)) : -1;
  const own = at < 0 ? rest : rest.slice(0, at);
  builder.statements.push({
    ...spanOf([first, ...own], 0),
    kind: "directive",
    name: { ...tokenOf(first), text: name },
    operands: operandsOf(builder, own),
  });
  const path = own[0];
  if (name === "incbin" && path?.kind === "string" && path.text.length > 1) {
    const { start, end, text } = path;
    builder.includes.push({
      path: { text: text.slice(1, -1), start: start + 1, end: end - 1 },
      isSystem: true,
      isBinary: true,
    });
  }
  addReferences(builder, own);
  if (at >= 0) {
    statement(builder, rest.slice(at));
  }
}

function operandsOf(builder: Builder, lexemes: readonly Lexeme[]): readonly Operand[] {
  return commaParts(lexemes)
    .filter((part) => part.length > 0)
    .map((part) => withValue(plainOperand(part, builder.text), part));
}

/** Numbers as NASM writes them. */
function withValue(operand: Operand, lexemes: readonly Lexeme[]): Operand {
  const last = lexemes.at(-1);
  if (last?.kind !== "number" && last?.kind !== "string") {
    return operand;
  }
  const { value: _, ...others } = operand;
  const found = valued(lexemes, valueOf).value;
  if (found !== undefined) {
    return { ...others, kind: operand.kind === "expression" ? "immediate" : operand.kind, value: found };
  }
  const only = lexemes.length === 1 ? lexemes[0] : undefined;
  const text = only?.kind === "string" && operand.kind === "immediate" ? stringValue(only.text) : undefined;
  return text === undefined ? others : { ...others, value: text };
}

function instruction(builder: Builder, lexemes: readonly Lexeme[]): void {
  const prefixes: Token[] = [];
  let at = 0;
  for (;;) {
    const lexeme = lexemes[at];
    if (!lexeme || !isPrefix(lexeme.text) || !isCode(lexemes[at + 1])) {
      break;
    }
    prefixes.push(tokenOf(lexeme));
    at += 1;
  }
  const mnemonic = lexemes[at];
  if (!mnemonic) {
    return;
  }
  const rest = lexemes.slice(at + 1);
  const operands = commaParts(rest)
    .filter((part) => part.length > 0)
    .map((part) => withValue(intelOperand(part, builder.text, mnemonic.text, true), part));
  builder.statements.push({
    ...spanOf(lexemes, 0),
    kind: "instruction",
    prefixes,
    mnemonic: tokenOf(mnemonic),
    operands,
  });
  addReferences(builder, rest);
}

function call(builder: Builder, lexemes: readonly Lexeme[], name: Lexeme): void {
  const rest = lexemes.slice(1);
  const operands = operandsOf(builder, rest);
  builder.statements.push({ ...spanOf(lexemes, 0), kind: "call", name: tokenOf(name), operands });
  if (name.kind === "word") {
    builder.references.push({ name: name.text, token: tokenOf(name), isMnemonic: true });
  }
  asArguments(builder, () => addReferences(builder, rest));
  const macro = macroAround(builder);
  if (macro !== undefined) {
    const texts = operands.map((operand) => operand.text);
    builder.templates.push({ kind: "call", macro, name: name.text, arguments: texts });
  }
}

const kinds: ReadonlyMap<string, Linkage["kind"]> = new Map([
  ["global", "global"],
  ["extern", "extern"],
  ["required", "extern"],
  ["common", "common"],
]);

function directive(builder: Builder, lexemes: readonly Lexeme[]): void {
  const first = lexemes[0];
  if (!first) {
    return;
  }
  const name = first.text.toLowerCase();
  const rest = lexemes.slice(1);
  const parts = commaParts(rest);
  builder.statements.push({
    ...spanOf(lexemes, 0),
    kind: "directive",
    name: { ...tokenOf(first), text: name },
    operands: operandsOf(builder, rest),
  });
  const linkage = kinds.get(name);
  if (linkage !== undefined) {
    parts.forEach((part) => share(builder, linkage, part));
    return;
  }
  switch (name) {
    case "bits":
    case "use16":
    case "use32":
    case "use64":
      bits(builder, name === "bits" ? (rest[0]?.text ?? "") : name.slice(3));
      return;
    case "section":
    case "segment":
      section(builder, rest);
      return;
    case "absolute":
      setSection(builder, "absolute");
      addReferences(builder, rest);
      return;
    case "struc":
    case "endstruc":
    case "istruc":
    case "iend":
    case "at":
      structure(builder, name, rest);
      return;
    case "default":
    case "cpu":
    case "float":
    case "warning":
    case "list":
    case "debug":
      return;
    case "group":
      return;
    default:
      addReferences(builder, rest);
  }
}

/** global name:function (expression), extern name, common name 4:4 */
function share(builder: Builder, kind: Linkage["kind"], part: readonly Lexeme[]): void {
  const name = part[0];
  const macro = macroAround(builder);
  if (name && macro !== undefined && kind !== "extern") {
    builder.templates.push({ kind: "global", macro, name: name.text, arguments: [] });
  }
  if (name?.kind === "word") {
    builder.linkage.push({ kind, token: tokenOf(name) });
    if (kind === "common") {
      builder.definitions.push({ kind: "label", name: name.text, token: tokenOf(name) });
    }
    const bracket = part.findIndex((lexeme) => isMark(lexeme, "("));
    addReferences(builder, bracket < 0 ? [] : part.slice(bracket));
  }
}

function bits(builder: Builder, width: string): void {
  if (width === "16" || width === "32" || width === "64") {
    setBits(builder, width === "16" ? 16 : width === "32" ? 32 : 64);
  }
}

/** section .text align=16: names of ELF sections begin with a dot, others need not. */
function section(builder: Builder, rest: readonly Lexeme[]): void {
  const name = rest[0];
  if (name?.kind === "word" || name?.kind === "string") {
    const text = name.kind === "string" ? name.text.slice(1, -1) : name.text;
    builder.definitions.push({ kind: "section", name: text, token: tokenOf(name) });
    setSection(builder, text);
  }
  rest.forEach((lexeme, number) => {
    const isValue = isMark(rest[number - 1], "=") || isMark(rest[number - 1], "(");
    addReferences(builder, isValue ? [lexeme] : []);
  });
}

function structure(builder: Builder, name: string, rest: readonly Lexeme[]): void {
  const subject = rest[0];
  switch (name) {
    case "struc":
      builder.opens = "struc";
      if (subject) {
        define(builder, subject, "structure");
        const { state } = builder;
        update(builder, { section: `struc ${subject.text}`, previous: state.section });
        // "name_size" comes with it, as if it were written there.
        const token = tokenOf(subject);
        builder.definitions.push({ kind: "constant", name: `${subject.text}_size`, token });
      }
      addReferences(builder, rest.slice(1));
      return;
    case "endstruc":
      builder.closes = "struc";
      update(builder, { section: builder.state.previous });
      return;
    case "istruc":
      builder.opens = "istruc";
      addReferences(builder, rest);
      return;
    case "iend":
      builder.closes = "istruc";
      return;
    default: {
      const at = rest.findIndex((lexeme) => isMark(lexeme, ","));
      addReferences(builder, at < 0 ? rest : rest.slice(0, at));
      statement(builder, at < 0 ? [] : rest.slice(at + 1));
    }
  }
}

function unknown(builder: Builder, lexemes: readonly Lexeme[], first: Lexeme): void {
  builder.statements.push({ ...spanOf(lexemes, 0), kind: "unknown" });
  addReferences(builder, lexemes);
  if (macroAround(builder) === undefined) {
    const { start, end, text } = first;
    const message = `A line begins with a label, an instruction or a directive, not with ${first.kind === "number" ? "a number" : `"${text}"`}.`;
    builder.errors.push({ start, end, message });
  }
}
