/**
 * What an assembly file became: for each line with code its addresses and bytes, by the line table.
 *
 * NASM's table has a row for every line that emitted anything, so that a row's bytes are the line's. GNU as has rows for instructions alone: what
 * `.long` or `.align` left behind an instruction lies in that instruction's row. So of a line that holds instructions as many are decoded as it holds,
 * in the width that the source says; and where that cannot be counted (a macro's call), bytes are told only if the next row follows with nothing between.
 */
import { decode, type CodeBits } from "../../../debug-adapter/disassembly/index.ts";
import type { LineEntry, SymbolImage } from "../../../debug-adapter/symbols/index.ts";
import type { BuiltLine } from "../server/built.ts";
import { isPrefix } from "../server/mnemonic.ts";
import type { Line, SyntaxFile } from "../server/syntax.ts";

/** A row longer than this is no instruction's and no sensible macro's. */
const longestRow = 4096;

/** @param recorded The file as the line table names it. */
export function linesOfFile(image: SymbolImage, recorded: string, file: SyntaxFile): readonly BuiltLine[] {
  const rows = image.rowsOf(recorded).filter(({ line }) => line > 0);
  const ofElf = image.architecture === "x86-64" ? 64 : 32;
  const lines: BuiltLine[] = [];
  const next = nextLines(file);
  for (const [index, row] of rows.entries()) {
    const line = file.lines[row.line - 1];
    if (!line) continue;
    const follower = rows[index + 1];
    const isClosed = follower?.low === row.high && next(row.line - 1) === follower.line - 1;
    for (const part of partsOf(image, row, { line, language: file.language, isClosed, ofElf }))
      lines.push({ line: row.line - 1, ...part });
  }
  return lines.sort((a, b) => (BigInt(a.address) < BigInt(b.address) ? -1 : 1));
}

/** The line with the next statement that leaves code; what stands between leaves nothing. -1 if something else may. */
function nextLines(file: SyntaxFile): (line: number) => number {
  return (line) => {
    for (let at = line + 1; at < file.lines.length; at += 1) {
      const statements = file.lines[at]?.statements ?? [];
      const other = statements.some(({ kind }) => kind === "directive" || kind === "unknown");
      if (other) return -1;
      if (statements.some(({ kind }) => kind === "instruction" || kind === "call")) return at;
    }
    return -1;
  };
}

interface Source {
  readonly line: Line;
  readonly language: SyntaxFile["language"];
  /** Whether all bytes up to the next row are the line's. */
  readonly isClosed: boolean;
  readonly ofElf: CodeBits;
}

function partsOf(
  image: SymbolImage,
  { low, high }: LineEntry,
  { line, language, isClosed, ofElf }: Source,
): readonly Omit<BuiltLine, "line">[] {
  const length = Number(high - low);
  const instructions = instructionCount(line);
  const isCode = instructions > 0 || line.statements.some(({ kind }) => kind === "call");
  const isExact = language === "nasm" || isClosed;
  const isRepeated = language === "nasm" && !isCode && /^\s*(?:[\w.$@?~#]+:\s*)?times\b/i.test(line.text);
  if (!isCode && !isRepeated) return [];
  const address = `0x${low.toString(16)}`;
  const isCall = line.statements.some(({ kind }) => kind === "call");
  const bytes = length <= longestRow ? image.code(low, length) : null;
  if (bytes === null || bytes.length < length || isRepeated || (isCall && !isExact))
    return isCode ? [{ address, bytes: "" }] : [];
  const bits = line.before.bits ?? ofElf;
  const limit = language === "nasm" || isCall ? Number.POSITIVE_INFINITY : instructions;
  const parts: Omit<BuiltLine, "line">[] = [];
  decode(bytes, low, bits, "att", 0n, (instruction) => {
    if (!instruction.isValid) {
      // Data in the midst of code, or a mode that the source does not tell: all that is certain is which bytes these are.
      parts.splice(0, parts.length, { address, bytes: isExact ? hex(bytes) : "" });
      return false;
    }
    parts.push({ address: `0x${instruction.address.toString(16)}`, bytes: hex(instruction.bytes) });
    return parts.length < limit;
  });
  // A macro may have changed the width: then only the bytes as a whole are certain.
  const decoded = parts.reduce((sum, part) => sum + part.bytes.length / 2, 0);
  return isExact && decoded !== length ? [{ address, bytes: hex(bytes) }] : parts;
}

/** Prefixes that stand alone ("lock;") are part of the instruction behind them. */
function instructionCount({ statements }: Line): number {
  return statements.filter(
    (statement) => statement.kind === "instruction" && !isPrefix(statement.mnemonic.text),
  ).length;
}

const hex = (bytes: Uint8Array): string =>
  Array.from(bytes, (byte) => byte.toString(16).padStart(2, "0")).join("");
