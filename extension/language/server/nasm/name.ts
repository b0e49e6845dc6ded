/**
 * Names in NASM's expressions, and the scope of local labels.
 *
 * Invariant: ".name" belongs to the last label without a dot; "..name" and "..@name" to nobody. "%%name" and "%$name" keep their marks, so that they never
 * meet an ordinary name. Parameters (%1) are numbered and make no references.
 * Source: NASM manual, 3.9 "Local Labels"; 4.3.2 "Macro-Local Labels".
 */
import { macroAround, update, type Builder } from "../builder.ts";
import { isDecoration, isQualifier, isRegisterWord } from "../gas/operand.ts";
import { isMark, tokenOf, type Lexeme } from "../lexeme.ts";
import type { Definition, SymbolKind } from "../syntax.ts";

/** As others refer to it. */
export function fullName(builder: Builder, text: string): string {
  const plain = text.startsWith("$") ? text.slice(1) : text;
  return /^\.[^.]/.test(plain) ? builder.state.scope + plain : plain;
}

const keywords: ReadonlySet<string> = new Set(
  "wrt times dup equ seg near far short a16 a32 a64 strict nosplit rel abs".split(" "),
);

function isName(lexeme: Lexeme): boolean {
  return (
    lexeme.kind === "word" &&
    !isQualifier(lexeme) &&
    !isRegisterWord(lexeme) &&
    !keywords.has(lexeme.text.toLowerCase()) &&
    !/^__\?\w+\?__$|^__[A-Z\d_]+__$|^__(?:u?tf|float|infinity|nan)\w*__$|^\?$/i.test(lexeme.text)
  );
}

/** `excluded`: parameters of the `%define` whose body this is. */
export function addReferences(
  builder: Builder,
  lexemes: readonly Lexeme[],
  excluded: readonly string[] = [],
): void {
  lexemes.forEach((lexeme, number) => {
    const isPasted = isMark(lexemes[number - 1], "%+") || isMark(lexemes[number + 1], "%+");
    const isLocal = lexeme.kind === "pattern" && /^%(?:%|\$+)[\w.$#@~?]+$/.test(lexeme.text);
    if (isLocal) {
      builder.references.push({ name: lexeme.text, token: tokenOf(lexeme) });
    } else if (
      isName(lexeme) &&
      !isDecoration(lexeme, lexemes[number - 1]) &&
      !isPasted &&
      !excluded.includes(lexeme.text)
    ) {
      builder.references.push({ name: fullName(builder, lexeme.text), token: tokenOf(lexeme) });
    }
  });
}

/** A label, or a name that `equ` gives a value. */
export function define(
  builder: Builder,
  lexeme: Lexeme,
  kind: SymbolKind,
  more: Partial<Definition> = {},
): void {
  const name = fullName(builder, lexeme.text);
  const isLocal = /^\.[^.]|^%[%$]/.test(lexeme.text);
  builder.definitions.push({
    kind: isLocal && kind === "label" ? "local" : kind,
    name,
    token: tokenOf(lexeme),
    ...more,
  });
  const macro = macroAround(builder);
  if (macro !== undefined) {
    if (!/^%[%$]/.test(name)) {
      const what = kind === "constant" ? "constant" : "label";
      builder.templates.push({ kind: what, macro, name, arguments: [] });
    }
  } else if (kind !== "constant" && !isLocal && !name.startsWith("..")) {
    update(builder, { scope: name });
  }
}
