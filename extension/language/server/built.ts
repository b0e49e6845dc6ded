/**
 * Facts of a program that was built of the workspace's sources, as the client reads them from its ELF file and sends them: plain data, which goes through JSON.
 *
 * Addresses are "0x…" in lower case, sizes are bytes. The server reads no files: what is not here it does not know.
 */
import type { SyntaxFile } from "./syntax.ts";

export interface Built {
  /** Of the ELF file, as the file system names it. */
  readonly path: string;
  /** When it was written, in milliseconds since 1970. A source that was changed later may not be what was built. */
  readonly modified: number;
  /** Of the ELF file's class: the width of code that no directive gives another. */
  readonly bits?: 32 | 64;
  readonly sections: readonly BuiltSection[];
  /** By name. Where several local symbols share a name and no global one has it, the name says nothing and is left out. */
  readonly symbols: ReadonlyMap<string, BuiltSymbol>;
  /** Code of the files that were asked for, by URI. `linesOf` says whether it is still that of the text in the editor. */
  readonly lines: ReadonlyMap<string, readonly BuiltLine[]>;
  /** The text that `lines` are of, as `textHash` counts it, by URI. */
  readonly hashes?: ReadonlyMap<string, number>;
}

export interface BuiltSection {
  readonly name: string;
  readonly address: string;
  /** Where it is loaded (LMA), which differs from `address` in higher-half kernels. */
  readonly loadAddress: string;
  readonly size: number;
  /** As `readelf -S` has them: "AX", "WA". */
  readonly flags: string;
  /** Number of the segment it is loaded with and its rights ("R E"); null for sections that are not loaded. */
  readonly segment: { readonly index: number; readonly rights: string } | null;
}

export interface BuiltSymbol {
  readonly name: string;
  readonly address: string;
  readonly size: number;
  readonly kind: "function" | "object" | "section" | "file" | "other";
  /** A number that a linker script (or a `.globl` constant) gave this name: `address` is it, and nothing need be there. */
  readonly isAbsolute?: true;
  /** Where the line table has it, for symbols that no assembly file defines. */
  readonly source?: { readonly uri: string; readonly line: number };
}

/** Instructions that a line made, in order of their addresses. */
export interface BuiltLine {
  /** Counted from 0. */
  readonly line: number;
  readonly address: string;
  /** Hexadecimal digits, two for each byte; "" where only the address is certain. */
  readonly bytes: string;
}

/** The notification that carries a `BuiltUpdate`. */
export const builtNotification = "redzone/built";

/** What the client has to say of built programs, each in its own message, so that little is sent when little has changed. */
export type BuiltUpdate =
  | {
      readonly kind: "program";
      readonly path: string;
      readonly modified: number;
      readonly bits: 32 | 64;
      readonly sections: readonly BuiltSection[];
      readonly symbols: PackedSymbols;
    }
  | {
      /** Where symbols are in sources: by the order of `PackedSymbols.names`, "index uri line" with the URI's place in `uris`. */
      readonly kind: "sources";
      readonly path: string;
      readonly uris: readonly string[];
      readonly places: string;
    }
  | {
      readonly kind: "lines";
      readonly path: string;
      readonly uri: string;
      /** Null where the program has no code of the file, or the file was changed after the program was built. */
      readonly hash: number | null;
      readonly lines: string;
    }
  | { readonly kind: "gone"; readonly path: string }
  /** All programs there are, the one that is debugged first. */
  | { readonly kind: "order"; readonly paths: readonly string[] };

/** Columns of one text each, parts between line ends: a list of objects would be five times as long. */
export interface PackedSymbols {
  readonly names: string;
  /** Hexadecimal, each as the difference to the one before: they ascend. */
  readonly addresses: string;
  /** Hexadecimal, empty for 0. */
  readonly sizes: string;
  /** A letter each. */
  readonly kinds: string;
}

const letters: Readonly<Record<BuiltSymbol["kind"], string>> = {
  function: "f",
  object: "o",
  section: "s",
  file: "p",
  other: "x",
};
const kinds = new Map(Object.entries(letters).map(([kind, letter]) => [letter, kind as BuiltSymbol["kind"]]));

const absolute = "a";

/** Symbols by ascending address. */
export function packSymbols(
  symbols: readonly {
    readonly name: string;
    readonly address: bigint;
    readonly size: number;
    readonly kind: BuiltSymbol["kind"];
    readonly isAbsolute: boolean;
  }[],
): PackedSymbols {
  let last = 0n;
  const differences = symbols.map(({ address }) => {
    const difference = address - last;
    last = address;
    return difference.toString(16);
  });
  return {
    names: symbols.map(({ name }) => name.replaceAll("\n", " ")).join("\n"),
    addresses: differences.join("\n"),
    sizes: symbols.map(({ size }) => (size === 0 ? "" : size.toString(16))).join("\n"),
    kinds: symbols.map(({ kind, isAbsolute }) => (isAbsolute ? absolute : letters[kind])).join(""),
  };
}

function unpackSymbols({
  names,
  addresses,
  sizes,
  kinds: letterOf,
}: PackedSymbols): Map<string, BuiltSymbol> {
  const symbols = new Map<string, BuiltSymbol>();
  if (names === "") return symbols;
  const differences = addresses.split("\n");
  const lengths = sizes.split("\n");
  // In halves of 32 bits: 100,000 bigints as text would hold the server up.
  let high = 0;
  let low = 0;
  for (const [index, name] of names.split("\n").entries()) {
    const difference = differences[index] ?? "";
    low += Number.parseInt(difference.slice(-8) || "0", 16);
    high += Number.parseInt(difference.slice(0, -8) || "0", 16) + Math.floor(low / 2 ** 32);
    low %= 2 ** 32;
    const tail = low.toString(16);
    const letter = letterOf[index] ?? "";
    const size = lengths[index] ?? "";
    const symbol: BuiltSymbol = {
      name,
      address: high === 0 ? `0x${tail}` : `0x${high.toString(16)}${tail.padStart(8, "0")}`,
      size: size === "" ? 0 : Number.parseInt(size, 16),
      kind: kinds.get(letter) ?? "other",
    };
    symbols.set(name, letter === absolute ? { ...symbol, isAbsolute: true } : symbol);
  }
  return symbols;
}

export function packLines(lines: readonly BuiltLine[]): string {
  return lines.map(({ line, address, bytes }) => `${line} ${address.slice(2)} ${bytes}`).join("\n");
}

function unpackLines(packed: string): readonly BuiltLine[] {
  if (packed === "") return [];
  return packed.split("\n").map((text) => {
    const [line = "0", address = "0", bytes = ""] = text.split(" ");
    return { line: Number(line), address: `0x${address}`, bytes };
  });
}

/** The programs after an update. What is said of a program that is not known is dropped. */
export function applyBuilt(programs: readonly Built[], update: BuiltUpdate): readonly Built[] {
  switch (update.kind) {
    case "program": {
      const { path, modified, bits, sections } = update;
      const symbols = unpackSymbols(update.symbols);
      const lines = new Map();
      const made: Built = { path, modified, bits, sections, symbols, lines, hashes: new Map() };
      const isKnown = programs.some((built) => built.path === path);
      return isKnown ? programs.map((built) => (built.path === path ? made : built)) : [...programs, made];
    }
    case "sources":
      return changed(programs, update.path, (built) => ({
        ...built,
        symbols: withSources(built.symbols, update),
      }));
    case "lines":
      return changed(programs, update.path, (built) => withLines(built, update));
    case "gone":
      return programs.filter(({ path }) => path !== update.path);
    case "order": {
      const rank = (path: string): number => {
        const index = update.paths.indexOf(path);
        return index < 0 ? update.paths.length : index;
      };
      return [...programs].sort((a, b) => rank(a.path) - rank(b.path));
    }
  }
}

function changed(
  programs: readonly Built[],
  path: string,
  change: (built: Built) => Built,
): readonly Built[] {
  return programs.map((built) => (built.path === path ? change(built) : built));
}

function withSources(
  symbols: ReadonlyMap<string, BuiltSymbol>,
  { uris, places }: BuiltUpdate & { kind: "sources" },
): ReadonlyMap<string, BuiltSymbol> {
  const all = [...symbols.values()];
  const sourced = new Map(symbols);
  for (const place of places === "" ? [] : places.split("\n")) {
    const [index = 0, uri = 0, line = 0] = place.split(" ").map(Number);
    const symbol = all[index];
    const found = uris[uri];
    if (symbol && found !== undefined) sourced.set(symbol.name, { ...symbol, source: { uri: found, line } });
  }
  return sourced;
}

function withLines(built: Built, { uri, hash, lines }: BuiltUpdate & { kind: "lines" }): Built {
  const byUri = new Map(built.lines);
  const hashes = new Map(built.hashes);
  if (hash === null) {
    byUri.delete(uri);
    hashes.delete(uri);
  } else {
    byUri.set(uri, unpackLines(lines));
    hashes.set(uri, hash);
  }
  return { ...built, lines: byUri, hashes };
}

/** FNV-1a over the UTF-16 units of lines and the ends between them: two texts of one hash count as one. */
export function textHash(lines: Iterable<string>): number {
  let value = 0x811c9dc5;
  for (const line of lines) {
    for (let i = 0; i < line.length; i += 1) value = Math.imul(value ^ line.charCodeAt(i), 0x01000193);
    value = Math.imul(value ^ 10, 0x01000193);
  }
  return value >>> 0;
}

const hashOf = new WeakMap<SyntaxFile, number>();

/** What the program has of a file, none if the text in the editor is not what it was built of. */
export function linesOf(built: Built, file: SyntaxFile): readonly BuiltLine[] {
  const lines = built.lines.get(file.uri);
  if (!lines || lines.length === 0) return [];
  let hash = hashOf.get(file);
  if (hash === undefined) {
    hash = textHash(file.lines.map(({ text }) => text));
    hashOf.set(file, hash);
  }
  const known = built.hashes?.get(file.uri);
  return known === undefined || known === hash ? lines : [];
}
