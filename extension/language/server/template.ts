/**
 * What a call of a macro defines: bodies of macros hold templates of labels, global names and further calls (`Line.templates`), which are filled in here.
 *
 * Invariant: expansion ends, whatever the macros call: after `depthLimit` calls deep, `callLimit` calls in all. A name with a parameter that stays open is
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
const callLimit = 512;

/** The names that calling `name` with these arguments (texts, as written) gives a meaning. */
export function expand(
  name: string,
  args: readonly string[],
  macroOf: (name: string) => Macro | undefined,
): readonly Expanded[] {
  const found = new Map<string, Expanded>();
  visit({ macroOf, found, callCount: 0 }, name, args, 0);
  return [...found.values()];
}

interface Expansion {
  readonly macroOf: (name: string) => Macro | undefined;
  /** By kind and name: branches of conditions often define the same twice. */
  readonly found: Map<string, Expanded>;
  callCount: number;
}

function visit(expansion: Expansion, name: string, args: readonly string[], depth: number): void {
  expansion.callCount += 1;
  const isAllowed = depth < depthLimit && expansion.callCount <= callLimit;
  const macro = isAllowed ? expansion.macroOf(name) : undefined;
  if (!macro) {
    return;
  }
  const values = bind(macro.parameters, args);
  for (const template of macro.templates) {
    const filled = fill(template.name, values);
    if (template.kind === "call") {
      const inner = template.arguments.map((text) => fill(text, values));
      visit(expansion, filled, inner, depth + 1);
    } else if (filled !== "" && !/[\\%]/.test(filled)) {
      const { kind } = template;
      expansion.found.set(`${kind} ${filled}`, { kind, name: filled });
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
  if (!/[\\%]/.test(pattern)) {
    return pattern;
  }
  return pattern
    .replaceAll(/\\([A-Za-z_.$][\w.$]*)/g, (whole, name: string) => values.get(name) ?? whole)
    .replaceAll(/%(\d+)/g, (whole, number: string) => values.get(number) ?? whole)
    .replaceAll(/\\\(\)|\s*%\+\s*/g, "");
}
