/**
 * Output sections that are given the same memory: by constant addresses and what they hold at least.
 *
 * Silent where an address or a size depends on anything that is not a number of the script, in overlays, for sections in branches, and for sections that may be
 * empty.
 */
import type { Finding, Rule } from "../../rules/rule.ts";
import type { SyntaxFile } from "../../syntax.ts";
import type { World } from "../../world.ts";
import { treeOf } from "../file.ts";
import { sectionsOf, type OutputSection } from "../tree.ts";
import { constantsOf, evaluate, hexadecimal, type Environment } from "../value.ts";
import { at, related } from "./site.ts";

interface Extent {
  readonly section: OutputSection;
  readonly start: bigint;
  readonly size: bigint;
  /** The size is what the built program had. */
  readonly from: string | null;
}

function* check(file: SyntaxFile, world: World): Generator<Finding> {
  const tree = treeOf(file);
  const constants = constantsOf(tree);
  const extents = new Map<"VMA" | "LMA", Extent[]>([
    ["VMA", []],
    ["LMA", []],
  ]);
  for (const section of sectionsOf(tree)) {
    const found = extentOf(section, constants, world);
    if (!found) {
      continue;
    }
    const earlier = extents.get(found.kind) ?? [];
    const other = earlier.find(
      ({ start, size }) => start < found.start + found.size && found.start < start + size,
    );
    if (other) {
      const end = other.start + other.size;
      const size = other.from === null ? "" : ` with the size it had in ${other.from}`;
      const what = found.kind === "VMA" ? "" : "load ";
      yield at(
        section.name,
        other.start === found.start
          ? `"${section.name.text}" and "${other.section.name.text}" both have the ${what}address ${hexadecimal(found.start)}.`
          : `"${section.name.text}" at ${what}address ${hexadecimal(found.start)} overlaps "${other.section.name.text}", which goes from ${hexadecimal(other.start)} to ${hexadecimal(end)}${size}.`,
        {
          related: [
            related(
              file,
              other.section.name,
              `"${other.section.name.text}" begins at ${hexadecimal(other.start)}.`,
            ),
          ],
        },
      );
    }
    earlier.push(found);
  }
}

function extentOf(
  section: OutputSection,
  constants: Environment,
  world: World,
): (Extent & { readonly kind: "VMA" | "LMA" }) | null {
  const isPlain =
    section.branch === null &&
    section.type === null &&
    section.constraint === null &&
    section.region === null &&
    section.loadRegion === null &&
    !section.isInOverlay &&
    section.name.text !== "/DISCARD/";
  const kind = section.at === null ? "VMA" : "LMA";
  const expression = section.at ?? section.address;
  const start = expression && evaluate(expression, constants);
  // Address 0 is what sections have that are not loaded.
  if (!isPlain || start === null || start === 0n) {
    return null;
  }
  const least = leastSize(section, constants);
  const had = builtSize(section, start, kind, world);
  const size = had !== null && had.size > least ? had.size : least;
  const known = size > 0n ? size : holdsSomething(section, world) ? 1n : 0n;
  return known > 0n
    ? { kind, section, start, size: known, from: had !== null && had.size > least ? had.path : null }
    : null;
}

const sizes: Readonly<Record<string, bigint>> = { BYTE: 1n, SHORT: 2n, LONG: 4n, QUAD: 8n, SQUAD: 8n };

/** What data and the location counter make of it, if no input is there. */
function leastSize(section: OutputSection, constants: Environment): bigint {
  let size = 0n;
  for (const statement of section.body) {
    if (statement.branch !== null) {
      continue;
    }
    if (statement.kind === "data") {
      size += sizes[statement.name.text] ?? 0n;
    } else if (statement.kind === "assignment" && statement.target.text === ".") {
      const value = evaluate(statement.value, { ...constants, location: null });
      if (value !== null && statement.operator.text === "=" && value > size) {
        size = value;
      } else if (value !== null && statement.operator.text === "+=" && value < 1n << 40n) {
        size += value;
      }
    }
  }
  return size < 1n << 40n ? size : 0n;
}

function builtSize(
  section: OutputSection,
  start: bigint,
  kind: "VMA" | "LMA",
  world: World,
): { readonly size: bigint; readonly path: string } | null {
  for (const built of world.built) {
    const found = built.sections.find(({ name }) => name === section.name.text);
    const address = found && BigInt(kind === "VMA" ? found.address : found.loadAddress);
    if (found && address === start && found.flags.includes("A")) {
      return { size: BigInt(found.size), path: built.path.slice(built.path.lastIndexOf("/") + 1) };
    }
  }
  return null;
}

/** Assembly of the workspace has a section that goes into it. */
function holdsSomething(section: OutputSection, world: World): boolean {
  return section.body.some(
    (statement) =>
      statement.kind === "input" &&
      statement.branch === null &&
      statement.file?.text === "*" &&
      statement.patterns.some(
        ({ name, excluded }) => excluded.length === 0 && isInAssembly(name.text, world),
      ),
  );
}

function isInAssembly(name: string, world: World): boolean {
  return world.names
    .named(name)
    .some(
      ({ uri, definition }) => definition.kind === "section" && world.file(uri)?.language !== "linkerscript",
    );
}

export const overlap: Rule = {
  code: "script-overlap",
  languages: ["linkerscript"],
  severity: "error",
  title: "Output sections overlap",
  explanation: [
    "Two output sections have the same addresses. ld ends with `section .data LMA [...] overlaps section .text LMA [...]`; with `--no-check-sections` it does not, and a loader writes one over the other.",
    "",
    "Let the location counter count instead of giving addresses: sections without one stand behind each other, and `. = ALIGN(4K);` between them keeps pages apart. Sections that are in memory at different times belong into `OVERLAY`.",
    "",
    "*ld manual*, Output Section Address; Output Section LMA; Overlay Description.",
  ].join("\n"),
  check,
};
