/** The small pure parts of the extension: what it says, and how it reads what it is given. */
import { readFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import { ASSEMBLY_WORD, assemblyExpression } from "../../extension/assembly-word.ts";
import { kernelKind } from "../../extension/kernel-kind.ts";
import { terminalLines } from "../../extension/line-endings.ts";
import { statusDetails, statusText } from "../../extension/status-text.ts";
import type { StatusBody } from "../../media/protocol.ts";

const status: StatusBody = {
  running: false,
  cpu: 0,
  mode: "64-bit",
  ring: 0,
  paging: "4-level",
  halted: false,
  interrupts: true,
  instant: 1_234_567,
  nanoseconds: 1_500_000_000,
};

describe("status", () => {
  it("is one line", () => {
    expect(statusText(status)).toBe("64-bit · ring 0 · 4-level");
    expect(statusText({ ...status, mode: "16-bit real", paging: "no paging" })).toBe(
      "16-bit real · ring 0 · no paging",
    );
  });
  it("says that a processor is halted, and whether it can wake", () => {
    expect(statusText({ ...status, halted: true })).toBe("64-bit · ring 0 · 4-level · halted");
    expect(statusText({ ...status, halted: true, interrupts: false })).toMatch(/halted, interrupts off$/u);
  });
  it("has details with instants and virtual time", () => {
    expect(statusDetails("Boot", status)).toContain("| Instructions | 1,234,567 |");
    expect(statusDetails("Boot", status)).toContain("| Virtual time | 1.500000 s |");
  });
});

describe("line endings", () => {
  it.each([
    ["a\nb", "", "a\r\nb"],
    ["a\r\nb", "", "a\r\nb"],
    ["\nb", "\r", "\nb"],
    ["\nb", "a", "\r\nb"],
    ["\n\n", "\r", "\n\r\n"],
  ])("%j after %j is %j", (text, last, expected) => {
    expect(terminalLines(text, last)).toBe(expected);
  });
});

describe("words of assembly", () => {
  it.each([
    ["%rax", "$rax"],
    ["$stack_top", "stack_top"],
    ["page_table", "page_table"],
    [".globl", null],
  ])("%s asks for %s", (word, expression) => expect(assemblyExpression(word)).toBe(expression));
  it("takes the whole word under the pointer", () => {
    expect(ASSEMBLY_WORD.exec("  (%rsp)")?.[0]).toBe("%rsp");
    expect(ASSEMBLY_WORD.exec(", $boot.stack, ")?.[0]).toBe("$boot.stack");
  });
});

/** An ELF file header with one program header. */
function elf(wide: boolean, machine: number, type: number, segment: number): Uint8Array {
  const bytes = new Uint8Array(256);
  const view = new DataView(bytes.buffer);
  view.setUint32(0, 0x464c457f, true);
  bytes[4] = wide ? 2 : 1;
  bytes[5] = 1;
  view.setUint16(16, type, true);
  view.setUint16(18, machine, true);
  if (wide) view.setBigUint64(32, 64n, true);
  else view.setUint32(28, 52, true);
  view.setUint16(wide ? 54 : 42, wide ? 56 : 32, true);
  view.setUint16(wide ? 56 : 44, 1, true);
  view.setUint32(wide ? 64 : 52, segment, true);
  return bytes;
}

describe("what a file is", () => {
  it("knows the sample kernel", () => {
    expect(kernelKind(readFileSync("media/sample-kernel/sample.elf").subarray(0, 32_768))).toMatch(
      /^Multiboot/u,
    );
  });
  it("tells kernels from user programs and other machines", () => {
    expect(kernelKind(elf(true, 62, 2, 1))).toBe("ELF64");
    expect(kernelKind(elf(false, 3, 2, 1))).toBe("ELF32");
    expect(kernelKind(elf(true, 62, 3, 3))).toBeNull();
    expect(kernelKind(elf(true, 183, 2, 1))).toBeNull();
    expect(kernelKind(elf(true, 62, 1, 1))).toBeNull();
  });
  it("wants the checksum of a Multiboot header to be right", () => {
    const bytes = new Uint8Array(64);
    const view = new DataView(bytes.buffer);
    view.setUint32(16, 0x1badb002, true);
    view.setUint32(20, 3, true);
    expect(kernelKind(bytes)).toBeNull();
    view.setUint32(24, -(0x1badb002 + 3), true);
    expect(kernelKind(bytes)).toBe("Multiboot");
  });
  it("answers for every short file", () => {
    for (let length = 0; length < 70; length++)
      expect(kernelKind(new Uint8Array(length).fill(0x7f))).toBeNull();
  });
});
