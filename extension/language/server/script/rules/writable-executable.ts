/**
 * A segment that PHDRS makes writable and executable at once.
 *
 * Silent without PHDRS, where ld chooses the segments.
 */
import type { Finding, Rule } from "../../rules/rule.ts";
import type { SyntaxFile } from "../../syntax.ts";
import { treeOf } from "../file.ts";
import { headersOf, sectionsOf, type OutputSection, type ProgramHeader } from "../tree.ts";
import { evaluate } from "../value.ts";
import { at, related } from "./site.ts";

function* check(file: SyntaxFile): Generator<Finding> {
  const tree = treeOf(file);
  const headers = headersOf(tree);
  for (const header of headers) {
    const flags = header.flags && evaluate(header.flags);
    if (isLoaded(header) && flags !== null && (flags & 3n) === 3n) {
      const { first, last } = header.flags ?? header;
      const isOneLine = first.line === last.line;
      yield {
        line: first.line,
        start: first.start,
        end: isOneLine ? last.end : first.end,
        message: `Segment "${header.name.text}" is writable and executable: FLAGS(${flags}) has PF_W (2) and PF_X (1).`,
      };
    }
  }
  yield* shared(file, [...sectionsOf(tree)], headers);
}

/** Without FLAGS a segment has the rights of all its sections together. */
function* shared(
  file: SyntaxFile,
  sections: readonly OutputSection[],
  headers: readonly ProgramHeader[],
): Generator<Finding> {
  let current: readonly string[] = [];
  const code = new Map<string, OutputSection>();
  for (const section of sections) {
    if (section.headers.length > 0) {
      current = section.headers.map(({ text }) => text);
    }
    if (section.branch !== null || section.name.text === "/DISCARD/" || section.type !== null) {
      continue;
    }
    for (const name of current) {
      const header = headers.find((one) => one.name.text === name);
      const text = code.get(name);
      if (!header || header.flags !== null || !isLoaded(header)) {
        continue;
      }
      if (takes(section, ".text")) {
        code.set(name, section);
      } else if (text && takes(section, ".data")) {
        yield at(
          section.name,
          `Segment "${name}" gets code ("${text.name.text}") and writable data ("${section.name.text}"): it is writable and executable.`,
          { related: [related(file, text.name, "The code of the segment.")] },
        );
        code.delete(name);
      }
    }
  }
}

function takes(section: OutputSection, name: string): boolean {
  return section.body.some(
    (statement) =>
      statement.kind === "input" &&
      statement.branch === null &&
      statement.patterns.some((pattern) => pattern.name.text === name),
  );
}

function isLoaded({ type, branch }: ProgramHeader): boolean {
  const isLoad =
    type?.kind === "name" ? type.name.text === "PT_LOAD" : type?.kind === "number" && type.value === 1n;
  return isLoad && branch === null;
}

export const writableExecutable: Rule = {
  code: "script-writable-executable",
  languages: ["linkerscript"],
  severity: "warning",
  title: "A segment is writable and executable",
  explanation: [
    "What can be written and executed lets a stray write change code, and an attacker run data. ld warns of it (`has a LOAD segment with RWX permissions`), and a kernel that sets up its pages from the program headers maps it so.",
    "",
    "Give code and data segments of their own, each beginning on a page:",
    "",
    "```",
    "PHDRS",
    "{",
    "  text PT_LOAD FLAGS(5);   /* read, execute */",
    "  data PT_LOAD FLAGS(6);   /* read, write */",
    "}",
    "```",
    "",
    "*ld manual*, PHDRS Command.",
  ].join("\n"),
  check,
};
