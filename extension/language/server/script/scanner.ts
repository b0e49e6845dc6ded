/**
 * Cuts a script into words, as the place they stand at demands: "a-b" is one file name, but a subtraction in an expression.
 *
 * Invariant: a token stands on one line; looking at the next one changes nothing. At the end of the text comes the kind `end` for ever.
 * Source: the ld manual, "Symbol Names", "Input Section Basics"; where it is silent, what ld 2.40 accepts.
 */
import type { Source } from "./source.ts";
import type { Branch, ScriptError, Word } from "./tree.ts";

/** `script`: statements and names of sections; `pattern`: inside an output section; `expression`. */
export type Mode = "script" | "pattern" | "expression";

export interface Scanned extends Word {
  readonly kind: "word" | "number" | "string" | "mark" | "end";
}

// A name goes on over ":", "," and "+" only where more of it follows, and never over an operator that assigns ("a+=1" is no name here, though it is for ld).
const word = (extra: string): string =>
  `((?:(?![-+*/&|]=)[\\w/.\\\\$~*?[\\]^!-])(?:(?![-+*/&|]=)[\\w/.\\\\$~*?[\\]^!-]|[:${extra}](?=[\\w.\\\\$~/*?[-]))*)`;
const quoted = '("[^"]*"?)';
const mark = String.raw`(?:<<=|>>=|<<|>>|<=|>=|==|!=|&&|\|\||[-+*/&|]=|\S)`;
const number = String.raw`((?:(?:\$|0[xX])[0-9A-Fa-f]+[MKmk]?|[0-9]+[MKmk]?|[0-9A-Fa-f]+[hHxXoObBdD])(?![\w.$]))`;
const symbol = String.raw`(\/DISCARD\/|[A-Za-z_.\\$][\w.\\$~]*|[0-9][\w.$~]*)`;

// Groups: a string, a number, a word; a mark is what none of them holds.
const patterns: Readonly<Record<Mode, RegExp>> = {
  script: new RegExp(`${quoted}|(?!)()|${word("+,")}|${mark}`, "y"),
  pattern: new RegExp(`${quoted}|(?!)()|${word("+")}|${mark}`, "y"),
  expression: new RegExp(`${quoted}|${number}|${symbol}|${mark}`, "y"),
};

export class Scanner {
  readonly source: Source;
  readonly errors: ScriptError[] = [];
  #line = 0;
  #column = 0;
  #peeked: Scanned | null = null;
  #peekedMode: Mode = "script";
  #last: Scanned;
  /** The last line that was looked at since it was set, and how often a mistake was met, reported or not. */
  reach = 0;
  mistakes = 0;
  readonly #kept: ({ readonly mode: Mode; readonly token: Scanned } | undefined)[] = [];

  constructor(source: Source) {
    this.source = source;
    this.#last = { kind: "end", text: "", line: 0, start: 0, end: 0 };
  }

  /** The token read last. */
  get last(): Scanned {
    return this.#last;
  }

  /** Where reading goes on. */
  get place(): { readonly line: number; readonly column: number } {
    return { line: this.#line, column: this.#column };
  }

  /** Goes on behind what need not be read; `last` is the token before. */
  jump(line: number, column: number, last: Scanned): void {
    this.#line = line;
    this.#column = column;
    this.#last = last;
    this.#peeked = null;
  }

  get branch(): Branch | null {
    return this.source.branches[this.peek("script").line] ?? null;
  }

  peek(mode: Mode): Scanned {
    if (this.#peeked === null || this.#peekedMode !== mode) {
      this.#peeked = this.#scan(mode);
      this.#peekedMode = mode;
    }
    return this.#peeked;
  }

  next(mode: Mode): Scanned {
    const token = this.peek(mode);
    this.#peeked = null;
    this.#line = token.line;
    this.#column = token.end;
    if (token.kind !== "end") {
      this.#last = token;
      if (token.kind === "string" && token.end - token.start < token.text.length + 2) {
        this.errorAt(token, "The string has no closing quote.");
      }
    }
    return token;
  }

  isAt(text: string, mode: Mode = "expression"): boolean {
    const token = this.peek(mode);
    return token.kind === "mark" && token.text === text;
  }

  /** Reads the mark, if it comes next. */
  skip(text: string, mode: Mode = "expression"): boolean {
    const isThere = this.isAt(text, mode);
    if (isThere) {
      this.next(mode);
    }
    return isThere;
  }

  /** Where the state of things is to be tried and taken back. */
  mark(): () => void {
    const [line, column, last, count] = [this.#line, this.#column, this.#last, this.errors.length];
    return () => {
      this.#line = line;
      this.#column = column;
      this.#last = last;
      this.#peeked = null;
      this.errors.length = count;
    };
  }

  errorAt(place: Word, message: string): void {
    const { line, start, end } = place;
    this.#report({ line, start, end: Math.max(end, start + 1), message });
  }

  /** Something is missing behind the last token. Between branches of a condition it may be in another of them. */
  missing(message: string): void {
    const next = this.peek("expression");
    const { line, end } = this.#last;
    for (let seam = line; seam <= next.line; seam += 1) {
      if (this.source.seams.has(seam)) {
        return;
      }
    }
    this.#report({ line, start: Math.max(0, end - 1), end: Math.max(1, end), message });
  }

  /** One mistake often makes several things missing: the first says it. */
  #report(error: ScriptError): void {
    this.mistakes += 1;
    const last = this.errors.at(-1);
    if (last?.line !== error.line || last.start !== error.start) {
      this.errors.push(error);
    }
  }

  #scan(mode: Mode): Scanned {
    const { code } = this.source;
    for (let line = this.#line; line < code.length; line += 1) {
      const text = code[line] ?? "";
      let column = line === this.#line ? this.#column : 0;
      while (column < text.length && isBlank(text.charCodeAt(column))) {
        column += 1;
      }
      if (column < text.length) {
        this.reach = Math.max(this.reach, line);
        return this.#tokenAt(mode, text, line, column);
      }
    }
    this.reach = code.length;
    const line = Math.max(0, code.length - 1);
    const end = code[line]?.length ?? 0;
    return { kind: "end", text: "", line, start: end, end };
  }

  /** Places are looked at again after a trial: the last tokens are kept. */
  #tokenAt(mode: Mode, text: string, line: number, column: number): Scanned {
    const slot = (column + (mode === "expression" ? 1 : 0)) & 15;
    const kept = this.#kept[slot];
    if (kept?.mode === mode && kept.token.line === line && kept.token.start === column) {
      return kept.token;
    }
    const character = text[column] ?? "";
    const pattern = patterns[mode];
    pattern.lastIndex = column;
    const token: Scanned = brackets.includes(character)
      ? { kind: "mark", text: character, line, start: column, end: column + 1 }
      : cut(pattern.exec(text), line, column);
    this.#kept[slot] = { mode, token };
    return token;
  }
}

function isBlank(code: number): boolean {
  return code === 0x20 || (code >= 0x09 && code <= 0x0d) || code === 0xa0 || code === 0xfeff;
}

/** Marks that are whole wherever they stand. */
const brackets = "(){};,";

function cut(match: RegExpExecArray | null, line: number, start: number): Scanned {
  const text = match?.[0] ?? " ";
  const end = start + text.length;
  if (match?.[1] !== undefined) {
    const isClosed = text.length > 1 && text.endsWith('"');
    return {
      kind: "string",
      text: text.slice(1, isClosed ? -1 : undefined),
      line,
      start,
      end,
      isQuoted: true,
    };
  }
  const kind = match?.[2] !== undefined ? "number" : match?.[3] !== undefined ? "word" : "mark";
  return { kind, text, line, start, end };
}
