/** Values beside lines at a stop: which expressions, and what they are while a machine is stepped through them. */
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import type { InlineValueEvaluatableExpression } from "vscode-languageserver-types";
import { inlineValues } from "../../extension/language/server/features/inline-value.ts";
import { Client } from "../adapter/client.ts";
import { buildKernel, hasTools, type Kernel } from "./kernel.ts";

const source = `        .code32
        .section .boot, "ax"
        .long   0x1badb002, 0, -0x1badb002
        .text
        .globl  _start
_start: movl    $stack, %esp
        movl    $table, %ebx
        movl    $2, %ecx

        # a comment between
        xorl    %eax, %eax
        movl    (%ebx,%ecx,4), %edx
        addl    %edx, %eax
        movl    %eax, 8(%ebx)
        cmpl    $0x44, %eax
        jb      1f
        nop
1:      movl    $table, %esi
        movl    $copy, %edi
        movl    $3, %ecx
        rep movsl
        pushl   4(%ebx)
        leal    8(%ebx), %edi
        call    leaf
        nop; nop
        hlt
leaf:   movl    $1, %eax
        setb    %al
        cmovne  %ebx, %eax
        .macro  two
        push    %eax
        pop     %eax
        .endm
        two
        ret
        .data
table:  .long   0x11, 0x22, 0x33
copy:   .skip   64
stack:  .long   0
`;

describe.runIf(hasTools)("values beside lines", { timeout: 120_000 }, () => {
  let kernel: Kernel;
  const client = new Client(60_000);
  const lines = source.split("\n");
  const lineOf = (text: string): number =>
    lines.findIndex((line) => line.replaceAll(/\s+/g, " ").trim().startsWith(text));

  beforeAll(async () => {
    const script =
      "ENTRY(_start) SECTIONS { . = 0x100000; .boot : { *(.boot) } .text : { *(.text) } .data : { *(.data) } }\n";
    kernel = buildKernel({ "boot.s": source, "boot.ld": script }, 32);
    await client.launch({ kernel: kernel.path });
    await client.stopped();
  }, 120_000);
  afterAll(async () => {
    await client.respond("disconnect");
    kernel?.remove();
  });

  const at = (text: string, from = 0, to = 999) => {
    const range = { start: { line: from, character: 0 }, end: { line: to, character: 0 } };
    const values = inlineValues(kernel.world, kernel.uri("boot.s"), range, lineOf(text));
    return values as InlineValueEvaluatableExpression[];
  };
  /** "line: text = expression", with the lines as distances from the stop. */
  const shown = (text: string): readonly string[] =>
    at(text).map(({ range, expression }) => {
      const name = lines[range.start.line]!.slice(range.start.character, range.end.character);
      const distance = range.start.line - lineOf(text);
      return `${distance === 0 ? "" : `${distance} `}${name}: ${expression}`;
    });

  it("are of the registers and the memory that the instruction uses", () => {
    expect(shown("movl (%ebx,%ecx,4), %edx").slice(0, 3)).toEqual([
      "ebx: $ebx",
      "ecx: $ecx",
      "(%ebx,%ecx,4): (void*)*(unsigned int*)($ds:($ebx + $ecx*4))",
    ]);
    expect(shown("pushl 4(%ebx)").slice(0, 2)).toEqual([
      "ebx: $ebx",
      "4(%ebx): (void*)*(unsigned int*)($ds:($ebx + 4))",
    ]);
  });

  it("are of registers that it uses without naming them", () => {
    expect(shown("rep movsl").slice(0, 3).toSorted()).toEqual(["movsl: $ecx", "movsl: $edi", "movsl: $esi"]);
  });

  it("are of the condition", () => {
    expect(shown("jb 1f")[0]).toBe("jb: ($eflags & 0x1) != 0");
    expect(shown("setb")[0]).toBe("setb: ($eflags & 0x1) != 0");
    expect(shown("cmovne")).toContain("cmovne: !(($eflags & 0x40) != 0)");
  });

  it("are of the address where only an address is computed", () => {
    expect(shown("leal").filter((value) => !value.startsWith("-"))).toEqual([
      "ebx: $ebx",
      "8(%ebx): (void*)($ds:($ebx + 8))",
    ]);
  });

  it("are of what was written on the way, unless it was written again", () => {
    expect(shown("addl %edx, %eax").filter((value) => value.startsWith("-"))).toEqual([
      "-7 esp: $esp",
      "-6 ebx: $ebx",
      "-5 ecx: $ecx",
      "-2 eax: $eax",
      "-1 edx: $edx",
    ]);
    // ECX, ESI and EDI were changed by the copy.
    expect(shown("pushl 4(%ebx)").filter((value) => value.startsWith("-"))).toEqual([]);
  });

  it("do not go above a label, a call, or a line with several instructions", () => {
    expect(shown("movl $copy, %edi").filter((value) => value.startsWith("-"))).toEqual(["-1 esi: $esi"]);
    expect(shown("1: movl").filter((value) => value.startsWith("-"))).toEqual([]);
    expect(shown("nop; nop")).toEqual([]);
    expect(shown("hlt")).toEqual([]);
    expect(shown("two")).toEqual([]);
    expect(shown("ret")).toEqual([]);
  });

  it("are of the part of the file that is asked for, and of a text that was built", () => {
    const line = lineOf("addl %edx, %eax");
    expect(at("addl %edx, %eax", line, line).every(({ range }) => range.start.line === line)).toBe(true);
    const uri = kernel.uri("boot.s");
    kernel.world.change(uri, { from: 0, to: 0, lines: [""] });
    expect(at("addl %edx, %eax")).toEqual([]);
    kernel.world.change(uri, { from: 0, to: 1, lines: [] });
  });

  it("are what the machine has, at every step", async () => {
    /** What each line has to show, for those of which it is known. */
    const expected: Readonly<Record<string, readonly string[]>> = {
      "movl (%ebx,%ecx,4), %edx": ["(%ebx,%ecx,4) = 0x33", "ecx = 0x2", "eax = 0x0"],
      "addl %edx, %eax": ["edx = 0x33", "eax = 0x0"],
      "movl %eax, 8(%ebx)": ["eax = 0x33", "8(%ebx) = 0x33"],
      "jb 1f": ["jb = true"],
      "1: movl $table, %esi": [],
      "rep movsl": ["ecx = 0x3"],
      "pushl 4(%ebx)": ["4(%ebx) = 0x22"],
    };
    const seen = new Set<string>();
    for (let steps = 0; steps < 20; steps += 1) {
      const { stackFrames } = await client.request("stackTrace", { threadId: 1 });
      const [frame] = stackFrames;
      const text = lines[frame!.line - 1]!.replaceAll(/\s+/g, " ").trim();
      if (text.startsWith("call")) break;
      seen.add(text);
      const values: string[] = [];
      for (const { range, expression = "" } of at(text)) {
        const line = lines[range.start.line]!;
        const answer = await client.request("evaluate", {
          expression,
          frameId: frame!.id,
          context: "hover",
        });
        const name =
          /^\$(\w+)$/.exec(expression)?.[1] ?? line.slice(range.start.character, range.end.character);
        values.push(`${name} = ${answer.result}`);
      }
      for (const value of expected[text] ?? [])
        expect(values.map((one) => one.split(" <")[0])).toContain(value);
      await client.request("next", { threadId: 1 });
      await client.stopped();
    }
    for (const text of Object.keys(expected))
      if (text !== "1: movl $table, %esi") expect(seen).toContain(text);
  });
});
