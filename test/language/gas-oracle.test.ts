/**
 * What the parser sees in GNU assembly is what `as` sees: the symbols of the object are the definitions, its undefined ones the references that nothing
 * defines, and the lines with bytes are the lines with instructions and data.
 *
 * Elsewhere: single lines (`gas.test.ts`); all of Linux's arch/x86 (with the index).
 */
import { execFileSync, spawnSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { fileURLToPath } from "node:url";
import { expect, it } from "vitest";
import { open } from "../../extension/language/server/document.ts";
import type { SyntaxFile } from "../../extension/language/server/syntax.ts";
import { expand } from "../../extension/language/server/template.ts";

const hasTools = ["as", "gcc", "nm"].every((tool) => spawnSync(tool, ["--version"]).status === 0);

const root = fileURLToPath(new URL("../..", import.meta.url));
const sources = [
  "media/chainloader/hotswap.S",
  "media/sample-kernel/boot.S",
  "media/sample-kernel/vectors.S",
  "test/symbols/programs/stubs.S",
  "test/guests-boot/dump.S",
  "test/language/programs/dialects.S",
];

interface Names {
  readonly defined: readonly string[];
  readonly undefined: readonly string[];
}

/** What `nm` should say of the file. */
function namesOf(file: SyntaxFile): Names {
  const lines = file.lines;
  const outside = lines.filter((line) => line.before.macros.length === 0);
  const definitions = lines.flatMap((line) => line.definitions);
  const templates = lines.flatMap((line) => line.templates);
  const macroOf = (name: string) => {
    const found = definitions.find(
      (definition) => definition.name === name && /macro|define/.test(definition.kind),
    );
    const own = templates.filter((template) => template.macro === name);
    return found && { parameters: found.parameters ?? [], templates: own };
  };
  const expanded = outside.flatMap((line) =>
    line.statements.flatMap((statement) =>
      statement.kind === "call"
        ? expand(
            statement.name.text,
            statement.operands.map((operand) => operand.text),
            macroOf,
          )
        : [],
    ),
  );
  const defined = new Set([
    ...outside
      .flatMap((line) => line.definitions)
      .filter(({ kind, name }) => (kind === "label" || kind === "constant") && !name.includes("\\"))
      .map(({ name }) => name),
    ...expanded.filter(({ kind }) => kind !== "global").map(({ name }) => name),
  ]);
  const known = new Set(definitions.map(({ name }) => name));
  const used = lines
    .flatMap((line) => [
      ...line.references.filter((reference) => reference.direction === undefined && !reference.isArgument),
      ...line.linkage.filter(({ kind }) => kind !== "extern").map(({ token }) => ({ name: token.text })),
    ])
    .map(({ name }) => name);
  return {
    defined: [...defined].toSorted(),
    undefined: [...new Set(used)].filter((name) => !known.has(name) && !defined.has(name)).toSorted(),
  };
}

it.runIf(hasTools).each(sources)("agrees with as and nm on %s", (source) => {
  const folder = mkdtempSync(path.join(tmpdir(), "gas-"));
  try {
    const object = path.join(folder, "a.o");
    const where = path.join(root, source);
    const text = readFileSync(where, "utf8");
    execFileSync("gcc", ["-m64", "-c", "-o", object, where], { stdio: "pipe" });
    const symbols = execFileSync("nm", ["-a", object], { encoding: "utf8" })
      .split("\n")
      .map((line) => /^\s*[\da-f]*\s+([A-Za-z])\s+(\S+)$/.exec(line))
      .flatMap((found) => (found?.[1] && found[2] ? [{ kind: found[1], name: found[2] }] : []));
    const ours = namesOf(open(`file:///${source}`, "gas", text));
    const sections = new Set(
      symbols.filter(({ name, kind }) => name.startsWith(".") || kind === "N").map(({ name }) => name),
    );
    const isOwn = ({ name }: { readonly name: string }) => !sections.has(name) && !/\.[cS]$/.test(name);
    const theirs = symbols.filter(isOwn);
    expect(ours.defined.filter((name) => !name.startsWith("."))).toEqual(
      theirs
        .filter(({ kind }) => !/[Uw]/.test(kind))
        .map(({ name }) => name)
        .toSorted(),
    );
    expect(ours.undefined).toEqual(
      theirs
        .filter(({ kind }) => /[Uw]/.test(kind))
        .map(({ name }) => name)
        .toSorted(),
    );
  } finally {
    rmSync(folder, { recursive: true });
  }
});

const plain = [
  "start: 1: mov $1, %eax # comment",
  "/* nop",
  "   nop */ nop",
  "  .globl start; .set x, 1",
  '  .asciz "a;b#c"; two: three: ret',
  "  / nop",
  "# nop",
  "  rep; movsb",
  "  .intel_syntax noprefix",
  "  mov eax, dword ptr [rbx + rcx * 4]",
  "  .att_syntax",
  "  x = x + 1",
  "  cmoveq %rax, %rbx; setnaeb %al; movslq %eax, %rbx; fildll (%rax)",
  "  .quad start, 1b",
  "last:",
];

it.runIf(hasTools)("finds instructions and data on the lines where as leaves bytes", () => {
  const folder = mkdtempSync(path.join(tmpdir(), "gas-"));
  try {
    const args = ["-aln", "--64", "-o", path.join(folder, "a.o"), "-"];
    const input = `${plain.join("\n")}\n`;
    const listing = execFileSync("as", args, { encoding: "utf8", input });
    const theirs = listing.split("\n").flatMap((line) => {
      const number = /^ +(\d+) [\dA-Fa-f?]{4,} [\dA-F]{2,}/.exec(line)?.[1];
      return number === undefined ? [] : [Number(number)];
    });
    const ours = open("file:///a.s", "gas", plain.join("\n")).lines.flatMap((line, number) =>
      line.statements.some(
        (statement) =>
          statement.kind === "instruction" ||
          (statement.kind === "directive" && /^\.(?:quad|asciz)$/.test(statement.name.text)),
      )
        ? [number + 1]
        : [],
    );
    expect(ours).toEqual([...new Set(theirs)]);
    expect(ours.length).toBeGreaterThan(6);
  } finally {
    rmSync(folder, { recursive: true });
  }
});
