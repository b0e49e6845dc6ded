/**
 * How wide code certainly is, line by line: as the parser says, but not behind calls of macros that may change it.
 *
 * Invariant: behind a call of a macro that holds `bits` or `.code32`, or that nobody knows, the width is not known until the file says it again.
 */
import type { Bits, SyntaxFile } from "../syntax.ts";
import type { World } from "../world.ts";
import { bitsOf } from "./instruction.ts";
import { scopeOf, type Scope } from "./scope.ts";
import { surveyOf } from "./survey.ts";

export class Widths {
  readonly #file: SyntaxFile;
  /** Lines at which the width becomes unknown, each with the line that tells it again. */
  readonly #doubts: readonly { readonly from: number; readonly to: number }[];

  constructor({ file }: Scope, changes: (macro: string) => boolean) {
    this.#file = file;
    const told = surveyOf(file).linesOf("width");
    const doubts: { readonly from: number; readonly to: number }[] = [];
    for (const number of surveyOf(file).linesOf("call")) {
      const names = (file.lines[number]?.statements ?? [])
        .filter((statement) => statement.kind === "call")
        .map(({ name }) => name.text);
      const last = doubts.at(-1);
      if ((last === undefined || number >= last.to) && names.some(changes)) {
        doubts.push({ from: number, to: told.find((line) => line > number) ?? Infinity });
      }
    }
    this.#doubts = doubts;
  }

  /** null: nobody knows. */
  at(number: number): Bits {
    const line = this.#file.lines[number];
    return !line || this.#doubts.some(({ from, to }) => from <= number && number <= to) ? null : bitsOf(line);
  }
}

const found = new WeakMap<Scope, Widths>();

export function widthsOf(file: SyntaxFile, world: World): Widths {
  const scope = scopeOf(file, world);
  let widths = found.get(scope);
  if (!widths) {
    const asked = new Map<string, boolean>();
    widths = new Widths(scope, (name) => changesWidth(name, scope, world, asked));
    found.set(scope, widths);
  }
  return widths;
}

/** Whether a macro may leave code of another width; asked for again while it is looked for, it does not by itself. */
function changesWidth(name: string, scope: Scope, world: World, asked: Map<string, boolean>): boolean {
  const known = asked.get(name);
  if (known !== undefined) {
    return known;
  }
  asked.set(name, false);
  const places = world.names
    .named(name)
    .filter(({ definition }) => definition.kind === "macro" || definition.kind === "define");
  const does =
    places.length === 0 ||
    places.some(({ uri, line, definition }) => {
      const file = scope.files.find((one) => one.uri === uri) ?? world.file(uri);
      return (
        !file ||
        holdsWidth(definition.value ?? "") ||
        bodyChanges(file, line, name, (inner) => changesWidth(inner, scope, world, asked))
      );
    });
  asked.set(name, does);
  return does;
}

const width = /(?:^|[\s;[])(?:\.code(?:16|32|64)|bits\s+\S+|use(?:16|32|64))\b/i;

function holdsWidth(text: string): boolean {
  return width.test(text);
}

function bodyChanges(
  file: SyntaxFile,
  from: number,
  name: string,
  isChanging: (name: string) => boolean,
): boolean {
  for (let number = from; number < file.lines.length; number += 1) {
    const line = file.lines[number];
    const isBody = line?.before.macros.includes(name) === true || line?.before.continues?.name === name;
    if (!line || (number > from && !isBody)) {
      return false;
    }
    const calls = line.templates.filter(({ kind }) => kind === "call").map((template) => template.name);
    if (holdsWidth(line.text) || calls.some((call) => call !== name && isChanging(call))) {
      return true;
    }
  }
  return false;
}
