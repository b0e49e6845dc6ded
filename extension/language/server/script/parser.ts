/**
 * Reads a linker script into its tree, whole: statements of the script, of SECTIONS and of output sections; the blocks have files of their own.
 *
 * Invariant: every round of a loop reads at least one token, so that it ends; a mistake is reported once, and reading goes on behind the next ";" or before
 * the next "}".
 * Elsewhere: expressions, input sections (`pattern.ts`), MEMORY, PHDRS and VERSION (`block.ts`).
 */
import { memory, phdrs, version } from "./block.ts";
import { closeBracket, expression, sectionTypes, wordOf } from "./expression.ts";
import { beginsInput, bracketed, input } from "./pattern.ts";
import { Scanner, type Mode } from "./scanner.ts";
import { sourceOf, type Source } from "./source.ts";
import type {
  Assertion,
  Assignment,
  Block,
  Branch,
  Call,
  Expression,
  OutputSection,
  Overlay,
  ScriptTree,
  Sections,
  Statement,
  Tail,
  Word,
} from "./tree.ts";

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
const assigns: ReadonlySet<string> = new Set(["=", "+=", "-=", "*=", "/=", "&=", "|=", "<<=", ">>="]);

/** `fragment`: a file without SECTIONS, which another includes at a place that it does not show. */
type Level = "script" | "fragment" | "sections" | "section";

interface Reading {
  readonly scanner: Scanner;
  readonly blocks: Block[];
}

export function parse(uri: string, lines: readonly string[]): { tree: ScriptTree; source: Source } {
  const source = sourceOf(uri, lines);
  const scanner = new Scanner(source);
  const reading: Reading = { scanner, blocks: conditionBlocks(source) };
  const statements: Statement[] = [];
  const level = levelOf(source);
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
  const includes = includesOf(source, lines, statements);
  const tree: ScriptTree = {
    statements,
    directives: source.directives,
    blocks: reading.blocks,
    errors: [...source.errors, ...scanner.errors],
    includes,
    isPreprocessed: source.isPreprocessed,
  };
  return { tree, source };
}

function levelOf(source: Source): "script" | "fragment" | "regions" {
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
      const { branch } = scanner;
      const read = statement(reading, level, mode, branch);
      if (read) {
        found.push(read);
      }
    }
  }
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

function isFollowed(scanner: Scanner, mode: Mode, text: string): boolean {
  const back = scanner.mark();
  scanner.next(mode);
  const isThere = scanner.isAt(text);
  back();
  return isThere;
}

function words(scanner: Scanner, mode: Mode, first: Word, branch: Branch | null): Statement {
  scanner.next(mode);
  const found = scanner.isAt("(", "pattern") ? bracketed(scanner) : [];
  if (found.length === 0) {
    scanner.missing(`${first.text} needs its arguments in brackets.`);
  }
  const names = found.filter(({ text }) => text !== "AS_NEEDED");
  return { kind: "command", branch, name: first, arguments: names, first, last: wordOf(scanner.last) };
}

function sections(reading: Reading, first: Word, branch: Branch | null): Sections {
  const { scanner } = reading;
  scanner.next("script");
  const close = open(reading, "SECTIONS");
  const inner = body(reading, "sections");
  close();
  return { kind: "sections", branch, body: inner, first, last: wordOf(scanner.last) };
}

/** Reads "{"; what it returns reads "}" and notes the pair. */
function open(reading: Reading, name: string): () => void {
  const { scanner, blocks } = reading;
  if (!scanner.skip("{")) {
    scanner.missing(`A "{" is missing behind ${name}.`);
    return () => undefined;
  }
  const opening = wordOf(scanner.last);
  return () => {
    if (scanner.skip("}")) {
      blocks.push({ opens: { line: opening.line, name: "{" }, closes: { line: scanner.last.line } });
    } else {
      scanner.errorAt(opening, 'This "{" is not closed.');
    }
  };
}

function assignment(scanner: Scanner, mode: Mode, branch: Branch | null): Assignment | null {
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
  const isGlued = target.line === operator.line && target.end === operator.start && !target.isQuoted;
  return {
    kind: "assignment",
    branch,
    modifier: null,
    target,
    operator: wordOf(operator),
    value: assigned,
    isGlued,
    first: target,
    last: wordOf(scanner.last),
  };
}

/** PROVIDE(name = value) and its kin. */
function provided(scanner: Scanner, mode: Mode, first: Word, branch: Branch | null): Statement | null {
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
    isGlued: false,
    first,
    last: wordOf(scanner.last),
  };
}

function skipBracket(scanner: Scanner): void {
  for (let depth = 1; depth > 0;) {
    const token = scanner.peek("expression");
    if (token.kind === "end" || /^[{};]$/.test(token.text)) {
      return;
    }
    scanner.next("expression");
    depth += token.text === "(" ? 1 : token.text === ")" ? -1 : 0;
  }
}

function assertion(scanner: Scanner, mode: Mode, first: Word, branch: Branch | null): Assertion | null {
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

function value(scanner: Scanner, first: Word, branch: Branch | null): Statement {
  scanner.next("pattern");
  scanner.skip("(");
  const given = expression(scanner);
  closeBracket(scanner);
  return { kind: "data", branch, name: first, value: given, first, last: wordOf(scanner.last) };
}

function call(scanner: Scanner, mode: Mode, branch: Branch | null): Call {
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

interface Head {
  address: Expression | null;
  type: Word | null;
  at: Expression | null;
  align: Expression | null;
  subalign: Expression | null;
  constraint: Word | null;
}

function outputSection(reading: Reading, branch: Branch | null, isInOverlay: boolean): OutputSection | null {
  const { scanner } = reading;
  const name = wordOf(scanner.next("script"));
  const head: Head = { address: null, type: null, at: null, align: null, subalign: null, constraint: null };
  if (scanner.isAt("(") && /[*?]/.test(name.text)) {
    scanner.errorAt(name, `Input sections stand inside an output section: ".name : { ${name.text}(…) }".`);
    bracketed(scanner);
    return null;
  }
  if (!isInOverlay) {
    type(scanner, head);
    if (head.type === null && !scanner.isAt(":") && !scanner.isAt("{")) {
      const address = scanner.peek("expression");
      if (address.kind === "end" || (address.kind === "mark" && /^[};,=]$/.test(address.text))) {
        scanner.errorAt(
          name,
          `"${name.text}" is neither an assignment nor an output section: a ":" is missing.`,
        );
        return null;
      }
      head.address = expression(scanner);
      type(scanner, head);
    }
    if (!scanner.skip(":")) {
      scanner.missing(`A ":" is missing behind the output section's name.`);
      if (!scanner.isAt("{")) {
        recover(scanner, "script");
        return null;
      }
    }
    attributes(scanner, head);
  }
  const close = open(reading, `the output section's name`);
  const inner = body(reading, "section");
  close();
  const end = ending(scanner);
  return {
    kind: "section",
    branch,
    name,
    ...head,
    body: inner,
    ...end,
    isInOverlay,
    first: name,
    last: wordOf(scanner.last),
  };
}

/** `(NOLOAD)`, `(TYPE = SHT_PROGBITS)`, `()`. */
function type(scanner: Scanner, head: Head): void {
  if (!scanner.isAt("(")) {
    return;
  }
  const back = scanner.mark();
  scanner.next("expression");
  const word = scanner.next("expression");
  const isEmpty = word.kind === "mark" && word.text === ")";
  if (!isEmpty && !(word.kind === "word" && sectionTypes.has(word.text))) {
    back();
    return;
  }
  if (!isEmpty) {
    head.type = wordOf(word);
    if (/^(?:TYPE|READONLY)$/.test(word.text)) {
      skipBracket(scanner);
    } else {
      closeBracket(scanner);
    }
  }
}

/** What stands between ":" and "{". */
function attributes(scanner: Scanner, head: Head): void {
  for (;;) {
    const token = scanner.peek("expression");
    if (token.kind !== "word") {
      return;
    }
    scanner.next("expression");
    switch (token.text) {
      case "AT":
        head.at = argument(scanner);
        break;
      case "ALIGN":
        head.align = argument(scanner);
        break;
      case "SUBALIGN":
        head.subalign = argument(scanner);
        break;
      case "ALIGN_WITH_INPUT":
        break;
      case "ONLY_IF_RO":
      case "ONLY_IF_RW":
      case "SPECIAL":
        head.constraint = wordOf(token);
        break;
      default:
        if (scanner.source.isPreprocessed) {
          if (scanner.isAt("(")) {
            bracketed(scanner);
          }
        } else {
          scanner.errorAt(token, `"${token.text}" does not stand between ":" and "{" of an output section.`);
          if (scanner.isAt("(")) {
            bracketed(scanner);
          }
        }
    }
  }
}

function argument(scanner: Scanner): Expression | null {
  if (!scanner.skip("(")) {
    scanner.missing('A "(" is missing.');
    return null;
  }
  const given = expression(scanner);
  closeBracket(scanner);
  return given;
}

type Ending = Pick<OutputSection, "region" | "loadRegion" | "headers" | "fill">;

/** `>region AT>region :header =fill`. */
function ending(scanner: Scanner): Ending {
  let region: Word | null = null;
  let loadRegion: Word | null = null;
  let fill: Expression | null = null;
  const headers: Word[] = [];
  for (;;) {
    const token = scanner.peek("expression");
    if (token.text === ">" && token.kind === "mark") {
      scanner.next("expression");
      region = named(scanner, "a memory region");
    } else if (token.text === "AT" && token.kind === "word" && isFollowed(scanner, "expression", ">")) {
      scanner.next("expression");
      scanner.skip(">");
      loadRegion = named(scanner, "a memory region");
    } else if (token.text === ":" && token.kind === "mark") {
      scanner.next("expression");
      const header = named(scanner, "a program header");
      if (header) {
        headers.push(header);
      }
    } else if (token.text === "=" && token.kind === "mark") {
      scanner.next("expression");
      fill = expression(scanner);
    } else {
      return { region, loadRegion, headers, fill };
    }
  }
}

function named(scanner: Scanner, what: string): Word | null {
  const token = scanner.peek("script");
  if (token.kind === "word" || token.kind === "string") {
    return wordOf(scanner.next("script"));
  }
  scanner.missing(`The name of ${what} is missing.`);
  return null;
}

function tail(scanner: Scanner, branch: Branch | null): Tail | null {
  const first = wordOf(scanner.peek("expression"));
  if (!/^[:>=]$/.test(first.text)) {
    return null;
  }
  const { region, loadRegion, headers } = ending(scanner);
  return { kind: "tail", branch, headers, region, loadRegion, first, last: wordOf(scanner.last) };
}

function overlay(reading: Reading, first: Word, branch: Branch | null): Overlay {
  const { scanner } = reading;
  scanner.next("script");
  const address = scanner.isAt(":") || scanner.isAt("{") ? null : expression(scanner);
  let at: Expression | null = null;
  if (!scanner.skip(":")) {
    scanner.missing('A ":" is missing behind OVERLAY.');
  }
  while (scanner.peek("expression").kind === "word") {
    if (scanner.next("expression").text === "AT") {
      at = argument(scanner);
    }
  }
  const close = open(reading, "OVERLAY");
  const found: OutputSection[] = [];
  for (;;) {
    const token = scanner.peek("script");
    if (token.kind === "mark" && /^[;,]$/.test(token.text)) {
      scanner.next("script");
    } else if (token.kind === "mark" || token.kind === "end") {
      break;
    } else {
      const inner = outputSection(reading, scanner.branch, true);
      if (inner) {
        found.push(inner);
      }
    }
  }
  close();
  ending(scanner);
  return { kind: "overlay", branch, address, at, sections: found, first, last: wordOf(scanner.last) };
}

/** Behind the next ";", or before the next "}", whole blocks skipped. */
function recover(scanner: Scanner, mode: Mode): void {
  for (let depth = 0; ;) {
    const token = scanner.peek(mode);
    const isEnd = token.kind === "end" || (token.kind === "mark" && token.text === "}" && depth === 0);
    if (isEnd) {
      return;
    }
    scanner.next(mode);
    if (token.kind === "mark") {
      depth += token.text === "{" ? 1 : token.text === "}" ? -1 : 0;
      if (depth === 0 && /^[;}]$/.test(token.text)) {
        return;
      }
    }
  }
}
