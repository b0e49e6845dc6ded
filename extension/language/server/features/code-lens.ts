/**
 * Above labels: their address and size in the program that was built, and "Run to here".
 *
 * Invariant: a label's address is that of the code behind it by the line table, or of the symbol that can only be this one. A program that has no code of the
 * file says nothing of its labels. A file that was changed since keeps its lenses, so that lines do not jump while one types, and says so.
 * Elsewhere: linker scripts (`script-lens.ts`); "Run to here" is shown while a machine stands still, which the client knows (`language/run-to.ts`); stack use of functions
 * (`extension/analysis/lens.ts`).
 */
import type { CodeLens } from "vscode-languageserver-types";
import { linesOf, type Built, type BuiltLine, type BuiltSymbol } from "../built.ts";
import type { Line, SyntaxFile, Token } from "../syntax.ts";
import type { World } from "../world.ts";
import { scriptLenses } from "./script-lens.ts";
import { sizeText } from "./size.ts";

/** The command of "Run to here"; its arguments are the program's path and an address. */
export const runToCommand = "redzone.runToAddress";

export function codeLenses(world: World, uri: string): CodeLens[] {
  const file = world.file(uri);
  if (!file || !world.settings.codeLens) {
    return [];
  }
  if (file.language === "linkerscript") {
    return scriptLenses(world, file);
  }
  const built = world.built.find((program) => (program.lines.get(uri)?.length ?? 0) > 0);
  if (!built) {
    return [];
  }
  const lines = linesOf(built, file);
  const linkage = file.lines.flatMap((line) => line.linkage);
  const shared = linkage.filter(({ kind }) => kind !== "extern").map(({ token }) => token.text);
  const known: Known = {
    world,
    file,
    built,
    lines: firstOf(lines),
    isFresh: lines.length > 0,
    shared: new Set(shared),
  };
  return labelsOf(known).flatMap((label) => lensesOf(known, label));
}

interface Known {
  readonly world: World;
  readonly file: SyntaxFile;
  readonly built: Built;
  /** The first code of each line; empty if the file was changed. */
  readonly lines: ReadonlyMap<number, BuiltLine>;
  readonly isFresh: boolean;
  /** Names that the file says others may use. */
  readonly shared: ReadonlySet<string>;
}

interface Label {
  readonly line: number;
  readonly token: Token;
  readonly name: string;
}

interface Place {
  readonly address: string;
  readonly size: number;
  readonly isCode: boolean;
}

function firstOf(lines: readonly BuiltLine[]): ReadonlyMap<number, BuiltLine> {
  const first = new Map<number, BuiltLine>();
  const again = new Set<number>();
  let last = -1;
  for (const line of lines) {
    // Assembled at several places, a line has no address.
    if (first.has(line.line) && last !== line.line) {
      again.add(line.line);
    }
    if (!first.has(line.line)) {
      first.set(line.line, line);
    }
    last = line.line;
  }
  for (const line of again) {
    first.delete(line);
  }
  return first;
}

/** Labels that are written out, and those that a call of a macro makes of its argument; a line's first one. */
function labelsOf({ world, file }: Known): readonly Label[] {
  const labels: Label[] = [];
  for (const [number, line] of file.lines.entries()) {
    if (line.before.macros.length > 0) {
      continue;
    }
    const definition = line.definitions.find(({ kind }) => kind === "label");
    const token = definition?.token ?? madeByCall(world, file, number, line);
    if (token) {
      labels.push({ line: number, token, name: definition?.name ?? token.text });
    }
  }
  return labels;
}

function madeByCall(world: World, { uri }: SyntaxFile, number: number, line: Line): Token | undefined {
  return line.references.find(
    ({ isArgument, token }) =>
      isArgument &&
      world.names
        .named(token.text)
        .some(
          (found) =>
            found.uri === uri &&
            found.line === number &&
            found.byCall !== undefined &&
            found.definition.kind === "label",
        ),
  )?.token;
}

function lensesOf(known: Known, label: Label): CodeLens[] {
  const place = placeOf(known, label);
  if (!place) {
    return [];
  }
  const { built, isFresh } = known;
  const range = {
    start: { line: label.line, character: label.token.start },
    end: { line: label.line, character: label.token.end },
  };
  const title = [
    place.address,
    ...(place.size > 0 ? [sizeText(place.size)] : []),
    ...(isFresh ? [] : ["as last built"]),
  ].join(" · ");
  const lens: CodeLens = { range, command: { title, command: "" } };
  if (!place.isCode) {
    return [lens];
  }
  const run = { title: "Run to here", command: runToCommand, arguments: [built.path, place.address] };
  return [lens, { range, command: run }];
}

function placeOf(known: Known, label: Label): Place | null {
  const { file, built } = known;
  const code = codeBehind(known, label);
  if (code !== undefined) {
    const named = built.symbols.get(label.name);
    return { address: code.address, size: named?.address === code.address ? named.size : 0, isCode: true };
  }
  const symbol = symbolOf(known, label.name);
  if (!symbol || symbol.isAbsolute) {
    return null;
  }
  // Of a function the program itself says that it is code; a label may be anything's.
  // NASM gives data the size of its first element.
  const size = file.language === "nasm" && symbol.kind === "object" ? 0 : symbol.size;
  return { address: symbol.address, size, isCode: symbol.kind === "function" };
}

/** The symbol that can only be the file's: nobody else gives the name a meaning, or the file shares it. */
function symbolOf({ world, file, built, shared }: Known, name: string): BuiltSymbol | undefined {
  const isOwn = shared.has(name) || world.names.named(name).every(({ uri }) => uri === file.uri);
  return isOwn ? built.symbols.get(name) : undefined;
}

/** The code that the label stands before, with nothing between that could move it. */
function codeBehind({ file, lines }: Known, label: Label): BuiltLine | undefined {
  for (let number = label.line; number < file.lines.length; number += 1) {
    const line = file.lines[number];
    // The body of a macro that is defined here leaves nothing here.
    if (line && line.before.macros.length > 0) {
      continue;
    }
    const statements = (line?.statements ?? []).filter(
      ({ start }) => number > label.line || start >= label.token.start,
    );
    const first = statements.find(({ kind }) => kind !== "directive");
    if (first?.kind === "instruction" || (first?.kind === "call" && number > label.line)) {
      const isFirst = number > label.line || firstIsBehind(line, label);
      return isFirst ? lines.get(number) : undefined;
    }
    if (
      statements.some((statement) => !isSilent(statement.kind === "directive" ? statement.name.text : ""))
    ) {
      return undefined;
    }
  }
  return undefined;
}

/** Whether no instruction stands before the label on its own line. */
function firstIsBehind(line: Line | undefined, label: Label): boolean {
  return (line?.statements ?? []).every(
    ({ kind, start }) => start >= label.token.start || kind === "directive",
  );
}

/** Directives that neither leave anything nor change where things go. */
const silent =
  /^(?:\.(?:cfi_\w+|type|size|globa?l|weak|hidden|protected|internal|local|loc|file|ident|macro|equ|set|code(?:16|32|64)|(?:att|intel)_(?:syntax|mnemonic)|altmacro|noaltmacro)|bits|use(?:16|32|64)|global|extern|default|cpu|%line|%i?macro|%i?define|#define)$/i;
const isSilent = (name: string): boolean => silent.test(name);
