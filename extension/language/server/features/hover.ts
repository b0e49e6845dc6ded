/**
 * What the editor shows of what the mouse is on: an instruction, a register, a number by what it is for, a name by its meaning, a directive.
 *
 * Invariant: nothing is shown rather than a guess. Comments and texts have no hovers.
 * Elsewhere: linker scripts (`../script/hover.ts`), what is known (`../knowledge/`), values while a machine stands still (`operand.ts`).
 */
import type { Hover } from "vscode-languageserver-types";
import { directives } from "../completion/directive.ts";
import { valueOf as gasValue } from "../gas/number.ts";
import { valueOf as nasmValue } from "../nasm/number.ts";
import { scriptHover } from "../script/index.ts";
import type { InstructionStatement, Operand, Position, Span, Statement, Token } from "../syntax.ts";
import type { World } from "../world.ts";
import { datumText, entryNumberText } from "./hover/data.ts";
import { valueBefore } from "./hover/flow.ts";
import { instructionText, prefixText } from "./hover/instruction.ts";
import { nameText } from "./hover/name.ts";
import { numberText } from "./hover/number.ts";
import { registerText } from "./hover/register.ts";
import { evaluatorOf, holds, siteAt, type Site } from "./hover/site.ts";
import { paragraphs } from "./hover/text.ts";
import { immediateText, portText } from "./hover/value.ts";
import { rangeOn } from "./place.ts";

export function hover(world: World, uri: string, position: Position): Hover | null {
  const site = siteAt(world, uri, position);
  if (!site) {
    return null;
  }
  if (site.file.language === "linkerscript") {
    return scriptHover(world, uri, position);
  }
  const { column } = position;
  if (site.line.before.inComment || site.line.comments.some((comment) => isInside(comment, column))) {
    return null;
  }
  const statement = site.line.statements.find((one) => holds(one, column));
  const found =
    (statement && (wordHover(site, statement, column) ?? registerHover(site, statement, column))) ??
    nameHover(site, statement, position) ??
    numberHover(site, statement, column);
  return found && found.text !== ""
    ? { contents: { kind: "markdown", value: found.text }, range: rangeOn(site.number, found.span) }
    : null;
}

interface Found {
  readonly span: Span;
  readonly text: string;
}

function isInside({ start, end }: Span, column: number): boolean {
  return start <= column && column < end;
}

function made(span: Span, ...parts: readonly (string | undefined)[]): Found | undefined {
  const texts = parts.filter((part) => part !== undefined && part !== "");
  return texts.length === 0 ? undefined : { span, text: texts.join("\n\n---\n\n") };
}

/** The mnemonic, a prefix, the directive. */
function wordHover(site: Site, statement: Statement, column: number): Found | undefined {
  if (statement.kind === "instruction") {
    const prefix = statement.prefixes.find((token) => holds(token, column));
    if (prefix && !holds(statement.mnemonic, column)) {
      return made(prefix, prefixText(prefix.text));
    }
    return holds(statement.mnemonic, column)
      ? made(statement.mnemonic, instructionText(site, statement))
      : undefined;
  }
  if (statement.kind === "directive" && holds(statement.name, column)) {
    const language = site.file.language === "nasm" ? "nasm" : "gas";
    const found = directives[language].get(statement.name.text);
    return (
      found &&
      made(statement.name, paragraphs(`\`${`${found.name} ${found.operands}`.trim()}\``, found.sentence))
    );
  }
  return undefined;
}

function operandAt(statement: Statement, column: number): Operand | undefined {
  return statement.kind === "unknown"
    ? undefined
    : statement.operands.find((operand) => holds(operand, column));
}

function registerHover(site: Site, statement: Statement, column: number): Found | undefined {
  const register = operandAt(statement, column)?.registers.find(
    ({ start, end }) =>
      start - 1 <= column && column <= end && (start <= column || site.line.text[column] === "%"),
  );
  return register && made(register, portInDx(site, statement, register), registerText(register.text));
}

/** `out dx, al`: the port that was put there. */
function portInDx(site: Site, statement: Statement, { text }: Token): string | undefined {
  const isPort =
    text === "dx" && statement.kind === "instruction" && /^(?:in|out)[bwl]?$/i.test(statement.mnemonic.text);
  const number = isPort ? valueBefore(site, statement, "dx") : undefined;
  return number === undefined ? undefined : portText(number);
}

function nameHover(site: Site, statement: Statement | undefined, position: Position): Found | undefined {
  const occurrence = site.world.names.at(site.file.uri, position);
  if (!occurrence) {
    return undefined;
  }
  const context = occurrence.kind === "reference" ? contextText(site, statement, position.column) : undefined;
  // What it is for comes last: a name is first asked for what it is.
  return made(occurrence.token, nameText(site, occurrence, context), context);
}

/** What the operand's value is for, where it stands. */
function contextText(site: Site, statement: Statement | undefined, column: number): string | undefined {
  const operand = statement && operandAt(statement, column);
  if (!operand) {
    return undefined;
  }
  if (statement.kind === "directive") {
    return datumText(site, operand);
  }
  return statement.kind === "instruction" ? operandText(site, statement, operand) : undefined;
}

function operandText(site: Site, statement: InstructionStatement, operand: Operand): string | undefined {
  if (operand.kind !== "immediate") {
    return undefined;
  }
  const value = operand.value ?? evaluatorOf(site)(operand.text);
  return value === undefined
    ? undefined
    : (immediateText(site, statement, value) ?? entryNumberText(site, statement, value));
}

const literal = /(?<![\w.])\$?\d\w*/g;

function numberHover(site: Site, statement: Statement | undefined, column: number): Found | undefined {
  const { text } = site.line;
  const isQuoted = text.slice(0, column).split('"').length % 2 === 0;
  const match = isQuoted
    ? undefined
    : [...text.matchAll(literal)].find(({ index, 0: word }) =>
        holds({ start: index, end: index + word.length }, column),
      );
  if (!match || !statement) {
    return undefined;
  }
  const [word] = match;
  const isNasm = site.file.language === "nasm";
  // With its sign, where the number is the whole operand.
  const operand = operandAt(statement, column);
  const whole = operand?.kind === "immediate" ? operand.value : undefined;
  const value = whole ?? (isNasm ? nasmValue(word) : gasValue(word.replace(/^\$/, "")));
  if (value === undefined) {
    return undefined;
  }
  const span = { start: match.index, end: match.index + word.length };
  const context = contextText(site, statement, column);
  // A descriptor's eight bytes say nothing as a decimal number.
  return made(span, context, context !== undefined && value >= 1n << 32n ? undefined : numberText(value));
}
