/**
 * Instructions, registers and addresses that do not exist in code of the width they stand in.
 *
 * Certain by the tables of instructions: no form fits that exists in the mode. Silent where nothing has said how wide the code is, in macros, and where a macro
 * has the name of the mnemonic.
 */
import { dialectOf, encodings } from "../knowledge/instructions.ts";
import type { InstructionStatement, Line, Span, SyntaxFile } from "../syntax.ts";
import type { World } from "../world.ts";
import { bit, pathsOf } from "./flow.ts";
import { bitsOf } from "./instruction.ts";
import { PerLine } from "./per-line.ts";
import type { Finding, Rule } from "./rule.ts";
import { widthsOf } from "./width.ts";

interface Misfit extends Span {
  readonly mnemonic: string;
  readonly reason: string;
  readonly isLong: boolean;
}

const none: readonly Misfit[] = [];
/** What the tables say of a text: files have the same instructions many times. */
const answers = new Map<string, { readonly reason: string; readonly modes: readonly number[] } | null>();
const answersMax = 20_000;
const perLine = new PerLine((line, file) => misfitsOf(file, line));

function* check(file: SyntaxFile, world: World): Generator<Finding> {
  const widths = widthsOf(file, world);
  for (const [number, misfits] of perLine.of(file).entries()) {
    for (const { start, end, mnemonic, reason, isLong } of misfits) {
      if (widths.at(number) !== null && !isMacro(world, mnemonic)) {
        const bits = file.lines[number]?.before.bits ?? 0;
        const isEarly = isLong && isBeforeFarJump(file, world, number);
        const hint = isEarly
          ? " Long mode is on, but only the far jump into a 64-bit code segment makes the code 64-bit."
          : "";
        yield { line: number, start, end, message: `${reason} This is ${bits}-bit code.${hint}` };
      }
    }
  }
}

function misfitsOf(file: SyntaxFile, line: Line): readonly Misfit[] {
  const bits = bitsOf(line);
  const isWhole = line.before.continues === null && line.after.continues === null;
  // Bodies of macros are text until somebody calls them.
  if (bits === null || !isWhole || line.before.macros.length > 0 || line.statements.length === 0) {
    return none;
  }
  const found = line.statements
    .filter((statement) => statement.kind === "instruction")
    .flatMap((statement) => misfit(statement, line, file, bits) ?? []);
  return found.length === 0 ? none : found;
}

function misfit(
  statement: InstructionStatement,
  line: Line,
  file: SyntaxFile,
  bits: 16 | 32 | 64,
): Misfit | undefined {
  const dialect = dialectOf(file, line);
  const key = `${bits} ${dialect} ${line.text.slice(statement.start, statement.end)}`;
  let answer = answers.get(key);
  if (answer === undefined) {
    const told = encodings(statement, bits, dialect);
    answer = told.kind === "no" && told.modes.length > 0 ? told : null;
    if (answers.size >= answersMax) {
      answers.clear();
    }
    answers.set(key, answer);
  }
  if (answer === null) {
    return undefined;
  }
  const { reason, modes } = answer;
  const register = statement.operands
    .flatMap(({ registers }) => registers)
    .find(({ text }) => new RegExp(`^\`%?${text.replaceAll(/[()]/g, "\\$&")}\``).test(reason));
  const { start, end } = register ?? statement.mnemonic;
  return {
    start,
    end,
    mnemonic: statement.mnemonic.text,
    reason: reason.replaceAll("`", ""),
    isLong: modes.length === 1 && modes[0] === 64,
  };
}

function isMacro(world: World, mnemonic: string): boolean {
  return world.names
    .named(mnemonic)
    .some(({ definition }) => definition.kind === "macro" || definition.kind === "define");
}

/** Behind the write that switches paging on, on its straight path. */
function isBeforeFarJump(file: SyntaxFile, world: World, line: number): boolean {
  return pathsOf(file, world).some((path) => {
    const isLong = path.some(
      (mark) => mark.kind === "write" && mark.register === "efer" && (mark.set & bit(8)) !== 0n,
    );
    const paging = path.find(
      (mark) => mark.kind === "write" && mark.register === "cr0" && (mark.set & bit(31)) !== 0n,
    );
    return isLong && paging !== undefined && line > paging.line && line <= paging.line + 12;
  });
}

export const instructionMode: Rule = {
  code: "instruction-mode",
  languages: ["gas", "nasm"],
  severity: "error",
  title: "Not encodable in code of this width",
  explanation: [
    "`.code16`, `.code32`, `.code64` (GNU as) and `bits 16`, `bits 32`, `bits 64` (NASM) say how the processor will read the bytes. Some instructions, registers and addresses exist only in some of these modes:",
    "",
    "* RAX … R15, SIL, CR8, RIP-relative addresses: 64-bit code only. They need a REX prefix, whose bytes are `inc` and `dec` elsewhere.",
    "* `pusha`, `popa`, `aaa`, `daa`, `bound`, `into`, `lds`, `les`, far jumps to a written-out address, `push cs`: not in 64-bit code.",
    "* 16-bit addresses such as `[bx + si]`: not in 64-bit code.",
    "",
    "After EFER.LME and CR0.PG are set the processor is in compatibility mode and reads 32-bit code still, until a far jump loads CS with a descriptor whose L bit is set.",
    "",
    "Intel SDM 2A, 3.1.1.3 64/32-bit Mode Column in the Instruction Summary Table; 1, 3.4 Basic Program Execution Registers.",
  ].join("\n"),
  check,
};
