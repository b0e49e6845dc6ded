/**
 * What a script does with the Multiboot header: thrown away, not kept, too far behind.
 *
 * Silent about headers in sections whose names do not begin with ".multiboot", and about distances that no built program shows.
 */
import type { Finding, Rule } from "../../rules/rule.ts";
import type { SyntaxFile } from "../../syntax.ts";
import type { World } from "../../world.ts";
import { treeOf } from "../file.ts";
import { hexadecimal } from "../value.ts";
import { at, covers, isOpenEnded, placings, related, takesAll, type Placing } from "./site.ts";

const isHeader = (name: string): boolean => /^\.multiboot2?(?:[._-]?header)?$/.test(name);

function* checkDiscarded(file: SyntaxFile, world: World): Generator<Finding> {
  let taken = false;
  for (const placing of placings(treeOf(file))) {
    const { pattern, output, input } = placing;
    const names = isHeader(pattern.name.text) ? [pattern.name.text] : headersOf(world);
    const header = names.find((name) => covers(pattern.name.text, name));
    if (header !== undefined && output.name.text === "/DISCARD/" && !taken) {
      if (output.branch === null && input.branch === null) {
        yield at(
          pattern.name,
          `The Multiboot header ("${header}") is thrown away: no boot loader will find it.`,
        );
      }
      return;
    }
    taken ||= header !== undefined;
  }
}

/** Names of sections in the workspace's assembly that hold one. */
function headersOf(world: World): readonly string[] {
  return [".multiboot", ".multiboot2", ".multiboot_header", ".multiboot2_header", ".multiboot.header"].filter(
    (name) =>
      world.names
        .named(name)
        .some(
          ({ uri, definition }) =>
            definition.kind === "section" && world.file(uri)?.language !== "linkerscript",
        ),
  );
}

export const multibootDiscarded: Rule = {
  code: "script-multiboot-discarded",
  languages: ["linkerscript"],
  severity: "error",
  title: "The Multiboot header is thrown away",
  explanation: [
    "`/DISCARD/` takes the section with the Multiboot header. The file links, but a boot loader finds no header and refuses it (`no multiboot header found`).",
    "",
    "Place it first in the output, with `KEEP(*(.multiboot))`.",
    "",
    "*Multiboot Specification*, 3.1.1 The layout of Multiboot header. *ld manual*, Output Section Discarding.",
  ].join("\n"),
  check: checkDiscarded,
};

function* checkKept(file: SyntaxFile, world: World): Generator<Finding> {
  const all = [...placings(treeOf(file))];
  const other = all.find(({ input, pattern }) => input.isKept && !isHeader(pattern.name.text));
  if (!other || all.some(({ input, pattern }) => input.isKept && isHeader(pattern.name.text))) {
    return;
  }
  for (const { input, pattern, output } of all) {
    const isLost = isHeader(pattern.name.text) && !input.isKept && output.name.text !== "/DISCARD/";
    if (isLost && !isUsed(pattern.name.text, world)) {
      const { first, last } = input;
      const fixes =
        first.line === last.line
          ? [
              {
                title: `Keep it: KEEP(${file.lines[first.line]?.text.slice(first.start, last.end) ?? ""})`,
                edits: [
                  { line: first.line, start: first.start, end: first.start, text: "KEEP(" },
                  { line: first.line, start: last.end, end: last.end, text: ")" },
                ],
              },
            ]
          : [];
      yield at(
        pattern.name,
        `The Multiboot header ("${pattern.name.text}") is not in KEEP, as "${other.pattern.name.text}" is: --gc-sections throws it away.`,
        { fixes, related: [related(file, other.pattern.name, "This one is kept.")] },
      );
    }
  }
}

/** Something outside the section uses a label in it, so that it stays: the entry point stands behind the header, say. */
function isUsed(section: string, world: World): boolean {
  const labels = new Set<string>();
  for (const { uri, definition } of world.names.named(section)) {
    const file = definition.kind === "section" ? world.file(uri) : undefined;
    for (const { before, definitions } of file?.lines ?? []) {
      if (before.section === section) {
        definitions.forEach(({ kind, name }) => kind === "label" && labels.add(name));
      }
    }
  }
  for (const file of labels.size > 0 ? world.files() : []) {
    for (const { before, references } of file.lines) {
      if (before.section !== section && references.some(({ name }) => labels.has(name))) {
        return true;
      }
    }
  }
  return false;
}

export const multibootKept: Rule = {
  code: "script-multiboot-keep",
  languages: ["linkerscript"],
  severity: "warning",
  title: "The Multiboot header is not kept",
  explanation: [
    "Nothing refers to a Multiboot header: only the boot loader looks for it. With `--gc-sections` ld throws away what nothing refers to, unless it stands in `KEEP`. This script uses `KEEP` for other sections, so it is linked that way, or is meant to be.",
    "",
    "Write `KEEP(*(.multiboot))`.",
    "",
    "*ld manual*, Input Section Keep.",
  ].join("\n"),
  check: checkKept,
};

function* checkFar(file: SyntaxFile, world: World): Generator<Finding> {
  const tree = treeOf(file);
  const all = [...placings(tree)];
  const header = all.find(({ pattern }) => isHeader(pattern.name.text));
  const [built] = world.built;
  if (
    !header ||
    !built ||
    isOpenEnded(tree) ||
    header.output.branch !== null ||
    header.input.branch !== null
  ) {
    return;
  }
  const limit = limitOf(header.pattern.name.text, world);
  const loaded = built.sections.filter(({ segment, size }) => segment !== null && size > 0);
  const own = loaded.find(({ name }) => name === header.output.name.text);
  const isFirst = header.output.body.find((statement) => statement.kind === "input") === header.input;
  if (!own || !isFirst || limit === null) {
    return;
  }
  const before = loaded.filter(
    (section) => BigInt(section.loadAddress) < BigInt(own.loadAddress) && section.flags.includes("X"),
  );
  // Only code that the script itself puts before it counts, and only its bytes: gaps may not be in the file.
  const codes = before.filter(({ name }) => isBefore(all, name, header));
  const distance = codes.reduce((sum, { size }) => sum + size, 0);
  const [code] = codes;
  if (code && distance >= limit) {
    yield at(
      header.pattern.name,
      `The Multiboot header comes behind "${code.name}", ${hexadecimal(BigInt(distance))} bytes in ${built.path.slice(built.path.lastIndexOf("/") + 1)}: boot loaders look for it in the first ${limit / 1024} KiB of the file.`,
    );
  }
}

function isBefore(all: readonly Placing[], name: string, header: Placing): boolean {
  const placing = all.find(
    ({ output, pattern }) => output.name.text === name && takesAll({ ...header, output, pattern }),
  );
  return (
    placing !== undefined && all.indexOf(placing) < all.indexOf(header) && placing.output !== header.output
  );
}

/** By the magic number in the assembly that has the section. */
function limitOf(name: string, world: World): number | null {
  for (const { uri, definition } of world.names.named(name)) {
    const file = definition.kind === "section" ? world.file(uri) : undefined;
    for (const line of file?.language === "linkerscript" ? [] : (file?.lines ?? [])) {
      if (/1badb002/i.test(line.text)) {
        return 8192;
      }
      if (/e85250d6/i.test(line.text)) {
        return 32768;
      }
    }
  }
  return null;
}

export const multibootFar: Rule = {
  code: "script-multiboot-behind",
  languages: ["linkerscript"],
  severity: "error",
  title: "The Multiboot header is too far behind",
  explanation: [
    "A boot loader looks for the magic number in the first 8 KiB of the file (Multiboot 1), or the first 32 KiB (Multiboot 2). Behind the kernel's code it is found only as long as the code is small.",
    "",
    "Place it before everything else:",
    "",
    "```",
    ".text : {",
    "  KEEP(*(.multiboot))",
    "  *(.text .text.*)",
    "}",
    "```",
    "",
    "*Multiboot Specification*, 3.1 OS image format. *Multiboot2 Specification*, 3.1.",
  ].join("\n"),
  check: checkFar,
};
