/**
 * Assembly beside a machine in a real editor: addresses, sizes and bytes of the built program, running to a label, values beside lines, hovers on operands,
 * breakpoints in NASM's files.
 */
import { execFileSync, spawnSync } from "node:child_process";
import { readFileSync, writeFileSync } from "node:fs";
import path from "node:path";
import { afterAll, afterEach, beforeAll, describe, expect, it } from "vitest";
import { browserPath } from "./browser.ts";
import { PanelDesk, THEMES } from "./panels.ts";

const hasNasm = spawnSync("nasm", ["-v"]).status === 0 && spawnSync("ld", ["-v"]).status === 0;

const nasmKernel = `bits 32
section .boot
        dd 0x1badb002, 0, -0x1badb002
section .text
global start
start:
        mov esp, stack
        mov ebx, table
        mov ecx, 2
.next:
        mov eax, [ebx + ecx*4]
        dec ecx
        jnz .next
        hlt
section .data
table:  dd 0x11, 0x22, 0x33
        times 64 dd 0
stack:
`;
const script = `ENTRY(start)
SECTIONS {
  . = 0x100000;
  .boot : { *(.boot) }
  .text : { *(.text) }
  .data : { *(.data) }
}
`;

describe.skipIf(browserPath === null)("assembly beside a machine", () => {
  let desk: PanelDesk;
  const settings = (values: object): void =>
    writeFileSync(path.join(desk.folder, ".vscode/settings.json"), JSON.stringify(values));
  const withBytes = { "redzone.language.inlayHints": true, "redzone.analysis.enabled": false };

  /** A kernel in the folder that is built as its author would. */
  const buildNasm = (text = nasmKernel): void => {
    const build = (tool: string, ...args: readonly string[]): void => {
      execFileSync(tool, args, { cwd: desk.folder, stdio: ["ignore", "ignore", "pipe"] });
    };
    writeFileSync(path.join(desk.folder, "kernel.asm"), text);
    writeFileSync(path.join(desk.folder, "nasm.ld"), script);
    build("nasm", "-felf32", "-g", "-Fdwarf", "-o", "kernel.o", path.join(desk.folder, "kernel.asm"));
    build("ld", "-melf_i386", "-T", "nasm.ld", "-o", "nasm.elf", "kernel.o");
  };

  beforeAll(async () => {
    desk = await PanelDesk.open("language-debug", [
      { name: "Sample", kernel: "sample.elf" },
      { name: "NASM", kernel: "nasm.elf" },
    ]);
    settings(withBytes);
    if (hasNasm) buildNasm();
  });
  afterAll(() => desk?.close());
  afterEach(({ task }) => desk.screenshotOfFailure(task));

  const lens = (text: string) =>
    desk.window.page.locator(".editor-instance .codelens-decoration").filter({ hasText: text }).first();
  /** The line of the source that begins with a text, with what the editor writes behind it. */
  const shownLine = async (text: string): Promise<string> => {
    const lines = await desk.window.page.locator(".editor-group-container.active .view-line").allInnerTexts();
    const plain = lines.map((line) => line.replaceAll("\u00a0", " ").replaceAll(/\s+/gu, " ").trim());
    return plain.find((line) => line.startsWith(text)) ?? plain.join("\n");
  };
  const lineOf = (name: string, pattern: RegExp): { readonly line: number; readonly column: number } => {
    const lines = readFileSync(path.join(desk.folder, name), "utf8").split("\n");
    const line = lines.findIndex((candidate) => pattern.test(candidate));
    expect(line).toBeGreaterThanOrEqual(0);
    return { line: line + 1, column: (pattern.exec(lines[line]!)?.index ?? 0) + 1 };
  };
  const step = async (): Promise<void> => {
    const before = await desk.window.topFrame.getAttribute("aria-label");
    await desk.window.page.keyboard.press("F10");
    await expect.poll(() => desk.window.topFrame.getAttribute("aria-label")).not.toBe(before);
  };

  const stop = async (): Promise<void> => {
    if (await desk.window.toolbar.isVisible()) await desk.window.page.keyboard.press("Shift+F5");
    await desk.window.toolbar.waitFor({ state: "hidden" });
  };

  it("shows addresses and sizes above labels, and bytes behind instructions", async () => {
    await desk.window.openFile("boot.S");
    await desk.window.goToLine(lineOf("boot.S", /^_start:/u).line);
    await expect.poll(() => lens("0x200030 · 136 B").isVisible(), { timeout: 90_000 }).toBe(true);
    await expect.poll(() => shownLine("movl %cr4, %eax")).toMatch(/0f 20 e0$/u);
    expect(await lens("Run to here").isVisible()).toBe(false);
    await desk.window.clearNotifications();
    await desk.window.screenshot("90-assembly-bytes");
  });

  it("shows addresses and sizes above the sections of the linker script", async () => {
    await desk.window.openFile("sample.lds");
    await expect.poll(() => lens("0x200030 · 12562 B · segment 0 R E").isVisible()).toBe(true);
    await desk.window.screenshot("90-script-sections");
    await desk.window.openFile("boot.S");
  });

  it("hides bytes that are not those of the text any more", async () => {
    await desk.window.goToLine(lineOf("boot.S", /movl\s+%cr4/u).line);
    await desk.window.page.keyboard.press("Home");
    await desk.window.page.keyboard.type("nop;");
    await expect.poll(() => shownLine("nop;movl %cr4, %eax")).toMatch(/%eax$/u);
    await lens("as last built").waitFor();
    // The editor has saved it meanwhile: it is taken back by hand.
    for (const _ of "nop;") await desk.window.page.keyboard.press("Backspace");
    await expect.poll(() => shownLine("movl %cr4, %eax")).toMatch(/0f 20 e0$/u);
  });

  it("runs a machine that stands still to a label", async () => {
    await desk.window.start("Sample");
    await desk.window.waitForStop(/_start/u);
    const label = lineOf("boot.S", /^build_page_tables:/u);
    await desk.window.goToLine(label.line);
    const run = lens("0x2000b8").getByText("Run to here");
    await run.waitFor({ timeout: 60_000 });
    await run.click();
    await desk.window.waitForStop(/build_page_tables/u);
  });

  it("shows what the instruction reads, and what those before it have written", async () => {
    for (let count = 0; count < 3; count++) await step();
    await expect
      .poll(() => shownLine("1: movl %eax, page_directory_pointers"))
      .toMatch(/eax = 0x208003, page_directory_pointers\(, %ecx, 8\) = 0x0, ecx = 0x0/u);
    for (let count = 0; count < 3; count++) await step();
    await expect.poll(() => shownLine("addl $4096, %eax")).toMatch(/eax = 0x209003/u);
  });

  it.each(THEMES.slice(0, 2))("is to be read in %s", async (name, kind) => {
    settings({ ...withBytes, "workbench.colorTheme": name });
    await desk.window.page.locator(`.monaco-workbench.${kind}`).waitFor();
    await expect.poll(() => shownLine("addl $4096, %eax")).toMatch(/eax = 0x209003/u);
    await desk.window.clearNotifications();
    await desk.window.screenshot(`91-assembly-values-${kind}`, kind === "vs-dark" ? "language" : undefined);
  });

  it("evaluates the operand under the mouse", async () => {
    settings(withBytes);
    // The view is drawn anew with the theme, and an answer that comes meanwhile is dropped.
    await desk.window.page.locator(`.monaco-workbench.${THEMES[0][1]}`).waitFor();
    await expect.poll(() => shownLine("addl $4096, %eax")).toMatch(/eax = 0x209003/u);
    const { line, column } = lineOf("boot.S", /page_directory_pointers\(, %ecx, 8\)/u);
    const widget = await desk.window.hover(line, column + 3);
    await expect.poll(() => widget.innerText()).toMatch(/^0x0\b/u);
    await desk.window.screenshot("92-assembly-hover");
    await desk.window.page.keyboard.press("Escape");
    await stop();
  });

  it.runIf(hasNasm)("stops at a breakpoint in a file of NASM without any settings", async () => {
    await stop();
    await desk.window.openFile("kernel.asm");
    await desk.window.clickGutter(lineOf("kernel.asm", /dec ecx/u).line);
    await desk.window.start("NASM");
    await desk.window.waitForStop(/start/u);
    await desk.window.page.keyboard.press("F5");
    await desk.window.waitForStop(/line 12\b|next/u);
    await expect
      .poll(() => shownLine("mov eax, [ebx + ecx*4]"))
      .toMatch(/8b 04 8b.*eax = 0x33|eax = 0x33.*8b 04 8b/u);
    await expect.poll(() => lens("0x100010").isVisible()).toBe(true);
    await desk.window.clearNotifications();
    await desk.window.screenshot("93-assembly-nasm");
    await stop();
  });

  it.runIf(hasNasm)("follows what is built", async () => {
    await desk.window.openFile("kernel.asm");
    await expect.poll(() => lens("0x100028").isVisible()).toBe(true);
    buildNasm(nasmKernel.replace("hlt", "hlt\n        times 8 nop"));
    await expect.poll(() => lens("0x100030").isVisible()).toBe(true);
    await expect.poll(() => shownLine("mov ebx, table")).toMatch(/bb 30 00 10 00$/u);
  });
});
