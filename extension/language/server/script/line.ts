/**
 * The tree of a script as lines, so that outline, folding, definitions and references work as they do for assembly.
 *
 * Invariant: every token is the text at its place in its line. Lines of a script depend on the whole of it: a changed script is parsed anew, which takes a
 * few milliseconds for thousands of lines.
 * Elsewhere: the tree (`parser.ts`), bodies of `#define` (`directive.ts`).
 */
import { begin, finish, type Builder } from "../builder.ts";
import type { Line, LineState, Operand, Reference, SymbolKind, Token } from "../syntax.ts";
import { directive } from "./directive.ts";
import { usesOf } from "./function.ts";
import type { Source } from "./source.ts";
import {
  allExpressions,
  allStatements,
  expressionsOf,
  type Expression,
  type Extent,
  type ScriptTree,
  type Statement,
  type Word,
} from "./tree.ts";

export function linesOfScript(
  texts: readonly string[],
  tree: ScriptTree,
  source: Source,
  initial: LineState,
): readonly Line[] {
  const states = [false, true].map((inComment) => ({ ...initial, inComment }));
  const plain = states[0] ?? initial;
  const commented = states[1] ?? initial;
  const builders = texts.map((text, number) => {
    const builder = begin(text, source.inComment[number] ? commented : plain);
    builder.state = source.inComment[number + 1] ? commented : plain;
    builder.comments.push(...(source.comments[number] ?? []));
    return builder;
  });
  for (const { statement } of allStatements(tree.statements)) {
    add(builders, statement);
  }
  for (const part of tree.directives) {
    directive(builders, part);
  }
  for (const { line, include } of tree.includes) {
    builders[line]?.includes.push(include);
  }
  for (const { line, start, end, message } of tree.errors) {
    builders[line]?.errors.push({ start, end, message });
  }
  fold(builders, tree);
  return builders.map((builder) => {
    const byStart = (a: { token: Token }, b: { token: Token }): number => a.token.start - b.token.start;
    builder.definitions.sort(byStart);
    builder.references.sort(byStart);
    return finish(builder);
  });
}

/** A line opens and closes one block at most: of several the outermost. */
function fold(builders: readonly Builder[], tree: ScriptTree): void {
  const size = (block: ScriptTree["blocks"][number]): number => (block.closes?.line ?? 0) - block.opens.line;
  const blocks = tree.blocks.filter((block) => size(block) > 0).toSorted((a, b) => size(b) - size(a));
  for (const { opens, closes } of blocks) {
    const first = builders[opens.line];
    const last = closes && builders[closes.line];
    if (first && last && first.opens === undefined && last.closes === undefined) {
      first.opens = opens.name;
      last.closes = opens.name;
    }
  }
}

/** Quotes are not part of a name. */
export function tokenOfWord({ text, start, end, isQuoted }: Word): Token {
  return isQuoted ? { text, start: start + 1, end: start + 1 + text.length } : { text, start, end };
}

function define(
  builders: readonly Builder[],
  kind: SymbolKind,
  name: Word,
  more: { value?: string; isWeak?: boolean } = {},
): void {
  if (name.text !== "") {
    builders[name.line]?.definitions.push({ kind, name: name.text, token: tokenOfWord(name), ...more });
  }
}

function refer(
  builders: readonly Builder[],
  name: Word | null,
  more: Pick<Reference, "isMnemonic" | "isArgument" | "isWritten" | "isSection"> = {},
): void {
  if (name && name.text !== "") {
    builders[name.line]?.references.push({ name: name.text, token: tokenOfWord(name), ...more });
  }
}

function add(builders: readonly Builder[], statement: Statement): void {
  const { first } = statement;
  for (const expression of expressionsOf(statement)) {
    for (const use of usesOf(expression)) {
      refer(
        builders,
        use.name,
        use.kind === "macro" ? { isMnemonic: true } : use.kind === "symbol" ? {} : { isSection: true },
      );
    }
  }
  switch (statement.kind) {
    case "assignment":
      assignment(builders, statement);
      return;
    case "command":
      directiveLike(builders, statement, first, statement.arguments);
      command(builders, statement.name.text, statement.arguments);
      return;
    case "section": {
      define(builders, "section", statement.name);
      refer(builders, statement.region, { isSection: true });
      refer(builders, statement.loadRegion, { isSection: true });
      statement.headers
        .filter(({ text }) => text !== "NONE")
        .forEach((name) => refer(builders, name, { isSection: true }));
      directiveLike(builders, statement, first, []);
      return;
    }
    case "tail":
      refer(builders, statement.region, { isSection: true });
      refer(builders, statement.loadRegion, { isSection: true });
      statement.headers
        .filter(({ text }) => text !== "NONE")
        .forEach((name) => refer(builders, name, { isSection: true }));
      return;
    case "memory":
      directiveLike(builders, statement, first, []);
      statement.regions.forEach(({ name, origin }) =>
        define(builders, "segment", name, valueOf(builders, origin)),
      );
      return;
    case "phdrs":
      directiveLike(builders, statement, first, []);
      statement.headers.forEach(({ name }) => define(builders, "segment", name));
      return;
    case "input":
      for (const { name } of statement.patterns) {
        if (!/[*?[\]]/.test(name.text) && !/^(?:COMMON|LARGE_COMMON)$/.test(name.text)) {
          refer(builders, name, { isArgument: true, isSection: true });
        }
      }
      return;
    case "call":
      builders[first.line]?.statements.push({
        ...spanIn(builders, statement),
        kind: "call",
        name: tokenOfWord(statement.name),
        operands: [],
      });
      refer(builders, statement.name, { isMnemonic: true });
      statement.words.forEach((word) => refer(builders, word, { isArgument: true }));
      return;
    case "assert":
    case "data":
    case "include":
    case "keyword":
    case "overlay":
    case "sections":
    case "version":
      directiveLike(builders, statement, first, []);
  }
}

function assignment(
  builders: readonly Builder[],
  statement: Extract<Statement, { kind: "assignment" }>,
): void {
  const { target, operator, value, modifier, first } = statement;
  const operand: Operand | null = operandOf(builders, value);
  builders[first.line]?.statements.push({
    ...spanIn(builders, statement),
    kind: "assignment",
    name: tokenOfWord(target),
    operands: operand ? [operand] : [],
  });
  if (target.text === ".") {
    return;
  }
  if (operator.text !== "=") {
    refer(builders, target, { isWritten: true });
    return;
  }
  const isAddress = mentionsLocation(value);
  const isWeak = modifier !== null && modifier.text !== "HIDDEN";
  define(builders, isAddress ? "label" : "constant", target, {
    ...valueOf(builders, value),
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

function command(builders: readonly Builder[], name: string, args: readonly Word[]): void {
  switch (name) {
    case "ENTRY":
    case "EXTERN":
      args.forEach((word) => refer(builders, word));
      return;
    case "REGION_ALIAS": {
      const [alias, region] = args;
      if (alias) {
        define(builders, "segment", alias, region ? { value: region.text } : {});
      }
      refer(builders, region ?? null, { isSection: true });
      return;
    }
    case "NOCROSSREFS":
    case "NOCROSSREFS_TO":
    case "INSERT":
      args.forEach((word) => refer(builders, word, { isArgument: true, isSection: true }));
      return;
    default:
  }
}

function directiveLike(
  builders: readonly Builder[],
  extent: Extent,
  name: Word,
  args: readonly Word[],
): void {
  builders[name.line]?.statements.push({
    ...spanIn(builders, extent),
    kind: "directive",
    name: tokenOfWord(name),
    operands: args
      .filter(({ line }) => line === name.line)
      .map(({ text, start, end }) => ({ kind: "expression", text, start, end, registers: [] })),
  });
}

/** The part of a statement that is on its first line. */
function spanIn(builders: readonly Builder[], { first, last }: Extent): { start: number; end: number } {
  const end = last.line === first.line ? last.end : (builders[first.line]?.text.trimEnd().length ?? last.end);
  return { start: first.start, end: Math.max(first.end, end) };
}

function operandOf(builders: readonly Builder[], value: Expression): Operand | null {
  const text = textOf(builders, value);
  const { first, last } = value;
  const { start, end } = spanIn(builders, { first, last });
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

function valueOf(builders: readonly Builder[], value: Expression | null): { value?: string } {
  return value === null || value.kind === "missing" ? {} : { value: textOf(builders, value) };
}

/** As it is written, on one line. */
export function textOf(lines: readonly { readonly text: string }[], { first, last }: Extent): string {
  const parts: string[] = [];
  for (let line = first.line; line <= last.line; line += 1) {
    const text = lines[line]?.text ?? "";
    parts.push(
      text.slice(line === first.line ? first.start : 0, line === last.line ? last.end : undefined).trim(),
    );
  }
  return parts.filter((part) => part !== "").join(" ");
}
