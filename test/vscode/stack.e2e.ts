/** The Stack panel in a real editor, by keyboard: without a machine, in 32-bit code, in an interrupt over a red zone, after an overflow, three themes. */
import { readFileSync } from "node:fs";
import path from "node:path";
import { afterAll, afterEach, beforeAll, describe, expect, it } from "vitest";
import { browserPath } from "./browser.ts";
import { PanelDesk } from "./panels.ts";
import { root } from "./server.mjs";

const lineOf = (file: string, text: string): number =>
  readFileSync(path.join(root, "media/sample-kernel", file), "utf8")
    .split("\n")
    .findIndex((line) => line.includes(text)) + 1;

describe.skipIf(browserPath === null)("the Stack panel", () => {
  let desk: PanelDesk;
  const page = () => desk.page;
  const press = async (...keys: readonly string[]): Promise<void> => {
    for (const key of keys) await desk.window.page.keyboard.press(key);
  };
  /** Rows of the picture, as a person reads them. */
  const rows = async () =>
    (await page().locator("#picture .list-row:not(.list-head)").allInnerTexts()).map((row) =>
      row.replaceAll(/\s+/gu, " ").trim(),
    );
  const picture = async () => (await rows()).join("\n");
  /** The Call Stack beside the panel, or its room for the panel. */
  const sideBar = async (isShown: boolean): Promise<void> => {
    const bar = desk.window.page.locator(".part.sidebar");
    if ((await bar.isVisible()) !== isShown)
      await desk.window.command("View: Toggle Primary Side Bar Visibility");
    await expect.poll(() => bar.isVisible()).toBe(isShown);
  };

  beforeAll(async () => {
    desk = await PanelDesk.open("stack", [
      { name: "Red zone", kernel: "sample.elf", append: "bug=redzone" },
      { name: "Overflow", kernel: "sample.elf", append: "bug=overflow" },
    ]);
  });
  afterAll(() => desk?.close());
  afterEach(({ task }) => desk.screenshotOfFailure(task));

  it("says what it is for when no machine runs", async () => {
    await desk.openPanel("Stack");
    await expect.poll(() => page().locator("#empty").innerText()).toMatch(/No machine is running/u);
    await desk.window.screenshot("60-stack-empty");
  });

  it("shows words of 4 bytes in 32-bit code", async () => {
    await desk.start("Red zone");
    await desk.window.waitForStop(/_start/u);
    await desk.openPanel("Stack");
    await expect.poll(() => page().locator("#head").innerText()).toMatch(/ESP 0x/u);
    await sideBar(false);
    await desk.window.command("View: Toggle Panel Visibility");
    await desk.window.clearNotifications();
    await desk.window.screenshot("61-stack-32");
  });

  it("shows an interrupt over the red zone of a function", async () => {
    await desk.window.openFile("timer.c");
    await desk.window.clickGutter(lineOf("timer.c", "ticks++;"));
    await press("F5");
    await sideBar(true);
    await desk.window.waitForStop(/tick/u);
    await desk.openPanel("Stack");
    await sideBar(false);
    await expect.poll(picture).toMatch(/return address .* interrupt\+0x/u);
    await desk.screenshots("62-stack");
    await page().locator("#picture").focus();
    await press("Home");
    await desk.window.screenshot("64-stack-top");
    await page().locator("#order").click();
    await desk.window.screenshot("65-stack-low");
    await page().locator("#order").click();
    console.log(await picture());
    console.log(await page().locator("body").getAttribute("data-milliseconds"));
  });

  it("shows an overflow", async () => {
    await desk.window.command("Debug: Stop");
    await desk.window.toolbar.waitFor({ state: "hidden" });
    await sideBar(true);
    await desk.start("Overflow");
    await desk.window.waitForStop(/_start/u);
    await press("F5");
    await desk.window.waitForStop(/panic|descend|tick/u);
    await desk.openPanel("Stack");
    await sideBar(false);
    await desk.window.screenshot("66-stack-overflow");
    console.log(await picture());
  });
});
