/**
 * Source files: from the path that a compiler recorded to one on this machine, by the configuration's map or by the longest common end of paths.
 *
 * Invariant: a file that is not here keeps its recorded path and gets a reference of its own, so that the client can still show where it would be.
 */
import { baseName, directoryOf, type Files } from "./files.ts";
import type { DebugProtocol } from "@vscode/debugprotocol";
import { findSource, type SourceMapping } from "./symbols/index.ts";

/** Directories that are looked through for sources, and how deep. */
const MAX_FILES = 50_000;
const MAX_DEPTH = 8;
const SKIPPED: ReadonlySet<string> = new Set(["node_modules/", ".git/", ".cache/"]);

export class Sources {
  readonly #files: Files;
  readonly #mappings: readonly SourceMapping[];
  readonly #roots: readonly string[];
  readonly #found = new Map<string, string | null>();
  readonly #references = new Map<string, number>();
  /** Paths below the roots by file name. */
  #index: ReadonlyMap<string, readonly string[]> | null = null;

  constructor(files: Files, sourceMap: ReadonlyMap<string, string>, roots: readonly string[]) {
    this.#files = files;
    this.#mappings = [...sourceMap].map(([from, to]) => ({ from, to }));
    // A directory inside another would find every file twice.
    const distinct = [...new Set(roots.filter((root) => root !== ""))];
    this.#roots = distinct.filter(
      (root) => !distinct.some((other) => other !== root && root.startsWith(`${other}/`)),
    );
  }

  /** Path on this machine of a recorded path, or null. */
  find(recorded: string): string | null {
    let found = this.#found.get(recorded);
    if (found === undefined) {
      found = findSource(recorded, this.#mappings, {
        exists: (path) => this.#files.exists(path),
        candidates: (name) => (this.#index ??= this.#scan()).get(name) ?? [],
      });
      this.#found.set(recorded, found);
    }
    return found;
  }

  /** A recorded path as DAP's source. */
  source(recorded: string): DebugProtocol.Source {
    const path = this.find(recorded);
    if (path !== null) return { name: baseName(path), path };
    let reference = this.#references.get(recorded);
    if (reference === undefined) {
      reference = this.#references.size + 1;
      this.#references.set(recorded, reference);
    }
    // Not "deemphasize": VS Code would fold such frames away, and of a distribution's kernel that is every frame.
    return {
      name: baseName(recorded),
      path: recorded,
      sourceReference: reference,
      origin: "not on this machine",
    };
  }

  /** The recorded path behind a reference. */
  recorded(reference: number): string | null {
    for (const [path, known] of this.#references) if (known === reference) return path;
    return null;
  }

  #scan(): ReadonlyMap<string, readonly string[]> {
    const index = new Map<string, string[]>();
    let count = 0;
    const visit = (directory: string, depth: number): void => {
      for (const name of this.#files.list(directory)) {
        if (++count > MAX_FILES) return;
        const path = `${directory}/${name}`;
        if (name.endsWith("/")) {
          if (depth < MAX_DEPTH && !SKIPPED.has(name)) visit(path.slice(0, -1), depth + 1);
        } else {
          const paths = index.get(name);
          if (paths === undefined) index.set(name, [path]);
          else paths.push(path);
        }
      }
    };
    for (const root of this.#roots) visit(root, 0);
    return index;
  }
}

/** Where sources are looked for: the working directory and the kernel's. */
export const sourceRoots = (cwd: string, kernelPath: string): readonly string[] => [
  cwd,
  directoryOf(kernelPath),
];
