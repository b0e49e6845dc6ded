/**
 * Descriptor tables as a file loads them: `lgdt` and `lidt` with the label of their operand, which lies in the same file.
 *
 * Invariant: only what is certainly read as limit and base is here: the operand is one label, without registers other than RIP, and the numbers stand at it.
 */
import type { Bits, InstructionStatement, SyntaxFile } from "../syntax.ts";
import type { World } from "../world.ts";
import { dataFrom, type Data } from "./data.ts";
import { scopeOf, type Scope } from "./scope.ts";
import { surveyOf } from "./survey.ts";
import { widthsOf } from "./width.ts";

export interface Load {
  readonly table: "GDT" | "IDT";
  readonly line: number;
  readonly statement: InstructionStatement;
  readonly bits: Bits;
  /** The line of the label. */
  readonly at: number;
  readonly label: string;
  readonly scope: Scope;
  readonly data: Data;
}

export function* loadsOf(file: SyntaxFile, world: World): Generator<Load> {
  const lines = surveyOf(file).linesOf("table");
  if (lines.length === 0) {
    return;
  }
  const scope = scopeOf(file, world);
  for (const number of lines) {
    const line = file.lines[number];
    for (const statement of line?.statements ?? []) {
      if (!line || statement.kind !== "instruction" || !/^l[gi]dt/i.test(statement.mnemonic.text)) {
        continue;
      }
      const label = labelOf(statement, number, scope);
      const entries = label === undefined ? [] : (scope.labels.get(label) ?? []);
      const [entry] = entries;
      if (label === undefined || !entry || entries.length !== 1 || entry.file !== file) {
        continue;
      }
      yield {
        table: /^lg/i.test(statement.mnemonic.text) ? "GDT" : "IDT",
        line: number,
        statement,
        bits: widthsOf(file, world).at(number),
        at: entry.line,
        label,
        scope,
        data: dataFrom(file, entry.line, 3, "named"),
      };
    }
  }
}

function labelOf({ operands }: InstructionStatement, line: number, scope: Scope): string | undefined {
  const [operand] = operands;
  const isPlain = operand?.registers.every((register) =>
    ["rip", "cs", "ds", "es", "ss"].includes(register.text),
  );
  if (!operand || operands.length !== 1 || operand.kind !== "memory" || isPlain !== true) {
    return undefined;
  }
  const value = operand.displacement === undefined ? undefined : scope.evaluate(operand.displacement, line);
  const [only] = value && value.number === 0n && value.labels.size === 1 ? value.labels : [];
  const name = only?.[1] === 1n ? only[0] : undefined;
  // The places that `scope.ts` makes names for are lines.
  return name?.includes("@") === true && !scope.labels.has(name) ? name.slice(0, name.indexOf("@")) : name;
}
