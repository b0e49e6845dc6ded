/**
 * The language of boot code in a real editor: colours, outline, hovers, going about, mistakes and their fixes, completion, renaming; what each says in detail is tested
 * at the server's boundary.
 */
import { readFileSync, writeFileSync } from "node:fs";
import path from "node:path";
import { afterAll, afterEach, beforeAll, describe, expect, it } from "vitest";
import { browserPath } from "./browser.ts";
import { PanelDesk, THEMES } from "./panels.ts";

/** Where the sample's assembly has what is looked at, found by its text so that the sample may change. */
function placeOf(file: string, text: string, of = text): { readonly line: number; readonly column: number } {
  const lines = readFileSync(file, "utf8").split("\n");
  const line = lines.findIndex((each) => each.includes(text));
  const column = lines[line]?.indexOf(of) ?? -1;
  if (line < 0 || column < 0) throw new Error(`${file} has no “${text}”`);
  return { line: line + 1, column: column + 1 };
}

const faulty = `        .section .text, "ax"
        .code64
        .globl  handler
handler:
        pushq   %rax
        popq    %rax
        iret
`;

describe.skipIf(browserPath === null)("assembly and linker scripts in the editor", () => {
  let desk: PanelDesk;

  beforeAll(async () => {
    desk = await PanelDesk.open("language", []);
    writeFileSync(path.join(desk.folder, "faulty.S"), faulty);
    writeFileSync(
      path.join(desk.folder, "descriptor.inc"),
      "%macro descriptor 2\n    dw %1\n    dd %2\n%endmacro\n",
    );
    writeFileSync(
      path.join(desk.folder, "sector.asm"),
      "    bits 16\n    org 0x7c00\nstart:\n    \n    jmp start\n",
    );
  });
  afterAll(() => desk?.close());
  afterEach(({ task }) => desk.screenshotOfFailure(task));

  const page = () => desk.window.page;
  const place = (file: string, text: string, of?: string) => placeOf(path.join(desk.folder, file), text, of);
  const editor = () => page().locator(".editor-group-container.active .editor-instance");
  const activeTab = () => page().locator(".tabs-container .tab.active");

  async function goTo(file: string, text: string, of?: string): Promise<void> {
    const { line, column } = place(file, text, of);
    await desk.window.openFile(file);
    await desk.window.goToLine(line, column);
  }

  /** What the editor says of the place the cursor is at. */
  async function hover(): Promise<string> {
    const widget = page().locator(".monaco-hover:visible .hover-contents");
    await expect
      .poll(
        async () => {
          await page().keyboard.press("Control+K");
          await page().keyboard.press("Control+I");
          await widget
            .first()
            .waitFor({ timeout: 3000 })
            .catch(() => null);
          return (await widget.allInnerTexts()).join("\n").trim();
        },
        { interval: 1000 },
      )
      .not.toMatch(/^(?:Loading\.\.\.)?$/u);
    return (await widget.allInnerTexts()).join("\n").replaceAll("\u00a0", " ");
  }

  it("colours assembly, and has an outline and a status item", async () => {
    await desk.window.openFile("boot.S");
    // Of the grammar there are more colours than the text's own.
    const colours = () =>
      editor()
        .locator(".view-line span span")
        .evaluateAll((spans) => new Set(spans.map((span) => (span as { className: string }).className)).size);
    await expect.poll(colours).toBeGreaterThan(3);
    await desk.window.command("Explorer: Focus on Outline View");
    const outline = page().locator(".outline-pane .monaco-list-row");
    await expect.poll(async () => (await outline.allInnerTexts()).join(" ")).toMatch(/MB1_MAGIC/u);
    await page().locator('.statusbar-item[id="status.languageStatus"]').hover();
    await expect
      .poll(async () => (await page().locator(".hover-language-status").allInnerTexts()).join(" "))
      .toMatch(/GNU as, AT&T syntax[\s\S]*files read/u);
    await desk.window.screenshot("80-language-outline");
    await page().keyboard.press("Escape");
  });

  it("explains an instruction, a register and a name", async () => {
    await goTo("boot.S", "wrmsr");
    expect(await hover()).toMatch(/wrmsr/iu);
    await desk.window.screenshot("81-language-hover-instruction");
    await page().keyboard.press("Escape");
    await goTo("boot.S", "movl    %cr4, %eax", "cr4");
    expect(await hover()).toMatch(/PAE/u);
    await desk.window.screenshot("81-language-hover-register");
    await page().keyboard.press("Escape");
  });

  it("goes from the linker script to the assembly and back", async () => {
    await goTo("sample.lds", "ENTRY(_start)", "_start");
    await expect
      .poll(
        async () => {
          await page().keyboard.press("F12");
          return activeTab().innerText();
        },
        { interval: 2000 },
      )
      .toContain("boot.S");
    await desk.window.command("References: Find All References");
    await page()
      .getByText(/results in 2 files/u)
      .first()
      .waitFor();
    await desk.window.screenshot("82-language-references");
    await page().keyboard.press("Escape");
  });

  it("shows a mistake where it is, and mends it", async () => {
    await desk.window.openFile("faulty.S");
    await editor().locator(".squiggly-warning, .squiggly-error").first().waitFor();
    await goTo("faulty.S", "iret");
    await desk.window.screenshot("83-language-squiggle");
    const menu = page().locator(".action-widget");
    await expect
      .poll(
        async () => {
          await page().keyboard.press("Control+.");
          await menu.waitFor({ timeout: 3000 }).catch(() => null);
          return (await menu.count()) > 0 ? menu.innerText() : "";
        },
        { interval: 1000 },
      )
      .toMatch(/iretq/u);
    await desk.window.screenshot("84-language-quick-fix");
    // The first is the best one, and is chosen already.
    await page().keyboard.press("Enter");
    await editor().locator(".squiggly-warning, .squiggly-error").waitFor({ state: "detached" });
    await desk.window.command("File: Save");
    await expect.poll(() => readFileSync(path.join(desk.folder, "faulty.S"), "utf8")).toMatch(/\biretq\b/u);
  });

  it("completes what the mode has", async () => {
    await desk.window.openFile("sector.asm");
    await desk.window.goToLine(4, 5);
    await page().keyboard.type("lg");
    const list = page().locator(".suggest-widget .monaco-list-row");
    await expect
      .poll(
        async () => {
          if ((await list.count()) === 0) await page().keyboard.press("Control+Space");
          return (await list.allInnerTexts()).join(" ");
        },
        { interval: 1000 },
      )
      .toMatch(/lgdt/u);
    await desk.window.screenshot("85-language-completion");
    await page().keyboard.press("Escape");
    await desk.window.command("File: Revert File");
  });

  it("tells by its content what a file is that has no name of its own", async () => {
    await desk.window.openFile("descriptor.inc");
    await page().locator(".statusbar-item").getByText("NASM Assembly").waitFor();
  });

  it("renames across files", async () => {
    await goTo("boot.S", "_start:", "_start");
    await page().keyboard.press("F2");
    const input = page().locator(".rename-box input");
    await input.waitFor();
    await input.fill("entry_point");
    await input.press("Enter");
    await input.waitFor({ state: "hidden" });
    await desk.window.command("File: Save All Files");
    await expect
      .poll(() => readFileSync(path.join(desk.folder, "sample.lds"), "utf8"))
      .toContain("ENTRY(entry_point)");
    expect(readFileSync(path.join(desk.folder, "boot.S"), "utf8")).toMatch(/^entry_point:/mu);
  });

  it.each(THEMES)("is to be read in %s", async (name, kind) => {
    writeFileSync(
      path.join(desk.folder, ".vscode/settings.json"),
      JSON.stringify({ "workbench.colorTheme": name }),
    );
    await page().locator(`.monaco-workbench.${kind}`).waitFor();
    await desk.window.openFile("sample.lds");
    await desk.window.clearNotifications();
    await desk.window.screenshot(`86-language-script-${kind}`);
    await goTo("boot.S", "movl    %cr4, %eax", "cr4");
    await hover();
    await desk.window.screenshot(`87-language-assembly-${kind}`);
    await page().keyboard.press("Escape");
  });
});
