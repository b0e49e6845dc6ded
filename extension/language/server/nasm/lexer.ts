/**
 * Cuts a line of NASM's language into lexemes.
 *
 * Invariant: every line is cut, in time linear in its length. A name with macro parameters or a macro-local part (%1, %{1}, %%name, %$name) in it is one
 * `pattern`; a word of the preprocessor ("%define") is one only where it begins the line.
 * Source: NASM manual, 3.1 "Layout of a NASM Source Line", 3.4 "Constants", 4 "The NASM Preprocessor".
 */
import type { Cut, Lexeme } from "../lexeme.ts";
import type { Span, SyntaxError } from "../syntax.ts";

const blank = /[ \t\f\v\r\u00a0]+/y;
const quoted = /'[^']*'|"[^"]*"|`(?:[^`\\]|\\.)*`/y;
const directive = /%[A-Za-z]+[A-Za-z\d]*/y;
const number = /\$\d[\da-fA-F_]*|\d(?:[eE][+-]\d|[\w.])*/y;
const name =
  /(?:\$(?=[A-Za-z_.?@]))?(?:[A-Za-z_.?@\u0080-\uffff]|%%|%\$+(?=[\w.])|%[-+*]?\d|%\{[^}]*\}|%\?\??)(?:[\w.$#@~?\u0080-\uffff]|%%|%\d|%\{[^}]*\})*/y;
const mark = /<<<|>>>|<<|>>|==|!=|&&|\|\||\^\^|<=>|<=|>=|<>|\/\/|%%|\$\$|%\+|[^]/uy;

export function cut(whole: string): Cut {
  const continues = /\\[ \t]*$/.test(whole);
  const text = continues ? whole.replace(/\\[ \t]*$/, "") : whole;
  const lexemes: Lexeme[] = [];
  const comments: Span[] = [];
  const errors: SyntaxError[] = [];
  let at = 0;
  let isSpaced = true;
  const take = (pattern: RegExp): string | undefined => {
    pattern.lastIndex = at;
    return pattern.exec(text)?.[0];
  };
  while (at < text.length) {
    const space = take(blank);
    if (space !== undefined) {
      at += space.length;
      isSpaced = true;
      continue;
    }
    if (text[at] === ";") {
      // A backslash at the end of a comment goes on all the same: it is taken away first.
      comments.push({ start: at, end: text.length });
      break;
    }
    const [kind, found] = lexeme(text, at, lexemes.length === 0, take);
    const end = at + found.length;
    lexemes.push({ kind, text: found, start: at, end, isSpaced });
    if (kind === "string" && (found.length < 2 || found.at(-1) !== found[0])) {
      errors.push({ start: at, end, message: "The string has no closing quote." });
    }
    isSpaced = false;
    at = end;
  }
  return { lexemes: pasted(text, lexemes), comments, errors, inComment: false, continues };
}

/** `stub_%+ n` is one name. */
function pasted(text: string, lexemes: readonly Lexeme[]): readonly Lexeme[] {
  if (!text.includes("%+")) {
    return lexemes;
  }
  const joined: Lexeme[] = [];
  for (let at = 0; at < lexemes.length; at += 1) {
    const lexeme = lexemes[at];
    const before = joined.at(-1);
    const after = lexemes[at + 1];
    if (lexeme?.text === "%+" && before && after && isPart(before) && isPart(after)) {
      const { start, isSpaced } = before;
      const { end } = after;
      joined[joined.length - 1] = {
        kind: "pattern",
        text: text.slice(start, end),
        start,
        end,
        isSpaced,
      };
      at += 1;
    } else if (lexeme) {
      joined.push(lexeme);
    }
  }
  return joined;
}

function isPart(lexeme: Lexeme): boolean {
  return lexeme.kind === "word" || lexeme.kind === "pattern" || lexeme.kind === "number";
}

function lexeme(
  text: string,
  at: number,
  isFirst: boolean,
  take: (pattern: RegExp) => string | undefined,
): readonly [Lexeme["kind"], string] {
  const first = text[at] ?? "";
  if (first === "'" || first === '"' || first === "`") {
    return ["string", take(quoted) ?? text.slice(at)];
  }
  const word = isFirst && first === "%" ? take(directive) : undefined;
  if (word !== undefined) {
    return ["word", word];
  }
  const digits = take(number);
  if (digits !== undefined) {
    return ["number", digits];
  }
  const found = take(name);
  if (found !== undefined && found !== "%%") {
    return [found.includes("%") ? "pattern" : "word", found];
  }
  return ["mark", take(mark) ?? first];
}
