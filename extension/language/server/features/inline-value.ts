/**
 * Values at the ends of lines while a machine stands still: at the line it stands at, what the instruction is about to read; above it, what the instructions
 * on the way there have written and what is still there; of a conditional instruction whether its condition holds.
 *
 * Invariant: a value is shown only where the machine's state now is the state the line speaks of. So above the stop one goes up only as long as each
 * instruction can have been reached from the one before it alone, and a register that was written again is not shown.
 * Elsewhere: the values (`language/inline-value.ts` asks the debug adapter).
 */
import type { InlineValue, Range } from "vscode-languageserver-types";
import { bytesOfHex, effectOf, wholeRegister, type Effect } from "../effect.ts";
import type { BuiltLine } from "../built.ts";
import type { InstructionStatement, Line, Operand } from "../syntax.ts";
import type { World } from "../world.ts";
import { byLine } from "./inlay-hint.ts";
import { bitsOf, builtOf, effectOn, operandExpression, type Site } from "./operand.ts";

/** How far up results are looked for. */
const linesAbove = 64;

export function inlineValues(world: World, uri: string, range: Range, stoppedLine: number): InlineValue[] {
  const file = world.file(uri);
  const line = file?.lines[stoppedLine];
  if (!file || !line || file.language === "linkerscript") {
    return [];
  }
  const site: Site = { world, file, line, number: stoppedLine };
  const found = [...readAt(site), ...resultsAbove(site)];
  return found.filter(
    ({ range: { start } }) => range.start.line <= start.line && start.line <= range.end.line,
  );
}

function instructionOf({ statements }: Line): InstructionStatement | undefined {
  const [first, ...others] = statements.filter(({ kind }) => kind !== "directive");
  return first?.kind === "instruction" && others.length === 0 ? first : undefined;
}

function readAt(site: Site): InlineValue[] {
  const statement = instructionOf(site.line);
  const effect = effectOn(site);
  if (!statement || !effect) {
    return [];
  }
  const values: InlineValue[] = [];
  const shown = new Set<string>();
  const written = statement.operands.flatMap(({ registers }) => registers.map(({ text }) => text));
  for (const operand of statement.operands) {
    for (const value of operandValues(site, statement, operand, effect)) {
      if (!shown.has(value.expression)) values.push(value);
      shown.add(value.expression);
    }
  }
  const all = new Set(effect.reads.map(wholeRegister));
  for (const name of effect.reads) {
    const isNamed = written.some((text) => wholeRegister(text) === wholeRegister(name));
    // The stack pointer of every push and call would be noise; so would be a part beside its whole.
    if (!isNamed && all.delete(wholeRegister(name)) && !/^[re]?sp$|^[c-gs]s$/.test(name)) {
      values.push(valueOn(site.number, statement.mnemonic, `$${name}`));
    }
  }
  if (effect.condition !== null) {
    values.push(valueOn(site.number, statement.mnemonic, effect.condition));
  }
  return values;
}

interface Evaluated {
  readonly range: Range;
  readonly expression: string;
}

/** Memory an instruction reads or is about to overwrite, an address that it computes; registers that it reads. */
function operandValues(
  site: Site,
  statement: InstructionStatement,
  operand: Operand,
  { reads }: Effect,
): Evaluated[] {
  const isRead = (name: string): boolean => reads.some((read) => wholeRegister(read) === wholeRegister(name));
  const registers = operand.registers
    .filter(({ text }) => isRead(text) && !/^[re]?ip$|^[c-gs]s$/.test(text))
    .map((token) => valueOn(site.number, token, `$${token.text}`));
  const expression = operand.kind === "memory" ? operandExpression(site, statement, operand) : null;
  const memory = expression === null ? [] : [valueOn(site.number, operand, expression)];
  return operand.kind === "memory" || operand.kind === "register" ? [...registers, ...memory] : [];
}

function valueOn(line: number, span: { start: number; end: number }, expression: string): Evaluated {
  return {
    range: { start: { line, character: span.start }, end: { line, character: span.end } },
    expression,
  };
}

/** Registers that instructions above have written by name and that nothing has changed since. */
function resultsAbove(site: Site): InlineValue[] {
  const { world, file, number: stopped } = site;
  const lines = builtOf(world, file)?.lines ?? [];
  const parts = byLine(lines);
  const values: InlineValue[] = [];
  const changed = new Set<string>();
  let next = onlyOne(parts.get(stopped));
  for (let number = stopped - 1; next && number >= 0 && number >= stopped - linesAbove; number -= 1) {
    // A label is where something else may have come from.
    if (hasLabel(file.lines[number + 1])) {
      break;
    }
    const line = file.lines[number];
    const part = onlyOne(parts.get(number));
    if (!line || !part) {
      if (!line || parts.has(number)) break;
      continue;
    }
    const bytes = bytesOfHex(part.bytes);
    const isBefore = BigInt(part.address) + BigInt(bytes.length) === BigInt(next.address);
    const effect = isBefore ? effectOf(bytes, bitsOf({ ...site, line, number })) : null;
    const statement = instructionOf(line);
    if (!effect?.goesOn || !statement) {
      break;
    }
    values.push(...results(number, statement, effect, changed));
    for (const name of effect.touches) changed.add(wholeRegister(name));
    next = part;
  }
  return values.toReversed();
}

function results(
  number: number,
  { operands }: InstructionStatement,
  { writes }: Effect,
  changed: ReadonlySet<string>,
): InlineValue[] {
  const tokens = operands
    .filter(({ kind }) => kind === "register")
    .flatMap(({ registers }) => registers)
    .filter(({ text }) => {
      const whole = wholeRegister(text);
      return writes.some((name) => wholeRegister(name) === whole) && !changed.has(whole);
    });
  // The source may be the target, too: `xor eax, eax`.
  return [...new Map(tokens.map((token) => [token.text, token])).values()].map((token) =>
    valueOn(number, token, `$${token.text}`),
  );
}

const onlyOne = (parts: readonly BuiltLine[] | undefined): BuiltLine | undefined =>
  parts?.length === 1 && parts[0]?.bytes !== "" ? parts[0] : undefined;

const hasLabel = (line: Line | undefined): boolean =>
  line !== undefined &&
  line.definitions.some(({ kind }) => kind === "label" || kind === "local" || kind === "numeric");
