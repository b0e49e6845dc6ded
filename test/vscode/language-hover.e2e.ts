/**
 * What the mouse says of boot code in a real editor: an instruction, a control register, an MSR, a descriptor, a Multiboot field, a name with its comment.
 *
 * Elsewhere: all kinds of hovers in all their cases (`test/language/hover.test.ts`).
 */
import { writeFileSync } from "node:fs";
import path from "node:path";
import { afterAll, afterEach, beforeAll, describe, expect, it } from "vitest";
import { browserPath } from "./browser.ts";
import { PanelDesk } from "./panels.ts";

const boot = `        .set MAGIC, 0x1BADB002
        .set FLAGS, 3
        .section .multiboot, "a"
        .align 4
        .long MAGIC
        .long FLAGS
        .long -(MAGIC + FLAGS)

        .text
        .code32
# Enters long mode.
# In: esp is a stack
enter:
        movl $0xC0000080, %ecx
        rdmsr
        orl $0x900, %eax
        wrmsr
        movl %cr0, %eax
        orl $0x80000001, %eax
        movl %eax, %cr0
        call enter

        .data
gdt:
        .quad 0
        .quad 0x00af9a000000ffff
`;

const nasm = `bits 16
start:
        mov ah, 0x42
        mov dl, 0x80
        int 0x13
        mov dx, 0x3f8
        out dx, al
`;

describe.skipIf(browserPath === null)("hovers in assembly", () => {
  let desk: PanelDesk;

  beforeAll(async () => {
    desk = await PanelDesk.open("language-hover", []);
    writeFileSync(path.join(desk.folder, "enter.S"), boot);
    writeFileSync(path.join(desk.folder, "disk.asm"), nasm);
  });
  afterAll(() => desk?.close());
  afterEach(({ task }) => desk.screenshotOfFailure(task));

  const page = () => desk.window.page;

  async function hover(source: string, text: string, of: string, expected: RegExp): Promise<void> {
    const lines = source.split("\n");
    const line = lines.findIndex((each) => each.includes(text));
    await desk.window.goToLine(line + 1, (lines[line]?.indexOf(of) ?? 0) + 2);
    const widget = page().locator(".monaco-hover:visible .hover-contents");
    await expect
      .poll(
        async () => {
          await page().keyboard.press("Escape");
          await page().keyboard.press("Control+K");
          await page().keyboard.press("Control+I");
          await widget
            .first()
            .waitFor({ timeout: 3000 })
            .catch(() => null);
          return (await widget.allInnerTexts()).join("\n").replaceAll("\u00a0", " ");
        },
        { interval: 1000 },
      )
      .toMatch(expected);
  }

  it("say what instructions, registers and numbers are", async () => {
    await desk.window.openFile("enter.S");
    await hover(boot, "movl %cr0, %eax", "movl", /control register[\s\S]*0f 20 c0[\s\S]*level 0/u);
    await desk.window.screenshot("88-language-hover-instruction");
    await hover(boot, "movl %cr0, %eax", "%cr0", /paging is on/u);
    await desk.window.screenshot("88-language-hover-register");
    await hover(boot, "0xC0000080", "0xC0", /EFER[\s\S]*LME/u);
    await desk.window.screenshot("88-language-hover-msr");
    await hover(boot, "0x80000001", "0x80", /CR0[\s\S]*PG/u);
    await desk.window.screenshot("88-language-hover-bits");
  });

  it("decode tables and headers, and show what names mean", async () => {
    await hover(boot, "0x00af9a", "0x00af", /64-bit code, readable, level 0/u);
    await desk.window.screenshot("88-language-hover-descriptor");
    await hover(boot, "-(MAGIC", "MAGIC", /checksum[\s\S]*The sum is 0/u);
    await desk.window.screenshot("88-language-hover-multiboot");
    await hover(boot, "call enter", "enter", /Enters long mode/u);
    await desk.window.screenshot("88-language-hover-name");
  });

  it("know the BIOS and ports in NASM", async () => {
    await desk.window.openFile("disk.asm");
    await hover(nasm, "int 0x13", "0x13", /Reads by LBA/u);
    await desk.window.screenshot("88-language-hover-bios");
    await hover(nasm, "mov dx", "0x3f8", /COM1/u);
    await desk.window.screenshot("88-language-hover-port");
  });
});
