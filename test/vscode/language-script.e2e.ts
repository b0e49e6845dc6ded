/**
 * Linker scripts in a real editor: what a section really got, what a command does, mistakes, completion; the details are tested at the server's boundary.
 */
import { readFileSync, writeFileSync } from "node:fs";
import path from "node:path";
import { afterAll, afterEach, beforeAll, describe, expect, it } from "vitest";
import { browserPath } from "./browser.ts";
import { PanelDesk } from "./panels.ts";

const faulty = `ENTRY(_start)

MEMORY
{
    ram (rwx) : ORIGIN = 2M, LENGTH = 4M
}

PHDRS
{
    all PT_LOAD FLAGS(7);
}

SECTIONS
{
    /DISCARD/ : { *(.comment .multiboot) }
    .text : { *(.text .text.*) } >rom :all
    .data : { *(.data .data.*) } >
}
`;

describe.skipIf(browserPath === null)("linker scripts in the editor", () => {
  let desk: PanelDesk;

  beforeAll(async () => {
    desk = await PanelDesk.open("language-script", [{ name: "Sample", kernel: "sample.elf" }]);
    writeFileSync(path.join(desk.folder, "faulty.lds"), faulty);
  });
  afterAll(() => desk?.close());
  afterEach(({ task }) => desk.screenshotOfFailure(task));

  const page = () => desk.window.page;
  const editor = () => page().locator(".editor-group-container.active .editor-instance");

  async function goTo(file: string, text: string, of = text): Promise<void> {
    const lines = readFileSync(path.join(desk.folder, file), "utf8").split("\n");
    const line = lines.findIndex((each) => each.includes(text));
    expect(line, `${file} has no “${text}”`).toBeGreaterThanOrEqual(0);
    await desk.window.openFile(file);
    await desk.window.goToLine(line + 1, (lines[line]?.indexOf(of) ?? 0) + 1);
  }

  /** What the editor says of a place, once it says what is expected: facts of the program come when it has been read. */
  async function hover(expected: RegExp): Promise<void> {
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

  it("says where a section really is, and what a command does", async () => {
    await goTo("sample.lds", ".text : {", ".text");
    await hover(/sample\.elf[\s\S]*0x200[0-9a-f]+/u);
    await desk.window.screenshot("88-language-script-section");
    await page().keyboard.press("Escape");
    await goTo("sample.lds", "kernel_end = .", "kernel_end");
    await hover(/sample\.elf[\s\S]*0x2/u);
    await desk.window.screenshot("88-language-script-symbol");
    await page().keyboard.press("Escape");
    await goTo("sample.lds", ". = ALIGN(4K)", "ALIGN");
    await hover(/power of two/u);
    await desk.window.screenshot("88-language-script-function");
    await page().keyboard.press("Escape");
  });

  it("knows what was built after its server is restarted", async () => {
    await goTo("sample.lds", ".text : {", ".text");
    await desk.window.command("Redzone: Restart Language Server");
    await hover(/sample\.elf[\s\S]*0x200[0-9a-f]+/u);
    await page().keyboard.press("Escape");
  });

  it("finds mistakes, and completes regions", async () => {
    await desk.window.openFile("faulty.lds");
    await editor().locator(".squiggly-error").first().waitFor();
    await desk.window.command("Problems: Focus on Problems View");
    const problems = page().locator(".markers-panel .monaco-list-row");
    await expect
      .poll(async () => (await problems.allInnerTexts()).join(" "))
      .toMatch(/thrown away[\s\S]*no memory region/u);
    await desk.window.screenshot("89-language-script-problems");
    await goTo("faulty.lds", ".data : {", "} >");
    await page().keyboard.press("End");
    const list = page().locator(".suggest-widget .monaco-list-row");
    await expect
      .poll(
        async () => {
          if ((await list.count()) === 0) await page().keyboard.press("Control+Space");
          return (await list.allInnerTexts()).join(" ");
        },
        { interval: 1000 },
      )
      .toMatch(/ram/u);
    await desk.window.screenshot("89-language-script-completion");
    await page().keyboard.press("Escape");
  });
});
