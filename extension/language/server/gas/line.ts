/**
 * A line of GNU assembly, from its text and the state before it.
 *
 * Invariant: the result depends on nothing else, and there always is one.
 * Elsewhere: lexemes (`lexer.ts`), statements (`statement.ts`), lines of the C preprocessor (`preprocessor.ts`).
 */
import { asArguments, begin, finish, update, type Builder } from "../builder.ts";
import { depthChange, isMark, statementParts, type Lexeme } from "../lexeme.ts";
import type { Continuation, Line, LineState } from "../syntax.ts";
import { macroParameters } from "./directive.ts";
import { cut } from "./lexer.ts";
import { addReferences } from "./name.ts";
import { defineRest, preprocessor, preprocessorName, uses } from "./preprocessor.ts";
import { statement } from "./statement.ts";

export function parseLine(text: string, before: LineState): Line {
  const builder = begin(text, before);
  const continued = goesOn(text, before) ? before.continues : null;
  const name =
    before.isPreprocessed && !before.inComment && continued === null ? preprocessorName(text) : undefined;
  const isDirective =
    name !== undefined ||
    (continued !== null && (continued.kind === "define" || continued.kind === "directive"));
  const { lexemes, comments, errors, inComment, continues } = cut(text, before, isDirective);
  builder.comments.push(...comments);
  builder.errors.push(...(name === "error" || name === "warning" ? [] : errors));
  if (inComment !== builder.state.inComment) {
    update(builder, { inComment });
  }
  if (name !== undefined) {
    preprocessor(builder, name, lexemes);
  } else if (continued === null) {
    code(builder, lexemes);
  } else {
    goOn(builder, continued, lexemes);
  }
  const next = continuation(builder, continued, name, lexemes, continues);
  if (next !== builder.state.continues) {
    update(builder, { continues: next });
  }
  return finish(builder);
}

function code(builder: Builder, lexemes: readonly Lexeme[]): void {
  for (const part of statementParts(lexemes)) {
    statement(builder, part);
  }
}

/** What the line before has begun. */
function goOn(builder: Builder, continued: Continuation, lexemes: readonly Lexeme[]): void {
  switch (continued.kind) {
    case "define":
      defineRest(builder, lexemes, continued);
      return;
    case "directive":
      if (!/^(?:error|warning|pragma)$/.test(continued.name)) {
        uses(builder, lexemes);
      }
      return;
    case "brackets":
    case "operands": {
      const [first = [], ...others] = statementParts(lexemes);
      if (continued.name.toLowerCase() === ".macro") {
        builder.definitions.push(...macroParameters(first));
        return;
      }
      asArguments(builder, () => addReferences(builder, first));
      others.forEach((part) => statement(builder, part));
    }
  }
}

/** Brackets that were never closed (somebody is typing) end before the next label, directive or line of the preprocessor. */
function goesOn(text: string, before: LineState): boolean {
  return (
    before.continues?.kind !== "brackets" ||
    !(/^\s*(?:[\w.$]+:|\.[a-z]|[a-z]+\s+[$%])/.test(text) || preprocessorName(text) !== undefined)
  );
}

/** A backslash at the end goes on; so does the call of a `#define` whose bracket is open. */
function continuation(
  builder: Builder,
  continued: Continuation | null,
  name: string | undefined,
  lexemes: readonly Lexeme[],
  continues: boolean,
): Continuation | null {
  if (name !== undefined) {
    return continues
      ? (builder.state.continues ?? { kind: "directive", name, parameters: [], depth: 0 })
      : null;
  }
  if (continued !== null && (continues || lexemes.length === 0)) {
    return continues || continued.kind === "brackets" ? builder.state.continues : null;
  }
  const first = lexemes[0];
  const open = continued?.kind === "brackets" ? continued.depth : 0;
  const depth = lexemes.reduce((sum, lexeme) => sum + depthChange(lexeme), open);
  if (depth > 0 && first && builder.before.isPreprocessed && !continues) {
    const isCall = builder.statements.at(-1)?.kind === "call" && isMark(lexemes.at(1), "(");
    if (continued?.kind === "brackets") {
      return { ...continued, depth };
    }
    return isCall ? { kind: "brackets", name: first.text, parameters: [], depth } : null;
  }
  // Nothing yet: the next line begins the statement.
  return continues && first ? { kind: "operands", name: first.text, parameters: [], depth: 0 } : null;
}
