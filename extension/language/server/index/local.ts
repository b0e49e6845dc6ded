/**
 * Names that mean something only where they stand: numeric labels (`1f`, `1b`), parameters of macros (`\name`), labels of one call (`%%loop`, `.Lskip\@`).
 *
 * Invariant: nothing outside the file is looked at, and no further than the body of a macro reaches, where the name stands in one. A branch of a condition
 * never sees a numeric label in another branch of the same condition.
 * Source: "Using as", 5.3 "Symbol Names" (local labels), 7.80 ".macro"; NASM manual, 4.3.2 "Macro-Local Labels".
 */
import type { Definition, Line, Position, Reference, SyntaxFile, Token } from "../syntax.ts";
import { nameOf, type DefinitionAt, type Occurrence } from "../world.ts";
import { holds, type Call } from "./part.ts";

type Local = "numeric" | "parameter" | "pattern";

/** Which kind of local name an occurrence is, if it is one. */
export function localKind(occurrence: Occurrence): Local | undefined {
  switch (occurrence.kind) {
    case "definition": {
      const { kind, name } = occurrence.definition;
      return kind === "numeric" || kind === "parameter" ? kind : isPatternName(name) ? "pattern" : undefined;
    }
    case "reference": {
      const { direction, token, name } = occurrence.reference;
      return direction === undefined
        ? isPatternName(name)
          ? "pattern"
          : token.text.startsWith("\\")
            ? "parameter"
            : undefined
        : "numeric";
    }
    case "linkage":
      return undefined;
  }
}

function isPatternName(name: string): boolean {
  return name.startsWith("%%") || /\\|%\d|%\{|%\+/.test(name);
}

export function localDefinitions(file: SyntaxFile, occurrence: Occurrence): readonly DefinitionAt[] {
  const { uri, line } = occurrence;
  const definition = occurrence.kind === "definition" ? occurrence.definition : undefined;
  switch (localKind(occurrence)) {
    case "numeric":
      return occurrence.kind === "reference"
        ? numericDefinitions(file, line, occurrence.reference)
        : definition
          ? [{ uri, line, token: definition.token, definition }]
          : [];
    case "parameter":
      return parameterDefinition(file, line, nameOf(occurrence));
    case "pattern":
      return patternTokens(file, line, nameOf(occurrence))
        .filter((found) => found.definition !== undefined)
        .map(({ line: at, definition: found, token }) => ({
          uri,
          line: at,
          token,
          definition: found ?? { kind: "local", name: token.text, token },
        }));
    case undefined:
      return [];
  }
}

export function localOccurrences(file: SyntaxFile, occurrence: Occurrence): readonly Occurrence[] {
  const { uri } = occurrence;
  const definitions = localDefinitions(file, occurrence);
  switch (localKind(occurrence)) {
    case "numeric":
      return numericOccurrences(file, definitions);
    case "parameter":
      return definitions.flatMap((found) => parameterOccurrences(file, found));
    case "pattern":
      return patternTokens(file, occurrence.line, nameOf(occurrence)).map(({ line, token, definition }) =>
        definition
          ? { kind: "definition", uri, line, token, definition }
          : { kind: "reference", uri, line, token, reference: { name: token.text, token } },
      );
    case undefined:
      return [];
  }
}

const conditional: ReadonlySet<string> = new Set(["#if", ".if", "%if"]);

function numericDefinitions(file: SyntaxFile, line: number, reference: Reference): readonly DefinitionAt[] {
  const isForward = reference.direction === "forward";
  const found: DefinitionAt[] = [];
  const own = file.lines[line];
  // On the line itself by column, elsewhere in the direction, the nearest first.
  const before = (definition: Definition): boolean => definition.token.start <= reference.token.start;
  const here = numericAt(own, reference.name).filter((definition) => before(definition) !== isForward);
  const first = isForward ? here[0] : here.at(-1);
  if (first) {
    return [{ uri: file.uri, line, token: first.token, definition: first }];
  }
  const text = own && isDefine(own) ? numericInDefine(file, line, reference) : undefined;
  if (text) {
    return text;
  }
  const body = own?.before.macros.length ?? 0;
  let depth = 0;
  for (let at = isForward ? line + 1 : line - 1; ; at += isForward ? 1 : -1) {
    const each = file.lines[at];
    const deep = each?.before.macros.length ?? 0;
    if (!each || (body > 0 && deep < body)) {
      return found.length > 0 ? found : numericInBodies(file, line, reference);
    }
    const skipped = conditionStep(file, at, depth, isForward);
    depth = skipped.depth;
    at = skipped.at;
    const definition = deep === body ? pick(numericAt(each, reference.name), isForward) : undefined;
    if (definition) {
      found.push({ uri: file.uri, line: at, token: definition.token, definition });
      if (depth <= 0) {
        return found;
      }
    }
  }
}

const isDefine = ({ before, after }: Line): boolean =>
  before.continues?.kind === "define" || after.continues?.kind === "define";

/** In the body of a `#define`, which is one line to the assembler and no code to the parser. */
function numericInDefine(file: SyntaxFile, line: number, reference: Reference): readonly DefinitionAt[] {
  const isForward = reference.direction === "forward";
  for (let at = line; ; at += isForward ? 1 : -1) {
    const { text, comments } = file.lines[at] ?? { text: "", comments: [] };
    const labels = [...text.matchAll(new RegExp(String.raw`(?<![\w.$%])${reference.name}(?=\s*:)`, "g"))]
      .map((match) => ({ text: match[0], start: match.index, end: match.index + match[0].length }))
      .filter(({ start }) => !comments.some((comment) => comment.start <= start && start < comment.end))
      .filter(({ start }) => at !== line || start > reference.token.start === isForward);
    const token = isForward ? labels[0] : labels.at(-1);
    if (token) {
      const definition: Definition = { kind: "numeric", name: reference.name, token };
      return [{ uri: file.uri, line: at, token, definition }];
    }
    const state = isForward ? file.lines[at]?.after : file.lines[at]?.before;
    if (state?.continues?.kind !== "define") {
      return [];
    }
  }
}

/** A body may jump to a label of another macro that is called beside it: the only one of its number, if there is one. */
function numericInBodies(file: SyntaxFile, line: number, reference: Reference): readonly DefinitionAt[] {
  const found = file.lines.flatMap((each, at) =>
    each.before.macros.length > 0 && at !== line
      ? numericAt(each, reference.name).map((definition): DefinitionAt => ({
          uri: file.uri,
          line: at,
          token: definition.token,
          definition,
        }))
      : [],
  );
  return found.length === 1 ? found : [];
}

/** How deep in conditions the line is, counted from the first; where it enters another branch of the condition that the first is in, the line after that. */
function conditionStep(
  file: SyntaxFile,
  at: number,
  depth: number,
  isForward: boolean,
): { readonly at: number; readonly depth: number } {
  const fold = file.lines[at]?.fold;
  const opens = fold?.opens !== undefined && conditional.has(fold.opens.replace(/^([#.%]if).*/, "$1"));
  const closes = fold?.closes !== undefined && conditional.has(fold.closes.replace(/^([#.%]if).*/, "$1"));
  if (opens && closes) {
    return depth > 0 ? { at, depth } : { at: otherEnd(file, at, isForward), depth: 0 };
  }
  const enters = isForward ? opens : closes;
  const leaves = isForward ? closes : opens;
  return { at, depth: enters ? depth + 1 : leaves ? Math.max(0, depth - 1) : depth };
}

/** From an `#else` to the end of the condition (or, backwards, to its beginning). */
function otherEnd(file: SyntaxFile, from: number, isForward: boolean): number {
  let depth = 0;
  for (let at = isForward ? from + 1 : from - 1; ; at += isForward ? 1 : -1) {
    const line = file.lines[at];
    if (!line) {
      return at;
    }
    const opens = line.fold?.opens !== undefined && /^[#.%]if/.test(line.fold.opens);
    const closes = line.fold?.closes !== undefined && /^[#.%]if/.test(line.fold.closes);
    if (opens && closes) {
      continue;
    }
    if (isForward ? closes : opens) {
      if (depth === 0) {
        return at;
      }
      depth -= 1;
    } else if (isForward ? opens : closes) {
      depth += 1;
    }
  }
}

function pick(definitions: readonly Definition[], isForward: boolean): Definition | undefined {
  return isForward ? definitions[0] : definitions.at(-1);
}

function numericAt(line: Line | undefined, name: string): readonly Definition[] {
  return line?.definitions.filter((found) => found.kind === "numeric" && found.name === name) ?? [];
}

/** The label and what refers to it: references of its name around it, each asked what it means. */
function numericOccurrences(file: SyntaxFile, definitions: readonly DefinitionAt[]): readonly Occurrence[] {
  const found: Occurrence[] = [];
  const name = definitions[0]?.definition.name;
  const isMeant = (other: DefinitionAt): boolean =>
    definitions.some((each) => each.line === other.line && each.token.start === other.token.start);
  for (const [line, { definitions: defined, references }] of file.lines.entries()) {
    for (const definition of defined) {
      const place = { uri: file.uri, line, token: definition.token, definition };
      if (definition.kind === "numeric" && definition.name === name && isMeant(place)) {
        found.push({ kind: "definition", ...place });
      }
    }
    for (const reference of references) {
      if (reference.direction !== undefined && reference.name === name) {
        if (numericDefinitions(file, line, reference).some(isMeant)) {
          found.push({ kind: "reference", uri: file.uri, line, token: reference.token, reference });
        }
      }
    }
  }
  return found.sort((a, b) => a.line - b.line || a.token.start - b.token.start);
}

/** `\name` belongs to the innermost `.macro`, `.irp` or `.irpc` around it that has such a parameter. */
function parameterDefinition(file: SyntaxFile, line: number, name: string): readonly DefinitionAt[] {
  let depth = 0;
  for (let at = line; at >= 0; at -= 1) {
    const { definitions, fold } = file.lines[at] ?? { definitions: [], fold: undefined };
    if (at !== line && isRepeated(fold?.closes)) {
      depth += 1;
    }
    const definition = definitions.find((found) => found.kind === "parameter" && found.name === name);
    if (definition && depth === 0) {
      return [{ uri: file.uri, line: at, token: definition.token, definition }];
    }
    if (at !== line && isRepeated(fold?.opens)) {
      depth = Math.max(0, depth - 1);
    }
  }
  return [];
}

function isRepeated(fold: string | undefined): boolean {
  return fold === ".macro" || fold === ".rept";
}

function parameterOccurrences(file: SyntaxFile, parameter: DefinitionAt): readonly Occurrence[] {
  const { uri, definition } = parameter;
  const found: Occurrence[] = [{ kind: "definition", ...parameter }];
  let depth = 0;
  for (let at = parameter.line; at < file.lines.length; at += 1) {
    const line = file.lines[at];
    if (at > parameter.line && isRepeated(line?.fold?.closes)) {
      depth -= 1;
    }
    if (depth < 0 || !line) {
      break;
    }
    for (const token of parameterTokens(line, definition.name)) {
      if (parameterDefinition(file, at, definition.name)[0]?.line === parameter.line) {
        const reference = { name: definition.name, token };
        found.push({ kind: "reference", uri, line: at, token, reference });
      }
    }
    if (at > parameter.line && isRepeated(line.fold?.opens)) {
      depth += 1;
    }
  }
  return found;
}

/** `\\name` wherever it is written but in comments: strings have it, defaults of other parameters too. */
function parameterTokens({ text, comments }: Line, name: string): readonly Token[] {
  const written = `\\${name}`;
  const found: Token[] = [];
  for (let start = text.indexOf(written); start >= 0; start = text.indexOf(written, start + 1)) {
    const end = start + written.length;
    const isComment = comments.some((comment) => comment.start <= start && start < comment.end);
    if (!/[\w$]/.test(text.charAt(end)) && text.charAt(start - 1) !== "\\" && !isComment) {
      found.push({ text: written, start, end });
    }
  }
  return found;
}

/** `m from=1`: the call in which the occurrence names a parameter; GNU as alone has this. */
export function callNaming(file: SyntaxFile, occurrence: Occurrence): Call | undefined {
  const line = file.lines[occurrence.line];
  const { token } = occurrence;
  if (
    occurrence.kind !== "reference" ||
    !occurrence.reference.isArgument ||
    file.language !== "gas" ||
    !line ||
    !/^\s*=(?!=)/.test(line.text.slice(token.end))
  ) {
    return undefined;
  }
  return line.statements.find(
    (statement): statement is Call =>
      statement.kind === "call" && statement.start <= token.start && token.end <= statement.end,
  );
}

interface PatternToken {
  readonly line: number;
  readonly token: Token;
  readonly definition?: Definition;
}

const pattern = /(?:%%[\w.$#@~?]+|(?:[A-Za-z_.$]|\\[\w@(]|%\d)(?:[\w.$@]|\\\(\)|\\)*)/g;

/** A name with parameters in it, or of one call, wherever the body of the macro writes it alike. */
function patternTokens(file: SyntaxFile, line: number, name: string): readonly PatternToken[] {
  const [from, to] = bodyAround(file, line);
  const found: PatternToken[] = [];
  for (let at = from; at < to; at += 1) {
    const { text, definitions, comments } = file.lines[at] ?? { text: "", definitions: [], comments: [] };
    for (const match of text.matchAll(pattern)) {
      const start = match.index;
      const isComment = comments.some((comment) => comment.start <= start && start < comment.end);
      if (match[0] === name && !isComment) {
        const token = { text: name, start, end: start + name.length };
        const definition = definitions.find((each) => each.token.start === start);
        found.push({ line: at, token, ...(definition ? { definition } : {}) });
      }
    }
  }
  return found;
}

/** Lines of the macro's body around a line; the line alone outside of one. */
function bodyAround(file: SyntaxFile, line: number): readonly [number, number] {
  const depthOf = (at: number): number => file.lines[at]?.before.macros.length ?? 0;
  const depth = depthOf(line);
  if (depth === 0) {
    return [line, line + 1];
  }
  let from = line;
  while (from > 0 && depthOf(from - 1) >= depth) {
    from -= 1;
  }
  let to = line;
  while (to < file.lines.length && depthOf(to) >= depth) {
    to += 1;
  }
  return [from, to];
}

/** In the body of a macro: a name with parameters in it, which the parsers take for text. */
export function patternAt(file: SyntaxFile, { line, column }: Position): Occurrence | undefined {
  const text = file.lines[line];
  if (!text || text.before.macros.length === 0) {
    return undefined;
  }
  for (const match of text.text.matchAll(pattern)) {
    const token = { text: match[0], start: match.index, end: match.index + match[0].length };
    if (isPatternName(token.text) && holds(token, column)) {
      return { kind: "reference", uri: file.uri, line, token, reference: { name: token.text, token } };
    }
  }
  return undefined;
}
