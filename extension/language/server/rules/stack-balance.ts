/**
 * A function that leaves something on the stack, or takes off what it has not put there, before `ret`.
 *
 * Certain where a function's label (called in the file or shared) is followed by straight code up to `ret`: no labels, jumps back, macros or conditional parts,
 * nothing else done to the stack pointer. `push` and `ret` as a jump is left alone: only registers that were pushed to be saved count, which are written to
 * between, and only taking off a register that was saved by nobody.
 */
import type { Bits, Statement, SyntaxFile } from "../syntax.ts";
import type { World } from "../world.ts";
import { instructionOf, registerOf, type Instruction } from "./instruction.ts";
import { PerLine } from "./per-line.ts";
import type { Finding, Rule } from "./rule.ts";
import { scopeOf, type Scope } from "./scope.ts";
import { surveyOf } from "./survey.ts";
import { widthsOf, type Widths } from "./width.ts";

interface Pushed {
  readonly line: number;
  readonly start: number;
  readonly end: number;
  /** The register; undefined for numbers and memory. */
  readonly family: string | undefined;
  isWritten: boolean;
}

function* check(file: SyntaxFile, world: World): Generator<Finding> {
  const returns = surveyOf(file).linesOf("return");
  if (returns.length === 0) {
    return;
  }
  const found = steps.of(file);
  const scope = scopeOf(file, world);
  const widths = widthsOf(file, world);
  let functions: ReadonlySet<string> | undefined;
  let before = -1;
  for (const number of returns) {
    const entry = entryOf(found, number, before);
    before = number;
    if (entry !== undefined) {
      const findings = [...follow(scope, widths, entry, number)];
      if (findings.length > 0) {
        functions ??= functionsOf(file);
        const names = file.lines[entry]?.definitions.map(({ name }) => name) ?? [];
        yield* names.some((name) => functions?.has(name) === true) ? findings : [];
      }
    }
  }
}

/** The longest straight function that is looked at, in lines. */
const reach = 200;

/** What a line is on the way from a function's label to its `ret`. */
interface Step {
  /** Nobody knows what is before it. */
  readonly isStop: boolean;
  readonly label: "none" | "plain" | "other";
  /** Pushes less pops. */
  readonly change: number;
}

const steps = new PerLine((line): Step => {
  const { before, after, fold, includes, definitions, statements } = line;
  const isStop =
    fold !== undefined ||
    before.macros.length > 0 ||
    before.conditions.length > 0 ||
    includes.length > 0 ||
    before.section !== after.section ||
    statements.some(({ kind }) => kind === "call" || kind === "unknown");
  const labels = definitions.filter(({ kind }) => kind === "label" || kind === "local" || kind === "numeric");
  const label =
    labels.length === 0 ? "none" : labels.some(({ kind }) => kind === "label") ? "plain" : "other";
  const change = statements.reduce((sum, statement) => sum + changeOf(statement), 0);
  return { isStop, label, change };
});

function changeOf(statement: Statement): number {
  const mnemonic = statement.kind === "instruction" ? statement.mnemonic.text.toLowerCase() : "";
  return mnemonic.startsWith("push") ? 1 : mnemonic.startsWith("pop") ? -1 : 0;
}

/** The line of the label that straight code up to the return begins with; undefined where as much is pushed as popped, too. */
function entryOf(found: readonly Step[], to: number, after: number): number | undefined {
  let sum = 0;
  for (let number = to; number > Math.max(after, to - reach); number -= 1) {
    const step = found[number];
    if (!step || step.isStop) {
      return undefined;
    }
    sum += step.change;
    if (step.label !== "none") {
      return step.label === "plain" && sum !== 0 ? number : undefined;
    }
  }
  return undefined;
}

/** Names that are called in the file, or shared with others. */
function functionsOf(file: SyntaxFile): ReadonlySet<string> {
  const names = new Set<string>();
  const survey = surveyOf(file);
  for (const number of survey.linesOf("shared")) {
    for (const { kind, token } of file.lines[number]?.linkage ?? []) {
      if (kind === "global") {
        names.add(token.text);
      }
    }
  }
  for (const number of survey.linesOf("use")) {
    const line = file.lines[number];
    const isCall = line?.statements.some(
      (statement) => statement.kind === "instruction" && /^call[wlq]?$/i.test(statement.mnemonic.text),
    );
    for (const { name } of isCall === true ? (line?.references ?? []) : []) {
      names.add(name);
    }
  }
  return names;
}

function* follow(scope: Scope, widths: Widths, from: number, to: number): Generator<Finding> {
  const { file } = scope;
  const stack: Pushed[] = [];
  let pushCount = 0;
  for (let number = from; number <= to; number += 1) {
    const line = file.lines[number];
    for (const statement of line?.statements ?? []) {
      if (!line || (statement.kind !== "instruction" && statement.kind !== "directive")) {
        return;
      }
      if (statement.kind === "directive") {
        if (
          !/^\.(?:cfi_\w+|type|globl|global|size|loc|p?2?align|balign|code\d+)$|^(?:bits|global|align)$/.test(
            statement.name.text,
          )
        ) {
          return;
        }
        continue;
      }
      const one = instructionOf(statement, line);
      const place = { line: number, start: statement.start, end: statement.end };
      if (one.name === "ret" || one.name === "retn") {
        yield* atReturn(stack, place, statement.operands.length);
        return;
      }
      if (one.name === "push") {
        pushCount += 1;
        stack.push({
          ...place,
          family: one.operands[0] && registerOf(one.operands[0])?.family,
          isWritten: false,
        });
      } else if (one.name === "pop") {
        const top = stack.pop();
        const popped = one.operands[0] && registerOf(one.operands[0]);
        if (!top) {
          if (pushCount > 0 && popped && saved.has(popped.family)) {
            const message =
              "Nothing that this function has pushed is left: this takes off the return address, and ret goes astray.";
            yield { ...place, message };
          }
          return;
        }
        if (popped && !mark(stack, popped.family)) {
          return;
        }
      } else if (
        !isPlain(one, statement.mnemonic.text, stack) &&
        !isForeignCall(scope, number, one, widths.at(number))
      ) {
        return;
      }
    }
  }
}

/** Registers that functions keep for their callers. */
const saved: ReadonlySet<string> = new Set(["b", "bp", "si", "di", "r12", "r13", "r14", "r15"]);

/** The register is written to. */
function mark(stack: readonly Pushed[], family: string): boolean {
  if (family === "sp") {
    return false;
  }
  for (const pushed of stack) {
    if (pushed.family === family) {
      pushed.isWritten = true;
    }
  }
  return true;
}

/** Leaves the stack pointer alone and goes on to the next. */
function isPlain({ name, operands }: Instruction, mnemonic: string, stack: readonly Pushed[]): boolean {
  const isOther =
    /^(?:l?call|int|leave|enter|push|pop|xchg|xadd|cmpxchg|j|loop|ljmp|iret|lret|retf|hlt|ud2|sys)/i;
  if (isOther.test(mnemonic)) {
    return false;
  }
  const [destination] = operands;
  const register = destination && registerOf(destination);
  return !register || /^(?:cmp|test|bt)/.test(name) || mark(stack, register.family);
}

/** In 64-bit code functions of C leave the stack as it was: System V ABI, AMD64 supplement, 3.2. */
function isForeignCall(scope: Scope, number: number, { name, operands }: Instruction, bits: Bits): boolean {
  const [target] = operands;
  const value = target?.kind === "target" ? scope.evaluate(target.text, number) : undefined;
  return (
    name === "call" &&
    bits === 64 &&
    value?.number === 0n &&
    value.labels.size === 1 &&
    [...value.labels.keys()].every((label) => !scope.labels.has(label) && !label.includes("@"))
  );
}

function* atReturn(
  stack: readonly Pushed[],
  place: { readonly line: number; readonly start: number; readonly end: number },
  operandCount: number,
): Generator<Finding> {
  const top = stack.at(-1);
  if (
    !top ||
    operandCount > 0 ||
    !stack.every(({ family, isWritten }) => family !== undefined && isWritten)
  ) {
    return;
  }
  const count = stack.length;
  const what = count === 1 ? "What was pushed here is" : `${count} pushed registers are`;
  yield {
    ...place,
    message: `${what.replace("here", `on line ${top.line + 1}`)} still on the stack: ret takes it for the return address.`,
  };
}

export const stackBalance: Rule = {
  code: "stack-balance",
  languages: ["gas", "nasm"],
  severity: "warning",
  title: "push and pop do not match before ret",
  explanation: [
    "`ret` takes the return address from the top of the stack. Where a function has pushed one value more than it has popped, `ret` jumps to that value; where it has popped one more, to whatever the caller had there.",
    "",
    "Every path from a function's label to its `ret` needs as many pops as pushes, in reverse order.",
    "",
    "Only straight code is looked at, from a label that is called or shared to its `ret`, and only registers that are saved: pushed, written to, and to be restored.",
    "",
    "Intel SDM 1, 6.4 Calling Procedures Using CALL and RET.",
  ].join("\n"),
  check,
};
