/**
 * Which file an include names, and which files are read together because of it.
 *
 * Invariant: only files that are known are named. Where the compiler would look is not known here (its `-I` options are in a makefile), so a path is looked for
 * beside the file that names it, and then wherever the workspace has it, the nearest first.
 * Elsewhere: what the files say (`part.ts`), what their names mean to each other (`index.ts`).
 */
import type { Include, Language } from "../syntax.ts";
import { includesOf, type Part } from "./part.ts";

interface Node {
  readonly path: string;
  /** What it includes, by the path as written. */
  readonly targets: Map<string, Part>;
  readonly includers: Set<Part>;
}

export class IncludeGraph {
  readonly #nodes = new Map<Part, Node>();
  /** Files by the last segment of their path. */
  readonly #named = new Map<string, Set<Part>>();
  /** Who includes something by this last segment. */
  readonly #asking = new Map<string, Set<Part>>();
  readonly #reach = new Map<Part, ReadonlySet<Part>>();
  readonly #around = new Map<Part, ReadonlySet<Part>>();
  /** Counts changes of who includes whom. */
  version = 0;

  /** A file is known from now on. */
  add(part: Part): void {
    const path = pathOf(part.uri);
    this.#nodes.set(part, { path, targets: new Map(), includers: new Set() });
    put(this.#named, lastOf(path), part);
    this.update(part);
    this.#resolveFor(path);
  }

  /** Its includes may be others. */
  update(part: Part): void {
    for (const { include } of includesOf(part)) {
      put(this.#asking, lastOf(include.path.text), part);
    }
    this.#link(part);
  }

  remove(part: Part): void {
    const node = this.#nodes.get(part);
    if (node) {
      node.targets.forEach((target) => this.#nodes.get(target)?.includers.delete(part));
      this.#nodes.delete(part);
      this.#named.get(lastOf(node.path))?.delete(part);
      this.#asking.forEach((parts) => parts.delete(part));
      this.#changed();
      this.#resolveFor(node.path);
    }
  }

  target(part: Part, include: Include): Part | undefined {
    return this.#nodes.get(part)?.targets.get(keyOf(include)) ?? this.#find(part, include);
  }

  /** Whether a file includes something called like this one. */
  isAskedFor(uri: string): boolean {
    return (this.#asking.get(lastOf(pathOf(uri)))?.size ?? 0) > 0;
  }

  includersOf(part: Part): Iterable<Part> {
    return this.#nodes.get(part)?.includers ?? [];
  }

  /** The file and all it includes, itself first. */
  reach(part: Part): ReadonlySet<Part> {
    let found = this.#reach.get(part);
    if (!found) {
      found = this.#walk(part, (node) => node.targets.values());
      this.#reach.set(part, found);
    }
    return found;
  }

  /** All files that are read together with it by those that include it; itself first. */
  around(part: Part): ReadonlySet<Part> {
    let found = this.#around.get(part);
    if (!found) {
      found = this.#throughIncluders(part);
      this.#around.set(part, found);
    }
    return found;
  }

  #throughIncluders(part: Part): ReadonlySet<Part> {
    const includers = this.#walk(part, (node) => node.includers);
    if (includers.size === 1) {
      return this.reach(part);
    }
    // What the outermost reach holds what the others do; where they include each other, none is outermost.
    const isOuter = (each: Part): boolean => this.#nodes.get(each)?.includers.size === 0;
    const outer = [...includers].filter(isOuter);
    const found = new Set(this.reach(part));
    for (const each of outer.length > 0 ? outer : includers) {
      this.reach(each).forEach((reached) => found.add(reached));
    }
    return found;
  }

  #walk(start: Part, next: (node: Node) => Iterable<Part>): ReadonlySet<Part> {
    const found = new Set([start]);
    for (const part of found) {
      const node = this.#nodes.get(part);
      for (const other of node ? next(node) : []) {
        found.add(other);
      }
    }
    return found;
  }

  /** A file of this path came or went: includes that may have meant it are looked for again. */
  #resolveFor(path: string): void {
    for (const part of this.#asking.get(lastOf(path)) ?? []) {
      this.#link(part);
    }
  }

  #link(part: Part): void {
    const node = this.#nodes.get(part);
    if (!node) {
      return;
    }
    const targets = new Map<string, Part>();
    for (const { include } of includesOf(part)) {
      const target = include.isBinary ? undefined : this.#find(part, include);
      if (target) {
        targets.set(keyOf(include), target);
      }
    }
    const old = new Set(node.targets.values());
    const now = new Set(targets.values());
    node.targets.clear();
    targets.forEach((target, key) => node.targets.set(key, target));
    if (old.size !== now.size || [...now].some((target) => !old.has(target))) {
      old.forEach((target) => this.#nodes.get(target)?.includers.delete(part));
      now.forEach((target) => this.#nodes.get(target)?.includers.add(part));
      this.#changed();
    }
  }

  #changed(): void {
    this.version += 1;
    this.#reach.clear();
    this.#around.clear();
  }

  #find(part: Part, include: Include): Part | undefined {
    const named = this.#named.get(lastOf(include.path.text));
    if (!named) {
      return undefined;
    }
    const parts = new Map([...named].map((candidate) => [candidate.uri, candidate]));
    return parts.get(nearest(part.uri, part.file.language, include, parts.keys()) ?? "");
  }
}

/** Which of some files, by their URIs, an include in a file most likely names. */
export function nearest(
  uri: string,
  language: Language,
  include: Include,
  candidates: Iterable<string>,
): string | undefined {
  const own = pathOf(uri);
  const wanted = normal(include.path.text.replaceAll("\\", "/"));
  const beside = normal(`${own.slice(0, own.lastIndexOf("/") + 1)}${wanted}`);
  const ending = `/${wanted.replace(/^(?:\.\.\/)+/, "").replace(/^\//, "")}`;
  let best: { readonly uri: string; readonly score: number; readonly path: string } | undefined;
  for (const candidate of candidates) {
    const path = pathOf(candidate);
    if (candidate === uri || !path.endsWith(ending)) {
      continue;
    }
    const isBeside = path === beside && !(include.isSystem && language === "gas");
    const isIncludeFolder = /\/include(?:\/uapi)?$/.test(path.slice(0, -ending.length));
    // The more folders they share the nearer; of equally near ones that in a folder for includes, then the shorter path.
    const near = sharedFolders(own, path) * 2 + (isIncludeFolder ? 1 : 0);
    const score = isBeside ? Infinity : near * 65_536 - path.length;
    if (!best || score > best.score || (score === best.score && path < best.path)) {
      best = { uri: candidate, score, path };
    }
  }
  return best?.uri;
}

function keyOf({ isSystem, path }: Include): string {
  return `${isSystem ? "<" : '"'}${path.text}`;
}

function lastOf(path: string): string {
  return path.slice(Math.max(path.lastIndexOf("/"), path.lastIndexOf("\\")) + 1);
}

function put(table: Map<string, Set<Part>>, key: string, part: Part): void {
  const found = table.get(key);
  if (found) {
    found.add(part);
  } else {
    table.set(key, new Set([part]));
  }
}

/** What a file is called, without escapes; for comparing, not for opening. */
function pathOf(uri: string): string {
  try {
    return decodeURIComponent(uri);
  } catch {
    return uri;
  }
}

function normal(path: string): string {
  const parts: string[] = [];
  for (const part of path.split("/")) {
    const last = parts.at(-1);
    if (part === ".." && last !== undefined && last !== ".." && last !== "") {
      parts.pop();
    } else if (part !== ".") {
      parts.push(part);
    }
  }
  return parts.join("/");
}

function sharedFolders(a: string, b: string): number {
  const [first, second] = [a.split("/"), b.split("/")];
  let shared = 0;
  while (shared < first.length - 1 && shared < second.length - 1 && first[shared] === second[shared]) {
    shared += 1;
  }
  return shared;
}
