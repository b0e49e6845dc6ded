/**
 * Reads the statements that hold no others: assignments, assertions, data, commands with words in brackets, calls of macros.
 *
 * Source: the ld manual, "Assigning Values to Symbols", "Output Section Data", "Simple Linker Script Commands".
 */
import { closeBracket, expression, wordOf } from "./expression.ts";
import { bracketed } from "./pattern.ts";
import { recover, skipBracket } from "./reading.ts";
import type { Mode, Scanner } from "./scanner.ts";
import type { Assertion, Assignment, Branch, Call, Statement, Word } from "./tree.ts";

const assigns: ReadonlySet<string> = new Set(["=", "+=", "-=", "*=", "/=", "&=", "|=", "<<=", ">>="]);

export function assignment(scanner: Scanner, mode: Mode, branch: Branch | null): Assignment | null {
  const back = scanner.mark();
  const target = wordOf(scanner.next(mode));
  const operator = scanner.peek("expression");
  if (operator.kind !== "mark" || !assigns.has(operator.text)) {
    back();
    return null;
  }
  scanner.next("expression");
  const assigned = expression(scanner);
  if (!scanner.isAt(";") && !scanner.isAt(",")) {
    // A macro may bring its own.
    const next = scanner.peek("expression");
    if (
      !(
        scanner.source.isPreprocessed &&
        (/^[A-Z_]+\w*$/.test(next.text) || /^[A-Z_]+\w*$/.test(scanner.last.text))
      )
    ) {
      scanner.missing('A ";" is missing behind the assignment.');
      if (next.kind === "mark") {
        recover(scanner, mode);
      }
    }
  }
  return {
    kind: "assignment",
    branch,
    modifier: null,
    target,
    operator: wordOf(operator),
    value: assigned,
    first: target,
    last: wordOf(scanner.last),
  };
}

/** PROVIDE(name = value) and its kin. */
export function provided(scanner: Scanner, mode: Mode, first: Word, branch: Branch | null): Statement | null {
  scanner.next(mode);
  if (!scanner.skip("(")) {
    scanner.missing(`${first.text} needs an assignment in brackets: "${first.text}(name = value)".`);
    return null;
  }
  const target = wordOf(scanner.next("expression"));
  const operator = wordOf(scanner.peek("expression"));
  if (operator.text !== "=") {
    scanner.missing(`${first.text} needs an assignment in brackets: "${first.text}(name = value)".`);
    skipBracket(scanner);
    return null;
  }
  scanner.next("expression");
  const assigned = expression(scanner);
  closeBracket(scanner);
  return {
    kind: "assignment",
    branch,
    modifier: first,
    target,
    operator,
    value: assigned,
    first,
    last: wordOf(scanner.last),
  };
}

export function assertion(
  scanner: Scanner,
  mode: Mode,
  first: Word,
  branch: Branch | null,
): Assertion | null {
  scanner.next(mode);
  if (!scanner.skip("(")) {
    scanner.missing('ASSERT needs a condition and a text in brackets: "ASSERT(condition, "text")".');
    return null;
  }
  const condition = expression(scanner);
  let message: Word | null = null;
  if (scanner.skip(",")) {
    const text = scanner.peek("expression");
    if (text.kind === "string" || text.kind === "word") {
      message = wordOf(scanner.next("expression"));
    }
    // Strings of the C preprocessor stand one behind another.
    while (scanner.source.isPreprocessed && /^(?:string|word)$/.test(scanner.peek("expression").kind)) {
      scanner.next("expression");
    }
  } else {
    scanner.missing("ASSERT needs a text behind the condition.");
  }
  closeBracket(scanner);
  return { kind: "assert", branch, expression: condition, message, first, last: wordOf(scanner.last) };
}

export function value(scanner: Scanner, first: Word, branch: Branch | null): Statement {
  scanner.next("pattern");
  scanner.skip("(");
  const given = expression(scanner);
  closeBracket(scanner);
  return { kind: "data", branch, name: first, value: given, first, last: wordOf(scanner.last) };
}

export function words(scanner: Scanner, mode: Mode, first: Word, branch: Branch | null): Statement {
  scanner.next(mode);
  const found = scanner.isAt("(", "pattern") ? bracketed(scanner) : [];
  if (found.length === 0) {
    scanner.missing(`${first.text} needs its arguments in brackets.`);
  }
  const names = found.filter(({ text }) => text !== "AS_NEEDED");
  return { kind: "command", branch, name: first, arguments: names, first, last: wordOf(scanner.last) };
}

export function call(scanner: Scanner, mode: Mode, branch: Branch | null): Call {
  const name = wordOf(scanner.next(mode));
  const found: Word[] = [];
  const texts: string[] = [];
  if (scanner.skip("(", mode)) {
    let text = "";
    let end = scanner.last;
    for (let depth = 1; depth > 0;) {
      const token = scanner.next("expression");
      if (token.kind === "end") {
        scanner.missing('A ")" is missing.');
        break;
      }
      depth += token.text === "(" ? 1 : token.text === ")" ? -1 : 0;
      if (depth === 0 || (depth === 1 && token.kind === "mark" && token.text === ",")) {
        texts.push(text);
        text = "";
      } else {
        const isApart = text !== "" && (token.line !== end.line || token.start !== end.end);
        const written = token.kind === "string" ? `"${token.text}"` : token.text;
        text += isApart ? ` ${written}` : written;
      }
      if (token.kind === "word") {
        found.push(wordOf(token));
      }
      end = token;
    }
  }
  return {
    kind: "call",
    branch,
    name,
    arguments: texts,
    words: found,
    first: name,
    last: wordOf(scanner.last),
  };
}
