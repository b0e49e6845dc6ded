/** The RAM Layout panel in a real editor: without a machine, the picture and its keys, the converter, regions, heat maps, memory devices, three themes. */
import { readFileSync } from "node:fs";
import path from "node:path";
import { afterAll, afterEach, beforeAll, describe, expect, it } from "vitest";
import { browserPath } from "./browser.ts";
import { PanelDesk } from "./panels.ts";
import { root } from "./server.mjs";

const SOURCE = readFileSync(path.join(root, "media/sample-kernel/main.c"), "utf8").split("\n");
const STOP = SOURCE.findIndex((line) => line.includes("banner(&boot)")) + 1;

describe.skipIf(browserPath === null)("the RAM Layout panel", () => {
  let desk: PanelDesk;
  const page = () => desk.page;
  const press = async (...keys: readonly string[]): Promise<void> => {
    for (const key of keys) await desk.window.page.keyboard.press(key);
  };
  const tab = async (name: string): Promise<void> => {
    await page().getByRole("tab", { name, exact: true }).click();
    await expect
      .poll(() => page().getByRole("tab", { name, exact: true }).getAttribute("aria-selected"))
      .toBe("true");
  };
  const details = () => page().locator("#map .details").innerText();

  beforeAll(async () => {
    desk = await PanelDesk.open("ram-layout", [
      { name: "Sample", kernel: "sample.elf", memory: "6G,slots=4,maxmem=16G" },
    ]);
  });
  afterAll(() => desk?.close());
  afterEach(({ task }) => desk.screenshotOfFailure(task));

  it("says what it is for when no machine runs", async () => {
    await desk.openPanel("RAM Layout");
    await expect.poll(() => page().locator("#empty").innerText()).toMatch(/No machine is running/u);
    await desk.window.screenshot("60-ram-layout-empty");
  });

  it("draws both spaces and the hole between", async () => {
    await desk.window.command("View: Focus First Editor Group");
    await desk.window.openFile("main.c");
    await desk.window.clickGutter(STOP);
    await desk.start("Sample");
    await desk.window.waitForStop(/_start/u);
    await press("F5");
    await desk.window.waitForStop(/kernel_main/u);
    await desk.openPanel("RAM Layout");
    await desk.window.command("View: Toggle Primary Side Bar Visibility");
    await desk.window.command("View: Toggle Panel Visibility");
    await desk.window.clearNotifications();
    await page().locator(".map .box").first().waitFor();
    await expect
      .poll(() => page().locator("#map .summary").innerText())
      .toMatch(/3 GiB below the hole .* 3 GiB from 4 GiB on.*0x40000000/u);
    await desk.screenshots("61-ram-layout");
  });

  it("is walked with arrows, and says what stands where", async () => {
    await page().locator(".map-body").focus();
    await press("End");
    await expect.poll(details).toMatch(/pc\.ram .*0x100000000 – 0x1bfffffff · 3 GiB/su);
    await expect.poll(details).toMatch(/system › ram-above-4g › pc\.ram/u);
    await press("ArrowRight");
    await expect.poll(details).toMatch(/RAMBlock pc\.ram · offset 0xc0000000/u);
    await expect
      .poll(() => page().locator(".map-body").getAttribute("aria-activedescendant"))
      .toBe(await page().locator(".box.chosen").getAttribute("id"));
  });

  it("converts an address into all spaces", async () => {
    await page().locator("#convert").fill("0x100001000");
    await press("Enter");
    const readings = page().locator(".readings tbody");
    await expect.poll(() => readings.innerText()).toMatch(/guest-physical[\s\S]*0xc0001000/u);
    await expect.poll(details).toMatch(/ram-above-4g/u);
    await desk.screenshots("62-ram-layout-converter");
  });

  it("tells who answers, and why the others do not", async () => {
    await tab("Regions");
    await page().locator("#why").fill("0xa0000");
    await press("Enter");
    await page().locator(".candidate.answers").waitFor();
    await expect.poll(() => page().locator(".candidate.loses").first().innerText()).toMatch(/comes after/u);
    await desk.screenshots("63-ram-layout-regions");
  });

  it("draws what was written since the stop before", async () => {
    await tab("Dirty pages");
    await expect
      .poll(() => page().locator("#heat-words").innerText())
      .toMatch(/[1-9]\d* of 1,572,864 pages dirty/u);
    await desk.screenshots("64-ram-layout-dirty");
  });

  it("plugs a DIMM in", async () => {
    await tab("Memory devices");
    await page().getByRole("button", { name: "Plug In" }).click();
    await expect.poll(() => page().locator(".slot").first().innerText()).toMatch(/dimm1/u);
    await desk.screenshots("65-ram-layout-devices");
    await tab("Blocks");
    await expect.poll(() => page().locator("#blocks").innerText()).toMatch(/mem-dimm1/u);
    await desk.window.screenshot("66-ram-layout-blocks");
  });
});
