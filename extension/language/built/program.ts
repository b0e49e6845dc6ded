/**
 * A built program, read for the language server: its sections and symbols at once, where its symbols are in sources in steps, lines of a file when asked.
 *
 * Knows no editor; files come through `Files`. Everything here may take as long as the file is large: it runs in a worker.
 */
import { pathToFileURL } from "node:url";
import type { Files } from "../../../debug-adapter/files.ts";
import { baseName, directoryOf } from "../../../debug-adapter/files.ts";
import { Sources } from "../../../debug-adapter/sources.ts";
import { openImage, SymbolError, type SymbolImage } from "../../../debug-adapter/symbols/index.ts";
import { packLines, packSymbols, textHash, type BuiltUpdate } from "../server/built.ts";
import { open } from "../server/document.ts";
import { linesOfFile } from "./line.ts";
import type { LinesQuestion, Target } from "./question.ts";
import { sectionsOf } from "./section.ts";
import { symbolsOf, type ProgramSymbol } from "./symbol.ts";

/** File systems keep times to two seconds (FAT), and a copy of a folder writes its files in any order. */
const clockMilliseconds = 2000;
/** Functions whose places are looked up in one step. */
const stepSymbols = 200;
/** Sources are told of so many symbols at most: every unit's line table is read for them. */
const sourcedSymbols = 30_000;

export class Program {
  readonly #target: Target;
  readonly #image: SymbolImage;
  readonly #sources: Sources;
  readonly #symbols: readonly ProgramSymbol[];

  /** @throws Error of the file system, SymbolError */
  constructor(target: Target, files: Files) {
    const { path, roots, sourceMap } = target;
    this.#target = target;
    const image = openImage(files.open(path), { name: baseName(path), decompress: files.decompress });
    if (image instanceof SymbolError) throw image;
    this.#image = image;
    this.#sources = new Sources(files, new Map(sourceMap), [directoryOf(path), ...roots]);
    this.#symbols = symbolsOf(image.file.elf);
  }

  facts(): BuiltUpdate {
    const { path, modified } = this.#target;
    const { elf } = this.#image.file;
    const bits = elf.is64 ? 64 : 32;
    const symbols = packSymbols(this.#symbols);
    return { kind: "program", path, modified, bits, sections: sectionsOf(elf), symbols };
  }

  /** Where functions and other code is in sources; each step is short. */
  *sources(): Generator<null, BuiltUpdate> {
    const uris = new Map<string, number>();
    const places: string[] = [];
    const code = this.#symbols.filter(({ isCode }) => isCode).length <= sourcedSymbols;
    for (const [index, symbol] of code ? this.#symbols.entries() : []) {
      if (index % stepSymbols === stepSymbols - 1) yield null;
      const place = this.#placeOf(symbol);
      if (place === null) continue;
      const uri = pathToFileURL(place.path).href;
      if (!uris.has(uri)) uris.set(uri, uris.size);
      places.push(`${index} ${uris.get(uri)} ${place.line - 1}`);
    }
    return { kind: "sources", path: this.#target.path, uris: [...uris.keys()], places: places.join("\n") };
  }

  /** Where it is declared; of code that debug information has no function for, the row of the line table that it begins. */
  #placeOf({
    name,
    address,
    kind,
    isCode,
  }: ProgramSymbol): { readonly path: string; readonly line: number } | null {
    const image = this.#image;
    const row = isCode ? image.lineAt(address) : null;
    const begins = row?.low === address ? row : null;
    const fun = isCode ? image.functionAt(address) : null;
    const declared =
      kind === "object"
        ? image.globalsNamed(name)[0]?.declaration
        : fun?.low === address
          ? fun.declaration
          : null;
    const place = declared ?? begins;
    if (!place || place.line === 0) return null;
    const path = this.#sources.find(place.file);
    return path === null ? null : { path, line: place.line };
  }

  lines({ uri, path, language, text, modified }: LinesQuestion): BuiltUpdate {
    const answer = { kind: "lines", path: this.#target.path, uri } as const;
    const recorded = this.#recorded(path);
    if (recorded.length === 0 || modified > this.#target.modified + clockMilliseconds)
      return { ...answer, hash: null, lines: "" };
    const file = open(uri, language, text);
    const lines = recorded.flatMap((name) => linesOfFile(this.#image, name, file));
    if (lines.length === 0) return { ...answer, hash: null, lines: "" };
    const hash = textHash(file.lines.map((line) => line.text));
    return { ...answer, hash, lines: packLines(lines) };
  }

  /** The names by which the line tables know a file of this machine. */
  #recorded(path: string): readonly string[] {
    const name = baseName(path);
    return this.#image
      .sources()
      .filter((recorded) => baseName(recorded) === name && this.#sources.find(recorded) === path);
  }
}
