/**
 * What names mean, across the files of a workspace.
 *
 * Invariant: a file's part is made of its lines alone and renewed line by line; meanings are found when they are asked for. A name means what its own file
 * says, else what the file includes, else what is read together with it, else what another file shares: a name that is neither shared nor included does not
 * leak. Linker scripts share all they define.
 * Elsewhere: the parts of files (`part.ts`), includes (`include.ts`), calls of macros (`call.ts`), names that mean something only where they stand (`local.ts`).
 */
import type { Include, Language, Line, Position, SyntaxFile, Token } from "../syntax.ts";
import { nameOf, type DefinitionAt, type Names, type Occurrence } from "../world.ts";
import { CallTable } from "./call.ts";
import { IncludeGraph } from "./include.ts";
import { callNaming, localDefinitions, localKind, localOccurrences, patternAt } from "./local.ts";
import {
  emptyPart,
  holds,
  isAssembly,
  isFileWide,
  isFileWideUse,
  numbersOf,
  updatePart,
  type Part,
} from "./part.ts";

/** Names live side by side: a macro and a label may be called alike, and a section is neither. */
type Space = "macro" | "define" | "value" | "section";

/** Looked for together, and where nothing is found, in the next. */
type Spaces = readonly (readonly Space[])[];

const values: readonly Space[] = ["value", "define"];

export class NameIndex implements Names {
  readonly #parts = new Map<string, Part>();
  readonly #definers = new Map<string, Set<Part>>();
  readonly #graph = new IncludeGraph();
  readonly #calls = new CallTable(this.#graph, (name) => this.#definers.get(name) ?? []);

  update(file: SyntaxFile): void {
    const known = this.#parts.get(file.uri);
    const part = known ?? emptyPart(file);
    const change = updatePart(part, file);
    for (const name of change.appeared) {
      const definers = this.#definers.get(name);
      this.#definers.set(name, definers?.add(part) ?? new Set([part]));
    }
    for (const name of change.disappeared) {
      this.#forget(name, part);
    }
    if (!known) {
      this.#parts.set(file.uri, part);
      this.#graph.add(part);
    } else if (change.hasOtherIncludes) {
      this.#graph.update(part);
    }
    this.#calls.changed(change.macros);
  }

  remove(uri: string): void {
    const part = this.#parts.get(uri);
    if (part) {
      this.#parts.delete(uri);
      part.definitions.forEach((_, name) => this.#forget(name, part));
      this.#calls.remove(part);
      this.#graph.remove(part);
    }
  }

  at(uri: string, position: Position): Occurrence | undefined {
    const part = this.#parts.get(uri);
    const line = part?.file.lines[position.line];
    if (!part || !line || !isAssembly(part, line)) {
      return undefined;
    }
    const place = { uri, line: position.line };
    const found: Occurrence[] = [
      ...line.definitions.map((definition): Occurrence => ({
        kind: "definition",
        ...place,
        token: definition.token,
        definition,
      })),
      ...line.references.map((reference): Occurrence => ({
        kind: "reference",
        ...place,
        token: reference.token,
        reference,
      })),
      ...line.linkage.map((linkage): Occurrence => ({
        kind: "linkage",
        ...place,
        token: linkage.token,
        linkage,
      })),
    ].filter(({ token }) => holds(token, position.column));
    const nearest = found.toSorted((a, b) => rank(a.token, position) - rank(b.token, position))[0];
    return nearest ?? patternAt(part.file, position);
  }

  definitionsOf(occurrence: Occurrence): readonly DefinitionAt[] {
    const part = this.#parts.get(occurrence.uri);
    if (!part) {
      return [];
    }
    if (localKind(occurrence) !== undefined) {
      return localDefinitions(part.file, occurrence);
    }
    const call = callNaming(part.file, occurrence);
    if (call) {
      return this.#parametersOf(part, call.name.text, nameOf(occurrence));
    }
    const found = this.#meanings(part, nameOf(occurrence), spacesOf(occurrence, part.file.language));
    const own = found.filter(({ uri }) => uri === occurrence.uri);
    const others = found.filter(({ uri }) => uri !== occurrence.uri);
    return [...own.toSorted((a, b) => distance(a, occurrence) - distance(b, occurrence)), ...others];
  }

  occurrencesOf(occurrence: Occurrence): readonly Occurrence[] {
    const part = this.#parts.get(occurrence.uri);
    if (!part) {
      return [];
    }
    if (localKind(occurrence) !== undefined) {
      return localOccurrences(part.file, occurrence);
    }
    if (callNaming(part.file, occurrence)) {
      return this.definitionsOf(occurrence).flatMap((parameter) =>
        this.occurrencesOf({ kind: "definition", ...parameter }),
      );
    }
    const name = nameOf(occurrence);
    const meanings = new Set(this.definitionsOf(occurrence).map(keyOf));
    const isMeant = (found: readonly DefinitionAt[]): boolean =>
      meanings.size === 0 ? found.length === 0 : found.some((each) => meanings.has(keyOf(each)));
    const places = [...this.#parts.values()].flatMap((each) => this.#mentions(each, name, isMeant));
    return places.sort((a, b) => compare(a.uri, b.uri) || a.line - b.line || a.token.start - b.token.start);
  }

  *visibleAt(
    uri: string,
    position: Position,
    admits: (name: string) => boolean = () => true,
  ): Iterable<DefinitionAt> {
    const part = this.#parts.get(uri);
    if (!part) {
      return;
    }
    this.#refresh();
    const around = this.#graph.around(part);
    yield* parametersAt(part, position);
    for (const each of around) {
      yield* this.#allOf(each, admits);
    }
    for (const [name, definers] of this.#definers) {
      for (const each of admits(name) ? definers : []) {
        if (!around.has(each) && this.#isShared(each, name)) {
          yield* this.#definitionsIn(each, name, values);
        }
      }
    }
    for (const each of this.#parts.values()) {
      for (const name of around.has(each) ? [] : this.#calls.sharedOf(each)) {
        if (!each.definitions.has(name) && admits(name)) {
          yield* this.#definitionsIn(each, name, values);
        }
      }
    }
  }

  named(name: string): readonly DefinitionAt[] {
    this.#refresh();
    const parts = new Set([...(this.#definers.get(name) ?? []), ...this.#calls.definersOf(name)]);
    return [...parts].flatMap((part) =>
      this.#definitionsIn(part, name, ["value", "define", "macro", "section"]),
    );
  }

  included(uri: string, include: Include): string | undefined {
    const part = this.#parts.get(uri);
    return part && this.#graph.target(part, include)?.uri;
  }

  includersOf(uri: string): readonly string[] {
    const part = this.#parts.get(uri);
    return part ? [...this.#graph.includersOf(part)].map((each) => each.uri) : [];
  }

  /** Whether a known file includes something called like this one, known or not. */
  isAskedFor(uri: string): boolean {
    return this.#graph.isAskedFor(uri);
  }

  isShared(uri: string, name: string): boolean {
    const part = this.#parts.get(uri);
    this.#refresh();
    return part !== undefined && this.#isShared(part, name);
  }

  *of(uri: string): Iterable<DefinitionAt> {
    const part = this.#parts.get(uri);
    if (part) {
      this.#refresh();
      yield* this.#allOf(part);
    }
  }

  *known(): Iterable<string> {
    this.#refresh();
    yield* this.#definers.keys();
    for (const name of this.#calls.names()) {
      if (!this.#definers.has(name)) {
        yield name;
      }
    }
  }

  /** Parameters of this name that macros of that name have. */
  #parametersOf(part: Part, macro: string, name: string): readonly DefinitionAt[] {
    return this.#meanings(part, macro, [["macro"]]).flatMap(({ uri, line }) => {
      const definitions = this.#parts.get(uri)?.file.lines[line]?.definitions ?? [];
      const found = definitions.find((each) => each.kind === "parameter" && each.name === name);
      return found ? [{ uri, line, token: found.token, definition: found }] : [];
    });
  }

  #forget(name: string, part: Part): void {
    const definers = this.#definers.get(name);
    definers?.delete(part);
    if (definers?.size === 0) {
      this.#definers.delete(name);
    }
  }

  #refresh(): void {
    this.#calls.refresh(this.#parts.values());
  }

  /** Definitions of the nearest scope that has one. */
  #meanings(part: Part, name: string, groups: Spaces): readonly DefinitionAt[] {
    this.#refresh();
    const definers = new Set([...(this.#definers.get(name) ?? []), ...this.#calls.definersOf(name)]);
    if (definers.size === 0) {
      return [];
    }
    for (const spaces of groups) {
      const found = this.#meaningsIn(part, name, spaces, definers);
      if (found.length > 0) {
        return found;
      }
    }
    return [];
  }

  #meaningsIn(
    part: Part,
    name: string,
    spaces: readonly Space[],
    definers: ReadonlySet<Part>,
  ): readonly DefinitionAt[] {
    if (spaces.includes("section")) {
      const near = this.#graph.around(part);
      const all = [part, ...[...definers].filter((each) => each !== part)];
      const found = all.flatMap((each) => this.#definitionsIn(each, name, spaces));
      // Regions of memory and program headers are of their script, sections meet in the linker.
      const own = found.filter(({ uri, definition }) => definition.kind === "segment" && isIn(near, uri));
      return own.length > 0 ? own : found;
    }
    const isOf = (scope: ReadonlySet<Part>): readonly Part[] =>
      [...definers].filter((each) => scope.has(each));
    const scopes = [
      () => isOf(new Set([part])),
      () => isOf(this.#graph.reach(part)),
      () => isOf(this.#graph.around(part)),
      () => (spaces.includes("value") ? [...definers].filter((each) => this.#isShared(each, name)) : []),
    ];
    for (const scope of scopes) {
      const found = scope().flatMap((each) => this.#definitionsIn(each, name, spaces));
      if (found.length > 0) {
        return found;
      }
    }
    return [];
  }

  /** Whether files that are not read together with it can use the name. */
  #isShared(part: Part, name: string): boolean {
    if (part.file.language === "linkerscript") {
      return true;
    }
    if (name.startsWith(".L")) {
      return false;
    }
    for (const each of this.#graph.around(part)) {
      const isGlobal = (each.uses.get(name) ?? []).some((line) =>
        line.linkage.some(({ kind, token }) => token.text === name && kind !== "extern" && kind !== "hidden"),
      );
      if (isGlobal || this.#calls.isShared(each, name)) {
        return true;
      }
    }
    return false;
  }

  #definitionsIn(part: Part, name: string, spaces: readonly Space[]): readonly DefinitionAt[] {
    const found: DefinitionAt[] = [];
    for (const [line, { definitions }] of numbersOf(part.file, part.definitions.get(name) ?? [])) {
      for (const definition of definitions) {
        if (definition.name === name && isFileWide(definition) && spaces.includes(spaceOf(definition.kind))) {
          found.push({ uri: part.uri, line, token: definition.token, definition });
        }
      }
    }
    if (!spaces.includes("value") || found.some(({ definition }) => spaceOf(definition.kind) === "value")) {
      return found;
    }
    const calls = this.#calls.definitionsOf(part, name);
    const numbers = new Map(
      numbersOf(
        part.file,
        calls.map(({ line }) => line),
      ).map(([number, line]) => [line, number]),
    );
    return [
      ...found,
      ...calls.map(({ line, token, definition, macro }) => ({
        uri: part.uri,
        line: numbers.get(line) ?? 0,
        token,
        definition,
        byCall: macro,
      })),
    ];
  }

  *#allOf(part: Part, admits: (name: string) => boolean = () => true): Iterable<DefinitionAt> {
    const { lines } = part.file;
    const admitted = new Set<Line>();
    for (const [name, found] of part.definitions) {
      for (const line of admits(name) ? found : []) {
        admitted.add(line);
      }
    }
    for (const [number, { definitions }] of numbersOf(part.file, [...admitted])) {
      for (const definition of definitions) {
        if (isFileWide(definition) && admits(definition.name)) {
          yield { uri: part.uri, line: number, token: definition.token, definition };
        }
      }
    }
    let numbers: ReadonlyMap<Line, number> | undefined;
    for (const { line, token, definition, macro } of this.#calls.allOf(part)) {
      if (!part.definitions.has(definition.name) && admits(definition.name)) {
        numbers ??= new Map(lines.map((each, number) => [each, number]));
        yield { uri: part.uri, line: numbers.get(line) ?? 0, token, definition, byCall: macro };
      }
    }
  }

  /** Places of a file that have the name and mean one of the meanings; where a definition stands, nothing else is said to stand. */
  #mentions(
    part: Part,
    name: string,
    isMeant: (found: readonly DefinitionAt[]) => boolean,
  ): readonly Occurrence[] {
    const { uri, file } = part;
    const meant = new Map<string, boolean>();
    const isOf = (groups: Spaces): boolean => {
      const key = groups.join(";");
      const known = meant.get(key) ?? isMeant(this.#meanings(part, name, groups));
      meant.set(key, known);
      return known;
    };
    const found = new Map<string, Occurrence>();
    const put = (occurrence: Occurrence): void => {
      const key = `${occurrence.line}:${occurrence.token.start}`;
      if (
        !found.has(key) &&
        !callNaming(file, occurrence) &&
        isOf(spacesOf(occurrence, part.file.language))
      ) {
        found.set(key, occurrence);
      }
    };
    for (const definition of this.#definitionsIn(part, name, ["value", "define", "macro", "section"])) {
      put({ kind: "definition", ...definition });
    }
    for (const [line, { references, linkage }] of numbersOf(file, part.uses.get(name) ?? [])) {
      for (const reference of references) {
        if (reference.name === name && isFileWideUse(reference)) {
          put({ kind: "reference", uri, line, token: reference.token, reference });
        }
      }
      for (const each of linkage) {
        if (each.token.text === name) {
          put({ kind: "linkage", uri, line, token: each.token, linkage: each });
        }
      }
    }
    return [...found.values()];
  }
}

function isIn(parts: Iterable<Part>, uri: string): boolean {
  return [...parts].some((part) => part.uri === uri);
}

/** The token that begins at the place before one that ends there, the shorter before the longer. */
function rank(token: Token, { column }: Position): number {
  return (token.end === column ? 65_536 : 0) + token.end - token.start;
}

function spaceOf(kind: DefinitionAt["definition"]["kind"]): Space {
  switch (kind) {
    case "macro":
      return "macro";
    case "section":
    case "segment":
      return "section";
    case "label":
    case "local":
    case "numeric":
    case "constant":
    case "parameter":
    case "structure":
    case "field":
      return "value";
    case "define":
      return "define";
  }
}

/** Where a name is looked for, in this order. */
function spacesOf(occurrence: Occurrence, language: Language): Spaces {
  switch (occurrence.kind) {
    case "definition": {
      const space = spaceOf(occurrence.definition.kind);
      return values.includes(space) ? [values] : [[space]];
    }
    case "reference":
      if (occurrence.reference.isSection) {
        return [["section"], ["define"]];
      }
      // NASM: a name alone on its line may be a label.
      return occurrence.reference.isMnemonic
        ? [["macro", "define"], ...(language === "nasm" ? [["value" as const]] : [])]
        : [values, ["section"], ["macro"]];
    case "linkage":
      return [values];
  }
}

function keyOf({ uri, line, token }: DefinitionAt): string {
  return `${uri} ${line}:${token.start}`;
}

/** What stands before a place is nearer than what follows it. */
function distance(definition: DefinitionAt, occurrence: Occurrence): number {
  const lines = occurrence.line - definition.line;
  return lines >= 0 ? lines : 1_000_000 - lines;
}

function compare(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0;
}

function* parametersAt(part: Part, position: Position): Iterable<DefinitionAt> {
  const { macros } = part.file.lines[position.line]?.before ?? { macros: [] };
  for (let at = position.line - 1; macros.length > 0 && at >= 0; at -= 1) {
    const line = part.file.lines[at];
    for (const definition of line?.definitions ?? []) {
      if (definition.kind === "parameter") {
        yield { uri: part.uri, line: at, token: definition.token, definition };
      }
    }
    if (line?.before.macros.length === 0) {
      return;
    }
  }
}
