/**
 * Long mode switched on in the wrong order: paging is enabled with EFER.LME set while CR4.PAE is still clear.
 *
 * Certain where LME and then PG are set on one straight path and PAE comes only later on it, or nothing in the whole of a file that begins the boot
 * touches CR4.
 */
import type { SyntaxFile } from "../syntax.ts";
import type { World } from "../world.ts";
import { bit, pathsOf, type Mark, type Path } from "./flow.ts";
import type { Finding, Rule } from "./rule.ts";
import { scopeOf, type NameTable } from "./scope.ts";
import { surveyOf } from "./survey.ts";

type Write = Extract<Mark, { kind: "write" }>;

function* check(file: SyntaxFile, world: World): Generator<Finding> {
  for (const path of pathsOf(file, world)) {
    const wrong = orderOf(path);
    if (wrong && (wrong.late || isUntouched(file, world))) {
      const { enable, late, paging } = wrong;
      yield {
        line: paging.line,
        start: paging.start,
        end: paging.end,
        message: late
          ? "Paging is switched on with EFER.LME set before CR4.PAE is: the processor answers with #GP."
          : "Paging is switched on with EFER.LME set, but nothing sets CR4.PAE: the processor answers with #GP.",
        related: [
          { uri: file.uri, ...placeOf(enable), message: "EFER.LME is set here." },
          ...(late ? [{ uri: file.uri, ...placeOf(late), message: "CR4.PAE is set only here." }] : []),
        ],
      };
    }
  }
}

function placeOf({ line, start, end }: Write): {
  readonly line: number;
  readonly start: number;
  readonly end: number;
} {
  return { line, start, end };
}

interface Order {
  readonly enable: Write;
  readonly paging: Write;
  readonly late: Write | undefined;
}

/** LME, then PG, with CR4 written neither before nor between. */
function orderOf(path: Path): Order | undefined {
  let enable: Write | undefined;
  let paging: Write | undefined;
  for (const mark of path) {
    if (mark.kind !== "write") {
      continue;
    }
    if (mark.register === "cr4") {
      const isLate = paging !== undefined && (mark.set & bit(5)) !== 0n;
      return enable && paging && isLate ? { enable, paging, late: mark } : undefined;
    }
    if (mark.register === "efer" && (mark.set & bit(8)) !== 0n) {
      enable ??= mark;
    } else if (mark.register === "cr0" && (mark.set & bit(31)) !== 0n && enable) {
      paging ??= mark;
    }
  }
  return enable && paging && { enable, paging, late: undefined };
}

/** The file begins the boot, nothing in it mentions CR4, and it calls nothing that might. */
function isUntouched(file: SyntaxFile, world: World): boolean {
  const survey = surveyOf(file);
  const scope = scopeOf(file, world);
  if (!scope.isComplete || scope.files.length > 1) {
    return false;
  }
  const isBoot =
    scope.labels.has("_start") ||
    file.lines.some((line) => /(?:1badb002|e85250d6)\b|\borg\s+(?:0x7c00|7c00h)\b/i.test(line.text));
  const isMentioned = survey.linesOf("control").some((number) => /cr4/i.test(file.lines[number]?.text ?? ""));
  return (
    isBoot &&
    !isMentioned &&
    file.lines.every((line) => line.before.macros.length > 0 || isClear(line, scope.labels))
  );
}

function isClear({ statements, definitions }: SyntaxFile["lines"][number], labels: NameTable): boolean {
  return (
    definitions.every(({ kind }) => kind !== "macro") &&
    statements.every((statement) => {
      if (statement.kind === "instruction") {
        const target = statement.operands[0];
        const isCall = /^l?call/i.test(statement.mnemonic.text);
        return !isCall || (target?.kind === "target" && labels.has(target.text.trim()));
      }
      return statement.kind === "directive" || statement.kind === "assignment";
    })
  );
}

export const paeBeforePaging: Rule = {
  code: "pae-before-paging",
  languages: ["gas", "nasm"],
  severity: "error",
  title: "Long mode without PAE",
  explanation: [
    "Long mode's page tables are an extension of PAE's. With EFER.LME set, setting CR0.PG while CR4.PAE is clear raises #GP(0), which without handlers is a triple fault.",
    "",
    "The order of the manual: paging off, **CR4.PAE**, CR3 with the PML4, **EFER.LME**, then **CR0.PG**, then a far jump into a 64-bit code segment.",
    "",
    "```nasm",
    "    mov eax, cr4",
    "    or eax, 1 << 5      ; PAE",
    "    mov cr4, eax",
    "```",
    "",
    "Intel SDM 3A, 9.8.5 Initializing IA-32e Mode; 4.1.2 Paging-Mode Enabling.",
  ].join("\n"),
  check,
};
