/** Above labels: addresses and sizes of the built program, and where a machine can be run to. */
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { codeLenses, runToCommand } from "../../extension/language/server/features/code-lens.ts";
import { buildKernel, hasTools, type Kernel } from "./kernel.ts";

const sources = {
  "boot.S": `#define ENTRY(name) .globl name; name:
        .macro  begin name
        .globl  \\name
        .type   \\name, @function
\\name:
        .endm
        .text
        .globl  _start
        .type   _start, @function
_start:
        # a comment
        .macro  inner
        nop
        .endm
        cli
1:      jmp     1b
        .size   _start, . - _start
first:  nop
        ret
second:
third:  ret
.Llocal: ret
        begin   made
        ret
ENTRY(called)
        ret
behind: .long   1
        .data
value:  .long   5
        .globl  pages
        .balign 4096
pages:  .skip   8192
        .size   pages, 8192
shared: .long   1
        .equ    CONSTANT, 16
`,
  "other.s": "        .data\nshared: .long 2\n        .text\nunused: ret\n        .globl solo\n",
  "third.asm":
    "section .text\nglobal nasm_entry\nnasm_entry:\n.again: hlt\n  jmp .again\nsection .data\nnasm_table: dd 1, 2, 3\n",
};

describe.runIf(hasTools)("lenses of assembly", { timeout: 60_000 }, () => {
  let kernel: Kernel;
  beforeAll(() => {
    kernel = buildKernel(sources);
  });
  afterAll(() => kernel?.remove());

  const lensesOf = (name: string): readonly string[] => {
    const text = kernel.world.file(kernel.uri(name))!.lines.map((line) => line.text);
    return codeLenses(kernel.world, kernel.uri(name)).map(({ range, command }) => {
      const label = text[range.start.line]?.slice(range.start.character, range.end.character);
      return `${label}: ${command?.title}`;
    });
  };
  const address = (name: string): string => kernel.built.symbols.get(name)!.address;

  it("say where labels are, how large, and which can be run to", () => {
    const code = (name: string, size = ""): readonly string[] => [
      `${name}: ${address(name)}${size}`,
      `${name}: Run to here`,
    ];
    expect(lensesOf("boot.S")).toEqual([
      ...code("_start", " · 3 B"),
      ...code("first"),
      ...code("second"),
      ...code("third"),
      ...code("made"),
      ...code("called"),
      `behind: ${address("behind")}`,
      `value: ${address("value")}`,
      `pages: ${address("pages")} · 8 KiB`,
    ]);
    expect(lensesOf("third.asm")).toEqual([...code("nasm_entry"), `nasm_table: ${address("nasm_table")}`]);
  });

  it("give the command the program and the address", () => {
    const run = codeLenses(kernel.world, kernel.uri("boot.S")).find(
      ({ command }) => command?.command === runToCommand,
    );
    expect(run?.command?.arguments).toEqual([kernel.path, address("_start")]);
  });

  it("stay while one types and say that they are old; what is a function can still be run to", () => {
    const uri = kernel.uri("third.asm");
    kernel.world.change(uri, { from: 3, to: 3, lines: ["  nop"] });
    expect(lensesOf("third.asm")).toEqual([
      `nasm_entry: ${address("nasm_entry")} · as last built`,
      `nasm_table: ${address("nasm_table")} · as last built`,
    ]);
    kernel.world.change(uri, { from: 3, to: 4, lines: [] });
    expect(lensesOf("third.asm")).toHaveLength(3);
    kernel.world.change(kernel.uri("boot.S"), { from: 0, to: 0, lines: [""] });
    expect(lensesOf("boot.S").filter((lens) => lens.endsWith("Run to here"))).toEqual([
      "_start: Run to here",
      "made: Run to here",
    ]);
    kernel.world.change(kernel.uri("boot.S"), { from: 0, to: 1, lines: [] });
  });

  it("can be switched off", () => {
    kernel.world.settings = { ...kernel.world.settings, codeLens: false };
    expect(lensesOf("boot.S")).toEqual([]);
    kernel.world.settings = { ...kernel.world.settings, codeLens: true };
  });

  it("are not there for a file that the program was not built of", () => {
    kernel.world.open("file:///elsewhere/boot.S", "gas", kernel.text("boot.S"));
    expect(codeLenses(kernel.world, "file:///elsewhere/boot.S")).toEqual([]);
  });
});

describe.runIf(hasTools)("lenses of linker scripts", { timeout: 60_000 }, () => {
  const script = `ENTRY(_start)
SECTIONS
{
  kernel_start = 0xffffffff80000000;
  .text 0xffffffff80000000 : AT(0x100000) { *(.text) }
  .data : AT(0x200000)
  {
    *(.data)
    data_end = .;
  }
  .gone : { *(.gone) }
  .debug_note 0 : { *(.debug_note) }
  /DISCARD/ : { *(.note*) *(.comment) }
}
`;
  let kernel: Kernel;
  beforeAll(() => {
    const source = `        .globl _start
_start: ret
        .data
        .skip 8192
        .section .debug_note, ""
        .long 1
`;
    kernel = buildKernel({ "boot.s": source, "kernel.ld": script });
  });
  afterAll(() => kernel?.remove());

  const titles = (uri: string): readonly string[] =>
    codeLenses(kernel.world, uri).map(
      ({ range, command }) =>
        `${script.split("\n")[range.start.line]?.slice(range.start.character, range.end.character)}: ${command?.title}`,
    );

  it("say where sections are, how large, and where they are loaded", () => {
    expect(titles(kernel.uri("kernel.ld"))).toEqual([
      ".text: 0xffffffff80000000 · 1 B · loaded at 0x100000 · segment 0 R E",
      expect.stringMatching(/^\.data: 0xffffffff8[0-9a-f]+ · 8 KiB · loaded at 0x200000 · segment 1 RW$/),
      ".debug_note: 4 B · not loaded",
    ]);
  });

  it("are not there in a script that the program was not linked by", () => {
    const other = script.replaceAll("kernel_start", "other_start").replaceAll("data_end", "other_end");
    kernel.world.open("file:///work/other.ld", "linkerscript", other);
    expect(titles("file:///work/other.ld")).toEqual([]);
  });
});
