/**
 * What names mean, across the files of a workspace.
 *
 * Invariant: a file's part is made of its lines alone and replaced when the file changes; meanings are found when they are asked for.
 */
import type { Position, SyntaxFile } from "../syntax.ts";
import type { DefinitionAt, Names, Occurrence } from "../world.ts";

export class NameIndex implements Names {
  readonly #fileOf: (uri: string) => SyntaxFile | undefined;
  readonly #definitions = new Map<string, readonly DefinitionAt[]>();

  constructor(fileOf: (uri: string) => SyntaxFile | undefined) {
    this.#fileOf = fileOf;
  }

  update(file: SyntaxFile): void {
    const found: DefinitionAt[] = [];
    for (const [line, { definitions }] of file.lines.entries()) {
      for (const definition of definitions) {
        found.push({ uri: file.uri, line, token: definition.token, definition });
      }
    }
    this.#definitions.set(file.uri, found);
  }

  remove(uri: string): void {
    this.#definitions.delete(uri);
  }

  at(uri: string, { line, column }: Position): Occurrence | undefined {
    const text = this.#fileOf(uri)?.lines[line];
    const holds = ({ token }: { token: { start: number; end: number } }): boolean =>
      token.start <= column && column <= token.end;
    const definition = text?.definitions.find(holds);
    if (definition) {
      return { kind: "definition", uri, line, token: definition.token, definition };
    }
    const reference = text?.references.find(holds);
    if (reference) {
      return { kind: "reference", uri, line, token: reference.token, reference };
    }
    const linkage = text?.linkage.find(holds);
    return linkage && { kind: "linkage", uri, line, token: linkage.token, linkage };
  }

  definitionsOf(occurrence: Occurrence): readonly DefinitionAt[] {
    return this.named(nameOf(occurrence));
  }

  occurrencesOf(occurrence: Occurrence): readonly Occurrence[] {
    return this.definitionsOf(occurrence).map((found) => ({ ...found, kind: "definition" }));
  }

  *visibleAt(uri: string): Iterable<DefinitionAt> {
    yield* this.#definitions.get(uri) ?? [];
  }

  named(name: string): readonly DefinitionAt[] {
    return [...this.#definitions.values()].flat().filter(({ definition }) => definition.name === name);
  }
}

function nameOf(occurrence: Occurrence): string {
  switch (occurrence.kind) {
    case "definition":
      return occurrence.definition.name;
    case "reference":
      return occurrence.reference.name;
    case "linkage":
      return occurrence.linkage.token.text;
  }
}
