/** The analysis of a file as a table for a terminal. */
import type { FileAnalysisBody, FileFunctionBody } from "../../media/protocol.ts";
import { baseName } from "../files.ts";

const REMEDY =
  'An interrupt that stays on the same stack overwrites the red zone before the handler\'s first instruction. Compile with -mno-red-zone (Rust: a target with "disable-redzone": true), or give the gates an IST stack.';

/** @param all also the functions without a red zone */
export function analysisText(analysis: FileAnalysisBody, all: boolean): string {
  const users = analysis.functions.filter(usesRedZone);
  const shown = all ? analysis.functions : users;
  const lines: string[] = [summary(analysis)];
  if (shown.length > 0) {
    const rows = shown
      .toSorted((a, b) => b.redZoneBytes - a.redZoneBytes || b.frameBytes - a.frameBytes)
      .map((each) => [
        each.redZoneBytes === 0 ? "-" : String(each.redZoneBytes),
        `${each.frameBytes}${each.isDynamic ? "+" : ""}`,
        each.name,
        placeOf(each),
      ]);
    lines.push("", ...columns([["red zone", "stack", "function", "where"], ...rows]), "");
  }
  for (const { name, overwrites } of analysis.functions) {
    for (const { address, kind } of overwrites)
      lines.push(`${name}: the ${kind} at ${address} stores over bytes that it keeps in its own red zone.`);
  }
  if (analysis.incompleteCount > 0) {
    lines.push(
      `${count(analysis.incompleteCount, "function")} could not be followed to the end: assembly of another mode, data among code, jumps through unknown tables.`,
    );
  }
  const without = analysis.units.filter(({ redZone }) => redZone === "yes");
  if (without.length > 0) {
    lines.push(
      `${without.length} of ${count(analysis.units.length, "compilation unit")} built without -mno-red-zone: ${listed(without.map(({ name }) => name))}.`,
    );
  }
  if (users.length > 0 && analysis.kind === "kernel") lines.push(REMEDY);
  lines.push(...analysis.problems.map((problem) => `Not read: ${problem}`));
  return `${lines.join("\n")}\n`;
}

/** "3 of 80 functions use the red zone." */
export function summary({ file, functions, functionCount }: FileAnalysisBody): string {
  const users = functions.filter(usesRedZone).length;
  return `${baseName(file)}: ${users === 0 ? "none" : users} of ${count(functionCount, "function")} ${users > 1 ? "use" : "uses"} the red zone.`;
}

export const usesRedZone = ({ redZoneBytes }: FileFunctionBody): boolean => redZoneBytes > 0;

const count = (number: number, noun: string): string => `${number} ${noun}${number === 1 ? "" : "s"}`;

const LISTED_MAX = 8;
export function listed(names: readonly string[]): string {
  const rest = names.length - LISTED_MAX;
  return rest <= 0 ? names.join(", ") : `${names.slice(0, LISTED_MAX).join(", ")} and ${rest} more`;
}

const placeOf = ({ file, line, member, address }: FileFunctionBody): string =>
  [file === null ? address : `${file}:${line ?? 0}`, ...(member === null ? [] : [member])].join("  ");

function columns(rows: readonly (readonly string[])[]): string[] {
  const widths = rows[0]!.map((_, column) => Math.max(...rows.map((row) => row[column]!.length)));
  return rows.map((row) =>
    row
      .map((cell, column) => (column < 2 ? cell.padStart(widths[column]!) : cell.padEnd(widths[column]!)))
      .join("  ")
      .trimEnd(),
  );
}
