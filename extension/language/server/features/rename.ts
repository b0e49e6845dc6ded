/**
 * Gives a name another everywhere it means the same: labels with their `.globl` lines and in linker scripts, macros, constants, parameters, numeric labels.
 *
 * Invariant: nothing is renamed that would mean something else afterwards. What cannot be renamed is refused with a sentence that says why: names of the
 * machine and the assembler, names that come from C, names that a macro puts together, a new name that is not one or is there already.
 * Elsewhere: how names look (`rename/`), where they are (`index/`).
 */
import type { Range, TextEdit, WorkspaceEdit } from "vscode-languageserver-types";
import type { Position } from "../syntax.ts";
import { nameOf, type DefinitionAt, type Occurrence, type World } from "../world.ts";
import { placeName, rangeOn } from "./place.ts";
import { derivedEdits, parameterCalls, type Edit } from "./rename/derived.ts";
import { hasPlainParameters, stringUse } from "./rename/hidden.ts";
import { keepsNumeric } from "./rename/numeric.ts";
import { checkName } from "./rename/spelling.ts";
import { explain } from "./rename/word.ts";

/** The part of the text that is given another name; a sentence where it cannot be. */
export function prepareRename(
  world: World,
  uri: string,
  position: Position,
): { readonly range: Range; readonly placeholder: string } | string | null {
  const occurrence = world.names.at(uri, position);
  if (!occurrence) {
    return explain(world, uri, position);
  }
  const refusal = refuse(world, occurrence);
  if (refusal !== undefined) {
    return refusal;
  }
  const { start, end, text } = part(occurrence);
  return { range: rangeOn(occurrence.line, { start, end }), placeholder: text };
}

export function rename(
  world: World,
  uri: string,
  position: Position,
  newName: string,
): WorkspaceEdit | string | null {
  const occurrence = world.names.at(uri, position);
  if (!occurrence) {
    return explain(world, uri, position);
  }
  const name = newName.trim();
  const occurrences = world.names.occurrencesOf(occurrence);
  const definitions = world.names.definitionsOf(occurrence);
  const wrong =
    refuse(world, occurrence) ??
    checkName(world, definitions, name) ??
    unseen(world, occurrences, definitions) ??
    clash(world, occurrence, occurrences, definitions, name);
  if (wrong !== undefined) {
    return wrong;
  }
  const edits: Edit[] = occurrences.map((each) => ({
    uri: each.uri,
    line: each.line,
    ...part(each),
    newText: name,
  }));
  const [first] = definitions;
  if (first) {
    edits.push(...derivedEdits(world, first, name), ...parameterCalls(world, first, name));
  }
  if (first?.definition.kind === "numeric" && !keepsNumeric(world, first, edits)) {
    return `With the number ${name} a jump nearby would go elsewhere: choose one that is not used around it.`;
  }
  return { changes: grouped(edits) };
}

function grouped(edits: readonly Edit[]): Record<string, TextEdit[]> {
  const changes: Record<string, TextEdit[]> = {};
  const seen = new Set<string>();
  for (const { uri, line, start, end, newText } of edits) {
    const key = `${uri} ${line}:${start}`;
    if (!seen.has(key)) {
      seen.add(key);
      (changes[uri] ??= []).push({ range: rangeOn(line, { start, end }), newText });
    }
  }
  return changes;
}

/** What of the token is the name itself: without the backslash of a parameter, the direction of a numeric label, the scope of a local one. */
function part({ token, ...occurrence }: Occurrence): { start: number; end: number; text: string } {
  const { start, end, text } = token;
  if (text.startsWith("\\")) {
    return { start: start + 1, end, text: text.slice(1) };
  }
  if (occurrence.kind === "reference" && occurrence.reference.direction !== undefined) {
    return { start, end: end - 1, text: text.slice(0, -1) };
  }
  const quote = /^["'`]/.test(text) && text.length > 1 ? 1 : 0;
  const dollar = /^\$[A-Za-z_.?@]/.test(text) ? 1 : 0;
  // start.loop: the name of the local label begins at its dot.
  const local = occurrence.kind === "reference" ? localStart(occurrence.reference.name, text) : 0;
  const from = quote + dollar + local;
  return { start: start + from, end: end - quote, text: text.slice(from, text.length - quote) };
}

function localStart(name: string, text: string): number {
  const dot = text === name && !name.startsWith(".") ? name.indexOf(".") : -1;
  return Math.max(0, dot);
}

/** Why the name at a place keeps it, whatever the new one is. */
function refuse(world: World, occurrence: Occurrence): string | undefined {
  const name = nameOf(occurrence);
  const definitions = world.names.definitionsOf(occurrence);
  const [first] = definitions;
  if (!first) {
    return unknownName(world, name);
  }
  if (definitions.some(({ definition }) => definition.kind === "section")) {
    return `${name} is a section: linker scripts choose sections by patterns, which a rename cannot follow.`;
  }
  const made = definitions.find(({ byCall, token }) => byCall !== undefined && token.text !== name);
  if (made) {
    return `${name} is put together by the macro ${made.byCall} (${placeName(made)}): rename what the macro is given, or change the macro.`;
  }
  const pattern = definitions.find(
    ({ definition }) => /[\\%]/.test(definition.name) && definition.kind !== "parameter",
  );
  if (pattern && !/^%[%$]/.test(name) && !/^[\w.$]+\\@$/.test(name)) {
    return `${name} is put together from a parameter of the macro.`;
  }
  return madeOfIt(world, definitions, name) ?? usedByC(world, first, name);
}

function unknownName(world: World, name: string): string {
  for (const { symbols } of world.built) {
    const source = symbols.get(name)?.source;
    if (source) {
      return `${name} is defined in ${placeName(source)}, which is not assembly: rename it there.`;
    }
  }
  return `${name} is defined neither in assembly nor in a linker script of this workspace: it may come from C.`;
}

/** `m boot` defines boot_end as well: what else a call makes of the name would change its name too. */
function madeOfIt(world: World, definitions: readonly DefinitionAt[], name: string): string | undefined {
  for (const { uri, line, byCall } of definitions.filter((each) => each.byCall !== undefined)) {
    for (const other of world.names.of(uri)) {
      const isMade = other.line === line && other.byCall === byCall && other.definition.name !== name;
      if (isMade && other.definition.name.includes(name)) {
        const uses = world.names.occurrencesOf({ kind: "definition", ...other });
        const use = uses.find(({ kind }) => kind !== "definition");
        if (use) {
          return `The macro ${byCall} makes ${other.definition.name} of it, which ${placeName(use)} uses.`;
        }
      }
    }
  }
  return undefined;
}

/** A shared name that no other assembly file and no script uses is there for somebody: C, if the program has any. */
function usedByC(world: World, first: DefinitionAt, name: string): string | undefined {
  const { kind } = first.definition;
  if ((kind !== "label" && kind !== "constant") || !world.names.isShared(first.uri, name)) {
    return undefined;
  }
  const program = world.built.find(({ symbols }) => symbols.has(name));
  const source =
    program && [...program.symbols.values()].find((symbol) => isForeign(world, symbol.source?.uri))?.source;
  const isUsedHere = world.names
    .occurrencesOf({ kind: "definition", ...first })
    .some(({ uri }) => uri !== first.uri);
  return source && !isUsedHere
    ? `${name} is shared with other files, and no assembly or linker script uses it: C may (the program has ${placeName(source)}). Rename it by hand there and here.`
    : undefined;
}

function isForeign(world: World, uri: string | undefined): boolean {
  return uri !== undefined && !world.file(uri);
}

/** Something uses the name where a rename does not see it. */
function unseen(
  world: World,
  occurrences: readonly Occurrence[],
  [first]: readonly DefinitionAt[],
): string | undefined {
  if (first?.definition.kind === "parameter" && hasPlainParameters(world, first)) {
    return "After .altmacro parameters are also written without a backslash, where they cannot be told from other words.";
  }
  const string = first && stringUse(world, first, occurrences);
  return (
    string && `${first.definition.name} also stands in a string that a macro is given: ${placeName(string)}.`
  );
}

/** The new name means something already, or the old one also means something else where it would be changed. */
function clash(
  world: World,
  occurrence: Occurrence,
  occurrences: readonly Occurrence[],
  definitions: readonly DefinitionAt[],
  newName: string,
): string | undefined {
  const [first] = definitions;
  const { kind } = first?.definition ?? {};
  if (!first || kind === "numeric" || newName === nameOf(occurrence)) {
    return undefined;
  }
  const keys = new Set(definitions.map(keyOf));
  for (const each of firstOfFiles(occurrences)) {
    const other = world.names.definitionsOf(each).find((found) => !keys.has(keyOf(found)));
    if (other && kind !== "parameter") {
      return `In ${placeName(each)} the name also means ${placeName(other)}: only one of them would be renamed.`;
    }
    const taken =
      kind === "parameter"
        ? parameterTaken(world, each, newName)
        : nameTaken(world, each, full(first, newName));
    if (taken) {
      return `${newName} is there already: ${placeName(taken)}.`;
    }
  }
  const isShared = world.names.isShared(first.uri, nameOf(occurrence));
  const shared = isShared
    ? world.names.named(newName).find(({ uri }) => world.names.isShared(uri, newName))
    : undefined;
  return shared && `${newName} is there already, shared with other files: ${placeName(shared)}.`;
}

/** NASM's local labels are known with the label they belong to. */
function full({ definition }: DefinitionAt, newName: string): string {
  const scope = definition.kind === "local" ? /^[^.]+(?=\.)/.exec(definition.name)?.[0] : undefined;
  return `${scope ?? ""}${newName}`;
}

function firstOfFiles(occurrences: readonly Occurrence[]): readonly Occurrence[] {
  const files = new Map<string, Occurrence>();
  for (const occurrence of occurrences) {
    if (!files.has(occurrence.uri)) {
      files.set(occurrence.uri, occurrence);
    }
  }
  return [...files.values()];
}

/** Something that has the name where the occurrence stands: defined there, or used there and defined who knows where. */
function nameTaken(
  world: World,
  { uri, line, token }: Occurrence,
  name: string,
): Occurrence | DefinitionAt | undefined {
  const asked: Occurrence = { kind: "reference", uri, line, token, reference: { name, token } };
  const [definition] = world.names.definitionsOf(asked);
  return definition ?? world.names.occurrencesOf(asked).find((each) => each.uri === uri);
}

function parameterTaken(world: World, { uri, line }: Occurrence, name: string): DefinitionAt | undefined {
  const token = { text: `\\${name}`, start: 0, end: 0 };
  return world.names.definitionsOf({ kind: "reference", uri, line, token, reference: { name, token } })[0];
}

function keyOf({ uri, line, token }: DefinitionAt): string {
  return `${uri} ${line}:${token.start}`;
}
