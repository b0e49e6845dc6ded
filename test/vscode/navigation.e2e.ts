/** Addresses outside panels, in a real editor: in a variable's menu, in a source, in what the guest prints. */
import { afterAll, afterEach, beforeAll, describe, expect, it } from "vitest";
import { browserPath } from "./browser.ts";
import { PanelDesk } from "./panels.ts";

const PICKER_MILLISECONDS = 5000;
const ATTEMPTS = 6;

describe.skipIf(browserPath === null)("an address outside panels", () => {
  let desk: PanelDesk;
  const picker = () => desk.window.page.locator(".quick-input-widget");
  const menu = () => desk.window.page.locator(".monaco-menu .action-label");
  const press = async (...keys: readonly string[]): Promise<void> => {
    for (const key of keys) await desk.window.page.keyboard.press(key);
  };

  /** Chooses in the submenu of the menu that is open. */
  const chooseView = async (view: string): Promise<void> => {
    await menu().getByText("Open Address in", { exact: true }).hover();
    await menu().getByText(`Open Address in ${view}`).hover();
    await press("Enter");
    await menu().first().waitFor({ state: "hidden" });
  };

  beforeAll(async () => {
    // The kernel reads through a null pointer, which is a stop, and says where when it goes on.
    desk = await PanelDesk.open("navigation", [
      { name: "Null", kernel: "sample.elf", append: "bug=null", stopOnEntry: false },
    ]);
  });
  afterAll(() => desk?.close());
  afterEach(({ task }) => desk.screenshotOfFailure(task));

  it("opens from a variable's menu", async () => {
    await desk.start("Null");
    await desk.window.waitForStop(/null_bug/u);
    for (const section of ["Watch", "Breakpoints"]) await desk.window.fold(section);
    await desk.window.enlargeVariables(300);
    await desk.window.expandVariable("Registers");
    await desk.window.expandVariable("General");
    await desk.window.variable("rsp").click({ button: "right" });
    await chooseView("Page Tables");
    await desk.window.tab("Page Tables").waitFor();
    await expect.poll(() => desk.page.locator(".steps li").count()).toBeGreaterThan(3);
    await desk.window.screenshot("55-address-of-a-variable");
  });

  it("opens from a source", async () => {
    await desk.window.openFile("main.c");
    await desk.window.goToLine(15, 20);
    await press("Shift+F10");
    await chooseView("Disassembly");
    await desk.window.page
      .locator(".editor-group-container.active .view-lines")
      .getByText("kernel_main:")
      .first()
      .waitFor();
    await desk.window.screenshot("55-address-of-a-symbol");
  });

  it("is a link where the guest prints it", async () => {
    await press("F5");
    await desk.window.expectTerminal(/exception 14 at rip 0x[\da-f]+/u);
    // At the stop behind it the editor takes the keyboard, which would close the picker.
    await desk.window.waitForStop(/panic/u);
    const rows = desk.window.page.locator(".terminal-wrapper.active .xterm-rows > div");
    const row = rows.filter({ hasText: "exception 14" });
    const text = (await row.innerText()).replaceAll("\u00a0", " ");
    const box = (await row.boundingBox())!;
    const cell =
      (await row.locator("span").first().boundingBox())!.width /
      (await row.locator("span").first().innerText()).length;
    const at = { x: box.x + (text.indexOf("0x") + 3.5) * cell, y: box.y + box.height / 2 };
    await desk.window.page.mouse.move(at.x, at.y - 40);
    await desk.window.page.keyboard.down("Control");
    // The terminal asks for links when the mouse comes to a line; a click before the answer is none, and one after the picker is there closes it.
    const shown = picker().getByText("Page Tables");
    for (let attempt = 1; ; attempt++) {
      await desk.window.page.mouse.move(at.x + (attempt % 2), at.y);
      await desk.window.page.mouse.click(at.x + (attempt % 2), at.y);
      const opened = shown.waitFor({ timeout: PICKER_MILLISECONDS });
      if (attempt === ATTEMPTS) await opened;
      else if (
        !(await opened.then(
          () => true,
          () => false,
        ))
      )
        continue;
      break;
    }
    await desk.window.page.keyboard.up("Control");
    await desk.window.screenshot("55-address-of-a-serial-line");
    await picker().locator(".monaco-list-row").filter({ hasText: "Source" }).click();
    await desk.window.tab("bugs.c").waitFor();
  });
});
