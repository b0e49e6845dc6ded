/**
 * The end of a boot sector: the signature 0xAA55 at offset 510, and nothing longer than that before it.
 *
 * Certain for flat files of NASM with `org 0x7c00`, and for GNU as where `.org 510` says where the signature is.
 */
import type { SyntaxFile } from "../syntax.ts";
import type { World } from "../world.ts";
import { dataFrom, type Datum } from "./data.ts";
import { layoutOf } from "./layout.ts";
import type { Finding, Rule } from "./rule.ts";
import { assemblerOf, scopeOf, type Scope } from "./scope.ts";
import { surveyOf } from "./survey.ts";

function* check(file: SyntaxFile, world: World): Generator<Finding> {
  const lines = surveyOf(file).linesOf("sector");
  if (lines.length === 0) {
    return;
  }
  const scope = scopeOf(file, world);
  const isFlat = assemblerOf(file) === "nasm";
  if (isFlat && !isBootSector(file, scope)) {
    return;
  }
  for (const number of lines) {
    const fill = isFlat ? fillOf(file, scope, number) : originOf(file, scope, number);
    if (fill) {
      yield* atFill(file, scope, number, fill);
    }
  }
}

/** Padding up to an offset of the sector. */
interface Fill {
  readonly start: number;
  readonly end: number;
  readonly to: bigint;
}

/** `org 0x7c00`, everything in the section that the file begins with. */
function isBootSector(file: SyntaxFile, scope: Scope): boolean {
  const origins = surveyOf(file)
    .linesOf("sector")
    .flatMap((number) => {
      const line = file.lines[number];
      return (line?.statements ?? []).flatMap((statement) =>
        statement.kind === "directive" && statement.name.text === "org"
          ? [
              line?.before.conditions.length === 0
                ? scope.number(statement.operands[0]?.text ?? "", number)
                : undefined,
            ]
          : [],
      );
    });
  return origins.length === 1 && origins[0] === 0x7c00n && scope.isComplete;
}

/** `times 510 - ($ - $$) db 0` */
function fillOf(file: SyntaxFile, scope: Scope, number: number): Fill | undefined {
  const line = file.lines[number];
  const [times, data] = line?.statements ?? [];
  const isFill =
    times?.kind === "directive" &&
    times.name.text === "times" &&
    data?.kind === "directive" &&
    data.name.text === "db" &&
    data.operands.length === 1;
  const text = isFill ? times.operands[0]?.text : undefined;
  if (!line || text === undefined || !isFill || line.before.conditions.length > 0) {
    return undefined;
  }
  const to = layoutOf(scope).filledTo(scope.evaluate(text, number), number);
  return to === undefined ? undefined : { start: times.start, end: times.end, to };
}

/** `.org 510` */
function originOf(file: SyntaxFile, scope: Scope, number: number): Fill | undefined {
  const line = file.lines[number];
  const [statement] = line?.statements ?? [];
  const isOrigin = statement?.kind === "directive" && statement.name.text === ".org";
  const to = isOrigin ? scope.number(statement.operands[0]?.text ?? "", number) : undefined;
  const isCode = line?.before.bits === 16 && line.before.conditions.length === 0;
  return isOrigin && isCode && to === 510n ? { start: statement.start, end: statement.end, to } : undefined;
}

function* atFill(
  file: SyntaxFile,
  scope: Scope,
  number: number,
  { start, end, to }: Fill,
): Generator<Finding> {
  const layout = layoutOf(scope);
  const before = layout.placeOfLine(number);
  const { items, ending } = dataFrom(file, number + 1, 2, "named");
  const bytes = signatureOf(scope, items);
  const [first] = items;
  const last = items.at(-1);
  if (to !== 510n) {
    // 512: the signature was put behind the sector.
    if (to > 510n && to <= 512n && bytes === 0xaa55n) {
      const text = file.lines[number]?.text ?? "";
      const at = text.indexOf(String(to), start);
      const fix = at < 0 ? undefined : { line: number, start: at, end: at + 3, text: "510" };
      yield {
        line: number,
        start,
        end,
        message: `The signature lies at offset ${to} then; a BIOS looks for it at 510.`,
        ...(fix ? { fixes: [{ title: "Fill up to 510", edits: [fix] }] } : {}),
      };
    }
    return;
  }
  if (before && before.atLeast > to) {
    yield {
      line: number,
      start,
      end,
      message: `At least ${before.atLeast} bytes stand before this, more than the 510 that a boot sector has.`,
    };
  }
  if (first && last && bytes === 0x55aan) {
    const isWord = first.width === 2;
    yield {
      line: first.line,
      start: first.start,
      end: isWord || last.line !== first.line ? first.end : last.end,
      message: "The bytes are in the wrong order: 0x55 at offset 510, 0xAA at 511, which is the word 0xAA55.",
      ...(isWord || last.line === first.line
        ? {
            fixes: [
              {
                title: isWord ? "Change to 0xAA55" : "Change to 0x55, 0xAA",
                edits: [
                  {
                    line: first.line,
                    start: first.start,
                    end: isWord ? first.end : last.end,
                    text: isWord ? "0xAA55" : "0x55, 0xAA",
                  },
                ],
              },
            ],
          }
        : {}),
    };
  } else if (items.length === 0 && ending === "other" && isLastOf(file, number)) {
    const word = assemblerOf(file) === "nasm" ? "dw" : ".word";
    const line = file.lines[number];
    const indent = /^\s*/.exec(line?.text ?? "")?.[0] ?? "";
    const at = line?.text.length ?? 0;
    yield {
      line: number,
      start,
      end,
      message: "The signature 0xAA55 is missing behind this: a BIOS does not boot the disk.",
      fixes: [
        {
          title: "Put the signature behind it",
          edits: [{ line: number, start: at, end: at, text: `\n${indent}${word} 0xAA55` }],
        },
      ],
    };
  }
}

/** Nothing but comments follows. */
function isLastOf(file: SyntaxFile, number: number): boolean {
  return file.lines
    .slice(number + 1)
    .every(
      ({ statements, definitions, includes }) =>
        statements.length + definitions.length + includes.length === 0,
    );
}

function signatureOf(scope: Scope, [first, second]: readonly Datum[]): bigint | undefined {
  const low = first && scope.number(first.text, first.line);
  if (!first || low === undefined) {
    return undefined;
  }
  if (first.width === 2) {
    return BigInt.asUintN(16, low);
  }
  const high = first.width === 1 && second?.width === 1 ? scope.number(second.text, second.line) : undefined;
  return high === undefined ? undefined : BigInt.asUintN(16, low + high * 256n);
}

export const bootSector: Rule = {
  code: "boot-sector",
  languages: ["gas", "nasm"],
  severity: "error",
  title: "A boot sector without its signature at offset 510",
  explanation: [
    "A BIOS loads the first 512 bytes of a disk to 0x7C00 and starts them if the last two are 0x55 and 0xAA: as a little-endian word **0xAA55 at offset 510**.",
    "",
    "```nasm",
    "    times 510 - ($ - $$) db 0",
    "    dw 0xAA55",
    "```",
    "",
    "In GNU as: `.org 510`, `.word 0xAA55`. Code and data before it have 510 bytes, or 446 where the disk has a partition table.",
    "",
    "BIOS Boot Specification 1.01, 6.5.1 Booting from BAIDs.",
  ].join("\n"),
  check,
};
