/** The Memory panel in a real editor: bytes, names and pointers, what changed, going places, editing, a type laid over, three themes. */
import { readFileSync } from "node:fs";
import path from "node:path";
import { afterAll, afterEach, beforeAll, describe, expect, it } from "vitest";
import { browserPath } from "./browser.ts";
import { PanelDesk } from "./panels.ts";
import { root } from "./server.mjs";

const SOURCE = readFileSync(path.join(root, "media/sample-kernel/main.c"), "utf8").split("\n");
const STOP = SOURCE.findIndex((line) => line.includes("banner(&boot)")) + 1;

describe.skipIf(browserPath === null)("the Memory panel", () => {
  let desk: PanelDesk;
  const page = () => desk.page;
  const press = async (...keys: readonly string[]): Promise<void> => {
    for (const key of keys) await desk.window.page.keyboard.press(key);
  };
  const goTo = async (text: string): Promise<void> => {
    await page().locator("#address").fill(text);
    await press("Enter");
  };
  const inspector = () => page().locator("#inspector").innerText();

  beforeAll(async () => {
    desk = await PanelDesk.open("memory", [{ name: "Sample", kernel: "sample.elf" }]);
  });
  afterAll(() => desk?.close());
  afterEach(({ task }) => desk.screenshotOfFailure(task));

  it("says what it is for when no machine runs", async () => {
    await desk.openPanel("Memory");
    await expect.poll(() => page().locator("#empty").innerText()).toMatch(/No machine is running/u);
    await desk.window.screenshot("70-memory-empty");
  });

  it("begins at the stack, and says which registers point there and which variables lie there", async () => {
    await desk.window.command("View: Focus First Editor Group");
    await desk.window.openFile("main.c");
    await desk.window.clickGutter(STOP);
    await desk.start("Sample");
    await desk.window.waitForStop(/_start/u);
    await press("F5");
    await desk.window.waitForStop(/kernel_main/u);
    await desk.openPanel("Memory");
    await desk.window.command("View: Toggle Primary Side Bar Visibility");
    await desk.window.command("View: Toggle Panel Visibility");
    await desk.window.clearNotifications();
    await goTo("$rsp");
    await expect.poll(() => page().locator(".note.register").allInnerTexts()).toContain("← rsp");
    await expect.poll(() => page().locator(".note.variable").allInnerTexts()).toContain("boot");
    await expect.poll(inspector).toMatch(/rsp points here/u);
    await desk.screenshots("71-memory");
  });

  it("marks the bytes that changed since the stop before", async () => {
    await press("F10");
    await page().locator(".byte.changed").first().waitFor();
    await desk.screenshots("72-memory-changed");
  });

  it("goes to a symbol, and to the same bytes in another space", async () => {
    await goTo("kernel_main");
    await expect.poll(() => page().locator(".note.symbol").allInnerTexts()).toContain("kernel_main");
    const linear = await page().locator(".byte.cursor").innerText();
    await page().locator('select[aria-label="Address space"]').selectOption("ram");
    await expect.poll(inspector).toMatch(/^0{6}[\da-f]{6}/u);
    await expect.poll(() => page().locator(".byte.cursor").innerText()).toBe(linear);
    await page().getByRole("button", { name: "Back" }).click();
    await expect.poll(inspector).toMatch(/kernel_main/u);
  });

  it("lays a structure over memory", async () => {
    await goTo("&boot");
    await page().locator("#type").fill("struct boot_information");
    await press("Enter");
    await page().locator("#fields .list-row").filter({ hasText: "command_line" }).waitFor();
    await desk.screenshots("73-memory-fields");
  });

  it("writes what is typed", async () => {
    await goTo("p:0x5000");
    await page().locator(".byte.cursor").waitFor();
    await page().locator("#bytes").focus();
    await press("a", "5", "c", "3", "ArrowLeft", "ArrowLeft");
    await expect.poll(() => page().locator(".byte.cursor").innerText()).toBe("a5");
    await press("ArrowRight");
    await expect.poll(() => page().locator(".byte.cursor").innerText()).toBe("c3");
  });
});
