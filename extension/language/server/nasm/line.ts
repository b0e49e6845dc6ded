/**
 * A line of NASM's language, from its text and the state before it.
 *
 * Invariant: the result depends on nothing else, and there always is one.
 * Elsewhere: lexemes (`lexer.ts`), statements (`statement.ts`), the preprocessor's lines (`preprocessor.ts`).
 */
import { begin, finish, macroAround, update } from "../builder.ts";
import { unbalanced } from "../lexeme.ts";
import type { Line, LineState } from "../syntax.ts";
import { cut } from "./lexer.ts";
import { addReferences } from "./name.ts";
import { preprocessor } from "./preprocessor.ts";
import { statement } from "./statement.ts";

export function parseLine(text: string, before: LineState): Line {
  const builder = begin(text, before);
  const { lexemes, comments, errors, continues } = cut(text);
  builder.comments.push(...comments);
  const first = lexemes[0];
  const isText =
    before.continues?.kind === "directive" ||
    (first !== undefined && /^%(?:error|warning|fatal|note|pragma)$/i.test(first.text));
  if (!isText && macroAround(builder) === undefined) {
    builder.errors.push(...errors);
  }
  if (before.continues !== null) {
    addReferences(builder, lexemes, before.continues.parameters);
  } else if (first?.kind === "word" && first.text.startsWith("%")) {
    preprocessor(builder, lexemes, first);
  } else {
    statement(builder, lexemes);
    const wrong = continues ? undefined : unbalanced(lexemes);
    if (wrong && macroAround(builder) === undefined) {
      const { start, end } = wrong;
      builder.errors.push({ start, end, message: `"${wrong.text}" has no counterpart.` });
    }
  }
  const next = continues
    ? (before.continues ?? {
        kind: isText ? ("directive" as const) : ("operands" as const),
        name: first?.text ?? "",
        parameters: builder.definitions.find((definition) => definition.kind === "define")?.parameters ?? [],
        depth: 0,
      })
    : null;
  if (next !== builder.state.continues) {
    update(builder, { continues: next });
  }
  return finish(builder);
}
