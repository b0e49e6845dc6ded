/**
 * A file's outline: sections, in them labels, in these their local labels; macros, constants, structures with their fields; what a linker script names.
 *
 * Invariant: a part reaches to the last line with code before the next of its rank, so that parts are nested and comments belong to what follows. Numeric labels
 * are not named: there is nothing to recognise them by.
 * Elsewhere: the definitions (`index/`), folding by it (`folding.ts`).
 */
import { SymbolKind, type DocumentSymbol, type Range } from "vscode-languageserver-types";
import type { Line, SyntaxFile } from "../syntax.ts";
import type { DefinitionAt, World } from "../world.ts";
import { rangeOn } from "./place.ts";
import { symbolKind } from "./workspace-symbol.ts";

interface Node {
  readonly name: string;
  detail: string;
  kind: SymbolKind;
  readonly rank: number;
  readonly selectionRange: Range;
  readonly range: Range;
  readonly children: Node[];
  /** A label of which nothing says yet whether code or data follows. */
  isUntold: boolean;
}

/** What may stand in what: a section in another that it was pushed on, labels in sections, local ones and fields in labels. */
const ranks = { section: 0, label: 1, local: 2, leaf: 3 };

export function outline(world: World, uri: string): readonly DocumentSymbol[] {
  const file = world.file(uri);
  if (!file) {
    return [];
  }
  const definitions = new Map<number, DefinitionAt[]>();
  for (const found of world.names.of(uri)) {
    definitions.set(found.line, [...(definitions.get(found.line) ?? []), found]);
  }
  return file.language === "linkerscript"
    ? scriptOutline(file, definitions)
    : assemblyOutline(world, file, definitions);
}

function assemblyOutline(
  world: World,
  file: SyntaxFile,
  definitions: ReadonlyMap<number, readonly DefinitionAt[]>,
): readonly DocumentSymbol[] {
  const root: Node[] = [];
  let open: Node[] = [];
  const seen = new Set<string>();
  for (const [number, line] of file.lines.entries()) {
    const isStart = line.definitions.length > 0 || definitions.has(number);
    if (!isStart && line.statements.length === 0) {
      continue;
    }
    open = afterSection(open, line);
    const found = (definitions.get(number) ?? [])
      .filter(({ definition }) => isShown(line, definition, seen))
      .toSorted((a, b) => a.token.start - b.token.start);
    for (const each of found) {
      const node = nodeOf(world, each);
      open = around(open, node, isPushed(line));
      (open.at(-1)?.children ?? root).push(node);
      if (node.rank !== ranks.leaf) {
        open.push(node);
      }
    }
    extend(open, number, line);
    if (line.fold?.closes === ".macro" || line.fold?.closes === "%macro" || line.fold?.closes === "struc") {
      open = open.filter(({ kind }) => kind !== SymbolKind.Method && kind !== SymbolKind.Struct);
    }
    tellKind(open, line);
  }
  return root.filter(hasContent);
}

function isPushed({ before, after }: Line): boolean {
  return after.sections.length > before.sections.length;
}

/** What a part stands in: a section that was pushed in all that is open, another in place of the last, labels in the last section. */
function around(open: readonly Node[], node: Node, isPush: boolean): Node[] {
  const last = open.findLastIndex(({ rank }) => rank === ranks.section);
  if (node.rank === ranks.section) {
    return isPush ? [...open] : open.slice(0, Math.max(0, last));
  }
  return open.filter((outer, at) => at <= last || outer.rank < node.rank);
}

/** `.popsection` ends what was pushed, and the part it was pushed on goes on; so does `.previous`, but nobody says with what. */
function afterSection(open: readonly Node[], { before, after, definitions, fold }: Line): Node[] {
  const isPop = after.sections.length < before.sections.length;
  const isStructure = fold?.opens === "struc" || fold?.closes === "struc";
  const isNamed = definitions.some(({ kind }) => kind === "section");
  const last = open.findLastIndex(({ rank }) => rank === ranks.section);
  const isBack = after.section !== before.section && !isNamed && !isStructure;
  return isPop || isBack ? open.slice(0, Math.max(0, last)) : [...open];
}

function isShown(line: Line, { kind, name }: DefinitionAt["definition"], seen: Set<string>): boolean {
  if (line.before.macros.length > 0) {
    return false;
  }
  // The size that comes with a structure stands where its name does.
  const isSize = line.fold?.opens === "struc" && kind === "constant";
  if (kind === "constant" || kind === "define") {
    const isFirst = !seen.has(name);
    seen.add(name);
    return isFirst && !isSize;
  }
  return true;
}

function nodeOf(world: World, { uri, line, token, definition, byCall }: DefinitionAt): Node {
  const { kind, name } = definition;
  const range = rangeOn(line, token);
  const isLabel = kind === "label";
  const rank =
    isLabel || kind === "structure" || kind === "macro"
      ? ranks.label
      : kind === "section"
        ? ranks.section
        : kind === "local"
          ? ranks.local
          : ranks.leaf;
  const shared = isLabel && world.names.isShared(uri, name) ? "global" : "";
  const value = definition.parameters?.join(", ") ?? definition.value ?? "";
  return {
    name: kind === "local" || kind === "field" ? token.text || name : name,
    detail: [
      shared,
      kind === "constant" || kind === "define" || kind === "macro" ? short(value) : (byCall ?? ""),
    ]
      .filter((text) => text !== "")
      .join(", "),
    kind: symbolKind(definition),
    rank,
    selectionRange: range,
    range: { start: { ...range.start }, end: { ...range.end } },
    children: [],
    isUntold: isLabel,
  };
}

function short(text: string): string {
  const plain = text.replaceAll(/\s+/g, " ").trim();
  return plain.length > 60 ? `${plain.slice(0, 59)}…` : plain;
}

function extend(open: readonly Node[], line: number, { text }: Line): void {
  for (const { range } of open) {
    range.end = { line, character: text.length };
    // The label may be named behind the macro that defines it.
    range.start = range.start.line === line ? { line, character: 0 } : range.start;
  }
}

const dataDirective =
  /^\.(?:byte|[248]byte|word|short|hword|long|int|quad|octa|ascii|asciz|string\d*|float|double|single|zero|space|skip|fill|comm|lcomm|incbin|dc\.?\w*|ds\.?\w*)$|^(?:d[bwdqtoyz]|res[bwdqtoyz]|times|incbin)$/;

/** What first follows a label says whether it is code or data. */
function tellKind(open: readonly Node[], line: Line): void {
  const label = open.findLast(({ rank }) => rank === ranks.label);
  if (!label?.isUntold) {
    return;
  }
  const told = line.statements.find(
    (statement) =>
      statement.kind === "instruction" ||
      statement.kind === "call" ||
      (statement.kind === "directive" && dataDirective.test(statement.name.text)),
  );
  if (told) {
    label.isUntold = false;
    label.kind = told.kind === "directive" ? SymbolKind.Variable : SymbolKind.Function;
  }
}

/** Sections that only hold what macros put there say nothing. */
function hasContent(node: Node): boolean {
  const children = node.children.filter(hasContent);
  node.children.splice(0, node.children.length, ...children);
  return node.rank !== ranks.section || children.length > 0;
}

/** Output sections hold what their blocks define. */
function scriptOutline(
  file: SyntaxFile,
  definitions: ReadonlyMap<number, readonly DefinitionAt[]>,
): readonly DocumentSymbol[] {
  const root: Node[] = [];
  const blocks: (Node | undefined)[] = [];
  let section: Node | undefined;
  for (const [number, line] of file.lines.entries()) {
    const found = (definitions.get(number) ?? []).toSorted((a, b) => a.token.start - b.token.start);
    for (const each of found) {
      const node = scriptNode(each);
      const outer = blocks.findLast((block) => block !== undefined);
      (outer?.children ?? root).push(node);
      section = each.definition.kind === "section" ? node : section;
    }
    if (line.statements.length + found.length > 0 || line.fold) {
      extend(
        blocks.filter((block) => block !== undefined),
        number,
        line,
      );
    }
    if (line.fold?.closes !== undefined) {
      blocks.pop();
    }
    if (line.fold?.opens !== undefined) {
      blocks.push(section);
      section = undefined;
    }
  }
  return root;
}

function scriptNode({ line, token, definition }: DefinitionAt): Node {
  const range = rangeOn(line, token);
  return {
    name: definition.name,
    detail: short(definition.value ?? ""),
    kind: definition.kind === "label" ? SymbolKind.Variable : symbolKind(definition),
    rank: ranks.leaf,
    selectionRange: range,
    range: { start: { ...range.start }, end: { ...range.end } },
    children: [],
    isUntold: false,
  };
}
