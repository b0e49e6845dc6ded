/** A red-zone clobber in a real editor: F5 on the sample with bug=redzone stops at the read, with nothing ticked by hand, and says what happened. */
import { afterAll, afterEach, beforeAll, describe, expect, it } from "vitest";
import { browserPath } from "./browser.ts";
import { PanelDesk } from "./panels.ts";

describe.skipIf(browserPath === null)("a red-zone clobber", () => {
  let desk: PanelDesk;

  beforeAll(async () => {
    desk = await PanelDesk.open("red-zone", [
      { name: "Clobber", kernel: "sample.elf", append: "bug=redzone", stopOnEntry: false },
    ]);
  });
  afterAll(() => desk?.close());
  afterEach(({ task }) => desk.screenshotOfFailure(task));

  const widget = () => desk.window.page.locator(".exception-widget");
  const console = async () =>
    (await desk.window.page.locator(".repl .monaco-list-rows").first().innerText()).replaceAll("\u00a0", " ");

  it("stops at the function that read what the timer overwrote", async () => {
    // Open, as it is where somebody works on it: the editor shows an exception in files that are.
    await desk.window.openFile("redzone.c");
    await desk.start("Clobber");
    await desk.window.waitForStop(/sum_in_red_zone, line \d+, redzone\.c/u);
    await widget().waitFor();
    const text = (await widget().innerText()).replaceAll("\u00a0", " ");
    expect(text).toContain("Exception has occurred: red-zone");
    expect(text).toContain("sum_in_red_zone() read 8 bytes below its stack pointer");
    expect(text).toContain("-mno-red-zone");
    await desk.window.clearNotifications();
    await desk.window.screenshot("75-red-zone-vs-dark");
  });

  it("keeps the explanation in the Debug Console, where info redzone lists what was found", async () => {
    await desk.console("info redzone");
    await expect.poll(console).toMatch(/What does not help: sub rsp, 128 in the handler/u);
    await expect.poll(console).toMatch(/IRQ 0 \(0x20\)\s+sum_in_red_zone/u);
    await desk.window.screenshot("76-red-zone-console");
  });

  it("stops at the interrupt with another of its filters", async () => {
    for (const section of ["Variables", "Watch", "Call Stack"]) await desk.window.fold(section);
    const filter = (label: string) =>
      desk.window.page.locator(".debug-breakpoints .monaco-list-row").filter({ hasText: label }).first();
    for (const label of ["Red-zone clobber: confirmed", "IST stack entered twice"])
      expect(await filter(label).locator('input[type="checkbox"]').isChecked()).toBe(true);
    await filter("Red-zone clobber: latent").locator('input[type="checkbox"]').check();
    await desk.window.screenshot("77-red-zone-filters");
    await desk.window.page.locator(".sidebar .pane-header").filter({ hasText: "Call Stack" }).click();
    await desk.window.command("Debug: Restart");
    await desk.window.waitForStop(/vectors, line \d+, vectors\.S/u);
    await desk.window.clearNotifications();
    await desk.window.screenshot("78-red-zone-latent");
  });
});
