/**
 * Names in GNU expressions: which words of a statement's operands are uses of symbols, parameters and numeric labels.
 *
 * Invariant: registers, section types ("@progbits"), relocations ("sym@PLT") and the location counter "." are none.
 */
import { macroAround, type Builder } from "../builder.ts";
import { isMark, spanOf, tokenOf, type Lexeme } from "../lexeme.ts";
import type { Reference } from "../syntax.ts";
import { isDecoration, isQualifier, isRegisterWord } from "./operand.ts";

const parameter = /\\([A-Za-z_$][\w$]*)/g;

/** `excluded`: parameters of the `#define` whose body this is. */
export function addReferences(
  builder: Builder,
  lexemes: readonly Lexeme[],
  excluded: readonly string[] = [],
): void {
  const isIntel = builder.state.dialect === "intel";
  lexemes.forEach((lexeme, number) => {
    const before = lexemes[number - 1];
    if (lexeme.kind === "local") {
      builder.references.push(numeric(lexeme));
    } else if (lexeme.kind === "pattern") {
      builder.references.push(...parametersOf(lexeme));
    } else if (
      lexeme.kind === "word" &&
      lexeme.text !== "." &&
      !isMark(before, "@") &&
      !isDecoration(lexeme, before) &&
      !(isMark(before, "%") && !lexeme.isSpaced) &&
      !(isIntel && (isQualifier(lexeme) || isRegisterWord(lexeme)))
    ) {
      const { text, start, end } = lexeme;
      if (!excluded.includes(text)) {
        builder.references.push({ name: text, token: { text, start, end } });
      }
    }
  });
}

function numeric(lexeme: Lexeme): Reference {
  const { text, start, end } = lexeme;
  const direction = text.endsWith("f") ? "forward" : "backward";
  return { name: text.slice(0, -1), token: { text, start, end }, direction };
}

/** `\name` in a name; "\@" and "\()" are none. */
export function parametersOf(lexeme: Lexeme): readonly Reference[] {
  return [...lexeme.text.matchAll(parameter)].map((found) => {
    const start = lexeme.start + found.index;
    const name = found[1] ?? "";
    return { name, token: { text: found[0], start, end: start + found[0].length } };
  });
}

/** `name = value`, `.set name, value`. */
export function define(builder: Builder, name: Lexeme, value: string): void {
  builder.definitions.push({ kind: "constant", name: name.text, token: tokenOf(name), value });
  builder.references.push(...parametersOf(name));
  const macro = macroAround(builder);
  if (macro !== undefined) {
    builder.templates.push({ kind: "constant", macro, name: name.text, arguments: [] });
  }
}

/** As it is written, from the first lexeme to the last. */
export function textOf(builder: Builder, lexemes: readonly Lexeme[]): string {
  const { start, end } = spanOf(lexemes, 0);
  return builder.text.slice(start, end);
}
