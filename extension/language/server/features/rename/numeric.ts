/**
 * Whether every jump to a numeric label of a file still goes where it went, after edits.
 *
 * A number may be used again and again, and a jump goes to the nearest: whether a new number is free cannot be seen from the name, so it is tried.
 */
import { localDefinitions } from "../../index/local.ts";
import { open } from "../../document.ts";
import type { SyntaxFile } from "../../syntax.ts";
import type { DefinitionAt, World } from "../../world.ts";

interface Edit {
  readonly line: number;
  readonly start: number;
  readonly end: number;
  readonly newText: string;
}

export function keepsNumeric(world: World, { uri }: DefinitionAt, edits: readonly Edit[]): boolean {
  const file = world.file(uri);
  if (!file) {
    return false;
  }
  const texts = file.lines.map(({ text }) => text);
  for (const { line, start, end, newText } of edits.toSorted((a, b) => b.start - a.start)) {
    const text = texts[line] ?? "";
    texts[line] = text.slice(0, start) + newText + text.slice(end);
  }
  const before = jumps(file);
  const after = jumps(open(uri, file.language, texts.join("\n")));
  return before.length === after.length && before.every((jump, number) => jump === after[number]);
}

/** Of each reference in order the definitions, by their order on their lines, since columns change. */
function jumps(file: SyntaxFile): readonly string[] {
  return file.lines.flatMap(({ references }, line) =>
    references
      .filter(({ direction }) => direction !== undefined)
      .map((reference) =>
        localDefinitions(file, { kind: "reference", uri: file.uri, line, token: reference.token, reference })
          .map((found) => `${found.line}:${orderOf(file, found)}`)
          .join(" "),
      ),
  );
}

function orderOf(file: SyntaxFile, { line, token }: DefinitionAt): number {
  return file.lines[line]?.definitions.findIndex((each) => each.token.start === token.start) ?? -1;
}
