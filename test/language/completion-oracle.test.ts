/**
 * Mnemonics that are offered are those of the assemblers in that mode, but for instructions that are newer than the installed ones. And registers that are offered in operands are those that the assemblers take there, no more and no fewer: every pair of a sample of registers, for instructions
 * of all kinds, in each mode and dialect.
 */
import { spawnSync } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { afterAll, describe, expect, it } from "vitest";
import { mnemonicOffers } from "../../extension/language/server/completion/mnemonic.ts";
import { completion } from "../../extension/language/server/features/completion.ts";
import { Workspace } from "../../extension/language/server/workspace.ts";

const has = (tool: string, flag: string): boolean => spawnSync(tool, [flag]).status === 0;
const folder = mkdtempSync(path.join(tmpdir(), "offers-"));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

const registers = "al ah sil ax dx eax r8d rax r9 ds gs cr0 cr8 dr7 st mm1 xmm0 xmm9 ymm1".split(" ");
const firsts = "al ax dx eax rax r9 ds cr0 dr7 xmm0 mm1 ymm1".split(" ");
const mnemonics =
  "mov xchg add test push pop in out shl bswap mul imul not inc bsf cmovz sete ltr lldt str smsw lmsw verr movd addsd pxor cvtsi2sd bt xadd cmpxchg lar lsl popcnt rdrand".split(
    " ",
  );
const suffixed = "movb movw movl movq pushw pushl pushq popq addq shll movzbl movzwl movslq inb outl".split(
  " ",
);

type Dialect = "att" | "intel" | "nasm";
type Width = 16 | 32 | 64;

const begin = (dialect: Dialect, bits: Width): string =>
  ({ att: `.code${bits}`, intel: `.intel_syntax noprefix; .code${bits}`, nasm: `bits ${bits}` })[dialect];

const longOnly = /\b(?:sil|r8d|rax|r9|cr8|xmm9)\b/;

/** Which of these lines the assembler takes. */
function taken(dialect: Dialect, bits: Width, all: readonly string[]): ReadonlySet<string> {
  // A register that the mode has not keeps NASM from looking at anything else.
  const lines = dialect === "nasm" && bits !== 64 ? all.filter((line) => !longOnly.test(line)) : all;
  const file = path.join(folder, `${dialect}${bits}.s`);
  writeFileSync(file, [begin(dialect, bits), ...lines, ""].join("\n"));
  // A file of our own: where there are errors NASM removes what it was to write, and as root that may be a device.
  const object = `${file}.o`;
  const [tool, args] =
    dialect === "nasm"
      ? ["nasm", ["-f", "elf64", "-w-all", "-o", object, file]]
      : ["as", [bits === 64 ? "--64" : "--32", "-o", object, file]];
  const { stderr } = spawnSync(tool as string, args as string[], { encoding: "utf8", maxBuffer: 1 << 28 });
  const wrong = new Set(
    [...stderr.matchAll(/^[^:\n]+:(\d+): (?:[Ee]rror|fatal)/gm)].map(([, line]) => Number(line)),
  );
  return new Set(lines.filter((_, number) => !wrong.has(number + 2)));
}

/** Every mnemonic that is offered after one, two or three letters. */
function mnemonicsOf(dialect: Dialect, bits: Width): readonly string[] {
  const letters = "abcdefghijklmnopqrstuvwxyz".split("");
  const begins = letters.flatMap((first) => [
    first,
    ...letters.flatMap((second) => [first + second, ...letters.map((third) => first + second + third)]),
  ]);
  const found = new Set<string>();
  for (const begun of begins) {
    for (const { label } of mnemonicOffers(dialect, bits, begun, undefined)) found.add(label);
  }
  return [...found].toSorted();
}

/** Instructions that Binutils 2.40 or NASM 2.16 do not know yet. */
const newer =
  /^(?:v(?:pdpw|sha512|sm[34]|p2inter|p4dp|bcst|cvtps2ph|f?c?f?n?m(?:add|sub|ul)|max|min|rndscale|permil2)|aes(?:dec|enc)|encodekey|loadiwkey|eret|lkgs|pbndkb|invlpgb|tlbsync|mcommit|rdpru|psmash|rmp|tdcall|seam|tdpfp16)/;

/** Registers that are offered behind `head`, as they are written. */
function offered(dialect: Dialect, bits: Width, head: string): ReadonlySet<string> {
  const world = new Workspace();
  const uri = dialect === "nasm" ? "file:///a.asm" : "file:///a.s";
  world.open(uri, dialect === "nasm" ? "nasm" : "gas", `${begin(dialect, bits)}\n${head}`);
  return new Set(completion(world, uri, { line: 1, column: head.length }).items.map(({ label }) => label));
}

/**
 * What the assemblers take and nobody should be offered: ports with an accumulator that is not written, `lock mov cr0` by the name of cr8, `movd` for what is
 * `movq`; and without sigils a register that the mode has not is the name of a symbol.
 */
function isOdd(line: string, dialect: Dialect, bits: Width): boolean {
  const isSymbol = dialect === "intel" && bits !== 64 && longOnly.test(line);
  return (
    isSymbol ||
    /^ outl? %?dx$/.test(line) ||
    (bits !== 64 && line.includes("cr8")) ||
    line.startsWith(" movd ")
  );
}

const cases = (["att", "intel", "nasm"] as const).flatMap((dialect) =>
  ([16, 32, 64] as const).map((bits) => [dialect, bits] as const),
);

describe.runIf(has("as", "--version") && has("nasm", "-v"))("mnemonics", () => {
  it.each(cases)("%s, %i bits", (dialect, bits) => {
    const names = mnemonicsOf(dialect, bits);
    const file = path.join(folder, `names-${dialect}${bits}.s`);
    // A name that is none is a label to NASM, where nothing stands before it.
    const lines = names.map((name) => (dialect === "nasm" ? `l_${name}: ${name}` : ` ${name}`));
    writeFileSync(file, [begin(dialect, bits), ...lines, ""].join("\n"));
    const said =
      dialect === "nasm"
        ? spawnSync("nasm", ["-f", "elf64", "-w-all", "-o", `${file}.o`, file], { encoding: "utf8" })
        : spawnSync("as", [bits === 64 ? "--64" : "--32", "-o", `${file}.o`, file], { encoding: "utf8" });
    // Operands are wanted by nearly all; that is another matter.
    const unknown = [
      ...said.stderr.matchAll(/:(\d+): [Ee]rror: .*(?:no such instruction|instruction expected|bit mode)/g),
    ].map(([, line]) => names[Number(line) - 2] ?? "");
    expect(unknown.filter((name) => !newer.test(name))).toEqual([]);
    expect(names.length).toBeGreaterThan(1500);
  });
});

describe.runIf(has("as", "--version") && has("nasm", "-v"))("registers", () => {
  it.each(cases)("%s, %i bits", (dialect, bits) => {
    const sigil = dialect === "att" ? "%" : "";
    const names = dialect === "att" ? [...mnemonics, ...suffixed] : mnemonics;
    const pairs = names.flatMap((mnemonic) =>
      firsts.flatMap((first) =>
        registers.map((second) => [` ${mnemonic} ${sigil}${first}, `, sigil + second] as const),
      ),
    );
    const singles = names.flatMap((mnemonic) =>
      registers.map((first) => [` ${mnemonic} `, sigil + first] as const),
    );
    const accepted = taken(
      dialect,
      bits,
      [...pairs, ...singles].map(([head, register]) => head + register),
    );
    const wrong: string[] = [];
    const missing: string[] = [];
    const offers = new Map<string, ReadonlySet<string>>();
    for (const [head, register] of [...pairs, ...singles]) {
      const list = offers.get(head) ?? offered(dialect, bits, head);
      offers.set(head, list);
      const isTaken = accepted.has(head + register);
      // A first operand may need a second.
      const isAlone = !head.includes(",");
      if (list.has(register) && !isTaken && !isAlone) wrong.push(head + register);
      if (!list.has(register) && isTaken && !isOdd(head + register, dialect, bits))
        missing.push(head + register);
    }
    expect({ wrong: wrong.slice(0, 25), missing: missing.slice(0, 25) }).toEqual({ wrong: [], missing: [] });
    expect(accepted.size).toBeGreaterThan(100);
  });
});
