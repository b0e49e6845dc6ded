/** Bytes of instructions at the ends of lines. */
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { bytesOf, inlayHints } from "../../extension/language/server/features/inlay-hint.ts";
import { buildKernel, hasTools, type Kernel } from "./kernel.ts";

const sources = {
  "boot.s": `        .globl _start
_start: cli
        movl $1, %eax
        movabsq $0x1122334455667788, %r10
        ret

        .macro many
        .rept 12
        nop
        .endr
        .endm
        nop # a comment that is so long that the bytes of the lines around it cannot be aligned with it
        many
        inc %eax; dec %eax
        .long 5
        hlt
\thlt
`,
};
const everything = { start: { line: 0, character: 0 }, end: { line: 999, character: 0 } };

describe.runIf(hasTools)("bytes at the ends of lines", { timeout: 60_000 }, () => {
  let kernel: Kernel;
  beforeAll(() => {
    kernel = buildKernel(sources);
    kernel.world.settings = { codeLens: false, inlayHints: true, tabSize: 8 };
  });
  afterAll(() => kernel?.remove());

  const hints = (range = everything) => inlayHints(kernel.world, kernel.uri("boot.s"), range);
  const shown = (range = everything): readonly string[] => {
    const text = kernel.text("boot.s").split("\n");
    return hints(range).map(({ position, label }) => {
      const line = text[position.line]!;
      expect(position.character).toBe(line.length);
      return `${line.replace("\t", "        ")}${label as string}`;
    });
  };

  it("stand in a column, as far as the editor does not cut them", () => {
    expect(shown()).toEqual([
      "_start: cli                               fa",
      "        movl $1, %eax                     b8 01 00 00 00",
      "        movabsq $0x1122334455667788, %r10 49 ba 88 77 66 55 44 33 22 11",
      "        ret                               c3",
      "        nop # a comment that is so long that the bytes of the lines around it cannot be aligned with it 90",
      "        many 90 90 90 90 90 90 90 90 90 90 … 12 bytes",
      "        inc %eax; dec %eax ff c0 ff c8",
      "        hlt f4",
      "        hlt f4",
    ]);
    for (const { label } of hints()) expect((label as string).length).toBeLessThanOrEqual(43);
  });

  it("are asked for a part at a time", () => {
    expect(shown({ start: { line: 2, character: 0 }, end: { line: 2, character: 5 } })).toEqual([
      "        movl $1, %eax b8 01 00 00 00",
    ]);
  });

  it("tell address and program when they are pointed at", () => {
    expect(hints()[1]?.tooltip).toBe("0x100001: b8 01 00 00 00\nin kernel.elf");
  });

  it("are hidden when the source has changed, and when they are switched off", () => {
    const uri = kernel.uri("boot.s");
    kernel.world.change(uri, { from: 0, to: 0, lines: ["# new"] });
    expect(hints()).toEqual([]);
    kernel.world.change(uri, { from: 0, to: 1, lines: [] });
    expect(hints()).toHaveLength(9);
    kernel.world.settings = { codeLens: false, inlayHints: false };
    expect(hints()).toEqual([]);
  });
});

describe("a line that was assembled at several places", () => {
  const at = (address: string, bytes: string) => ({ line: 1, address, bytes });
  it.each([
    ["one after the other", [at("0x10", "90"), at("0x11", "c3")], "90c3"],
    ["twice the same", [at("0x10", "90c3"), at("0x40", "90c3")], "90c3"],
    ["twice, differently", [at("0x10", "eb10"), at("0x40", "eb20")], null],
    ["of which one is not known", [at("0x10", "90"), at("0x11", "")], null],
    ["nowhere", [], null],
  ])("%s", (_, parts, bytes) => {
    expect(bytesOf(parts)).toBe(bytes);
  });
});
