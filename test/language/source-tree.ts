/**
 * A tree of sources as the language server reads it, and what its names mean by a second opinion.
 *
 * Invariant: the second opinion shares nothing with the server: texts and regular expressions instead of lines and an index, include folders instead of the
 * nearest path, Linux's macros by their names instead of their bodies. It says of a reference in which files its definition may be.
 */
import { readdirSync, readFileSync, statSync } from "node:fs";
import path from "node:path";
import { pathToFileURL } from "node:url";
import type { Reference } from "../../extension/language/server/syntax.ts";
import { Workspace } from "../../extension/language/server/workspace.ts";
import { languageOf } from "./cursor.ts";

export interface Tree {
  readonly world: Workspace;
  /** Paths of assembly and scripts, headers not among them. */
  readonly sources: readonly string[];
  readonly headers: ReadonlySet<string>;
  readonly lineCount: number;
  readonly milliseconds: number;
  /** Of the processor, which tells more on a busy machine. */
  readonly busyMilliseconds: number;
}

export const uriOf = (file: string): string => pathToFileURL(file).href;

/** Sources below folders, without those that `skips` matches. */
export function sourcesIn(folder: string, skips: RegExp): readonly string[] {
  return readdirSync(folder, { withFileTypes: true })
    .flatMap((entry) => {
      const full = path.join(folder, entry.name);
      if (skips.test(full)) return [];
      if (entry.isDirectory()) return sourcesIn(full, skips);
      return /\.(?:S|s|asm|nasm|ld|lds)$/.test(entry.name) ? [full] : [];
    })
    .toSorted();
}

/** Opens the sources, then whatever they include, looked for in the folders. */
export function readTree(sources: readonly string[], includeFolders: readonly string[]): Tree {
  const world = new Workspace();
  const headers = new Set<string>();
  const texts = new Map<string, string>();
  let lineCount = 0;
  const read = (file: string): string => {
    const text = readFileSync(file, "utf8");
    lineCount += text.split("\n").length;
    texts.set(file, text);
    return text;
  };
  const start = performance.now();
  const busy = process.cpuUsage();
  for (const file of sources) world.open(uriOf(file), languageOf(file), read(file));
  const queue = [...sources];
  for (const file of queue) {
    for (const included of includedBy(file, texts.get(file) ?? "", includeFolders)) {
      if (!texts.has(included)) {
        headers.add(included);
        queue.push(included);
        world.read(uriOf(included), languageOf(included) === "nasm" ? "nasm" : "gas", read(included));
      }
    }
  }
  // Names that calls define are found when something is asked for first.
  [...world.names.known()].at(0);
  const { user, system } = process.cpuUsage(busy);
  const milliseconds = performance.now() - start;
  return { world, sources, headers, lineCount, milliseconds, busyMilliseconds: (user + system) / 1000 };
}

function includedBy(file: string, text: string, folders: readonly string[]): readonly string[] {
  const found: string[] = [];
  for (const [, quoted, system, other] of text.matchAll(
    /^[ \t]*(?:#[ \t]*include[ \t]*(?:"([^"]+)"|<([^>]+)>)|%include[ \t]+["']([^"']+)["'])/gm,
  )) {
    const wanted = quoted ?? system ?? other ?? "";
    const own = system === undefined ? [path.dirname(file)] : [];
    const target = [...own, ...folders]
      .map((folder) => path.join(folder, wanted))
      .find((candidate) => statSync(candidate, { throwIfNoEntry: false })?.isFile());
    if (target !== undefined) found.push(target);
  }
  return found;
}

/** Names that a text defines for others that include it, and those it shares with everybody. */
interface Names {
  readonly own: ReadonlySet<string>;
  readonly shared: ReadonlySet<string>;
}

function namesOf(file: string, whole: string): Names {
  const text = whole.replaceAll(/\/\*[^]*?\*\//g, (comment) => comment.replaceAll(/[^\n]/g, " "));
  const all = (pattern: RegExp): readonly string[] =>
    [...text.matchAll(pattern)].map((found) => found[1] ?? "");
  if (languageOf(file) === "linkerscript") {
    const symbols = new Set(all(/(?:^|[;{(\s])([A-Za-z_]\w*)\s*=[^=]/gm));
    return { own: new Set([...symbols, ...all(/^[ \t]*#[ \t]*define[ \t]+(\w+)/gm)]), shared: symbols };
  }
  if (languageOf(file) === "nasm") {
    const labels = all(/^[ \t]*([A-Za-z_?][\w$#@~?.]*):/gm);
    const values = all(/^[ \t]*([A-Za-z_?][\w$#@~?.]*)[ \t]+(?:equ|d[bwdqt]|res[bwdqt])\b/gim);
    const macros = all(/^[ \t]*%(?:i?x?define|assign|i?macro)[ \t]+([A-Za-z_]\w*)/gm);
    const shared = all(/^[ \t]*\[?global[ \t]+([\w, \t]+)/gim).flatMap((list) => list.split(/[,\s]+/));
    return { own: new Set([...labels, ...values, ...macros]), shared: new Set(shared) };
  }
  const labels = all(/(?:^|;)[ \t]*([A-Za-z_.$][\w.$]*):/gm);
  const values = all(
    /(?:^|;)[ \t]*(?:\.(?:set|equ)[ \t]+)?([A-Za-z_][\w.$]*)[ \t]*(?:=|,(?<=\.(?:set|equ)[^\n]*))[^=]/gm,
  );
  const macros = all(/^[ \t]*(?:#[ \t]*define|\.macro)[ \t]+([A-Za-z_]\w*)/gm);
  const byMacro = all(
    /\bSYM_(?!\w*_END\b)(?:\w*START\w*|INNER_LABEL\w*|ENTRY\w*|DATA\w*)[ \t]*\([ \t]*(\w+)/g,
  );
  const globalByMacro = all(/\bSYM_(?!\w*_END\b)(?:\w*START(?!\w*LOCAL)\w*|DATA)[ \t]*\([ \t]*(\w+)/g);
  const globalLabels = all(/\bSYM_(?:INNER_LABEL\w*|ENTRY\w*)[ \t]*\([ \t]*(\w+)[ \t]*,[ \t]*SYM_L_GLOBAL/g);
  const listed = all(/\.(?:globl|global|weak)[ \t]+([\w.$, \t]+)/g).flatMap((list) => list.split(/[,\s]+/));
  return {
    own: new Set([...labels, ...values, ...macros, ...byMacro]),
    shared: new Set([...globalByMacro, ...globalLabels, ...listed]),
  };
}

export interface Opinion {
  /** Files in which the definition of a file's name may stand, the nearest scope alone; none: it comes from C. */
  filesOf(file: string, name: string): ReadonlySet<string>;
}

export function secondOpinion(tree: Tree, includeFolders: readonly string[]): Opinion {
  const files = [...tree.sources, ...tree.headers];
  const texts = new Map(files.map((file) => [file, readFileSync(file, "utf8")]));
  const names = new Map(files.map((file) => [file, namesOf(file, texts.get(file) ?? "")]));
  const sharers = new Map<string, Set<string>>();
  for (const [file, { own, shared }] of names) {
    for (const name of shared) {
      if (own.has(name)) sharers.set(name, (sharers.get(name) ?? new Set()).add(file));
    }
  }
  const reached = new Map<string, ReadonlySet<string>>();
  const reach = (file: string): ReadonlySet<string> => {
    const known = reached.get(file);
    if (known) return known;
    const found = new Set([file]);
    for (const each of found)
      includedBy(each, texts.get(each) ?? "", includeFolders)
        .filter((included) => texts.has(included))
        .forEach((included) => found.add(included));
    reached.set(file, found);
    return found;
  };
  return {
    filesOf(file, name) {
      if (names.get(file)?.own.has(name)) return new Set([file]);
      const included = [...reach(file)].filter((each) => names.get(each)?.own.has(name));
      // A header of C has labels and values of its own, which are none of assembly's.
      const isMacro = included.filter(
        (each) => !tree.headers.has(each) || isDefinedFor(texts.get(each) ?? "", name),
      );
      return isMacro.length > 0 ? new Set(isMacro) : (sharers.get(name) ?? new Set());
    },
  };
}

function isDefinedFor(header: string, name: string): boolean {
  return new RegExp(
    String.raw`^[ \t]*(?:#[ \t]*define|\.macro)[ \t]+${name.replaceAll("$", String.raw`\$`)}\b`,
    "m",
  ).test(header);
}

/** Names that the second opinion can judge: no numbers, parameters, names of one call, sections or program headers. */
export function isJudged({ name, token, direction, isSection }: Reference): boolean {
  return (
    direction === undefined &&
    isSection !== true &&
    !token.text.startsWith("\\") &&
    /^[A-Za-z_.][\w.$]*$/.test(name)
  );
}
