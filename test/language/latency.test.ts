/**
 * Typing in a file of 20,000 lines, over a real connection: how long it takes from a keystroke to the list of completions, and to the diagnostics (whose pause is
 * part of it). Times are printed; what is bounded are counts: lines that are parsed again and lines of the index that are made again.
 */
import { afterEach, describe, expect, it } from "vitest";
import { change, open } from "../../extension/language/server/document.ts";
import { emptyPart, updatePart } from "../../extension/language/server/index/part.ts";
import type { Language, LineChange } from "../../extension/language/server/syntax.ts";
import { connect, type Client } from "./connection.ts";

const LINES = 20_000;
/** A keystroke parses its line; a line end, the line it makes too; where it makes another label, what local labels stand behind. */
const MOST_LINES_A_KEY = 8;
/** In a script a statement that has no end yet takes the next one with it, which may be an output section. */
const MOST_SCRIPT_LINES_A_KEY = 24;

interface Case {
  readonly name: string;
  readonly language: Language;
  readonly file: string;
  readonly lineCount: number;
  readonly mostLinesAKey: number;
  /** Ten lines, the nth time. */
  readonly block: (n: number) => readonly string[];
  readonly typed: string;
}

const cases: readonly Case[] = [
  {
    name: "GNU as",
    language: "gas",
    file: "large.S",
    lineCount: LINES,
    mostLinesAKey: MOST_LINES_A_KEY,
    block: (n) => [
      `\t.globl function_${n}`,
      `function_${n}:`,
      `\tpushq %rbp\t\t# keeps the frame of block ${n}`,
      `\tmovq %rsp, %rbp`,
      `\tmovl $0x${n.toString(16)}, %eax`,
      `1:\tsubl $1, %eax`,
      `\tjnz 1b`,
      `\tcall function_${Math.max(0, n - 1)}`,
      `\tpopq %rbp`,
      `\tret`,
    ],
    typed: "\tmovq function_77(%rip), %rax\ntyped:\n\tjmp typed\n",
  },
  {
    name: "NASM",
    language: "nasm",
    file: "large.asm",
    lineCount: LINES,
    mostLinesAKey: MOST_LINES_A_KEY,
    block: (n) => [
      `global function_${n}`,
      `function_${n}:`,
      `    push rbp            ; keeps the frame of block ${n}`,
      `    mov rbp, rsp`,
      `    mov eax, 0x${n.toString(16)}`,
      `.again:`,
      `    sub eax, 1`,
      `    jnz .again`,
      `    pop rbp`,
      `    ret`,
    ],
    typed: "    mov rax, [rel function_77]\ntyped:\n    jmp typed\n",
  },
  {
    name: "a linker script",
    language: "linkerscript",
    file: "large.ld",
    lineCount: LINES,
    mostLinesAKey: MOST_SCRIPT_LINES_A_KEY,
    block: (n) =>
      n === 0
        ? [
            "ENTRY(start)",
            "SECTIONS {",
            "  . = 1M;",
            ...Array.from({ length: 7 }, (_, i) => `  first_${i} = .;`),
          ]
        : [
            `  .text.${n} : ALIGN(16) {`,
            `    start_${n} = .;`,
            `    *(.text.${n} .text.${n}.*)`,
            `    KEEP(*(.init.${n}))`,
            `    . = ALIGN(8);`,
            `    end_${n} = .;`,
            `  }`,
            `  size_${n} = end_${n} - start_${n};`,
            `  /* block ${n} */`,
            n === LINES / 10 - 1 ? "}" : "",
          ],
    typed: "  typed = start_77;\n  . = ALIGN(typed);\n",
  },
];

let client: Client | undefined;
afterEach(async () => {
  await client?.close();
  client = undefined;
});

function figures(times: readonly number[]): string {
  const sorted = [...times].sort((a, b) => a - b);
  const at = (part: number): string => (sorted[Math.floor((sorted.length - 1) * part)] ?? 0).toFixed(1);
  return `median ${at(0.5)} ms, 95 % under ${at(0.95)} ms, at most ${at(1)} ms`;
}

describe.each(cases)(
  "typing in $lineCount lines of $name",
  ({ name, language, file, lineCount, mostLinesAKey, block, typed }) => {
    const middle = lineCount / 2;
    const uri = `file:///work/${file}`;
    const lines = Array.from({ length: lineCount / 10 }, (_, n) => block(n)).flat();

    it("parses what was typed, and makes as much of the index", () => {
      let now = open(uri, language, lines.join("\n"));
      const part = emptyPart(now);
      updatePart(part, now);
      let column = 0;
      let line = middle;
      for (const key of typed) {
        const old = now.lines[line]?.text ?? "";
        const text = old.slice(0, column) + key + old.slice(column);
        const edit: LineChange = { from: line, to: line + 1, lines: text.split("\n") };
        now = change(now, edit);
        const { added, removed } = updatePart(part, now);
        expect(added.length).toBeLessThanOrEqual(mostLinesAKey);
        expect(removed.length).toBeLessThanOrEqual(mostLinesAKey);
        if (key === "\n") {
          line += 1;
          column = 0;
        } else column += 1;
      }
    });

    it("answers after each key", async () => {
      client = await connect();
      const { open: openFile, change: changeFile, ask, diagnostics, parsedCounts } = client;
      const opened = performance.now();
      openFile(uri, language, lines.join("\n"));
      await diagnostics(uri);
      const opening = performance.now() - opened;
      const completions: number[] = [];
      const processor: number[] = [];
      const checks: number[] = [];
      let line = middle;
      let character = 0;
      for (const key of typed) {
        const place = { line, character };
        const start = performance.now();
        const used = process.cpuUsage();
        changeFile(uri, [{ range: { start: place, end: place }, text: key }]);
        if (key === "\n") {
          line += 1;
          character = 0;
        } else character += 1;
        await ask("textDocument/completion", { textDocument: { uri }, position: { line, character } });
        completions.push(performance.now() - start);
        const { user, system } = process.cpuUsage(used);
        processor.push((user + system) / 1000);
        if (/[\n ,]/u.test(key)) {
          await diagnostics(uri);
          checks.push(performance.now() - start);
        }
      }
      console.log(
        `${name}, ${lines.length} lines: opened and checked in ${opening.toFixed(0)} ms; completion after a key: ${figures(completions)}, of the processor ${figures(processor)}; ` +
          `diagnostics after a key, with their pause of 150 ms: ${figures(checks)}`,
      );
      expect(parsedCounts).toHaveLength(typed.length);
      expect(Math.max(...parsedCounts)).toBeLessThanOrEqual(mostLinesAKey);
    });

    it.skipIf(language === "nasm")(
      "goes through the rest of the file when a comment is begun, and back",
      async () => {
        client = await connect();
        const { open: openFile, change: changeFile, ask, parsedCounts } = client;
        openFile(uri, language, lines.join("\n"));
        const place = (character: number) => ({ line: middle, character });
        const times: number[] = [];
        for (const [start, end, text] of [
          [0, 0, "/*"],
          [0, 2, ""],
        ] as const) {
          const before = performance.now();
          changeFile(uri, [{ range: { start: place(start), end: place(end) }, text }]);
          await ask("textDocument/completion", { textDocument: { uri }, position: place(0) });
          times.push(performance.now() - before);
        }
        console.log(
          `${name}: a comment begun in the middle ${times[0]?.toFixed(0)} ms, taken away ${times[1]?.toFixed(0)} ms`,
        );
        expect(Math.max(...parsedCounts)).toBeLessThanOrEqual(Math.max(middle, mostLinesAKey));
      },
    );
  },
);
