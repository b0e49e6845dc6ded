/**
 * Sections of the built program that no rule of the script places.
 *
 * Silent about scripts with macros or included files, which may place them, and about programs that another script has linked.
 */
import type { Finding, Rule } from "../../rules/rule.ts";
import type { SyntaxFile } from "../../syntax.ts";
import type { World } from "../../world.ts";
import { treeOf } from "../file.ts";
import { sectionsOf } from "../tree.ts";
import { at, covers, isOpenEnded, placings } from "./site.ts";
import { linkedBy } from "./undefined-symbol.ts";

function* check(file: SyntaxFile, world: World): Generator<Finding> {
  const tree = treeOf(file);
  const whole = tree.statements.filter((statement) => statement.kind === "sections");
  const [sections] = whole;
  const isInserted = tree.statements.some(
    (statement) => statement.kind === "command" && statement.name.text === "INSERT",
  );
  const built = sections && !isInserted && !isOpenEnded(tree) ? linkedBy(tree, world) : null;
  if (!built || !sections) {
    return;
  }
  const placed = new Set([...sectionsOf(tree)].map(({ name }) => name.text));
  const patterns = [...placings(tree)].map(({ pattern }) => pattern.name.text);
  const names = new Set(built.sections.map(({ name }) => name));
  // An output section that the program has not may be empty, or have another name since: then only names that compilers choose are surely orphans.
  const isAsBuilt = [...placed].every((name) => name === "/DISCARD/" || names.has(name));
  const orphans = built.sections.filter(
    ({ name, flags, size }) =>
      flags.includes("A") &&
      size > 0 &&
      !placed.has(name) &&
      !patterns.some((pattern) => covers(pattern, name)) &&
      (isAsBuilt || ofCompilers.test(name)),
  );
  if (orphans.length > 0) {
    const path = built.path.slice(built.path.lastIndexOf("/") + 1);
    const list = orphans.map(({ name, address }) => `"${name}" at ${address}`).join(", ");
    yield at(
      sections.first,
      `No rule places ${list} of ${path}: ld put ${orphans.length === 1 ? "it" : "them"} where sections with the same flags are.`,
    );
  }
}

const ofCompilers =
  /^\.(?:rodata|eh_frame|note|got|plt|iplt|igot|rela?\.|init_array|fini_array|ctors|dtors|tdata|tbss|data\.rel|gcc_except_table|dyn|hash|gnu)/;

export const orphan: Rule = {
  code: "script-orphan",
  languages: ["linkerscript"],
  severity: "information",
  title: "Sections of the program that no rule places",
  explanation: [
    "Input sections that no pattern of the script names are *orphans*: ld makes output sections for them behind others with the same flags. They may come to stand before the Multiboot header (`.note.gnu.build-id` does), behind the symbol that should mark the kernel's end, or between sections that should be next to each other.",
    "",
    "Name them in an output section, or throw them away: `/DISCARD/ : { *(.comment .note.*) }`. `--orphan-handling=warn` makes ld say it.",
    "",
    "*ld manual*, Orphan Sections.",
  ].join("\n"),
  check,
};
