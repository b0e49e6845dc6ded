/**
 * A Multiboot header whose magic number is not one.
 *
 * Certain only for numbers that begin what is named "multiboot" (section or label) and that are nearly a magic number, or the one that the loader hands over.
 */
import type { SyntaxFile } from "../syntax.ts";
import type { World } from "../world.ts";
import { dataFrom, type Datum } from "./data.ts";
import { magics } from "./multiboot.ts";
import type { Finding, Rule } from "./rule.ts";
import { scopeOf } from "./scope.ts";
import { surveyOf } from "./survey.ts";

const handedOver: ReadonlyMap<bigint, bigint> = new Map([
  [0x2bad_b002n, magics[1]],
  [0x36d7_6289n, magics[2]],
]);

function* check(file: SyntaxFile, world: World): Generator<Finding> {
  const lines = surveyOf(file).linesOf("multiboot");
  if (lines.length === 0) {
    return;
  }
  const scope = scopeOf(file, world);
  const seen = new Set<number>();
  for (const number of lines) {
    const [magic, ...others] = named(file, number);
    if (!magic || magic.width !== 4 || others.length < 2 || seen.has(magic.line)) {
      continue;
    }
    seen.add(magic.line);
    const written = scope.number(magic.text, magic.line);
    const value = written === undefined ? undefined : BigInt.asUintN(32, written);
    const right = value === undefined ? undefined : meant(value);
    if (value !== undefined && right !== undefined) {
      const { line, start, end } = magic;
      const text = hexadecimal(right);
      const isLoaders = handedOver.has(value);
      const isNumber = /^\w+$/.test(magic.text) && /^\d/.test(magic.text);
      yield {
        line,
        start,
        end,
        message: isLoaders
          ? `${hexadecimal(value)} is what the loader leaves in EAX; the header begins with ${text}.`
          : `A Multiboot header begins with ${text}, not with ${hexadecimal(value)}.`,
        ...(isNumber ? { fixes: [{ title: `Change to ${text}`, edits: [{ line, start, end, text }] }] } : {}),
      };
    }
  }
}

/** The numbers at a label or at the start of a section that is named so. */
function named(file: SyntaxFile, number: number): readonly Datum[] {
  const line = file.lines[number];
  const section = line && line.after.section !== line.before.section ? line.after.section : "";
  const isLabel = line?.definitions.some(({ kind, name }) => kind === "label" && isName(name)) ?? false;
  if (isName(section)) {
    return dataFrom(file, number + 1, 3, "aligned").items;
  }
  return isLabel ? dataFrom(file, number, 3, "aligned").items : [];
}

function isName(name: string): boolean {
  return /multi_?boot|mboot/i.test(name);
}

/** The magic number that somebody meant: the one for the other side, one with its bytes reversed, or with two digits wrong at most. */
function meant(value: bigint): bigint | undefined {
  const other = handedOver.get(value);
  if (other !== undefined) {
    return other;
  }
  const text = digits(value);
  return Object.values(magics).find((magic) => {
    const right = digits(magic);
    const reversed = (right.match(/../g) ?? []).toReversed().join("");
    return text !== right && (text === reversed || distance(text, right) <= 2 || isCutShort(text, right));
  });
}

/** 0x1BADB02: a digit was lost. */
function isCutShort(text: string, right: string): boolean {
  const short = text.replace(/^0/, "");
  return (
    short.length === 7 &&
    Array.from(right, (_, at) => right.slice(0, at) + right.slice(at + 1)).includes(short)
  );
}

function digits(value: bigint): string {
  return value.toString(16).padStart(8, "0");
}

function distance(a: string, b: string): number {
  return Array.from(a).filter((digit, at) => digit !== b[at]).length;
}

function hexadecimal(value: bigint): string {
  return `0x${digits(value).toUpperCase()}`;
}

export const multibootMagic: Rule = {
  code: "multiboot-magic",
  languages: ["gas", "nasm"],
  severity: "error",
  title: "Wrong magic number of a Multiboot header",
  explanation: [
    "A loader searches the first 8 KiB (Multiboot 1) or 32 KiB (Multiboot 2) of the file for the header's magic number:",
    "",
    "| | header | left in EAX by the loader |",
    "|---|---|---|",
    "| Multiboot 1 | `0x1BADB002` | `0x2BADB002` |",
    "| Multiboot 2 | `0xE85250D6` | `0x36D76289` |",
    "",
    "Multiboot Specification 0.6.96, 3.1.2 and 3.2; Multiboot2 Specification 2.0, 3.1.2 and 3.3.",
  ].join("\n"),
  check,
};
