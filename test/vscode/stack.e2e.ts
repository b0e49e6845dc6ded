/** The Stack panel in a real editor, by keyboard: without a machine, in 32-bit code, in an interrupt over a red zone, after an overflow, three themes. */
import { readFileSync } from "node:fs";
import path from "node:path";
import { afterAll, afterEach, beforeAll, describe, expect, it } from "vitest";
import { browserPath } from "./browser.ts";
import { PanelDesk } from "./panels.ts";
import { root } from "./server.mjs";

const ATTEMPTS = 3;

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
    // The editor shows it by itself when a session starts, before the command or after it.
    const isAsWanted = async (): Promise<boolean> => {
      if ((await bar.isVisible()) === isShown) return true;
      await desk.window.command("View: Toggle Primary Side Bar Visibility");
      return false;
    };
    await expect.poll(isAsWanted, { interval: 1000 }).toBe(true);
  };

  const selected = async () =>
    (await page().locator("#picture .list-row.selected").innerText()).replaceAll(/\s+/gu, " ").trim();
  const toPanel = async (): Promise<void> => {
    // The debug toolbar may lie over the tab. The palette closes when the editor, which shows a line of the stop, takes the focus.
    const tab = desk.window.tab("Stack");
    for (let attempt = 1; (await tab.getAttribute("aria-selected")) !== "true"; attempt++) {
      const opened = desk.openPanel("Stack");
      if (attempt === ATTEMPTS) await opened;
      else await opened.catch(() => null);
    }
    await page().locator("#picture .list-row.pointer").waitFor();
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
    await toPanel();
    await expect.poll(() => page().locator("#head").innerText()).toMatch(/ESP 0x/u);
    await sideBar(false);
    await desk.window.command("View: Toggle Panel Visibility");
    await desk.window.clearNotifications();
    await desk.window.screenshot("61-stack-32");
  });

  it("shows an interrupt over the red zone of a function, and says what that means", async () => {
    await desk.window.openFile("timer.c");
    await desk.window.clickGutter(lineOf("timer.c", "ticks++;"));
    await press("F5");
    await sideBar(true);
    await desk.window.waitForStop(/tick/u);
    await toPanel();
    await sideBar(false);
    await expect.poll(picture).toMatch(/return address .* interrupt\+0x/u);
    await expect
      .poll(() => page().locator(".notice.warning").innerText())
      .toMatch(/sum_in_red_zone was interrupted.*-mno-red-zone/su);
    await desk.screenshots("62-stack");
  });

  it("goes from the notice to the bytes that were overwritten", async () => {
    await page().locator(".notice.warning button").focus();
    await press("Enter");
    await expect.poll(() => page().locator("#picture .cell.overwritten").count()).toBeGreaterThan(40);
    await expect.poll(picture).toMatch(/numbers ← RIP, pushed by the processor/u);
    await desk.screenshots("63-stack-red-zone");
  });

  it("is walked with the keyboard: frames are folded and unfolded, values are followed", async () => {
    await page().locator("#picture").focus();
    await press("Home");
    await expect.poll(() => selected()).toMatch(/No caller/u);
    for (let n = 0; n < 12 && !/kernel_main/u.test(await selected()); n++) await press("ArrowDown");
    expect(await selected()).toMatch(/kernel_main/u);
    await press("ArrowRight");
    await expect.poll(picture).toMatch(/boot struct boot_information/u);
    await press("ArrowDown", "ArrowDown", "ArrowDown");
    await expect.poll(() => selected()).toMatch(/boot struct boot_information/u);
    await press("ArrowRight");
    await expect.poll(picture).toMatch(/usable_bytes 13\d{7}/u);
    await desk.window.screenshot("64-stack-unfolded");
    await press("ArrowLeft", "ArrowLeft", "ArrowLeft");
    await expect.poll(picture).not.toMatch(/boot struct boot_information/u);
    await page().locator("#order").focus();
    await press("Enter");
    await expect.poll(async () => (await rows())[0]).toMatch(/^Red zone/u);
    await desk.window.screenshot("65-stack-low");
    await press("Enter");
  });

  it("shows a stack that nobody runs on, and finds the way back", async () => {
    await page().locator("#stacks").focus();
    await press("End");
    await expect.poll(() => page().locator("#details h3").innerText()).toBe("IST 2");
    await press("Enter");
    await expect.poll(() => page().locator("#head").innerText()).toMatch(/Back to the frames\s+IST 2/u);
    await expect.poll(async () => (await rows()).length).toBeGreaterThan(8);
    await desk.window.screenshot("66-stack-words");
    await page().locator("#head button").first().focus();
    await press("Enter");
    await expect.poll(picture).toMatch(/tick timer\.c/u);
  });

  it("shows where the detector stopped: what was overwritten, and what has changed since the last stop", async () => {
    await press("F5");
    await desk.window.tab("redzone.c").waitFor();
    await toPanel();
    await expect.poll(picture).toMatch(/numbers ← written when IRQ 0/u);
    expect(await page().locator("#picture :is(.changed, .fresh)").count()).toBeGreaterThan(0);
    await expect.poll(() => page().locator("#clobbers").innerText()).toMatch(/sum_in_red_zone by IRQ 0/u);
    await desk.screenshots("67-stack-clobber", "stack");
    const milliseconds = await page().locator("body").getAttribute("data-milliseconds");
    console.log(`a stop was shown ${milliseconds} ms after it was asked for`);
  });

  it("shows an overflow, and how it came", async () => {
    await press("Shift+F5");
    await desk.window.toolbar.waitFor({ state: "hidden" });
    await expect.poll(() => page().locator("body").getAttribute("data-state")).toBe("ended");
    await sideBar(true);
    await desk.start("Overflow");
    await desk.window.waitForStop(/_start/u);
    await press("F5");
    await desk.window.waitForStop(/descend/u);
    await toPanel();
    await sideBar(false);
    await expect
      .poll(() => page().locator(".notice.error").innerText())
      .toMatch(/Overflow: the stack pointer is \d+ bytes below the end of stack/u);
    await desk.screenshots("68-stack-overflow");
  });
});
