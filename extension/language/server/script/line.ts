/**
 * The tree of a script as lines, so that outline, folding, definitions and references work as they do for assembly.
 *
 * Invariant: every token is the text at its place in its line. A line holds no numbers of lines; so after a change those that no changed statement has a word
 * on stay the values they were, wherever they are now.
 * Elsewhere: the tree (`parser.ts`), bodies of `#define` (`directive.ts`).
 */
import { begin, finish, type Builder } from "../builder.ts";
import type { Line, LineState, Operand, Reference, SymbolKind, Token } from "../syntax.ts";
import { directive } from "./directive.ts";
import { usesOf } from "./function.ts";
import type { Parsed } from "./reuse.ts";
import {
  allExpressions,
  expressionsOf,
  partsOf,
  type Expression,
  type Extent,
  type ScriptTree,
  type Statement,
  type Word,
} from "./tree.ts";

/** Lines under construction: all of a script, or those that are to be made anew. */
export interface Sheet {
  readonly texts: readonly string[];
  /** Undefined: the line is not made, and what is said of it goes nowhere. */
  at(line: number): Builder | undefined;
}

/**
 * @param before the script before it was changed, with its lines
 * @returns the lines, and how many of them had to be made: the others are those that were there
 */
export function linesOfScript(
  parsed: Parsed,
  initial: LineState,
  before: { readonly parsed: Parsed; readonly lines: readonly Line[] } | null,
): { readonly lines: readonly Line[]; readonly madeCount: number } {
  const { tree, source, texts } = parsed;
  const folds = foldsOf(tree);
  const old = before && oldLines(parsed, before.lines);
  const stale = before && old && staleLines(parsed, before.parsed, old, folds, initial);
  const [plain, commented] = [false, true].map((inComment) => ({ ...initial, inComment }));
  const stateAt = (line: number): LineState => (source.inComment[line] ? commented : plain) ?? initial;
  const builders = new Map<number, Builder>();
  for (const number of stale ?? texts.keys()) {
    const builder = begin(texts[number] ?? "", stateAt(number));
    builder.state = stateAt(number + 1);
    builder.comments.push(...(source.comments[number] ?? []));
    builder.opens = folds.get(number)?.opens;
    builder.closes = folds.get(number)?.closes;
    builders.set(number, builder);
  }
  const sheet: Sheet = { texts, at: (line) => builders.get(line) };
  for (const statement of touching(tree.statements, parsed.kept, stale ?? [])) {
    add(sheet, statement);
  }
  for (const part of tree.directives) {
    directive(sheet, part);
  }
  for (const { line, include } of tree.includes) {
    sheet.at(line)?.includes.push(include);
  }
  for (const { line, start, end, message } of tree.errors) {
    sheet.at(line)?.errors.push({ start, end, message });
  }
  const byStart = (a: { token: Token }, b: { token: Token }): number => a.token.start - b.token.start;
  const lines = texts.map((text, number): Line => {
    const was = old?.[number];
    const builder = builders.get(number);
    if (was && !builder) {
      return was;
    }
    builder?.definitions.sort(byStart);
    builder?.references.sort(byStart);
    const line = finish(builder ?? begin(text, stateAt(number)));
    return isSame(line, was) ? was : line;
  });
  return { lines, madeCount: builders.size };
}

/** What each line was that is as it was; null if nothing is. */
function oldLines(
  { texts, unchanged: same }: Parsed,
  lines: readonly Line[],
): readonly (Line | undefined)[] | null {
  const shift = texts.length - lines.length;
  return (
    same &&
    texts.map((_, number) =>
      number < same.head
        ? lines[number]
        : number >= texts.length - same.tail
          ? lines[number - shift]
          : undefined,
    )
  );
}

/** Lines of which something may be said that was not said before, or no longer what was; in order. */
function staleLines(
  now: Parsed,
  old: Parsed,
  lines: readonly (Line | undefined)[],
  folds: ReadonlyMap<number, Fold>,
  initial: LineState,
): readonly number[] {
  const stale = new Set<number>();
  lines.forEach((line, number) => {
    if (!line || (line.fold && !folds.has(number))) {
      stale.add(number);
    }
  });
  for (const [number, { opens, closes }] of folds) {
    const fold = lines[number]?.fold;
    if (fold?.opens !== opens || fold?.closes !== closes) {
      stale.add(number);
    }
  }
  const note = (
    { tree, texts }: Parsed,
    kept: ReadonlySet<Statement>,
    place: (line: number) => number,
  ): void => {
    const sheet: Sheet = {
      texts,
      at: (line) => {
        stale.add(place(line));
        return begin("", initial);
      },
    };
    for (const statement of touching(tree.statements, kept, [])) {
      add(sheet, statement);
    }
    for (const { line, endLine } of tree.directives) {
      for (let number = line; number <= endLine; number += 1) {
        stale.add(place(number));
      }
    }
    for (const { line } of [...tree.includes, ...tree.errors]) {
      stale.add(place(line));
    }
  };
  const head = now.unchanged?.head ?? 0;
  const shift = now.texts.length - old.texts.length;
  note(now, now.kept, (line) => line);
  note(old, now.before, (line) => (line < head ? line : line + shift));
  return [...stale].filter((line) => line >= 0 && line < now.texts.length).sort((a, b) => a - b);
}

/** Statements that were not kept, and of the others those that have a part on one of `lines`, which are in order. */
function* touching(
  statements: readonly Statement[],
  kept: ReadonlySet<Statement>,
  lines: readonly number[],
): Generator<Statement> {
  for (const statement of statements) {
    if (!kept.has(statement)) {
      yield statement;
      yield* touching(partsOf(statement), kept, lines);
    } else if (isOnOne(statement, lines)) {
      yield* touching([statement], nothing, lines);
    }
  }
}
const nothing: ReadonlySet<Statement> = new Set();

function isOnOne({ first, last }: Extent, lines: readonly number[]): boolean {
  let [from, to] = [0, lines.length];
  while (from < to) {
    const middle = (from + to) >> 1;
    if ((lines[middle] ?? 0) < first.line) {
      from = middle + 1;
    } else {
      to = middle;
    }
  }
  return (lines[from] ?? Infinity) <= last.line;
}

/** Whether lines say the same. They are plain data. */
function isSame<T>(a: T, b: unknown): b is T {
  if (typeof a !== "object" || a === null || typeof b !== "object" || b === null) {
    return a === b;
  }
  const [own, others] = [Object.entries(a), Object.entries(b)];
  const values = new Map<string, unknown>(others);
  return own.length === others.length && own.every(([key, value]) => isSame(value, values.get(key)));
}

interface Fold {
  opens?: string;
  closes?: string;
}

/** By line. A line opens and closes one block at most: of several the outermost. */
function foldsOf(tree: ScriptTree): ReadonlyMap<number, Fold> {
  const size = (block: ScriptTree["blocks"][number]): number => (block.closes?.line ?? 0) - block.opens.line;
  const folds = new Map<number, Fold>();
  for (const { opens, closes } of tree.blocks
    .filter((block) => size(block) > 0)
    .toSorted((a, b) => size(b) - size(a))) {
    const first = folds.get(opens.line) ?? {};
    const last = (closes && folds.get(closes.line)) ?? {};
    if (closes && first.opens === undefined && last.closes === undefined) {
      folds.set(opens.line, { ...first, opens: opens.name });
      folds.set(closes.line, { ...last, closes: opens.name });
    }
  }
  return folds;
}

/** Quotes are not part of a name. */
export function tokenOfWord({ text, start, end, isQuoted }: Word): Token {
  return isQuoted ? { text, start: start + 1, end: start + 1 + text.length } : { text, start, end };
}

function define(
  sheet: Sheet,
  kind: SymbolKind,
  name: Word,
  more: { value?: string; isWeak?: boolean } = {},
): void {
  if (name.text !== "") {
    sheet.at(name.line)?.definitions.push({ kind, name: name.text, token: tokenOfWord(name), ...more });
  }
}

function refer(
  sheet: Sheet,
  name: Word | null,
  more: Pick<Reference, "isMnemonic" | "isArgument" | "isWritten" | "isSection"> = {},
): void {
  if (name && name.text !== "") {
    sheet.at(name.line)?.references.push({ name: name.text, token: tokenOfWord(name), ...more });
  }
}

function add(sheet: Sheet, statement: Statement): void {
  const { first } = statement;
  for (const expression of expressionsOf(statement)) {
    for (const use of usesOf(expression)) {
      refer(
        sheet,
        use.name,
        use.kind === "macro" ? { isMnemonic: true } : use.kind === "symbol" ? {} : { isSection: true },
      );
    }
  }
  switch (statement.kind) {
    case "assignment":
      assignment(sheet, statement);
      return;
    case "command":
      directiveLike(sheet, statement, first, statement.arguments);
      command(sheet, statement.name.text, statement.arguments);
      return;
    case "section": {
      define(sheet, "section", statement.name);
      refer(sheet, statement.region, { isSection: true });
      refer(sheet, statement.loadRegion, { isSection: true });
      statement.headers
        .filter(({ text }) => text !== "NONE")
        .forEach((name) => refer(sheet, name, { isSection: true }));
      directiveLike(sheet, statement, first, []);
      return;
    }
    case "tail":
      refer(sheet, statement.region, { isSection: true });
      refer(sheet, statement.loadRegion, { isSection: true });
      statement.headers
        .filter(({ text }) => text !== "NONE")
        .forEach((name) => refer(sheet, name, { isSection: true }));
      return;
    case "memory":
      directiveLike(sheet, statement, first, []);
      statement.regions.forEach(({ name, origin }) => define(sheet, "segment", name, valueOf(sheet, origin)));
      return;
    case "phdrs":
      directiveLike(sheet, statement, first, []);
      statement.headers.forEach(({ name }) => define(sheet, "segment", name));
      return;
    case "input":
      for (const { name } of statement.patterns) {
        if (!/[*?[\]]/.test(name.text) && !/^(?:COMMON|LARGE_COMMON)$/.test(name.text)) {
          refer(sheet, name, { isArgument: true, isSection: true });
        }
      }
      return;
    case "call":
      sheet.at(first.line)?.statements.push({
        ...spanIn(sheet, statement),
        kind: "call",
        name: tokenOfWord(statement.name),
        operands: [],
      });
      refer(sheet, statement.name, { isMnemonic: true });
      statement.words.forEach((word) => refer(sheet, word, { isArgument: true }));
      return;
    case "assert":
    case "data":
    case "include":
    case "keyword":
    case "overlay":
    case "sections":
    case "version":
      directiveLike(sheet, statement, first, []);
  }
}

function assignment(sheet: Sheet, statement: Extract<Statement, { kind: "assignment" }>): void {
  const { target, operator, value, modifier, first } = statement;
  const operand: Operand | null = operandOf(sheet, value);
  sheet.at(first.line)?.statements.push({
    ...spanIn(sheet, statement),
    kind: "assignment",
    name: tokenOfWord(target),
    operands: operand ? [operand] : [],
  });
  if (target.text === ".") {
    return;
  }
  if (operator.text !== "=") {
    refer(sheet, target, { isWritten: true });
    return;
  }
  const isAddress = mentionsLocation(value);
  const isWeak = modifier !== null && modifier.text !== "HIDDEN";
  define(sheet, isAddress ? "label" : "constant", target, {
    ...valueOf(sheet, value),
    ...(isWeak ? { isWeak } : {}),
  });
}

/** Whether "." is in it, which makes the value an address. */
function mentionsLocation(value: Expression): boolean {
  if (value.kind === "name") {
    return value.name.text === ".";
  }
  for (const part of allExpressions(value)) {
    if (part.kind === "name" && part.name.text === ".") {
      return true;
    }
  }
  return false;
}

function command(sheet: Sheet, name: string, args: readonly Word[]): void {
  switch (name) {
    case "ENTRY":
    case "EXTERN":
      args.forEach((word) => refer(sheet, word));
      return;
    case "REGION_ALIAS": {
      const [alias, region] = args;
      if (alias) {
        define(sheet, "segment", alias, region ? { value: region.text } : {});
      }
      refer(sheet, region ?? null, { isSection: true });
      return;
    }
    case "NOCROSSREFS":
    case "NOCROSSREFS_TO":
    case "INSERT":
      args.forEach((word) => refer(sheet, word, { isArgument: true, isSection: true }));
      return;
    default:
  }
}

function directiveLike(sheet: Sheet, extent: Extent, name: Word, args: readonly Word[]): void {
  sheet.at(name.line)?.statements.push({
    ...spanIn(sheet, extent),
    kind: "directive",
    name: tokenOfWord(name),
    operands: args
      .filter(({ line }) => line === name.line)
      .map(({ text, start, end }) => ({ kind: "expression", text, start, end, registers: [] })),
  });
}

/** The part of a statement that is on its first line. */
function spanIn(sheet: Sheet, { first, last }: Extent): { start: number; end: number } {
  const end = last.line === first.line ? last.end : (sheet.texts[first.line]?.trimEnd().length ?? last.end);
  return { start: first.start, end: Math.max(first.end, end) };
}

function operandOf(sheet: Sheet, value: Expression): Operand | null {
  const text = textOf(sheet.texts, value);
  const { first, last } = value;
  const { start, end } = spanIn(sheet, { first, last });
  return value.kind === "missing"
    ? null
    : {
        kind: "expression",
        text,
        start,
        end,
        registers: [],
        ...(value.kind === "number" ? { value: value.value } : {}),
      };
}

function valueOf(sheet: Sheet, value: Expression | null): { value?: string } {
  return value === null || value.kind === "missing" ? {} : { value: textOf(sheet.texts, value) };
}

/** As it is written, on one line. */
function textOf(texts: readonly string[], { first, last }: Extent): string {
  const parts: string[] = [];
  for (let line = first.line; line <= last.line; line += 1) {
    const text = texts[line] ?? "";
    parts.push(
      text.slice(line === first.line ? first.start : 0, line === last.line ? last.end : undefined).trim(),
    );
  }
  return parts.filter((part) => part !== "").join(" ");
}
