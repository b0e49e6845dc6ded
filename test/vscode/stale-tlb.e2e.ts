/** The sample's bugs with pages, as a student meets them: F5, and the editor says at the line what happened and what is missing. */
import { afterAll, afterEach, beforeAll, describe, expect, it } from "vitest";
import { browserPath } from "./browser.ts";
import { PanelDesk } from "./panels.ts";

describe.skipIf(browserPath === null)("bugs with pages", () => {
  let desk: PanelDesk;
  /** What the editor says below the line. It forgets to now and then when the file has just been opened; going to the frame again helps. */
  const explanation = async (): Promise<string> => {
    const widget = desk.window.page.locator(".exception-widget");
    if (!(await widget.isVisible())) await desk.window.topFrame.click();
    return (await widget.isVisible()) ? widget.innerText() : "";
  };

  beforeAll(async () => {
    desk = await PanelDesk.open("stale-tlb", [
      { name: "Stale TLB", kernel: "sample.elf", append: "bug=stale-tlb", stopOnEntry: false },
      { name: "Null", kernel: "sample.elf", append: "bug=null", stopOnEntry: false },
    ]);
  });
  afterAll(() => desk?.close());
  afterEach(({ task }) => desk.screenshotOfFailure(task));

  it("a stale translation stops at the read that used it", async () => {
    await desk.start("Stale TLB");
    await desk.window.waitForStop(/stale_tlb_bug/u);
    await expect.poll(explanation).toMatch(/Stale TLB entry: read of 0x40000000.*INVLPG/su);
    await desk.window.clearNotifications();
    await desk.window.screenshot("80-stale-tlb");
  });

  it("a null pointer stops before the fault is delivered, and the variable is named", async () => {
    await desk.window.page.keyboard.press("Shift+F5");
    await desk.window.toolbar.waitFor({ state: "hidden" });
    await desk.start("Null");
    await desk.window.waitForStop(/null_bug/u);
    await expect.poll(explanation).toMatch(/`device` \(struct device \*\) in null_bug is null/u);
    await desk.window.clearNotifications();
    await desk.window.screenshot("81-null-pointer");
  });
});
