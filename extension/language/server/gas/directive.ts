/**
 * What the directives of GNU as say: names they define, use or share, sections, width of code, macros, conditions, included files.
 *
 * Invariant: every directive becomes a statement, known here or not; only what has a meaning beyond its operands has a case.
 * Source: "Using as", 7 "Assembler Directives"; 9.16 for x86.
 */
import {
  asArguments,
  closeCondition,
  closeMacro,
  macroAround,
  nextBranch,
  openCondition,
  openMacro,
  setBits,
  setSection,
  update,
  type Builder,
} from "../builder.ts";
import { commaParts, isMark, spanOf, tokenOf, type Lexeme } from "../lexeme.ts";
import type { Definition, Linkage } from "../syntax.ts";
import { addReferences, define, parametersOf, textOf } from "./name.ts";
import { plainOperand } from "./operand.ts";

export const directiveNames: ReadonlySet<string> = new Set(
  (
    ".abort .align .altmacro .arch .ascii .asciz .att_mnemonic .att_syntax .balign .balignw .balignl .base64 .bfloat16 .bss .bundle_align_mode .bundle_lock .bundle_unlock .byte .2byte .4byte .8byte " +
    ".code16 .code16gcc .code32 .code64 .comm .common .cfi_sections .data .dc .dc.a .dc.b .dc.d .dc.l .dc.s .dc.w .dc.x .dcb .dcb.b .dcb.l .dcb.w .desc .dim .double .ds .ds.b .ds.l .ds.w " +
    ".eject .else .elseif .elsec .elsif .end .endef .endfunc .endif .endm .endmacro .endr .equ .equiv .eqv .err .error .exitm .extern .fail .file .fill .float .func .global .globl .gnu_attribute " +
    ".hidden .hword .ident .if .ifb .ifc .ifdef .ifeq .ifeqs .ifge .ifgt .ifle .iflt .ifnb .ifnc .ifndef .ifnotdef .ifne .ifnes .incbin .include .int .intel_mnemonic .intel_syntax .internal .irp .irpc " +
    ".largecomm .lcomm .line .linkonce .list .ln .loc .loc_mark_labels .local .lns .long .macro .mri .noaltmacro .nolist .nop .nops .octa .offset .org .p2align .p2alignw .p2alignl .popsection .previous .print .protected .psize .purgem .pushsection " +
    ".quad .reloc .rep .rept .rva .sbttl .scl .secrel32 .section .set .short .single .size .skip .sleb128 .slong .space .sspace .stabd .stabn .stabs .stabx .string .string8 .string16 .string32 .string64 .struct .subsection .symver " +
    ".tag .tbss .tdata .text .tfloat .title .type .uleb128 .val .value .version .vtable_entry .vtable_inherit .warning .weak .weakref .word .xref .zero .insn"
  ).split(" "),
);

export function isDirective(word: string): boolean {
  return directiveNames.has(word.toLowerCase()) || /^\.cfi_\w+$/i.test(word);
}

export function directive(builder: Builder, lexemes: readonly Lexeme[], first: Lexeme): void {
  const name = first.text.toLowerCase();
  const rest = lexemes.slice(1);
  const parts = commaParts(rest);
  builder.statements.push({
    ...spanOf(lexemes, 0),
    kind: "directive",
    name: { ...tokenOf(first), text: name },
    operands: parts.filter((part) => part.length > 0).map((part) => plainOperand(part, builder.text)),
  });
  if (!structure(builder, name, first, rest) && !naming(builder, name, parts)) {
    mode(builder, name, first, rest, parts);
  }
}

const kinds: ReadonlyMap<string, Linkage["kind"]> = new Map([
  [".globl", "global"],
  [".global", "global"],
  [".weak", "weak"],
  [".hidden", "hidden"],
  [".internal", "hidden"],
  [".protected", "hidden"],
  [".extern", "extern"],
  [".xref", "extern"],
]);

/** Directives that name symbols. */
function naming(builder: Builder, name: string, parts: readonly (readonly Lexeme[])[]): boolean {
  const linkage = kinds.get(name);
  if (linkage !== undefined) {
    parts.flat().forEach((lexeme) => share(builder, linkage, lexeme));
    return true;
  }
  const subject = parts[0]?.[0];
  switch (name) {
    case ".set":
    case ".equ":
    case ".equiv":
    case ".eqv": {
      const value = parts[1] ?? [];
      if (subject && subject.kind !== "mark" && subject.text !== ".") {
        define(builder, subject, textOf(builder, value));
      }
      addReferences(builder, value);
      return true;
    }
    case ".comm":
    case ".common":
    case ".largecomm":
    case ".lcomm":
      if (subject?.kind === "word") {
        const { text } = subject;
        builder.definitions.push({ kind: "label", name: text, token: tokenOf(subject) });
        if (name !== ".lcomm") {
          builder.linkage.push({ kind: "common", token: tokenOf(subject) });
        }
      }
      parts.slice(1).forEach((part) => addReferences(builder, part));
      return true;
    case ".type":
    case ".symver":
    case ".desc":
      addReferences(builder, subject ? [subject] : []);
      return true;
    case ".weakref":
      if (subject?.kind === "word") {
        define(builder, subject, textOf(builder, parts[1] ?? []));
      }
      addReferences(builder, parts[1] ?? []);
      return true;
    case ".reloc":
      addReferences(builder, parts[0] ?? []);
      addReferences(builder, parts[2] ?? []);
      return true;
    default:
      return false;
  }
}

function share(builder: Builder, kind: Linkage["kind"], lexeme: Lexeme): void {
  if (lexeme.kind === "word" || lexeme.kind === "pattern") {
    builder.references.push(...parametersOf(lexeme));
    const macro = macroAround(builder);
    if (lexeme.kind === "word") {
      builder.linkage.push({ kind, token: tokenOf(lexeme) });
    }
    if (macro !== undefined && (kind === "global" || kind === "weak")) {
      builder.templates.push({ kind: "global", macro, name: lexeme.text, arguments: [] });
    }
  }
}

/** Directives that begin and end parts: macros, repetitions, conditions. */
function structure(builder: Builder, name: string, first: Lexeme, rest: readonly Lexeme[]): boolean {
  switch (name) {
    case ".macro":
      macro(builder, first, rest);
      return true;
    case ".endm":
    case ".endmacro":
      builder.closes = ".macro";
      if (builder.state.macros.length === 0) {
        const { start, end } = first;
        builder.errors.push({ start, end, message: `"${first.text}" ends no macro.` });
      }
      closeMacro(builder);
      return true;
    case ".rep":
    case ".rept":
      builder.opens = ".rept";
      addReferences(builder, rest);
      return true;
    case ".irp":
    case ".irpc":
      builder.opens = ".rept";
      repeated(builder, rest);
      return true;
    case ".endr":
      builder.closes = ".rept";
      return true;
    case ".else":
    case ".elseif":
      builder.closes = ".if";
      builder.opens = ".if";
      nextBranch(builder, name === ".else");
      addReferences(builder, rest);
      return true;
    case ".endif":
      builder.closes = ".if";
      closeCondition(builder);
      return true;
    default:
      return condition(builder, name, rest);
  }
}

function condition(builder: Builder, name: string, rest: readonly Lexeme[]): boolean {
  if (!/^\.if\w*$/.test(name)) {
    return false;
  }
  builder.opens = ".if";
  openCondition(builder);
  // Strings that are compared as they stand, not symbols.
  const isText = /^\.if(?:n?b|n?c|eqs|nes)$/.test(name);
  addReferences(builder, isText ? rest.filter((lexeme) => lexeme.kind === "pattern") : rest);
  return true;
}

function macro(builder: Builder, first: Lexeme, rest: readonly Lexeme[]): void {
  const name = rest[0];
  builder.opens = ".macro";
  if (!name || (name.kind !== "word" && name.kind !== "pattern")) {
    const { start, end } = first;
    builder.errors.push({ start, end, message: "A macro has a name." });
    openMacro(builder, "");
    return;
  }
  const parameters = macroParameters(rest.slice(1));
  builder.definitions.push({
    kind: "macro",
    name: name.text,
    token: tokenOf(name),
    parameters: parameters.map((parameter) => parameter.name),
  });
  builder.references.push(...parametersOf(name));
  openMacro(builder, name.text);
  builder.definitions.push(...parameters);
}

/** name, name=default, name:req, name:vararg, divided by commas or blanks. */
export function macroParameters(lexemes: readonly Lexeme[]): readonly Definition[] {
  const found: Definition[] = [];
  let isValue = false;
  lexemes.forEach((lexeme, number) => {
    const before = lexemes[number - 1];
    if (isMark(lexeme, ",")) {
      isValue = false;
    } else if (isMark(lexeme, "=") || isMark(lexeme, ":")) {
      isValue = true;
    } else if (isMark(before, "=") || isMark(before, ":")) {
      isValue = isMark(lexeme, "(") || isMark(lexeme, "-") || isMark(lexeme, "$");
    } else if (lexeme.kind === "word" && (!isValue || (lexeme.isSpaced && before?.kind !== "mark"))) {
      isValue = false;
      found.push({ kind: "parameter", name: lexeme.text, token: tokenOf(lexeme) });
    }
  });
  return found;
}

function repeated(builder: Builder, rest: readonly Lexeme[]): void {
  const name = rest[0];
  if (name?.kind === "word") {
    builder.definitions.push({ kind: "parameter", name: name.text, token: tokenOf(name) });
  }
  asArguments(builder, () => addReferences(builder, rest.slice(1)));
}

/** Sections, width and dialect, includes; everything else uses the names in its operands. */
function mode(
  builder: Builder,
  name: string,
  first: Lexeme,
  rest: readonly Lexeme[],
  parts: readonly (readonly Lexeme[])[],
): void {
  const { state } = builder;
  switch (name) {
    case ".text":
    case ".data":
    case ".bss":
    case ".tdata":
    case ".tbss":
      section(builder, first, name);
      addReferences(builder, rest);
      return;
    case ".section":
    case ".pushsection": {
      const subject = parts[0]?.[0];
      const span = spanOf(parts[0] ?? [], first.end);
      const text = builder.text.slice(span.start, span.end).replace(/^"(.*)"$/, "$1");
      const outer = name === ".pushsection" ? [...state.sections, state.section] : undefined;
      if (subject) {
        section(
          builder,
          { ...subject, ...span, text: builder.text.slice(span.start, span.end) },
          text,
          outer,
        );
      }
      // ,"flags",@type,entry size or linked section,group: only numbers and names of other sections.
      parts.slice(3).forEach((part) =>
        addReferences(
          builder,
          part.filter((p) => p.kind === "pattern"),
        ),
      );
      return;
    }
    case ".popsection":
      setSection(builder, state.sections.at(-1) ?? state.section, state.sections.slice(0, -1));
      return;
    case ".previous":
      setSection(builder, state.previous);
      return;
    case ".code16":
    case ".code16gcc":
      setBits(builder, 16);
      return;
    case ".code32":
      setBits(builder, 32);
      return;
    case ".code64":
      setBits(builder, 64);
      return;
    case ".intel_syntax":
      update(builder, { dialect: "intel" });
      return;
    case ".att_syntax":
      update(builder, { dialect: "att" });
      return;
    case ".include":
    case ".incbin":
      include(builder, parts, name === ".incbin");
      return;
    default:
      if (
        !/^\.(?:cfi_(?!personality|lsda|val_encoded)|file$|loc$|ident$|arch$|version$|gnu_attribute)/.test(
          name,
        )
      ) {
        addReferences(builder, rest);
      }
  }
}

function section(builder: Builder, subject: Lexeme, name: string, sections?: readonly string[]): void {
  builder.definitions.push({ kind: "section", name, token: tokenOf(subject) });
  builder.references.push(...parametersOf(subject));
  setSection(builder, name, sections);
}

function include(builder: Builder, parts: readonly (readonly Lexeme[])[], isBinary: boolean): void {
  const path = parts[0]?.[0];
  if (path?.kind === "string" && path.text.length > 1) {
    const { start, end, text } = path;
    builder.includes.push({
      path: { text: text.slice(1, -1), start: start + 1, end: end - 1 },
      isSystem: false,
      isBinary,
    });
  }
  parts.slice(1).forEach((part) => addReferences(builder, part));
}
