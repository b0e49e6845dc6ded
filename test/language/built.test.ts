/** What is read of built programs, against readelf, nm and objdump; how it travels; what becomes of it when sources change. */
import { execFileSync } from "node:child_process";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import {
  applyBuilt,
  linesOf,
  packLines,
  packSymbols,
  textHash,
  type Built,
  type BuiltUpdate,
} from "../../extension/language/server/built.ts";
import { buildKernel, hasTools, type Kernel } from "./kernel.ts";

const sources = {
  "boot.S": `#define MAGIC 0x1badb002
        .macro  say text
        movl    $\\text, %esi
        call    print
        .endm
        .section .head, "a"
head:   .long   MAGIC, 0, -MAGIC
        .text
        .code32
        .globl  _start
        .type   _start, @function
_start: cli; cld
        say     head
        lock; addl $1, counter
        movl    %eax, %cr3
        jmp     far_place
        .long   0x12345678
        .balign 16
far_place:
        ret
        .size   _start, . - _start
print:  ret
        .code64
wide:   movq    %rax, %rbx
        movabsq $0x1122334455667788, %rax
        ret
        .code16
narrow: movw    %ax, %bx
        movl    %eax, %ebx
        ret
        .data
counter: .long  5
        .bss
        .globl  room
room:   .skip   64
`,
  "more.asm": `bits 64
global more
section .text
more:
        mov rax, 1
.loop:  times 3 nop
        dd 0x12345678
%macro two 0
        push rax
        pop rbx
%endmacro
        two
        jmp .loop
        align 16
last:   ret
`,
  "main.c": `int table[4];\nint sum(int a)\n{\n    return table[0] + a;\n}\n`,
  "mode.s": `        .macro  real
        .code16
        .endm
        real
odd:    movl    $1, %eax
        ret
`,
  "kernel.ld": `ENTRY(_start)
SECTIONS {
  . = 0xffffffff80100000;
  .head : AT(0x100000) { *(.head) }
  .text : AT(0x101000) { *(.text*) }
  . = ALIGN(4096);
  .data : AT(0x200000) { *(.data*) }
  .bss : { *(.bss*) }
  kernel_end = .;
  kernel_pages = 17;
  /DISCARD/ : { *(.eh_frame) *(.note*) *(.comment) }
}
`,
};

const tool = (name: string, ...args: readonly string[]): string =>
  execFileSync(name, args, { encoding: "utf8" });

describe.runIf(hasTools)("a program that is built of assembly, NASM and C", { timeout: 60_000 }, () => {
  let kernel: Kernel;
  beforeAll(() => {
    kernel = buildKernel(sources, 64, ["--noinhibit-exec", "--warn-unresolved-symbols"]);
  });
  afterAll(() => kernel?.remove());

  it("has the sections of readelf, with their segments and load addresses", () => {
    const rows = tool("readelf", "-SW", kernel.path).matchAll(
      /^\s*\[\s*\d+\] (\S+)\s+[A-Z_]+\s+([0-9a-f]+) [0-9a-f]+ ([0-9a-f]+) [0-9a-f]+\s+([A-Z]*)\s+\d/gm,
    );
    const expected = [...rows].map(([, name, address, size, flags]) => ({
      name,
      address: `0x${BigInt(`0x${address}`).toString(16)}`,
      size: Number.parseInt(size!, 16),
      flags,
    }));
    expect(expected.length).toBeGreaterThan(5);
    expect(
      kernel.built.sections.map(({ name, address, size, flags }) => ({ name, address, size, flags })),
    ).toEqual(expected);
    const loaded = kernel.built.sections.filter(({ segment }) => segment !== null);
    expect(loaded.map(({ name }) => name)).toEqual([".head", ".text", ".data", ".bss"]);
    expect(loaded.map(({ loadAddress }) => loadAddress).slice(0, 3)).toEqual([
      "0x100000",
      "0x101000",
      "0x200000",
    ]);
    expect(loaded[1]?.segment?.rights).toMatch(/^R.*E$/);
  });

  it("has the symbols of nm, and of equal names none", () => {
    const named = tool("nm", "-f", "posix", kernel.path)
      .trim()
      .split("\n")
      .map((line) => line.split(" "))
      .filter(([, type]) => type !== "a" && type !== "U");
    for (const [name = "", , value = ""] of named) {
      const address = `0x${BigInt(`0x${value}`).toString(16)}`;
      expect(kernel.built.symbols.get(name), name).toMatchObject({ name, address });
    }
    expect(kernel.built.symbols.size).toBe(named.length);
    expect(kernel.built.symbols.get("kernel_pages")).toMatchObject({ address: "0x11", isAbsolute: true });
    expect(kernel.built.symbols.get("sum")).toMatchObject({
      kind: "function",
      source: { uri: kernel.uri("main.c"), line: 1 },
    });
    expect(kernel.built.symbols.get("table")?.source).toEqual({ uri: kernel.uri("main.c"), line: 0 });
    expect(kernel.built.symbols.get("room")?.source).toBeUndefined();
    expect(kernel.built.symbols.get("more")?.source).toEqual({ uri: kernel.uri("more.asm"), line: 4 });
  });

  it("has the code of each line, and neither data nor padding", () => {
    const code = (name: string): readonly string[] => {
      const text = kernel.text(name).split("\n");
      return (kernel.built.lines.get(kernel.uri(name)) ?? []).map(
        ({ line, bytes }) => `${text[line]?.trim().replaceAll(/\s+/g, " ")} = ${bytes}`,
      );
    };
    const start = code("boot.S");
    expect(start.slice(0, 2)).toEqual(["_start: cli; cld = fa", "_start: cli; cld = fc"]);
    expect(start[2]).toMatch(/^say head = be/);
    expect(start[3]).toMatch(/^say head = e8/);
    expect(start[4]).toMatch(/^lock; addl \$1, counter = f08305[0-9a-f]{8}01$/);
    expect(start.slice(5)).toEqual([
      "movl %eax, %cr3 = 0f22d8",
      expect.stringMatching(/^jmp far_place = eb[0-9a-f]{2}$/),
      "ret = c3",
      "print: ret = c3",
      "wide: movq %rax, %rbx = 4889c3",
      "movabsq $0x1122334455667788, %rax = 48b88877665544332211",
      "ret = c3",
      "narrow: movw %ax, %bx = 89c3",
      "movl %eax, %ebx = 6689c3",
      "ret = c3",
    ]);
    // The width is a macro's secret.
    expect(code("mode.s")).toEqual(["odd: movl $1, %eax = 66b801000000", "ret = c3"]);
    expect(code("more.asm")).toEqual([
      "mov rax, 1 = b801000000",
      ".loop: times 3 nop = 90",
      ".loop: times 3 nop = 90",
      ".loop: times 3 nop = 90",
      // NASM's line table has the lines of the macro.
      "push rax = 50",
      "pop rbx = 5b",
      "jmp .loop = ebf5",
      "last: ret = c3",
    ]);
  });

  it("says nothing of a source that was changed after it was built, or of one it has no code of", () => {
    const late = kernel.open("boot.S", { modified: kernel.built.modified + 60_000 });
    expect(late).toMatchObject({ kind: "lines", hash: null, lines: "" });
    expect(kernel.built.lines.has(kernel.uri("boot.S"))).toBe(false);
    expect(kernel.open("boot.S")).toMatchObject({ kind: "lines", hash: expect.any(Number) as number });
    expect(kernel.open("kernel.ld")).toMatchObject({ hash: null });
  });

  it("is not of a text that is being edited, and again of it when the change is taken back", () => {
    const uri = kernel.uri("boot.S");
    const lines = () => linesOf(kernel.built, kernel.world.file(uri)!);
    const before = lines();
    expect(before.length).toBeGreaterThan(10);
    kernel.world.change(uri, { from: 12, to: 12, lines: ["        nop"] });
    expect(lines()).toEqual([]);
    kernel.world.change(uri, { from: 12, to: 13, lines: [] });
    expect(lines()).toEqual(before);
  });
});

describe("messages about built programs", () => {
  const program = (path: string, symbols: readonly [string, bigint][]): BuiltUpdate => ({
    kind: "program",
    path,
    modified: 1,
    bits: 64,
    sections: [],
    symbols: packSymbols(
      symbols.map(([name, address]) => ({ name, address, size: 8, kind: "object", isAbsolute: false })),
    ),
  });

  it("carry 100,000 symbols in less than 5 MB", () => {
    const symbols = Array.from({ length: 100_000 }, (_, i): [string, bigint] => [
      `a_name_of_usual_length_${i}`,
      0xffffffff81000000n + BigInt(i) * 48n,
    ]);
    const sent = JSON.stringify(program("/k", symbols));
    expect(sent.length).toBeLessThan(5_000_000);
    const [built] = applyBuilt([], JSON.parse(sent) as BuiltUpdate);
    expect(built?.symbols.get("a_name_of_usual_length_99999")?.address).toBe(
      `0x${(0xffffffff81000000n + 99_999n * 48n).toString(16)}`,
    );
  });

  it("replace, add, order and drop programs", () => {
    const paths = (built: readonly Built[]): readonly string[] => built.map(({ path }) => path);
    let built = applyBuilt([], program("/a", [["x", 1n]]));
    built = applyBuilt(built, program("/b", []));
    built = applyBuilt(built, { kind: "order", paths: ["/b", "/a"] });
    expect(paths(built)).toEqual(["/b", "/a"]);
    const lines = packLines([{ line: 3, address: "0x10", bytes: "90" }]);
    built = applyBuilt(built, { kind: "lines", path: "/a", uri: "file:///s.S", hash: 7, lines });
    expect(built[1]?.lines.get("file:///s.S")).toEqual([{ line: 3, address: "0x10", bytes: "90" }]);
    // A program that was built anew has other lines.
    built = applyBuilt(built, program("/a", [["y", 2n]]));
    expect(paths(built)).toEqual(["/b", "/a"]);
    expect(built[1]?.lines.size).toBe(0);
    expect([...built[1]!.symbols.keys()]).toEqual(["y"]);
    built = applyBuilt(built, { kind: "sources", path: "/a", uris: ["file:///m.c"], places: "0 0 41" });
    expect(built[1]?.symbols.get("y")?.source).toEqual({ uri: "file:///m.c", line: 41 });
    expect(paths(applyBuilt(built, { kind: "gone", path: "/b" }))).toEqual(["/a"]);
    expect(applyBuilt(built, { kind: "lines", path: "/none", uri: "u", hash: 1, lines })).toEqual(built);
  });

  it("tell texts apart by their lines", () => {
    expect(textHash(["a", "b"])).toBe(textHash(["a", "b"]));
    expect(textHash(["a", "b"])).not.toBe(textHash(["ab"]));
    expect(textHash(["a", ""])).not.toBe(textHash(["a"]));
  });
});
