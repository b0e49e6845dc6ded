/**
 * A module as WebAssembly text, folded: one statement a line where it fits. Locals and labels are numbers in the order of their making, so that a text changes
 * only where the code does; imports that nobody calls are left out.
 */
import { disassemble, signatureText, type DisassembledFunction, type Expression } from "./disassemble.ts";
import { BRANCH_HINTS } from "./encode.ts";

const COLUMNS = 110;

export function moduleText(bytes: Uint8Array): string {
  const { imports, functions, exports, table } = disassemble(bytes);
  const called = new Set(functions.flatMap(({ callees }) => [...callees]));
  const entries = new Set(table?.entries ?? []);
  const lines = ["(module"];
  for (const { name, params, result } of imports) {
    if (!called.has(name) && !entries.has(name)) continue;
    const signature = signatureText(params, result);
    lines.push(`  (import "host" "${name}" (func $${name}${signature === "" ? "" : ` ${signature}`}))`);
  }
  lines.push(`  (import "host" "memory" (memory 1))`);
  if (table !== null) lines.push(`  (table ${table.size} funcref)`);
  if (entries.size > 0)
    lines.push(`  (elem (i32.const 0) ${[...entries].map((name) => `$${name}`).join(" ")})`);
  for (const f of functions) lines.push(...functionLines(f, exports.has(f.name)));
  return `${lines.join("\n")})\n`;
}

function functionLines(f: DisassembledFunction, isExported: boolean): string[] {
  const head = [
    `  (func $${f.name}`,
    isExported ? `(export "${f.name}")` : "",
    signatureText(f.params, f.result),
  ].filter((part) => part !== "");
  const lines = [head.join(" ")];
  if (f.locals.length > 0) lines.push(`    (local ${f.locals.join(" ")})`);
  for (const expression of f.body) lines.push(...expressionLines(expression, 4));
  return closed(lines);
}

const closed = (lines: string[]): string[] => [...lines.slice(0, -1), `${lines.at(-1) ?? ""})`];

/** An expression on one line, or null if it has a body or is too long. */
function oneLine(expression: Expression, room: number): string | null {
  if (expression.bodies.length > 0) return null;
  let text = `(${expression.head}`;
  for (const operand of expression.operands) {
    const inner = oneLine(operand, room - text.length - 2);
    if (inner === null) return null;
    text += ` ${inner}`;
  }
  text += ")";
  return text.length <= room ? text : null;
}

function expressionLines(expression: Expression, indent: number): string[] {
  const space = " ".repeat(indent);
  const line = oneLine(expression, COLUMNS - indent);
  if (line !== null) return [space + line];
  const lines = [`${space}(${expression.head}`];
  if (expression.likely !== undefined)
    lines.unshift(`${space}(@${BRANCH_HINTS} "\\0${Number(expression.likely)}")`);
  for (const operand of expression.operands) lines.push(...expressionLines(operand, indent + 2));
  const isIf = expression.head.startsWith("if");
  expression.bodies.forEach((body, at) => {
    const inner = indent + (isIf ? 4 : 2);
    const arm = body.flatMap((each) => expressionLines(each, inner));
    if (isIf) lines.push(...closed([`${space}  (${at === 0 ? "then" : "else"}`, ...arm]));
    else lines.push(...arm);
  });
  return closed(lines);
}
