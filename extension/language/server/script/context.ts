/**
 * Where in a script a place is, by what stands before it alone: people ask for completion in the middle of a statement, where no tree is whole.
 *
 * Invariant: reads from the start of the file up to the place and nothing behind it; what is open behind a line is remembered with the line.
 */
import type { Line, Position, SyntaxFile } from "../syntax.ts";
import { isFunction } from "./function.ts";
import type { Place } from "./manual/index.ts";

interface Mark {
  readonly text: string;
  readonly isWord: boolean;
}

export interface Context {
  /** What can stand here; null inside comments and strings. */
  readonly place: Place | null;
  /** What the words before it ask for besides or instead of words of the manual. */
  readonly wants:
    | "section"
    | "input"
    | "region"
    | "header"
    | "symbol"
    | "format"
    | "architecture"
    | "constant"
    | "segment-type"
    | null;
  /** The part of a word before the cursor, and where it begins. */
  readonly prefix: string;
  readonly start: number;
  /** The command or function whose brackets the place is in, and how many commas before it. */
  readonly call: { readonly name: string; readonly argument: number } | null;
}

interface Frame {
  readonly opens: "{" | "(";
  /** The word before the bracket; of "{" the word that begins the statement. */
  readonly name: string;
  readonly place: Place;
  /** Words and marks since the last statement. */
  tokens: Mark[];
  commas: number;
}

const token =
  /"[^"]*"?|[\w.$~*?[\]^!\\]+(?:[-/:][\w.$*?[]+)*|\/DISCARD\/|\/\*|<<=|>>=|<<|>>|[-+*/&|]=|==|!=|<=|>=|&&|\|\||\S/g;

export function contextAt(file: SyntaxFile, position: Position): Context {
  const line = file.lines[position.line];
  const before = line?.text.slice(0, position.column) ?? "";
  const prefix = /(?:[\w.$]|\/(?=[A-Z]*$))*$/.exec(before)?.[0] ?? "";
  const start = position.column - prefix.length;
  const isComment = line?.comments.some(
    ({ start: from, end }) =>
      from < position.column &&
      (position.column < end || (end === line.text.length && !line.text.slice(from, end).endsWith("*/"))),
  );
  const isPreprocessor = line?.statements.some(
    ({ kind, ...rest }) => kind === "directive" && "name" in rest && rest.name.text.startsWith("#"),
  );
  const marks = line && !isDirective(line.text) ? marksIn(before.slice(0, start), line) : [];
  const frames = fed(framesBefore(file, position.line), marks);
  const last = marks.at(-1)?.text ?? "";
  const inString = last.startsWith('"') && !/^".*"$/.test(last);
  if (isComment || isPreprocessor || inString) {
    return { place: null, wants: null, prefix, start, call: null };
  }
  return { ...judge(frames), prefix, start, call: callOf(frames) };
}

const nothingOpen: readonly Frame[] = [{ opens: "{", name: "", place: "script", tokens: [], commas: 0 }];
/** What is open behind a line, if that is open before it. Nobody changes either. */
const framesBehind = new WeakMap<
  Line,
  { readonly before: readonly Frame[]; readonly behind: readonly Frame[] }
>();

function framesBefore(file: SyntaxFile, number: number): readonly Frame[] {
  let open = nothingOpen;
  for (const line of file.lines.slice(0, number)) {
    const known = framesBehind.get(line);
    if (known?.before === open) {
      open = known.behind;
    } else {
      const marks = isDirective(line.text) ? [] : marksIn(line.text, line);
      const behind = marks.length === 0 ? open : fed(open, marks);
      framesBehind.set(line, { before: open, behind });
      open = behind;
    }
  }
  return open;
}

/** What is open behind `marks`. */
function fed(before: readonly Frame[], marks: readonly Mark[]): Frame[] {
  const frames = before.map((frame) => ({ ...frame, tokens: [...frame.tokens] }));
  for (const mark of marks) {
    feed(frames, mark);
  }
  return frames;
}

/** Words and marks in the beginning of a line. */
function marksIn(beginning: string, { comments }: Line): readonly Mark[] {
  return Array.from(blanked(beginning, comments).matchAll(token), ([text]) => ({
    text,
    isWord: /^[\w.$~*?[\]^!\\"/]/.test(text) && !/^[!/]?=|^\/$/.test(text),
  }));
}

function isDirective(text: string): boolean {
  return /^\s*#/.test(text);
}

function blanked(text: string, comments: readonly { start: number; end: number }[]): string {
  let left = text;
  for (const { start, end } of comments) {
    left =
      left.slice(0, start).padEnd(start) +
      " ".repeat(Math.max(0, Math.min(end, text.length) - start)) +
      text.slice(end);
  }
  return left;
}

function feed(frames: Frame[], mark: Mark): void {
  const frame = frames.at(-1);
  if (!frame) {
    return;
  }
  switch (mark.text) {
    case "{":
      frames.push({
        opens: "{",
        name: frame.tokens[0]?.text ?? "",
        place: placeInside(frame),
        tokens: [],
        commas: 0,
      });
      return;
    case "(":
      frames.push({
        opens: "(",
        name: frame.tokens.at(-1)?.text ?? "",
        place: frame.place,
        tokens: [],
        commas: 0,
      });
      return;
    case "}":
    case ")": {
      const opening = mark.text === "}" ? "{" : "(";
      const at = frames.findLastIndex(({ opens }, index) => index > 0 && opens === opening);
      if (at > 0) {
        frames.length = at;
        const outer = frames.at(-1);
        if (outer && mark.text === "}") {
          outer.tokens = [{ text: "}", isWord: false }];
        } else {
          outer?.tokens.push({ text: "()", isWord: false });
        }
      }
      return;
    }
    case ";":
      frame.tokens = [];
      frame.commas = 0;
      return;
    case ",":
      frame.commas += 1;
      if (frame.opens === "{" && frame.place !== "memory") {
        frame.tokens = [];
      } else {
        frame.tokens.push(mark);
      }
      return;
    default:
      if (startsStatement(frame, mark)) {
        frame.tokens = [];
      }
      frame.tokens.push(mark);
  }
}

/** Statements that need no ";" are over where the next word cannot belong to them. */
function startsStatement({ tokens, opens, place }: Frame, mark: Mark): boolean {
  const last = tokens.at(-1)?.text;
  if (opens !== "{" || !mark.isWord) {
    return false;
  }
  if (last === "}") {
    return mark.text !== "AT";
  }
  // Behind "ENTRY(…)", "*(…)", "> region", ":header", "=fill".
  const isTail =
    tokens[0]?.text === "}" && tokens.length > 2 && !/^[>:=]$/.test(last ?? "") && mark.text !== "AT";
  const isCommand =
    last === "()" && tokens.length === 2 && !(place === "sections" && /^[./]/.test(tokens[0]?.text ?? ""));
  const isRegion = place === "memory" && tokens.length > 8 && tokens.at(-2)?.text === "=";
  return isTail || isCommand || isRegion;
}

function placeInside(frame: Frame): Place {
  const first = frame.tokens[0]?.text;
  switch (frame.place) {
    case "script":
      return first === "SECTIONS"
        ? "sections"
        : first === "MEMORY"
          ? "memory"
          : first === "PHDRS"
            ? "phdrs"
            : first === "VERSION"
              ? "script"
              : "section";
    case "sections":
      return first === "OVERLAY" ? "sections" : "section";
    case "expression":
    case "head":
    case "header":
    case "memory":
    case "pattern":
    case "phdrs":
    case "section":
    case "type":
      return frame.place;
  }
}

type Judged = Pick<Context, "place" | "wants">;

function judge(frames: readonly Frame[]): Judged {
  const frame = frames.at(-1);
  if (!frame || frame.tokens.at(-1)?.text === "INCLUDE" || frames.some(({ name }) => name === "VERSION")) {
    return { place: null, wants: null };
  }
  return frame.opens === "(" ? inBrackets(frames, frame) : inStatement(frame);
}

function inBrackets(frames: readonly Frame[], frame: Frame): Judged {
  const outer = frames.at(-2);
  switch (frame.name) {
    case "ADDR":
    case "LOADADDR":
    case "SIZEOF":
    case "ALIGNOF":
    case "NOCROSSREFS":
    case "NOCROSSREFS_TO":
      return { place: "expression", wants: "section" };
    case "ORIGIN":
    case "LENGTH":
      return { place: "expression", wants: "region" };
    case "ENTRY":
    case "EXTERN":
    case "DEFINED":
      return { place: "expression", wants: "symbol" };
    case "CONSTANT":
      return { place: "expression", wants: "constant" };
    case "OUTPUT_FORMAT":
    case "TARGET":
      return { place: "expression", wants: "format" };
    case "OUTPUT_ARCH":
      return { place: "expression", wants: "architecture" };
    case "REGION_ALIAS":
      return frame.commas > 0 ? { place: "expression", wants: "region" } : { place: null, wants: null };
    case "INPUT":
    case "GROUP":
    case "AS_NEEDED":
    case "SEARCH_DIR":
    case "STARTUP":
    case "OUTPUT":
    case "EXCLUDE_FILE":
    case "INPUT_SECTION_FLAGS":
    case "LD_FEATURE":
      return { place: null, wants: null };
    default:
  }
  if (outer?.place === "section" && !isFunction(frame.name) && !hasAssignment(outer)) {
    if (/^(?:BYTE|SHORT|LONG|QUAD|SQUAD|FILL|PROVIDE|PROVIDE_HIDDEN|HIDDEN)$/.test(frame.name)) {
      return { place: "expression", wants: null };
    }
    const isFile = frame.name === "KEEP" || (frame.name.startsWith("SORT") && outer.opens === "{");
    return isFile ? { place: null, wants: null } : { place: "pattern", wants: "input" };
  }
  if (outer?.place === "memory" || outer?.place === "phdrs") {
    return frame.name === "AT" || frame.name === "FLAGS"
      ? { place: "expression", wants: null }
      : { place: null, wants: null };
  }
  // "name (" and "name address (" before the colon.
  const isHead =
    outer?.place === "sections" &&
    outer.opens === "{" &&
    /^[./A-Za-z_]/.test(outer.tokens[0]?.text ?? "") &&
    !outer.tokens.some(({ text }) => text === ":" || text.endsWith("=")) &&
    !isFunction(frame.name) &&
    !/^(?:PROVIDE|PROVIDE_HIDDEN|HIDDEN|ASSERT)$/.test(frame.name);
  return isHead ? { place: "type", wants: null } : { place: "expression", wants: null };
}

function hasAssignment({ tokens }: Frame): boolean {
  return tokens.some(({ text }) => /^(?:[-+*/&|]|<<|>>)?=$/.test(text));
}

function inStatement({ tokens, place }: Frame): Judged {
  const last = tokens.at(-1)?.text;
  if (tokens[0]?.text === "}") {
    // Behind an output section: ">region", "AT>region", ":header", "=fill".
    const isHeader = last === ":";
    return last === ">"
      ? { place: "expression", wants: "region" }
      : isHeader
        ? { place: "expression", wants: "header" }
        : last === "="
          ? { place: "expression", wants: null }
          : { place, wants: null };
  }
  if (tokens.length === 0 || (tokens.length === 2 && last === "()")) {
    return { place, wants: null };
  }
  if (hasAssignment({ tokens, place } as Frame)) {
    return place === "memory" && last !== "=" && !isOperator(last)
      ? { place: "memory", wants: null }
      : { place: "expression", wants: null };
  }
  switch (place) {
    case "sections":
    case "script": {
      if (tokens[0]?.text === "INSERT") {
        return { place: "expression", wants: tokens.length > 1 ? "section" : null };
      }
      const colon = tokens.findIndex(({ text }) => text === ":");
      return colon < 0
        ? { place: place === "script" ? null : "expression", wants: null }
        : { place: "head", wants: null };
    }
    case "phdrs":
      return tokens.length === 1
        ? { place: "phdrs", wants: "segment-type" }
        : { place: "header", wants: null };
    case "section":
    case "memory":
      return { place, wants: null };
    case "expression":
    case "head":
    case "header":
    case "pattern":
    case "type":
      return { place, wants: null };
  }
}

function isOperator(text: string | undefined): boolean {
  return text !== undefined && /^(?:[-+*/%&|<>!~?:(]|<<|>>|&&|\|\|)$/.test(text);
}

function callOf(frames: readonly Frame[]): Context["call"] {
  const frame = frames.at(-1);
  return frame?.opens === "(" && /^[A-Z]/.test(frame.name)
    ? { name: frame.name, argument: frame.commas }
    : null;
}
