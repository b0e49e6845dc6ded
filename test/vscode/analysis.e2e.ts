/** Static analysis in a real editor, without a machine: a lens above every function, the problem of the one with a red zone, the table of any file. */
import { writeFileSync } from "node:fs";
import path from "node:path";
import { afterAll, afterEach, beforeAll, describe, expect, it } from "vitest";
import { browserPath } from "./browser.ts";
import { PanelDesk, THEMES } from "./panels.ts";

describe.skipIf(browserPath === null)("stack use in the editor", () => {
  let desk: PanelDesk;

  beforeAll(async () => {
    desk = await PanelDesk.open("analysis", [{ name: "Sample", kernel: "sample.elf" }]);
  });
  afterAll(() => desk?.close());
  afterEach(({ task }) => desk.screenshotOfFailure(task));

  /** A lens in the editor in front, by a part of its text. */
  const lens = (text: string) =>
    desk.window.page.locator(".codelens-decoration").filter({ hasText: text }).first();
  const problems = () => desk.window.page.locator(".markers-panel-container").innerText();
  const settings = (values: object): void =>
    writeFileSync(path.join(desk.folder, ".vscode/settings.json"), JSON.stringify(values));
  const quickInput = () => desk.window.page.locator(".quick-input-widget");

  it("shows red zone and stack above functions", async () => {
    await desk.window.openFile("redzone.c");
    await expect.poll(() => lens("red zone 96 B · stack 16 B").isVisible()).toBe(true);
    await desk.window.openFile("timer.c");
    await expect.poll(() => lens("stack").isVisible()).toBe(true);
    expect(await lens("red zone").isVisible()).toBe(false);
  });

  it("tells of the function and of its compilation unit in the Problems panel", async () => {
    await desk.window.openFile("redzone.c");
    await desk.window.command("Problems: Focus on Problems View");
    await expect.poll(problems).toMatch(/sum_in_red_zone keeps 96 bytes below the stack pointer/u);
    expect(await problems()).toMatch(
      /1 of 12 compilation units of sample\.elf was built without -mno-red-zone/u,
    );
    await desk.window.clearNotifications();
    await desk.window.screenshot("70-analysis-problems");
  });

  it.each(THEMES.slice(1))("is to be read in %s", async (name, kind) => {
    settings({ "workbench.colorTheme": name });
    await desk.window.page.locator(`.monaco-workbench.${kind}`).waitFor();
    await desk.window.screenshot(`70-analysis-problems-${kind}`);
    settings({});
    await desk.window.page.locator(`.monaco-workbench.${THEMES[0][1]}`).waitFor();
  });

  it("lists the instructions that use the red zone, and goes to them", async () => {
    await desk.window.openFile("redzone.c");
    await lens("red zone 96 B").locator("a").first().click();
    await quickInput().getByText("stores 8 bytes at RSP − 88").waitFor();
    await desk.window.screenshot("71-analysis-accesses");
    await desk.window.page.keyboard.press("Escape");
  });

  it("finds the function in a source that was edited since", async () => {
    await desk.window.openFile("redzone.c");
    const first = await lens("red zone 96 B").boundingBox();
    await desk.window.page
      .locator(".editor-instance .view-lines")
      .first()
      .click({ position: { x: 300, y: 5 } });
    await desk.window.page.keyboard.press("Control+Home");
    await desk.window.page.keyboard.type("\n\n\n");
    await expect
      .poll(async () => (await lens("red zone 96 B").boundingBox())?.y)
      .toBeGreaterThan(first?.y ?? 0);
    await desk.window.command("File: Revert File");
  });

  it("is silent when it is switched off", async () => {
    await desk.window.openFile("redzone.c");
    await lens("red zone 96 B").waitFor();
    settings({ "redzone.analysis.enabled": false });
    await lens("red zone 96 B").waitFor({ state: "detached" });
  });

  it("shows the table of any file", async () => {
    await desk.window.command("Redzone: Analyse Stack Use of File…");
    const input = quickInput().locator("input").first();
    await quickInput().getByText("A kernel, an object file (.o) or an archive (.a)").waitFor();
    const lines = desk.window.page.locator(".editor-group-container.active .view-lines").first();
    const text = async () => (await lines.innerText()).replaceAll("\u00a0", " ");
    // The dialog writes its folder into the field when it has read that, over what was typed before.
    await expect
      .poll(
        async () => {
          if (await input.isVisible()) {
            await input.fill(path.join(desk.folder, "sample.elf"));
            await input.press("Enter");
          }
          return text();
        },
        { interval: 2000 },
      )
      .toMatch(/red zone\s+stack\s+function\s+where/u);
    expect(await text()).toMatch(/96\s+16\s+sum_in_red_zone\s+redzone\.c:10/u);
    await desk.window.screenshot("72-analysis-table");
  });
});
