/**
 * An input section that an earlier rule has already taken: the first pattern that fits gets it, the later one gets nothing.
 *
 * Silent within one output section, where patterns often only say the order, and where the earlier pattern has exceptions.
 */
import type { Finding, Rule } from "../../rules/rule.ts";
import type { SyntaxFile } from "../../syntax.ts";
import { treeOf } from "../file.ts";
import { at, isCommon, placings, prefixOf, related, takesAll, type Placing } from "./site.ts";

function* check(file: SyntaxFile): Generator<Finding> {
  const earlier = new Earlier();
  for (const placing of placings(treeOf(file))) {
    const { output, pattern } = placing;
    const first = earlier.find(pattern.name.text);
    if (first && first.output !== output && !isDiscard(placing) && output.constraint === null) {
      const where = isDiscard(first) ? "thrown away" : `in "${first.output.name.text}"`;
      const by = first.pattern.name.text === pattern.name.text ? "" : ` by "${first.pattern.name.text}"`;
      yield at(
        pattern.name,
        `"${pattern.name.text}" is already ${where}${by} (line ${first.pattern.name.line + 1}): nothing is left for "${output.name.text}".`,
        { related: [related(file, first.pattern.name, "This pattern takes them.")] },
      );
    }
    // ld's own scripts, which are often copied, are generous with what old compilers made.
    const isOld = pattern.sorts.length > 0 || pattern.name.text.startsWith(".gnu.linkonce.");
    if (takesAll(placing) && !isOld) {
      earlier.add(placing);
    }
  }
}

/** What takes everything by a name or by the beginning of names, for scripts with thousands of patterns. */
class Earlier {
  /** By the pattern: a whole name, or what stands before its only asterisk; the first of each, with its number. */
  readonly #names = new Map<string, readonly [number, Placing]>();
  readonly #prefixes = new Map<string, readonly [number, Placing]>();
  #count = 0;

  add(placing: Placing): void {
    const { text } = placing.pattern.name;
    const entry = [this.#count, placing] as const;
    this.#count += 1;
    const prefix = prefixOf(text);
    if (!this.#names.has(text)) {
      this.#names.set(text, entry);
    }
    if (prefix !== undefined && !this.#prefixes.has(prefix)) {
      this.#prefixes.set(prefix, entry);
    }
  }

  /** The first that covers the pattern. */
  find(pattern: string): Placing | undefined {
    let found = this.#names.get(pattern);
    const longest = isCommon(pattern) ? -1 : pattern.length;
    for (let length = 0; length <= longest; length += 1) {
      const other = this.#prefixes.get(pattern.slice(0, length));
      if (other && other[0] < (found?.[0] ?? Infinity)) {
        found = other;
      }
    }
    return found?.[1];
  }
}

function isDiscard({ output }: Placing): boolean {
  return output.name.text === "/DISCARD/";
}

export const placedTwice: Rule = {
  code: "script-placed-twice",
  languages: ["linkerscript"],
  severity: "warning",
  title: "An input section is already placed",
  explanation: [
    "ld puts an input section where the first pattern of the script fits, and nowhere else. A later pattern for the same name finds nothing: its output section is smaller than it looks, or is not made at all, and symbols around it have the same address.",
    "",
    "Put the special pattern before the general one (`*(.text.init)` before `*(.text .text.*)`), or leave it out.",
    "",
    "*ld manual*, Input Section Basics.",
  ].join("\n"),
  check,
};
