/** Completion and signatures of boot code in a real editor: what is offered and told, and that a snippet lands with its places; which is tested at the server's boundary. */
import { writeFileSync } from "node:fs";
import path from "node:path";
import { afterAll, afterEach, beforeAll, describe, expect, it } from "vitest";
import { browserPath } from "./browser.ts";
import { PanelDesk } from "./panels.ts";

// A file for each test: the editor saves what is typed by itself.
const files = {
  "entry.S": "\t.code32\n\t.text\n\t.globl start\nstart:\n\t\n\thlt\n",
  "features.S": "\t.code32\nfeatures:\n\tmovl $, %ecx\n\trdmsr\n\tret\n",
  "stage.asm": "    bits 64\nmain:\n    \n.loop:\n    jmp .loop\n",
  "new.ld": "\n",
};

describe.skipIf(browserPath === null)("completion of boot code", () => {
  let desk: PanelDesk;

  beforeAll(async () => {
    desk = await PanelDesk.open("language-completion", []);
    for (const [name, text] of Object.entries(files)) writeFileSync(path.join(desk.folder, name), text);
  });
  afterAll(() => desk?.close());
  afterEach(({ task }) => desk.screenshotOfFailure(task));

  const page = () => desk.window.page;
  const rows = () => page().locator(".suggest-widget .monaco-list-row");
  const editor = () => page().locator(".editor-group-container.active .view-lines");
  const code = async (): Promise<string> => (await editor().innerText()).replaceAll("\u00a0", " ");

  /** Waits until the list has something that says `wanted`: asked again, while the server is still starting. */
  async function offered(wanted: RegExp): Promise<string> {
    const texts = async (): Promise<string> => (await rows().allInnerTexts()).join("\n");
    await expect
      .poll(
        async () => {
          if (!wanted.test(await texts())) {
            await page().keyboard.press("Escape");
            await page().keyboard.press("Control+Space");
          }
          return texts();
        },
        { interval: 1000 },
      )
      .toMatch(wanted);
    return texts();
  }

  /** What is told beside the list of the item that is chosen. */
  async function told(wanted: RegExp): Promise<void> {
    const details = page().locator(".suggest-details");
    await expect
      .poll(
        async () => {
          if ((await details.count()) === 0 || !(await details.isVisible()))
            await page().keyboard.press("Control+Space");
          return details.innerText({ timeout: 1000 }).catch(() => "");
        },
        { interval: 1000 },
      )
      .toMatch(wanted);
  }

  it("offers what a statement can be, without a wall", async () => {
    await desk.window.openFile("entry.S");
    await desk.window.goToLine(5, 2);
    expect(await offered(/\bmov\b/u)).not.toMatch(/\bvpaddb\b/u);
    await desk.window.screenshot("88-language-statement");
    await page().keyboard.press("Escape");
  });

  it("inserts the way to long mode", async () => {
    await desk.window.goToLine(5, 2);
    await page().keyboard.type("long");
    await offered(/long-mode/u);
    await told(/Enter long mode/u);
    await desk.window.screenshot("89-language-snippet");
    await page().keyboard.press("Enter");
    // The first place, the size of the stack, is at the end.
    await expect.poll(code).toMatch(/^stack_top:/mu);
    await desk.window.screenshot("90-language-inserted");
    await page().keyboard.press("Escape");
  });

  it("offers MSRs where rdmsr follows, by name", async () => {
    await desk.window.openFile("features.S");
    await desk.window.goToLine(3, 8);
    await page().keyboard.type("EF");
    await offered(/0xC0000080/u);
    await told(/LME/u);
    await desk.window.screenshot("91-language-msr");
    await page().keyboard.press("Enter");
    await expect.poll(code).toContain("movl $0xC0000080, %ecx");
  });

  it("shows the forms of an instruction, the one that fits first", async () => {
    await desk.window.openFile("stage.asm");
    await desk.window.goToLine(3, 5);
    await page().keyboard.type("mov cr3, ");
    const widget = page().locator(".parameter-hints-widget.visible");
    await expect
      .poll(
        async () => {
          if ((await widget.count()) === 0) await page().keyboard.press("Control+Shift+Space");
          return widget.innerText({ timeout: 1000 }).catch(() => "");
        },
        { interval: 1000 },
      )
      .toContain("mov cr, r64");
    expect(await offered(/\brax\b/u)).not.toMatch(/\beax\b/u);
    await desk.window.screenshot("92-language-signature");
    await page().keyboard.press("Escape");
    await page().keyboard.press("Escape");
  });

  it("starts a linker script", async () => {
    await desk.window.openFile("new.ld");
    await desk.window.goToLine(1, 1);
    await page().keyboard.type("kern");
    await offered(/kernel/u);
    await desk.window.screenshot("93-language-script-snippet");
    await page().keyboard.press("Enter");
    await expect.poll(code).toContain("KEEP(*(.multiboot))");
    await page().keyboard.press("Escape");
  });
});
