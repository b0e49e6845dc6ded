/**
 * One file's part of the index: which of its lines define a name, use it, hold a macro's body, call something, include a file.
 *
 * Invariant: it is a function of the file's lines. What a change costs depends on the lines that changed, not on the file: lines are known by identity, since
 * those around a change stay the same values, and nobody keeps their numbers.
 * Elsewhere: meanings across files (`index.ts`), what calls define (`call.ts`), which file an include names (`include.ts`).
 */
import type { Definition, Include, Line, Reference, Statement, SyntaxFile, Token } from "../syntax.ts";

export type Call = Extract<Statement, { kind: "call" }>;

export interface Part {
  readonly uri: string;
  file: SyntaxFile;
  /** By name; numeric labels, parameters and names of bodies that have parameters in them are not here. */
  readonly definitions: Map<string, Line[]>;
  /** By name: references and linkage. */
  readonly uses: Map<string, Line[]>;
  /** By macro: lines of its body that say what a call leaves. */
  readonly templates: Map<string, Line[]>;
  readonly calls: Set<Line>;
  readonly includes: Set<Line>;
  /** Lines that only C has: in a header with such lines only the preprocessor's lines and bodies of macros are assembly. */
  foreignCount: number;
}

/** What a change of a file means to others. */
export interface PartChange {
  readonly added: readonly Line[];
  readonly removed: readonly Line[];
  /** Names that the part has begun or ceased to define. */
  readonly appeared: ReadonlySet<string>;
  readonly disappeared: ReadonlySet<string>;
  /** Macros whose parameters or bodies may be others now. */
  readonly macros: ReadonlySet<string>;
  readonly hasOtherIncludes: boolean;
}

export function emptyPart(file: SyntaxFile): Part {
  return {
    uri: file.uri,
    file: { ...file, lines: [] },
    definitions: new Map(),
    uses: new Map(),
    templates: new Map(),
    calls: new Set(),
    includes: new Set(),
    foreignCount: 0,
  };
}

/** Brings a part to what the file is now. */
export function updatePart(part: Part, file: SyntaxFile): PartChange {
  const { from, oldEnd, newEnd } = difference(part.file.lines, file.lines);
  const wasForeign = part.foreignCount > 0;
  let removed: readonly Line[] = part.file.lines.slice(from, oldEnd);
  let added: readonly Line[] = file.lines.slice(from, newEnd);
  if (isHeader(part.uri)) {
    part.foreignCount += count(added, isForeign) - count(removed, isForeign);
    if (wasForeign !== part.foreignCount > 0) {
      removed = part.file.lines;
      added = file.lines;
    }
  }
  const change = { ...begin(), added, removed };
  if (removed.length === part.file.lines.length) {
    clear(part, change);
  } else {
    removed.forEach((line) => remove(part, line, change, wasForeign));
  }
  added.forEach((line) => add(part, line, change));
  part.file = file;
  for (const name of change.appeared) {
    if (change.disappeared.delete(name)) {
      change.appeared.delete(name);
    }
  }
  return change;
}

interface Changing {
  readonly appeared: Set<string>;
  readonly disappeared: Set<string>;
  readonly macros: Set<string>;
  hasOtherIncludes: boolean;
}

function begin(): Changing {
  return { appeared: new Set(), disappeared: new Set(), macros: new Set(), hasOtherIncludes: false };
}

/** The part between the lines that both begin and both end with. */
function difference(
  old: readonly Line[],
  now: readonly Line[],
): { readonly from: number; readonly oldEnd: number; readonly newEnd: number } {
  const shorter = Math.min(old.length, now.length);
  let from = 0;
  while (from < shorter && old[from] === now[from]) {
    from += 1;
  }
  let same = 0;
  while (same < shorter - from && old[old.length - 1 - same] === now[now.length - 1 - same]) {
    same += 1;
  }
  return { from, oldEnd: old.length - same, newEnd: now.length - same };
}

function count(lines: readonly Line[], matches: (line: Line) => boolean): number {
  return lines.reduce((sum, line) => sum + (matches(line) ? 1 : 0), 0);
}

export function isHeader(uri: string): boolean {
  return /\.(?:h|hh|hpp|hxx|inl)$/i.test(uri);
}

/** Beginnings of declarations of C: "int $0x80" and NASM's "extern name" are none. */
const declaration =
  /^\s*(?:typedef\b|(?:struct|union|enum)\s+[A-Za-z_{]|(?:extern|static|inline|const)\s+(?:"C"|\w+[\s*]+[A-Za-z_*])|(?:unsigned|signed|void|int|long|short|char|bool|u(?:8|16|32|64)|u?int(?:8|16|32|64)_t)[\s*]+[A-Za-z_(])/;

function isForeign({ text, before }: Line): boolean {
  return (
    declaration.test(text) && !before.inComment && before.continues === null && before.macros.length === 0
  );
}

function isOfBody(line: Line): boolean {
  return line.before.macros.length > 0 || line.before.continues?.kind === "define";
}

/** Whether the line of a part is assembly. */
export function isAssembly(part: Part, line: Line): boolean {
  return part.foreignCount === 0 || isReadable(line);
}

function isReadable(line: Line): boolean {
  return (
    isOfBody(line) ||
    line.before.continues?.kind === "directive" ||
    line.after.macros.length > 0 ||
    line.statements.some((statement) => statement.kind === "directive" && statement.name.text.startsWith("#"))
  );
}

/** A name that only means something where a macro is called: "\name", "%1_end", ".Lskip_\@". */
export function isPattern(name: string): boolean {
  return /\\|%\d|%\{|%\+/.test(name);
}

/** Names that everybody in the file can use. */
export function isFileWide({ kind, name }: Definition): boolean {
  return kind !== "numeric" && kind !== "parameter" && !name.startsWith("%%") && !isPattern(name);
}

/** Parameters (`\name`), numeric labels and names local to a macro are found where they stand. */
export function isFileWideUse({ name, token, direction }: Reference): boolean {
  return direction === undefined && !token.text.startsWith("\\") && !name.startsWith("%%");
}

const isMacroDefinition = ({ kind }: Definition): boolean => kind === "macro" || kind === "define";

/** Calls a line makes where it stands; what the body of a macro calls is in its templates. */
export function callsOf(line: Line): readonly Call[] {
  return isOfBody(line)
    ? []
    : line.statements.filter((statement): statement is Call => statement.kind === "call");
}

function add(part: Part, line: Line, change: Changing): void {
  addMacros(line, change);
  if (line.includes.length > 0) {
    part.includes.add(line);
    change.hasOtherIncludes = true;
  }
  for (const { macro } of line.templates) {
    into(part.templates, macro, line);
  }
  if (part.foreignCount > 0 && !isReadable(line)) {
    return;
  }
  for (const definition of line.definitions) {
    if (isFileWide(definition) && into(part.definitions, definition.name, line)) {
      change.appeared.add(definition.name);
    }
  }
  for (const name of usedNames(line)) {
    into(part.uses, name, line);
  }
  if (callsOf(line).length > 0) {
    part.calls.add(line);
  }
}

function remove(part: Part, line: Line, change: Changing, wasForeign: boolean): void {
  addMacros(line, change);
  if (part.includes.delete(line)) {
    change.hasOtherIncludes = true;
  }
  for (const { macro } of line.templates) {
    outOf(part.templates, macro, line);
  }
  if (wasForeign && !isReadable(line)) {
    return;
  }
  for (const { name } of line.definitions) {
    if (outOf(part.definitions, name, line)) {
      change.disappeared.add(name);
    }
  }
  for (const name of usedNames(line)) {
    outOf(part.uses, name, line);
  }
  part.calls.delete(line);
}

/** As `remove` for every line. */
function clear(part: Part, change: Changing): void {
  part.file.lines.forEach((line) => addMacros(line, change));
  for (const name of part.definitions.keys()) {
    change.disappeared.add(name);
  }
  change.hasOtherIncludes ||= part.includes.size > 0;
  for (const table of [part.definitions, part.uses, part.templates, part.calls, part.includes]) {
    table.clear();
  }
}

function addMacros(line: Line, change: Changing): void {
  for (const { macro } of line.templates) {
    change.macros.add(macro);
  }
  for (const definition of line.definitions) {
    if (isMacroDefinition(definition)) {
      change.macros.add(definition.name);
    }
  }
}

function usedNames(line: Line): readonly string[] {
  const names: string[] = [];
  for (const reference of line.references) {
    if (isFileWideUse(reference)) {
      names.push(reference.name);
    }
  }
  for (const { token } of line.linkage) {
    names.push(token.text);
  }
  return names;
}

/** True if it is the first of that name. A line that has a name twice stands once. */
function into(table: Map<string, Line[]>, name: string, line: Line): boolean {
  const lines = table.get(name);
  if (!lines) {
    table.set(name, [line]);
    return true;
  }
  if (lines.at(-1) !== line) {
    lines.push(line);
  }
  return false;
}

/** True if it was the last of that name. */
function outOf(table: Map<string, Line[]>, name: string, line: Line): boolean {
  const lines = table.get(name);
  const at = lines?.lastIndexOf(line) ?? -1;
  if (!lines || at < 0) {
    return false;
  }
  lines.splice(at, 1);
  return lines.length === 0 && table.delete(name);
}

/** Numbers of some of a file's lines, ascending. */
export function numbersOf(file: SyntaxFile, lines: readonly Line[]): readonly (readonly [number, Line])[] {
  if (lines.length < 4) {
    return lines
      .map((line): readonly [number, Line] => [file.lines.indexOf(line), line])
      .sort(([a], [b]) => a - b);
  }
  const wanted = new Set(lines);
  const found: (readonly [number, Line])[] = [];
  for (let number = 0; number < file.lines.length && found.length < wanted.size; number += 1) {
    const line = file.lines[number];
    if (line && wanted.has(line)) {
      found.push([number, line]);
    }
  }
  return found;
}

export interface IncludeAt {
  readonly include: Include;
  readonly line: Line;
}

export function includesOf(part: Part): readonly IncludeAt[] {
  return [...part.includes].flatMap((line) => line.includes.map((include) => ({ include, line })));
}

export function holds(token: Token, column: number): boolean {
  return token.start <= column && column <= token.end;
}
