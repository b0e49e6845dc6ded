/**
 * Lines of the C preprocessor in a `.S` file: `#include`, `#define` and its body over several lines, conditions.
 *
 * Invariant: the body of a `#define` is no code: it makes references and templates, no statements but the directive.
 * Source: the C standard, 6.10; in assembly GCC leaves alone what it does not know, and so do we: `# words` is a comment.
 */
import { closeCondition, nextBranch, openCondition, update, type Builder } from "../builder.ts";
import { closingOf, commaParts, isMark, spanOf, tokenOf, type Lexeme } from "../lexeme.ts";
import { isMnemonic, isRegister } from "../mnemonic.ts";
import type { Continuation, Operand, Template, Token } from "../syntax.ts";
import { addReferences, textOf } from "./name.ts";
import { plainOperand } from "./operand.ts";

const line =
  /^\s*#\s*(include_next|include|define|undef|ifdef|ifndef|if|elif|else|endif|error|warning|pragma|line|ident)\b/;

/** The directive's name on such a line, without "#". */
export function preprocessorName(text: string): string | undefined {
  return line.exec(text)?.[1];
}

/** `lexemes` are those of the whole line, "#" first. */
export function preprocessor(builder: Builder, name: string, lexemes: readonly Lexeme[]): void {
  const head = lexemes.slice(0, 2);
  const rest = lexemes.slice(2);
  const isText = name === "error" || name === "warning" || name === "pragma";
  const operands: readonly Operand[] = rest.length > 0 ? [plainOperand(rest, builder.text)] : [];
  const token: Token = { ...spanOf(head, 0), text: `#${name}` };
  builder.statements.push({ ...spanOf(lexemes, 0), kind: "directive", name: token, operands });
  switch (name) {
    case "include":
    case "include_next":
      include(builder, head.at(-1)?.end ?? 0);
      return;
    case "define":
      define(builder, rest);
      return;
    case "if":
    case "ifdef":
    case "ifndef":
      builder.opens = "#if";
      openCondition(builder);
      break;
    case "elif":
    case "else":
      builder.closes = "#if";
      builder.opens = "#if";
      nextBranch(builder, name === "else");
      break;
    case "endif":
      builder.closes = "#if";
      closeCondition(builder);
      return;
    default:
  }
  if (!isText) {
    uses(builder, rest, name === "undef");
  }
}

/** Names in a condition; more of it on the next line, where this one ends in a backslash. */
export function uses(builder: Builder, lexemes: readonly Lexeme[], isWritten = false): void {
  for (const lexeme of lexemes) {
    if (lexeme.kind === "word" && lexeme.text !== "defined" && lexeme.text !== ".") {
      const token = tokenOf(lexeme);
      builder.references.push({
        name: token.text,
        token,
        ...(isWritten ? { isWritten } : {}),
      });
    }
  }
}

function include(builder: Builder, from: number): void {
  const found = /^\s*(<([^>]*)>|"([^"]*)")/.exec(builder.text.slice(from));
  const path = found?.[2] ?? found?.[3];
  if (found && path !== undefined) {
    const start = from + found[0].length - path.length - 1;
    builder.includes.push({
      path: { text: path, start, end: start + path.length },
      isSystem: found[2] !== undefined,
      isBinary: false,
    });
  }
}

function define(builder: Builder, lexemes: readonly Lexeme[]): void {
  const name = lexemes[0];
  if (name?.kind !== "word") {
    return;
  }
  const bracket = lexemes[1];
  const isFunction = isMark(bracket, "(") && bracket?.isSpaced === false;
  const end = isFunction ? closingOf(lexemes, 1) : 0;
  const parameters = isFunction ? parametersIn(lexemes.slice(2, end)) : [];
  const body = lexemes.slice(end + 1);
  const span = spanOf(body, 0);
  builder.definitions.push({
    kind: "define",
    name: name.text,
    token: tokenOf(name),
    value: builder.text.slice(span.start, span.end),
    ...(isFunction ? { parameters } : {}),
  });
  const depth = isFunction && end === lexemes.length ? 1 : 0;
  update(builder, { continues: { kind: "define", name: name.text, parameters, depth } });
  defineBody(builder, body, name.text, parameters);
}

function parametersIn(lexemes: readonly Lexeme[]): readonly string[] {
  return lexemes
    .filter((part) => part.kind === "word")
    .map((part) => part.text.replace(/\.\.\.$/, ""))
    .filter((text) => text !== "");
}

/** A later line of a `#define`: more of its parameters, as long as their bracket is open, then its body. */
export function defineRest(builder: Builder, lexemes: readonly Lexeme[], continued: Continuation): void {
  const { name, depth } = continued;
  if (depth === 0) {
    defineBody(builder, lexemes, name, continued.parameters);
    return;
  }
  const end = lexemes.findIndex((lexeme) => isMark(lexeme, ")"));
  const more = parametersIn(end < 0 ? lexemes : lexemes.slice(0, end));
  const parameters = [...continued.parameters, ...more];
  update(builder, { continues: { ...continued, parameters, depth: end < 0 ? 1 : 0 } });
  defineBody(builder, end < 0 ? [] : lexemes.slice(end + 1), name, parameters);
}

/** Part of a body, on the line of the `#define` or a later one. */
function defineBody(
  builder: Builder,
  lexemes: readonly Lexeme[],
  macro: string,
  parameters: readonly string[],
): void {
  const names = lexemes.filter((lexeme, at) => isNoCode(lexeme) && !isPasted(lexemes, at));
  addReferences(builder, names, parameters);
  const open = (text: string): string => withParameters(text, parameters);
  const add = (kind: Template["kind"], name: string, args: readonly string[] = []): void => {
    builder.templates.push({ kind, macro, name: open(name), arguments: args.map(open) });
  };
  lexemes.forEach((lexeme, at) => {
    const next = lexemes[at + 1];
    const isName = lexeme.kind === "word" || lexeme.kind === "pattern";
    if (isName && isMark(next, ":") && !isRegister(lexeme.text)) {
      add("label", lexeme.text);
    } else if (isName && isMark(next, "(") && next?.isSpaced === false) {
      const args = commaParts(lexemes.slice(at + 2, closingOf(lexemes, at + 1)));
      add(
        "call",
        lexeme.text,
        args.map((part) => textOf(builder, part)),
      );
    } else if (/^\.(?:globl|global|weak)$/.test(lexeme.text) && next) {
      add("global", next.text);
    } else if (/^\.(?:set|equ)$/.test(lexeme.text) && next) {
      add("constant", next.text);
    } else if (at === 0 && isName && isNoCode(lexeme) && !lexeme.text.startsWith(".")) {
      const args = commaParts(lexemes.slice(1));
      add(
        "call",
        lexeme.text,
        args.map((part) => textOf(builder, part)),
      );
    }
  });
}

/** d ## D: part of a name. */
function isPasted(lexemes: readonly Lexeme[], at: number): boolean {
  const isHash = (number: number): boolean => isMark(lexemes[number], "#");
  return (isHash(at - 1) && isHash(at - 2)) || (isHash(at + 1) && isHash(at + 2));
}

/** Names, and neither instructions nor directives. */
function isNoCode(lexeme: Lexeme): boolean {
  return !(lexeme.kind === "word" && (isMnemonic(lexeme.text, "gas") || /^\.[a-z]/.test(lexeme.text)));
}

/** Parameters in a text as `Template` has them: "name" → "\name", "a##name" → "a\name". */
function withParameters(text: string, parameters: readonly string[]): string {
  return text
    .replaceAll(/[A-Za-z_.$][\w.$]*/g, (word) => (parameters.includes(word) ? `\\${word}` : word))
    .replaceAll(/\s*##\s*/g, "\\()");
}
