/** A workspace without a launch.json, in a light theme: what Redzone offers by itself. */
import { cpSync, existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { afterAll, afterEach, beforeAll, describe, expect, it } from "vitest";
import { browserPath } from "./browser.ts";
import { installedServer } from "./installed.ts";
import { root, type Server } from "./server.mjs";
import { Workbench } from "./workbench.ts";

const folder = path.join(tmpdir(), "redzone-e2e/workspace");

describe.skipIf(browserPath === null)("a workspace with a kernel in it", () => {
  let server: Server;
  let window: Workbench;

  beforeAll(async () => {
    rmSync(folder, { recursive: true, force: true });
    mkdirSync(path.join(folder, "build"), { recursive: true });
    cpSync(path.join(root, "media/sample-kernel"), path.join(folder, "build"), { recursive: true });
    server = await installedServer("Default Light Modern");
    window = await Workbench.open(server.url, folder);
  });

  afterAll(async () => {
    await window?.close();
    await server?.stop();
  });

  afterEach(async ({ task }) => {
    if (task.result?.state === "fail")
      await window.screenshot(`failed-${task.name.replaceAll(/\W+/gu, "-")}`);
  });

  it("gets a welcome in the Run view", async () => {
    await window.command("View: Show Run and Debug");
    await window.page.getByRole("button", { name: "Debug the Sample Kernel" }).waitFor();
    await window.screenshot("20-welcome");
  });

  it("has a walkthrough", async () => {
    await window.page.locator(".welcome-view a").filter({ hasText: "walkthrough" }).click();
    const page = window.page.locator(".gettingStartedContainer");
    await page.getByText("Debug a Kernel with Redzone").first().waitFor();
    await window.webview.getByText("before the first instruction").waitFor();
    await window.screenshot("21-walkthrough");
    await window.command("View: Close All Editors");
  });

  it("has a Display panel that says what it is for when nothing runs", async () => {
    await window.command("Redzone: Open Display");
    await expect.poll(() => window.webview.locator("#empty").innerText()).toMatch(/No machine is running/u);
    await window.screenshot("22-empty-display");
  });

  it("offers an ELF file of the Explorer for debugging", async () => {
    await window.command("View: Show Explorer");
    const row = (name: string) =>
      window.page.locator(".explorer-folders-view .monaco-list-row").filter({ hasText: name });
    if ((await row("sample.elf").count()) === 0) await row("build").first().click();
    await row("sample.elf").first().click({ button: "right" });
    // A menu takes no click in its first moments, lest the one that opened it chooses; a key it takes.
    await window.page.locator(".monaco-menu").getByText("Debug with Redzone").hover();
    await window.page.keyboard.press("Enter");
    await window.waitForStop(/_start, line \d+, boot\.S/u);
    await window.screenshot("23-from-the-explorer");
  });

  it("shows the blank display of a machine that has just been switched on", async () => {
    await expect.poll(() => window.webview.locator("#machine").innerText()).toBe("Boot sample.elf");
    await window.page.keyboard.press("Shift+F5");
    await window.toolbar.waitFor({ state: "hidden" });
    await window.screenshot("24-ended");
  });

  it("finds the kernel when F5 is pressed without a launch.json", async () => {
    await window.openFile("main.c");
    await window.page.keyboard.press("F5");
    await window.waitForStop(/_start, line \d+, boot\.S/u);
    await window.screenshot("25-without-a-configuration");
  });

  it("says what a register holds when the mouse points at it in assembly", async () => {
    const source = readFileSync(path.join(folder, "build/boot.S"), "utf8").split("\n");
    const line = source.findIndex((text) => text.includes("%eax, boot_magic"));
    const hover = await window.hover(line + 1, (source[line] ?? "").indexOf("%eax") + 2);
    await expect.poll(() => hover.innerText()).toMatch(/0x0*2badb002/u);
  });

  it("offers to boot a kernel that was built anew", async () => {
    await window.page.keyboard.press("F10");
    await window.waitForStop(/_start, line 55, boot\.S/u);
    writeFileSync(path.join(folder, "build/sample.elf"), readFileSync(path.join(folder, "build/sample.elf")));
    const notice = window.page.locator(".notification-toast").filter({ hasText: "sample.elf was rebuilt" });
    await notice.waitFor();
    await window.screenshot("26-rebuilt");
    await notice.getByRole("button", { name: "Restart", exact: true }).click();
    await window.waitForStop(/_start, line 54, boot\.S/u);
  });

  it("explains why a file does not boot, and shows no console of a machine that never was", async () => {
    await window.page.keyboard.press("Shift+F5");
    await window.toolbar.waitFor({ state: "hidden" });
    mkdirSync(path.join(folder, ".vscode"), { recursive: true });
    const configuration = { type: "redzone", request: "launch", name: "Wrong", kernel: "build/main.c" };
    writeFileSync(
      path.join(folder, ".vscode/launch.json"),
      JSON.stringify({ configurations: [configuration] }),
    );
    await window.page
      .locator(".sidebar select option")
      .getByText("Wrong")
      .first()
      .waitFor({ state: "attached" });
    await window.page.keyboard.press("F5");
    const dialog = window.page.locator(".monaco-dialog-box");
    await expect.poll(() => dialog.innerText()).toMatch(/main\.c/u);
    await window.screenshot("27-does-not-boot");
    await dialog.getByRole("button", { name: "Cancel" }).click();
    expect(await window.page.locator(".terminal-tabs-entry, .terminal-wrapper").count()).toBeLessThan(2);
  });

  it("copies the sample into a folder and opens it", async () => {
    const parent = path.join(folder, "copies");
    mkdirSync(parent, { recursive: true });
    await window.command("Redzone: Copy the Sample Kernel to a Folder…");
    await window.page.locator(".quick-input-widget input").first().fill(`${parent}/`);
    await window.page.locator(".quick-input-widget").getByRole("button", { name: "Copy Here" }).click();
    const copy = path.join(parent, "redzone-sample-kernel");
    await expect
      .poll(() => existsSync(path.join(copy, ".vscode/launch.json")), { timeout: 30_000 })
      .toBe(true);
    expect(existsSync(path.join(copy, "sample.elf"))).toBe(true);
    await window.page.locator(".explorer-folders-view").getByText("sample.elf").waitFor();
    await window.screenshot("28-copied");
  });
});
