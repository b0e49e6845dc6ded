/**
 * A workspace as texts with marks, so that cases of the language server read as what a user sees: `|` is the cursor, `⟦` … `⟧` a part that is expected.
 *
 * A text begins with the files it holds, each after a line `-- name`; without such a line it is one file, `file.S`, or the name given.
 */
import type { Language, Position } from "../../extension/language/server/syntax.ts";
import { Workspace } from "../../extension/language/server/workspace.ts";

export interface Marked {
  readonly world: Workspace;
  /** Of the file with the cursor, else of the first. */
  readonly uri: string;
  readonly position: Position;
  readonly cursors: readonly Place[];
  /** Parts between `⟦` and `⟧`, in the order they stand. */
  readonly parts: readonly Part[];
}

export interface Place {
  readonly uri: string;
  readonly position: Position;
}

export interface Part {
  readonly uri: string;
  readonly line: number;
  readonly start: number;
  readonly end: number;
}

const languages: Readonly<Record<string, Language>> = {
  asm: "nasm",
  nasm: "nasm",
  inc: "nasm",
  ld: "linkerscript",
  lds: "linkerscript",
};

export function marked(text: string, name = "file.S"): Marked {
  const world = new Workspace();
  const cursors: Place[] = [];
  const parts: Part[] = [];
  const files = divide(text, name);
  for (const { uri, lines } of files) {
    const plain = lines.map((line, number) => {
      let rest = "";
      let start = 0;
      for (const part of line.split(/([|⟦⟧])/u)) {
        if (part === "|") cursors.push({ uri, position: { line: number, column: rest.length } });
        else if (part === "⟦") start = rest.length;
        else if (part === "⟧") parts.push({ uri, line: number, start, end: rest.length });
        else rest += part;
      }
      return rest;
    });
    world.open(uri, languageOf(uri), plain.join("\n"));
  }
  const first = cursors[0] ?? { uri: files[0]?.uri ?? "", position: { line: 0, column: 0 } };
  return { world, ...first, cursors, parts };
}

export const uriOf = (name: string): string => `file:///work/${name}`;

export function languageOf(name: string): Language {
  const extension = name.slice(name.lastIndexOf(".") + 1);
  return name.endsWith(".lds.S") ? "linkerscript" : (languages[extension] ?? "gas");
}

function divide(text: string, name: string): readonly { uri: string; lines: string[] }[] {
  const files: { uri: string; lines: string[] }[] = [];
  for (const line of text.replace(/^\n/, "").split("\n")) {
    const next = /^-- (\S+)$/.exec(line)?.[1];
    if (next !== undefined) files.push({ uri: uriOf(next), lines: [] });
    else {
      if (files.length === 0) files.push({ uri: uriOf(name), lines: [] });
      files.at(-1)?.lines.push(line);
    }
  }
  return files;
}
