/**
 * What a call of a macro defines: bodies of macros hold templates of labels, global names and further calls (`Line.templates`), which are filled in here.
 *
 * Invariant: expansion ends, whatever the macros call: `depthLimit` calls deep and `resultLimit` names long. A name with a parameter that stays open is
 * left out, not guessed.
 * Elsewhere: which macros there are (`index/`).
 */
import type { Template } from "./syntax.ts";

export interface Macro {
  /** Names of its parameters; NASM's have none and are numbered. */
  readonly parameters: readonly string[];
  readonly templates: readonly Template[];
}

/** A name that a call defines or makes global. */
export interface Expanded {
  readonly kind: "label" | "constant" | "global";
  readonly name: string;
}

const depthLimit = 16;
const resultLimit = 256;

/** The names that calling `name` with these arguments (texts, as written) gives a meaning. */
export function expand(
  name: string,
  args: readonly string[],
  macroOf: (name: string) => Macro | undefined,
): readonly Expanded[] {
  const found: Expanded[] = [];
  visit(name, args, macroOf, 0, found);
  return found;
}

function visit(
  name: string,
  args: readonly string[],
  macroOf: (name: string) => Macro | undefined,
  depth: number,
  found: Expanded[],
): void {
  const macro = depth < depthLimit ? macroOf(name) : undefined;
  if (!macro) {
    return;
  }
  const values = bind(macro.parameters, args);
  for (const template of macro.templates) {
    if (found.length >= resultLimit) {
      return;
    }
    const filled = fill(template.name, values);
    if (template.kind === "call") {
      const inner = template.arguments.map((text) => fill(text, values));
      visit(filled, inner, macroOf, depth + 1, found);
    } else if (filled !== "" && !/[\\%]/.test(filled)) {
      found.push({ kind: template.kind, name: filled });
    }
  }
}

function bind(parameters: readonly string[], args: readonly string[]): ReadonlyMap<string, string> {
  const values = new Map<string, string>();
  let position = 0;
  for (const argument of args) {
    const text = argument.replaceAll(/^"(.*)"$/g, "$1");
    const named = /^([A-Za-z_.$][\w.$]*)\s*=\s*(.*)$/.exec(text);
    if (named?.[1] !== undefined && parameters.includes(named[1])) {
      values.set(named[1], named[2] ?? "");
    } else {
      values.set(parameters[position] ?? "", text);
      position += 1;
      values.set(String(position), text);
    }
  }
  return values;
}

function fill(pattern: string, values: ReadonlyMap<string, string>): string {
  return pattern
    .replaceAll(/\\([A-Za-z_.$][\w.$]*)/g, (whole, name: string) => values.get(name) ?? whole)
    .replaceAll(/%(\d+)/g, (whole, number: string) => values.get(number) ?? whole)
    .replaceAll(/\\\(\)|\s*%\+\s*/g, "");
}
