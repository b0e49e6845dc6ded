/** Signature help at the server's boundary: the forms in their order with the active operand between « and », best first. */
import { describe, expect, it } from "vitest";
import { signatureHelp } from "../../extension/language/server/features/signature.ts";
import { marked } from "./cursor.ts";

function shown(text: string, name?: string): readonly string[] {
  const { world, uri, position } = marked(text, name);
  const help = signatureHelp(world, uri, position);
  return (help?.signatures ?? []).map(({ label, parameters }) => {
    const range = parameters?.[help?.activeParameter ?? -1]?.label;
    if (!Array.isArray(range)) return label;
    return `${label.slice(0, range[0])}«${label.slice(...range)}»${label.slice(range[1])}`;
  });
}

const nasm = "file.asm";
type Case = readonly [text: string, first: string, name?: string];
const named = (cases: readonly Case[]): (readonly [string, string, string])[] =>
  cases.map(([text, first, name = "file.S"]) => [text, first, name]);

describe("instructions", () => {
  const cases: readonly Case[] = [
    [".code64\n movq |", "movq «r64», r/m64"],
    [".code64\n movq $1, |", "movq $imm32, «r/m64»"],
    [".code64\n movq %cr3, |", "movq cr, «r64»"],
    [".code32\n movl %ebx, %cr0|", "movl r32, «cr»"],
    [".code16\n outb |", "outb «%al», $imm8"],
    [".code32\n ljmp $0x08, |", "ljmp $segment, «$offset32»"],
    [".code32\n bound |", "bound «r32», m32&32"],
    [".code64\n shld $1, %rax, |", "shld $imm8, r64, «r/m64»"],
    [".code64\n enter |", "enter «$imm16», $imm8"],
    ["bits 64\n mov cr0, |", "mov cr, «r64»", nasm],
    ["bits 32\n imul eax, ebx, |", "imul r32, r/m32, «imm32»", nasm],
    ["bits 16\n in |", "in «ax», imm8", nasm],
    ["bits 16\n jmp |", "jmp «rel16»", nasm],
    [".intel_syntax noprefix\n.code32\n lidt |", "lidt «m16&32»"],
    // Operands behind the cursor count as well.
    [".code64\n mov |, %cr3", "mov «r64», cr"],
    ["bits 64\n mov |, [rax]", "mov «r64», r/m64", nasm],
  ];
  it.each(named(cases))("%j", (text, first, name) => expect(shown(text, name)[0]).toBe(first));

  it("leaves out what the mode has not", () => {
    expect(shown("bits 32\n mov |", nasm).some((form) => form.includes("64"))).toBe(false);
    expect(shown("bits 64\n push |", nasm).some((form) => /«r32»|«r\/m32»|«es»/.test(form))).toBe(false);
    expect(shown("bits 32\n push |", nasm)).toContain("push «es»");
    expect(shown(".code32\n swapgs |")).toEqual([]);
  });
  it("says nothing without operands, in comments, behind the last operand", () => {
    for (const text of [
      ".code64\n cli |",
      ".code64\n mov %eax, %ebx # |",
      ".code64\n nothing_known |",
      ".code64\n mov|",
    ])
      expect(shown(text)).toEqual([]);
    expect(shown(".code64\n mov %eax, %ebx, |")).toEqual([]);
  });
});

describe("directives and macros", () => {
  const cases: readonly Case[] = [
    [" .section .text, |", '.section name[, «"flags"»[, @type[, …]]]'],
    [" .byte 1, 2, |", ".byte «value», …"],
    [" .fill 1, |", ".fill repeat[, «size»[, value]]"],
    ["struc |", "struc «name»[, offset]", nasm],
    [".macro entry name, code=0\n.endm\n entry x, |", "entry name, «code»"],
    ["#define ENTRY(name, more) name: more\n ENTRY(x, |", "ENTRY name, «more»"],
  ];
  it.each(named(cases))("%j", (text, first, name) => expect(shown(text, name)[0]).toBe(first));
});
