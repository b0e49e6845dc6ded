/**
 * What a rule about a file of the build is: such a file is no assembly and has no tree of `syntax.ts`, a text is all there is.
 *
 * Invariant: as with rules about code, only what is certain. A build file that a tool wrote is mended where it was written from: fixes change the file itself,
 * the explanation says where to change it for good.
 */
import type { Extent } from "./build-json.ts";
import type { Edit, Finding, Rule } from "./rule.ts";

export type BuildKind = "compile-commands" | "rust-target" | "cargo-config";

export interface BuildRule extends Pick<Rule, "code" | "severity" | "title" | "explanation"> {
  readonly files: BuildKind;
  readonly check: (text: string, facts: BuildFacts) => Iterable<Finding>;
}

/** What is known of the workspace besides. */
export interface BuildFacts {
  /** Some assembly saves the state of SSE: FXSAVE, XSAVE and their kin. */
  readonly savesVectors: boolean;
}

/** Null for files that no rule is about. A Rust target may have any name: whether a JSON file is one is told by what it holds. */
export function buildKindOf(uri: string): BuildKind | null {
  const name = uri.slice(uri.lastIndexOf("/") + 1);
  if (name === "compile_commands.json") {
    return "compile-commands";
  }
  if (/\/\.cargo\/config(?:\.toml)?$/.test(uri)) {
    return "cargo-config";
  }
  return name.endsWith(".json") ? "rust-target" : null;
}

/** Lines and columns of offsets. */
export class Places {
  readonly #starts: readonly number[];

  constructor(text: string) {
    const starts = [0];
    for (let at = text.indexOf("\n"); at >= 0; at = text.indexOf("\n", at + 1)) {
      starts.push(at + 1);
    }
    this.#starts = starts;
  }

  /** A part of one line. */
  span({ start, end }: Extent): { line: number; start: number; end: number } {
    let low = 0;
    let high = this.#starts.length - 1;
    while (low < high) {
      const middle = (low + high + 1) >> 1;
      if ((this.#starts[middle] ?? 0) <= start) {
        low = middle;
      } else {
        high = middle - 1;
      }
    }
    const first = this.#starts[low] ?? 0;
    return { line: low, start: start - first, end: end - first };
  }

  insert(offset: number, text: string): Edit {
    return { ...this.span({ start: offset, end: offset }), text };
  }

  replace(extent: Extent, text: string): Edit {
    return { ...this.span(extent), text };
  }
}
