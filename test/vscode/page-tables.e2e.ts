/** The Page Tables panel in a real editor, by keyboard: without a machine, without paging, the picture, a translation, the tree, three themes. */
import { readFileSync } from "node:fs";
import path from "node:path";
import { afterAll, afterEach, beforeAll, describe, expect, it } from "vitest";
import { browserPath } from "./browser.ts";
import { PanelDesk } from "./panels.ts";
import { root } from "./server.mjs";

const SOURCE = readFileSync(path.join(root, "media/sample-kernel/main.c"), "utf8").split("\n");
/** All of them before the kernel makes page tables of its own. */
const STEPS = 3;
const STOP = SOURCE.findIndex((line) => line.includes("banner(&boot)")) + 1;

describe.skipIf(browserPath === null)("the Page Tables panel", () => {
  let desk: PanelDesk;
  const page = () => desk.page;
  const press = async (...keys: readonly string[]): Promise<void> => {
    for (const key of keys) await desk.window.page.keyboard.press(key);
  };
  const crumbs = () => page().locator(".crumbs").innerText();
  /** Steps of the way to what is chosen. */
  const chosen = async () =>
    (await crumbs()).replaceAll(/\s+/gu, " ").split("› ").slice(1).join("/").replaceAll(" ", "");

  beforeAll(async () => {
    desk = await PanelDesk.open("page-tables", [{ name: "Sample", kernel: "sample.elf" }]);
  });
  afterAll(() => desk?.close());
  afterEach(({ task }) => desk.screenshotOfFailure(task));

  it("says what it is for when no machine runs", async () => {
    await desk.openPanel("Page Tables");
    await expect.poll(() => page().locator("#empty").innerText()).toMatch(/No machine is running/u);
    await desk.window.screenshot("50-page-tables-empty");
  });

  it("says that paging is off at the first instruction", async () => {
    await desk.start("Sample");
    await desk.window.waitForStop(/_start/u);
    await expect.poll(() => page().locator("#notice").innerText()).toMatch(/Paging is off/u);
  });

  it("shows the address space down to the page with the code, by itself", async () => {
    await desk.window.openFile("main.c");
    await desk.window.clickGutter(STOP);
    await press("F5");
    await desk.window.waitForStop(/kernel_main/u);
    await desk.openPanel("Page Tables");
    await desk.window.command("View: Toggle Primary Side Bar Visibility");
    await desk.window.command("View: Toggle Panel Visibility");
    await desk.window.clearNotifications();
    // Entries are folded as far as their accessed and dirty bits are alike.
    await expect.poll(chosen).toMatch(/^PML4\[0\]\/PDPT\[0.*\/PD\[1\]$/u);
    await expect.poll(() => page().locator(".summary").innerText()).toMatch(/4-level/u);
    await expect.poll(() => page().locator(".details").innerText()).toMatch(/2 MiB/u);
    const milliseconds = await page()
      .locator("body")
      .evaluate(() => performance.getEntriesByName("page tables").at(-1)?.duration ?? 0);
    console.log(`from the stop to the picture: ${milliseconds.toFixed(0)} ms`);
    await desk.screenshots("51-page-tables", "page-tables");
  });

  it("follows every step", async () => {
    const last = (): Promise<{ readonly start: number; readonly duration: number }> =>
      page()
        .locator("body")
        .evaluate(() => {
          const measure = performance.getEntriesByName("page tables").at(-1);
          return { start: measure?.startTime ?? 0, duration: measure?.duration ?? 0 };
        });
    const durations: number[] = [];
    for (let step = 0; step < STEPS; step++) {
      const { start } = await last();
      await press("F10");
      await expect.poll(async () => (await last()).start).toBeGreaterThan(start);
      durations.push((await last()).duration);
    }
    console.log(
      `from the stop after a step to the picture: ${durations.map((each) => each.toFixed(0)).join(", ")} ms`,
    );
  });

  it("is walked with arrows, and says where it is", async () => {
    // How entries are folded is not this test's matter: it counts the steps of the way.
    const steps = async () => (await chosen()).split("/");
    await page().locator(".strips").focus();
    for (let length = (await steps()).length; length > 1; length--) {
      await press("Backspace");
      await expect.poll(async () => (await steps()).length).toBe(length - 1);
    }
    expect(await chosen()).toBe("PML4[0]");
    await press("Enter", "End");
    await expect.poll(chosen).toBe("PML4[0]/PDPT[4…511]");
    const active = page().locator(".box.current");
    await expect.poll(() => active.getAttribute("aria-label")).toBe("PDPT[4 … 511], 508 GiB, not present");
    expect(await page().locator(".strips").getAttribute("aria-activedescendant")).toBe(
      await active.getAttribute("id"),
    );
    await press("Home", "ArrowDown");
    await expect.poll(async () => (await steps()).length).toBe(3);
    await press("Escape", "ArrowUp");
    await expect.poll(chosen).toBe("PML4[0]");
  });

  it("translates what is typed, with every step and the reason why the user may not", async () => {
    await page().locator("#address").focus();
    await desk.window.page.keyboard.type("kernel_main");
    await press("Enter");
    await expect.poll(() => page().locator(".steps li").count()).toBe(4);
    await expect.poll(() => page().locator(".arrival").innerText()).toMatch(/pc\.ram/u);
    await page().locator('.verdicts [aria-checked="true"]').focus();
    await press("ArrowDown");
    await expect.poll(() => page().locator(".why").innerText()).toMatch(/user code \(CPL 3\) faults.*U\/S/u);
    await desk.screenshots("52-page-tables-translation");
  });

  it("opens an address in other views, from its menu and from the palette", async () => {
    const { window } = desk;
    await page().locator(".arrival .address").first().click({ button: "right" });
    const menu = window.page.locator(".monaco-menu .action-label");
    await menu.getByText("Open Address in Page Tables").waitFor();
    await window.screenshot("53-page-tables-menu");
    expect(await menu.getByText("Open Address in Source").count()).toBe(0);
    await menu.getByText("Open Address in Page Tables").click();
    // The other way: who maps this physical address?
    await expect
      .poll(() => page().locator(".walk-head").innerText())
      .toMatch(/is mapped at 1 linear address/u);

    await window.command("Redzone: Open Address…");
    await window.page.locator(".quick-input-widget input").first().fill("kernel_main");
    await press("Enter");
    await window.page
      .locator(".quick-input-widget .monaco-list-row")
      .filter({ hasText: "Disassembly" })
      .click();
    await window.page
      .locator(".editor-group-container.active .view-lines")
      .getByText("kernel_main:")
      .first()
      .waitFor();
    await window.screenshot("53-page-tables-disassembly");
    await desk.openPanel("Page Tables");
  });

  it("unfolds the tree", async () => {
    await page().locator('[role="tab"][aria-selected="true"]').focus();
    await press("ArrowLeft");
    expect(await page().locator('[role="tab"][aria-selected="true"]').innerText()).toBe("Tree");
    const rows = (level: number) => page().locator(`#tree .list-row[aria-level="${level}"]`);
    await rows(1).first().waitFor();
    await page().locator("#tree").focus();
    await press("ArrowRight");
    await rows(2).first().waitFor();
    await press("ArrowDown", "ArrowRight");
    await rows(3).first().waitFor();
    expect(await rows(2).first().innerText()).toMatch(/PDPT\[0/u);
    await desk.window.screenshot("53-page-tables-tree");
  });

  it("keeps its place while another editor is in front, and the last tables when the machine is off", async () => {
    await desk.window.openFile("paging.c");
    await desk.openPanel("Page Tables");
    await page().locator('#tree .list-row[aria-level="3"]').first().waitFor();
    await desk.window.page.keyboard.press("Shift+F5");
    await desk.window.toolbar.waitFor({ state: "hidden" });
    await expect.poll(() => page().locator("body").getAttribute("data-state")).toBe("ended");
    await expect.poll(() => page().locator("#head").innerText()).toMatch(/switched off/u);
    await desk.window.screenshot("54-page-tables-ended");
  });
});
