/**
 * Load addresses (LMA) that slipped: AT(ADDR(…)) of another section, a distance with a digit too many or too few.
 *
 * Silent about distances that are only different: sections of one image may well be loaded in several places.
 */
import type { Finding, Rule } from "../../rules/rule.ts";
import type { SyntaxFile } from "../../syntax.ts";
import { treeOf } from "../file.ts";
import { sectionsOf, type Expression, type OutputSection, type Word } from "../tree.ts";
import { constantsOf, evaluate, hexadecimal, type Environment } from "../value.ts";
import { at, related } from "./site.ts";

/** AT(ADDR(section) - distance). */
interface Load {
  readonly section: OutputSection;
  readonly of: Word;
  /** As written, and its value where it has one. */
  readonly distance: {
    readonly text: string;
    readonly value: bigint | null;
    readonly expression: Expression;
  };
}

function* check(file: SyntaxFile): Generator<Finding> {
  const tree = treeOf(file);
  const constants = constantsOf(tree);
  const text = (expression: Expression): string => textOf(file, expression);
  const loads = [...sectionsOf(tree)].flatMap((section) => loadOf(section, constants, text) ?? []);
  for (const load of loads) {
    const { section, of } = load;
    const other = loads.find((one) => one.section.name.text === of.text && one !== load);
    if (
      of.text !== section.name.text &&
      other?.of.text === of.text &&
      other.distance.text === load.distance.text
    ) {
      yield at(
        of,
        `"${section.name.text}" is loaded where "${of.text}" is: AT has the address of "${of.text}", not its own.`,
        {
          fixes: [
            {
              title: `Load it by its own address: ADDR(${section.name.text})`,
              edits: [{ line: of.line, start: of.start, end: of.end, text: section.name.text }],
            },
          ],
          related: [related(file, other.section.name, `"${of.text}" has the same load address.`)],
        },
      );
    }
  }
  yield* digits(
    file,
    loads.filter(({ section, of }) => section.name.text === of.text),
  );
}

/** One distance among others that is sixteen times, or the sixteenth part of theirs: a digit too many or too few. */
function* digits(file: SyntaxFile, loads: readonly Load[]): Generator<Finding> {
  for (const load of loads) {
    const { value, expression } = load.distance;
    const others = loads.filter((other) => other !== load);
    const [usual] = others;
    const common = usual?.distance.value ?? null;
    const isAlone = others.length > 1 && others.every((other) => other.distance.value === common);
    if (usual && isAlone && value !== null && common !== null && value > 0xffffn && isSlip(value, common)) {
      const { first, last } = expression;
      yield {
        line: first.line,
        start: first.start,
        end: last.line === first.line ? last.end : first.end,
        message: `The load address of "${load.section.name.text}" is ${hexadecimal(value)} below its address; that of the other sections is ${hexadecimal(common)} below.`,
        ...(first.line === last.line
          ? {
              fixes: [
                {
                  title: `Write ${usual.distance.text}, as the other sections`,
                  edits: [{ line: first.line, start: first.start, end: last.end, text: usual.distance.text }],
                },
              ],
            }
          : {}),
        related: [related(file, usual.section.name, `"${usual.section.name.text}": ${hexadecimal(common)}.`)],
      };
    }
  }
}

function isSlip(value: bigint, common: bigint): boolean {
  return value === common * 16n || value * 16n === common;
}

function loadOf(
  section: OutputSection,
  constants: Environment,
  text: (expression: Expression) => string,
): Load | null {
  const { at: load, branch } = section;
  if (!load || branch !== null || load.kind !== "binary" || load.operator !== "-") {
    return null;
  }
  const { left, right } = load;
  const [argument] = left.kind === "call" && left.name.text === "ADDR" ? left.arguments : [];
  return argument?.kind === "name"
    ? {
        section,
        of: argument.name,
        distance: { text: text(right), value: evaluate(right, constants), expression: right },
      }
    : null;
}

function textOf(file: SyntaxFile, { first, last }: Expression): string {
  return first.line === last.line
    ? (file.lines[first.line]?.text.slice(first.start, last.end) ?? "")
    : `${first.line}:${first.start}`;
}

export const loadAddress: Rule = {
  code: "script-load-address",
  languages: ["linkerscript"],
  severity: "error",
  title: "A section is loaded at a wrong address",
  explanation: [
    "A kernel in the higher half runs at one address (VMA) and is loaded at another (LMA), which is the same distance below for all sections: `AT(ADDR(.data) - KERNEL_BASE)`. The boot loader copies to the LMA. With another section's name, or another distance, the section is copied over something else, and is missing where it is used: often all that is seen is a triple fault.",
    "",
    "It is enough to say it once: a section without `AT` keeps the distance of the one before it.",
    "",
    "*ld manual*, Output Section LMA.",
  ].join("\n"),
  check,
};
