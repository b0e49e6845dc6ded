/**
 * A changed file equals the same text opened anew, whatever was changed; changing a line of a long file parses few lines.
 *
 * Every random test prints its seed when it fails; LANGUAGE_SEED sets it.
 */
import { expect, it } from "vitest";
import { change, changeCounted, open } from "../../extension/language/server/document.ts";
import type { Language, SyntaxFile } from "../../extension/language/server/syntax.ts";
import { randomFrom } from "./random.ts";

const seed = Number(process.env["LANGUAGE_SEED"] ?? 6);

const gasPieces = [
  "a: mov $1, %eax",
  ".macro m x",
  "\\x: nop",
  ".endm",
  "/* open",
  "close */",
  "#define F(a) \\",
  " a: \\",
  "#if X",
  "#else",
  "#endif",
  ".code16",
  ".code64",
  ".if Y",
  ".else",
  ".endif",
  ".pushsection .x",
  ".popsection",
  ".previous",
  ".intel_syntax noprefix",
  ".att_syntax",
  "mov eax, [rbx]",
  "CALL(a,",
  "b)",
  '"',
  "'",
  "\\",
  ";",
  "1: jmp 1b",
  ".globl a",
  "# comment",
  "",
  "%",
  "$",
  "((",
  "))",
  "{",
  "}",
  ",",
  "=",
  "x = 1",
];
const nasmPieces = [
  "a: mov eax, 1",
  ".l: jmp .l",
  "%macro m 1",
  "%1: nop",
  "%%x: jmp %%x",
  "%endmacro",
  "%if X",
  "%elif Y",
  "%else",
  "%endif",
  "bits 16",
  "[bits 64]",
  "struc p",
  ".x: resb 1",
  "endstruc",
  "section .data",
  "db 'a', \"b\", `c`",
  "%define F(a) a + \\",
  "times 510-($-$$) db 0",
  "'",
  '"',
  "`",
  "\\",
  ";",
  "x equ 5",
  "b dd 1",
  "%include 'a'",
  "%{1}",
  "%+",
  "c %+ d: nop",
  "$",
  "$$",
  "[",
  "]",
  "istruc p",
  "at .x, db 1",
  "iend",
  "global a",
  "",
  "m 1",
];

function noise(random: (below: number) => number, pieces: readonly string[]): string {
  if (random(4) === 0) {
    return Array.from({ length: random(30) }, () =>
      String.fromCharCode(random(8) === 0 ? random(0xffff) : random(0x80)),
    )
      .join("")
      .replaceAll(/[\n\r]/g, " ");
  }
  return Array.from({ length: 1 + random(3) }, () => pieces[random(pieces.length)] ?? "").join(
    random(2) === 0 ? "" : " ",
  );
}

function textOf(file: SyntaxFile): string {
  return file.lines.map((line) => line.text).join("\n");
}

it.each([
  ["gas", "file:///a.S", gasPieces],
  ["gas", "file:///a.s", gasPieces],
  ["nasm", "file:///a.asm", nasmPieces],
] as const)("changes %s (%s) at random", (language, uri, pieces) => {
  for (let round = 0; round < 60; round += 1) {
    const random = randomFrom(seed * 1000 + round);
    const start = Array.from({ length: random(30) }, () => noise(random, pieces));
    let file = open(uri, language, start.join("\n"));
    for (let step = 0; step < 8; step += 1) {
      const from = random(file.lines.length + 1);
      const to = Math.min(file.lines.length, from + random(4));
      const lines = Array.from({ length: random(4) }, () => noise(random, pieces));
      file = change(file, { from, to, lines });
      const anew = open(uri, language, textOf(file));
      expect(file, `seed ${seed}, round ${round}, step ${step}`).toEqual(anew);
      spans(file);
    }
  }
});

/** Every token is the text at its place. */
function spans(file: SyntaxFile): void {
  for (const line of file.lines) {
    for (const { token } of [...line.definitions, ...line.references, ...line.linkage]) {
      expect(token.start).toBeGreaterThanOrEqual(0);
      expect(token.end).toBeGreaterThan(token.start);
      expect(line.text.slice(token.start, token.end)).toBe(token.text);
    }
    for (const statement of line.statements) {
      expect(statement.end).toBeLessThanOrEqual(line.text.length);
      expect(statement.start).toBeLessThanOrEqual(statement.end);
    }
  }
}

function long(language: Language, count: number): string {
  const lines = [language === "gas" ? ".code64" : "bits 64"];
  for (let number = 0; lines.length < count; number += 1) {
    lines.push(
      `label_${number}:`,
      ...(language === "gas"
        ? [
            "  movq table+8(%rip), %rax  # load",
            "  addq $42, 16(%rbx,%rcx,4)",
            "1: jnz 1b",
            "  call other@PLT; ret",
          ]
        : [
            "  mov rax, [rel table+8] ; load",
            "  add qword [rbx+rcx*4+16], 42",
            ".again: jnz .again",
            "  call other",
            "  ret",
          ]),
    );
  }
  return lines.slice(0, count).join("\n");
}

it.each([
  ["gas", "file:///a.S"],
  ["nasm", "file:///a.asm"],
] as const)("parses few lines after a change in 20,000 of %s", (language, uri) => {
  const text = long(language, 20_000);
  const cpu = process.cpuUsage();
  const openedAt = performance.now();
  const file = open(uri, language, text);
  const openMs = performance.now() - openedAt;
  const cpuMs = process.cpuUsage(cpu).user / 1000;
  const changedAt = performance.now();
  const typed = changeCounted(file, { from: 10_001, to: 10_002, lines: ["  mov"] });
  const changeMs = performance.now() - changedAt;
  const label = changeCounted(file, { from: 10_000, to: 10_000, lines: ["new:"] });
  const removed = changeCounted(file, { from: 5000, to: 5010, lines: [] });
  const comment = changeCounted(file, { from: 19_000, to: 19_000, lines: [language === "gas" ? "/*" : ";"] });
  console.log(
    `${language}: 20,000 lines opened in ${openMs.toFixed(0)} ms (${cpuMs.toFixed(0)} of processor time), a line changed in ${changeMs.toFixed(1)} ms (${typed.parsedCount} lines parsed)`,
  );
  expect(typed.parsedCount).toBe(1);
  expect(label.parsedCount).toBeLessThanOrEqual(6);
  expect(removed.parsedCount).toBeLessThanOrEqual(6);
  expect(comment.parsedCount).toBeLessThanOrEqual(1001);
});

it("takes time linear in the length of a line", () => {
  for (const [language, uri] of [
    ["gas", "file:///a.S"],
    ["nasm", "file:///a.asm"],
  ] as const) {
    for (const piece of ["(", "a:", "%", "\\", "'", "a+", "/*", "%{", "##", "[", ";", "1f,", "{", "rep "]) {
      const file = open(uri, language, piece.repeat(4000));
      expect(file.lines).toHaveLength(1);
    }
  }
});
