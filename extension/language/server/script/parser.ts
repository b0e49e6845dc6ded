/**
 * Reads a linker script into its tree, whole: statements of the script, of SECTIONS and of output sections; the blocks have files of their own.
 *
 * Invariant: every round of a loop reads at least one token, so that it ends; a mistake is reported once, and reading goes on behind the next ";" or before
 * the next "}".
 * Elsewhere: expressions, input sections (`pattern.ts`), statements alone (`statement.ts`), output sections (`section.ts`), MEMORY, PHDRS and VERSION (`block.ts`).
 */
import { memory, phdrs, version } from "./block.ts";
import { expression, wordOf } from "./expression.ts";
import { beginsInput, bracketed, input } from "./pattern.ts";
import { isFollowed, open, recover, type Level, type Reading } from "./reading.ts";
import { Reuse, unchanged, type FileLevel, type Parsed } from "./reuse.ts";
import { Scanner, type Mode, type Scanned } from "./scanner.ts";
import { outputSection, overlay, tail } from "./section.ts";
import { sourceOf, type Source } from "./source.ts";
import { assertion, assignment, call, provided, value, words } from "./statement.ts";
import type { Block, Branch, ScriptTree, Sections, Statement, Word } from "./tree.ts";

/** What takes words in brackets, at the top of a script. */
const commands: ReadonlySet<string> = new Set([
  "ENTRY",
  "OUTPUT",
  "OUTPUT_FORMAT",
  "OUTPUT_ARCH",
  "SEARCH_DIR",
  "STARTUP",
  "TARGET",
  "INPUT",
  "GROUP",
  "AS_NEEDED",
  "EXTERN",
  "NOCROSSREFS",
  "NOCROSSREFS_TO",
  "REGION_ALIAS",
  "LD_FEATURE",
]);

const keywords: ReadonlySet<string> = new Set([
  "FORCE_COMMON_ALLOCATION",
  "INHIBIT_COMMON_ALLOCATION",
  "FORCE_GROUP_ALLOCATION",
  "CONSTRUCTORS",
  "CREATE_OBJECT_SYMBOLS",
  "LINKER_VERSION",
]);

const data: ReadonlySet<string> = new Set(["BYTE", "SHORT", "LONG", "QUAD", "SQUAD", "FILL"]);

const modifiers: ReadonlySet<string> = new Set(["PROVIDE", "PROVIDE_HIDDEN", "HIDDEN"]);

/** @param old the script before it was changed: what of it still stands is not read again */
export function parse(uri: string, texts: readonly string[], old: Parsed | null = null): Parsed {
  const source = sourceOf(uri, texts);
  const level = levelOf(source);
  const scanner = new Scanner(source);
  const same = old && isAlike(old, source, level) ? unchanged(old, source, texts) : null;
  const reuse = old && same && new Reuse(old, same, texts.length);
  const reading: Reading = {
    scanner,
    blocks: conditionBlocks(source),
    pieces: [],
    reuse,
    body: (inner) => body(reading, inner),
  };
  const statements: Statement[] = [];
  if (level === "regions") {
    statements.push(memory(scanner, wordOf(scanner.peek("script")), null));
  }
  while (scanner.peek("script").kind !== "end") {
    statements.push(...body(reading, level === "regions" ? "script" : level));
    const stray = scanner.peek("script");
    if (stray.kind !== "end") {
      scanner.errorAt(scanner.next("script"), `"${stray.text}" closes nothing.`);
    }
  }
  const tree: ScriptTree = {
    statements,
    directives: source.directives,
    blocks: reading.blocks,
    errors: [...source.errors, ...scanner.errors],
    includes: includesOf(source, texts, statements),
    isPreprocessed: source.isPreprocessed,
  };
  const none: ReadonlySet<Statement> = new Set();
  const { pieces } = reading;
  const { kept = none, before = none } = reuse ?? {};
  return { tree, source, texts, level, pieces, unchanged: same, kept, before };
}

/** Whether what is the same in both is read in the same way: numbers of conditions count from the first. */
function isAlike({ source: old, level: oldLevel }: Parsed, now: Source, level: FileLevel): boolean {
  return (
    old.isPreprocessed === now.isPreprocessed &&
    oldLevel === level &&
    old.directives.length === now.directives.length &&
    old.directives.every(({ name }, at) => name === now.directives[at]?.name)
  );
}

function levelOf(source: Source): FileLevel {
  const has = (pattern: RegExp): boolean => source.code.some((line) => pattern.test(line));
  if (has(/\b(?:SECTIONS|MEMORY|PHDRS)\b/)) {
    return "script";
  }
  return has(/:\s*(?:ORIGIN|org|o)\s*=/) ? "regions" : "fragment";
}

function conditionBlocks(source: Source): Block[] {
  const found: Block[] = [];
  const open: number[] = [];
  for (const { line, name } of source.directives) {
    if (/^(?:el|endif)/.test(name)) {
      const from = open.pop();
      if (from !== undefined) {
        found.push({ opens: { line: from, name: "#if" }, closes: { line } });
      }
    }
    if (/^(?:if|el)/.test(name)) {
      open.push(line);
    }
  }
  return found;
}

function includesOf(
  source: Source,
  lines: readonly string[],
  statements: readonly Statement[],
): ScriptTree["includes"] {
  const found: ScriptTree["includes"][number][] = [];
  for (const { line, name, end } of source.directives) {
    const match = /^\s*(?:<([^>]*)>|"([^"]*)")/.exec(lines[line]?.slice(end) ?? "");
    const text = match?.[1] ?? match?.[2];
    if (name.startsWith("include") && match && text !== undefined && text !== "") {
      const start = end + match[0].length - text.length - 1;
      const isSystem = match[1] !== undefined;
      found.push({
        line,
        include: { path: { text, start, end: start + text.length }, isSystem, isBinary: false },
      });
    }
  }
  const visit = (list: readonly Statement[]): void => {
    for (const statement of list) {
      if (statement.kind === "include") {
        const { text, line, start, end, isQuoted } = statement.path;
        const path = isQuoted ? { text, start: start + 1, end: end - 1 } : { text, start, end };
        found.push({ line, include: { path, isSystem: true, isBinary: false } });
      } else if (statement.kind === "sections" || statement.kind === "section") {
        visit(statement.body);
      }
    }
  };
  visit(statements);
  return found;
}

/** Statements up to the brace that closes them, or the end. */
function body(reading: Reading, level: Level): Statement[] {
  const { scanner } = reading;
  const mode: Mode = level === "section" ? "pattern" : "script";
  const found: Statement[] = [];
  for (;;) {
    const token = scanner.peek(mode);
    if (token.kind === "end" || (token.kind === "mark" && token.text === "}")) {
      return found;
    }
    if (token.kind === "mark" && (token.text === ";" || token.text === ",")) {
      scanner.next(mode);
    } else {
      const read = kept(reading, level, token) ?? piece(reading, level, mode, token);
      if (read) {
        found.push(read);
      }
    }
  }
}

/** A statement that stands as it stood before the change. */
function kept({ scanner, blocks, pieces, reuse }: Reading, level: Level, token: Scanned): Statement | null {
  const found = reuse?.at(level, token.line, token.start) ?? null;
  if (found === null) {
    return null;
  }
  scanner.jump(found.endLine, found.endColumn, found.last);
  scanner.reach = Math.max(scanner.reach, found.reach);
  found.blocks.forEach((each) => blocks.push(each));
  found.inner.forEach((each) => pieces.push(each));
  pieces.push(found);
  return found.statement;
}

const nothing: readonly never[] = [];
/** One empty list for all that is empty. */
const behind = <T>(list: readonly T[], count: number): readonly T[] =>
  list.length === count ? nothing : list.slice(count);

/** Reads a statement, and notes it for the next time. */
function piece(reading: Reading, level: Level, mode: Mode, token: Scanned): Statement | null {
  const { scanner, blocks, pieces } = reading;
  const { reach, mistakes } = scanner;
  const [blockCount, pieceCount] = [blocks.length, pieces.length];
  scanner.reach = token.line;
  const read = statement(reading, level, mode, scanner.branch);
  // Nothing that was looked at beside it may change.
  scanner.peek(mode);
  if (read && scanner.mistakes === mistakes) {
    const { line: endLine, column: endColumn } = scanner.place;
    pieces.push({
      level,
      line: token.line,
      column: token.start,
      statement: read,
      endLine,
      endColumn,
      last: scanner.last,
      reach: scanner.reach,
      blocks: behind(blocks, blockCount),
      inner: behind(pieces, pieceCount),
    });
  }
  scanner.reach = Math.max(scanner.reach, reach);
  return read;
}

function statement(reading: Reading, level: Level, mode: Mode, branch: Branch | null): Statement | null {
  const { scanner } = reading;
  const token = scanner.peek(mode);
  const first = wordOf(token);
  if (token.kind === "mark") {
    const tailed = scanner.source.isPreprocessed ? tail(scanner, branch) : null;
    if (!tailed) {
      scanner.errorAt(scanner.next(mode), `A statement does not begin with "${token.text}".`);
      recover(scanner, mode);
    }
    return tailed;
  }
  const assigned = assignment(scanner, mode, branch);
  if (assigned) {
    return assigned;
  }
  if (token.kind === "word") {
    const known = command(reading, level, mode, first, branch);
    if (known) {
      return known;
    }
  }
  const isMacro = scanner.source.isPreprocessed && /^[A-Za-z_]\w*$/.test(first.text) && !first.isQuoted;
  if (isMacro && isMacroCall(scanner, level, mode)) {
    return call(scanner, mode, branch);
  }
  switch (level) {
    case "section":
      return input(scanner, branch);
    case "sections":
      return outputSection(reading, branch, false);
    case "fragment":
      return /[*?]/.test(first.text) || beginsInput(first.text) || isFollowed(scanner, "pattern", "(")
        ? input(scanner, branch)
        : outputSection(reading, branch, false);
    case "script": {
      scanner.next(mode);
      scanner.errorAt(first, `"${first.text}" is no command of a linker script.`);
      recover(scanner, mode);
      return null;
    }
  }
}

/** A name in a file that the C preprocessor reads, where it cannot be what ld itself would take it for. */
function isMacroCall(scanner: Scanner, level: Level, mode: Mode): boolean {
  const back = scanner.mark();
  const name = scanner.next(mode);
  if (level === "section" && beginsInput(name.text)) {
    back();
    return false;
  }
  let isCall = true;
  if (level === "sections" || level === "fragment") {
    const hasBrackets = scanner.isAt("(", "script");
    if (hasBrackets) {
      bracketed(scanner);
    }
    // "name :" and "name address :" are output sections; nothing but a bracket or a colon comes behind an address in brackets.
    isCall =
      (!scanner.isAt(":") || isTailAhead(scanner)) &&
      (hasBrackets || scanner.peek("expression").kind === "mark" || isStatementAhead(scanner));
  }
  back();
  return isCall;
}

/** ":header", not ": {" or ": AT(…)". */
function isTailAhead(scanner: Scanner): boolean {
  const back = scanner.mark();
  scanner.next("expression");
  const word = scanner.next("expression");
  const isTail =
    word.kind === "word" && !/^(?:AT|ALIGN|SUBALIGN|ONLY_IF_R[OW]|ALIGN_WITH_INPUT|SPECIAL)$/.test(word.text);
  back();
  return isTail;
}

/** Behind a macro's name comes the next statement, not the address of an output section. */
function isStatementAhead(scanner: Scanner): boolean {
  const back = scanner.mark();
  const errorCount = scanner.errors.length;
  expression(scanner);
  const isAddress = scanner.errors.length === errorCount && (scanner.isAt(":") || scanner.isAt("("));
  // "MACRO .data : {" looks like an address too; an address is no section's name.
  const isSection = isAddress && /^[./]/.test(scanner.last.text) && scanner.last.text !== ".";
  back();
  return !isAddress || isSection;
}

function command(
  reading: Reading,
  level: Level,
  mode: Mode,
  first: Word,
  branch: Branch | null,
): Statement | null {
  const { scanner } = reading;
  const name = first.text;
  if (modifiers.has(name)) {
    return provided(scanner, mode, first, branch);
  }
  if (name === "ASSERT") {
    return assertion(scanner, mode, first, branch);
  }
  if (name === "INCLUDE") {
    scanner.next(mode);
    const path = scanner.peek("pattern");
    if (path.kind !== "word" && path.kind !== "string") {
      scanner.missing("INCLUDE needs the name of a file.");
      return null;
    }
    scanner.next("pattern");
    return { kind: "include", branch, path: wordOf(path), first, last: wordOf(scanner.last) };
  }
  if (keywords.has(name) && !isFollowed(scanner, mode, "(")) {
    scanner.next(mode);
    return { kind: "keyword", branch, name: first, first, last: first };
  }
  switch (level) {
    case "section":
      return data.has(name) && isFollowed(scanner, mode, "(") ? value(scanner, first, branch) : null;
    case "sections":
      return name === "OVERLAY"
        ? overlay(reading, first, branch)
        : name === "ENTRY" || (name === "NOCROSSREFS" && isFollowed(scanner, mode, "("))
          ? words(scanner, mode, first, branch)
          : misplaced(scanner, mode, first, branch);
    case "script":
      return block(reading, mode, first, branch);
    case "fragment":
      return data.has(name) && isFollowed(scanner, mode, "(")
        ? value(scanner, first, branch)
        : (block(reading, mode, first, branch) ??
            (name === "OVERLAY" ? overlay(reading, first, branch) : null));
  }
}

/** At the top of the script. */
function block(reading: Reading, mode: Mode, first: Word, branch: Branch | null): Statement | null {
  const { scanner } = reading;
  switch (first.text) {
    case "SECTIONS":
      return sections(reading, first, branch);
    case "MEMORY":
    case "PHDRS":
    case "VERSION": {
      scanner.next(mode);
      const close = open(reading, first.text);
      const node =
        first.text === "MEMORY"
          ? memory(scanner, first, branch)
          : first.text === "PHDRS"
            ? phdrs(scanner, first, branch)
            : version(scanner, first, branch);
      close();
      return { ...node, last: wordOf(scanner.last) };
    }
    case "INSERT": {
      scanner.next(mode);
      const where = scanner.next(mode);
      const section = scanner.next(mode);
      if (!/^(?:AFTER|BEFORE)$/.test(where.text) || section.kind === "mark") {
        scanner.errorAt(where, "INSERT AFTER or INSERT BEFORE an output section.");
      }
      const last = wordOf(section);
      return { kind: "command", branch, name: first, arguments: [last], first, last };
    }
    default:
      return commands.has(first.text) ? words(scanner, mode, first, branch) : null;
  }
}

/** Statements that belong into an output section. */
function misplaced(scanner: Scanner, mode: Mode, first: Word, branch: Branch | null): Statement | null {
  if (!(first.text === "KEEP" || data.has(first.text)) || !isFollowed(scanner, mode, "(")) {
    return null;
  }
  scanner.errorAt(first, `${first.text} stands inside an output section: ".name : { … }".`);
  scanner.next(mode);
  bracketed(scanner);
  return { kind: "keyword", branch, name: first, first, last: wordOf(scanner.last) };
}

function sections(reading: Reading, first: Word, branch: Branch | null): Sections {
  const { scanner } = reading;
  scanner.next("script");
  const close = open(reading, "SECTIONS");
  const inner = body(reading, "sections");
  close();
  return { kind: "sections", branch, body: inner, first, last: wordOf(scanner.last) };
}
