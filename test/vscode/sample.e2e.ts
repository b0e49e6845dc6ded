/** The first session of a new user, in a real editor: F5 on the sample kernel, from the first instruction to typing into it. */
import { cpSync, mkdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { afterAll, afterEach, beforeAll, describe, expect, it } from "vitest";
import { browserPath } from "./browser.ts";
import { installedServer } from "./installed.ts";
import { root, type Server } from "./server.mjs";
import { Workbench } from "./workbench.ts";

const folder = path.join(tmpdir(), "redzone-e2e/sample-kernel");

/** The line of a source of the sample that has a text in it. */
function lineOf(file: string, text: string): number {
  const index = readFileSync(path.join(folder, file), "utf8")
    .split("\n")
    .findIndex((line) => line.includes(text));
  if (index < 0) throw new Error(`${file} does not say ${text}`);
  return index + 1;
}

describe.skipIf(browserPath === null)("the sample kernel in VS Code", () => {
  let server: Server;
  let window: Workbench;

  beforeAll(async () => {
    rmSync(folder, { recursive: true, force: true });
    mkdirSync(path.join(folder, ".vscode"), { recursive: true });
    cpSync(path.join(root, "media/sample-kernel"), folder, { recursive: true });
    const configuration = {
      type: "redzone",
      request: "launch",
      name: "Sample",
      kernel: "${workspaceFolder}/sample.elf",
    };
    const launch = { version: "0.2.0", configurations: [configuration] };
    writeFileSync(path.join(folder, ".vscode/launch.json"), JSON.stringify(launch));
    server = await installedServer("Default Dark Modern");
    window = await Workbench.open(server.url, folder);
  });

  afterAll(async () => {
    await window?.screenshot("99-end");
    await window?.close();
    await server?.stop();
  });

  afterEach(async ({ task }) => {
    if (task.result?.state === "fail")
      await window.screenshot(`failed-${task.name.replaceAll(/\W+/gu, "-")}`);
  });

  it("stops at the first instruction when F5 is pressed", async () => {
    await window.openFile("main.c");
    await window.page.keyboard.press("F5");
    await window.waitForStop(/_start, line \d+, boot\.S/u);
    await expect.poll(() => window.status.innerText()).toMatch(/32-bit · ring 0 · no paging/u);
    for (const section of ["Watch", "Breakpoints"]) await window.fold(section);
    await window.enlargeVariables(260);
    await window.screenshot("01-entry");
  });

  it("steps by line through the 32-bit start", async () => {
    const before = await window.topFrame.getAttribute("aria-label");
    await window.page.keyboard.press("F10");
    await expect.poll(() => window.topFrame.getAttribute("aria-label")).not.toBe(before);
    await window.waitForStop(/boot\.S/u);
  });

  it("steps across the far jump into 64-bit code", async () => {
    await window.openFile("boot.S");
    await window.clickGutter(lineOf("boot.S", "ljmp"));
    await expect.poll(() => window.breakpoints.count()).toBe(1);
    await window.page.keyboard.press("F5");
    await window.waitForStop(new RegExp(`line ${lineOf("boot.S", "ljmp")}, boot`, "u"));
    await expect.poll(() => window.status.innerText()).toMatch(/32-bit compat|32-bit/u);
    await window.screenshot("02-far-jump");
    await window.page.keyboard.press("F10");
    await expect.poll(() => window.status.innerText()).toMatch(/64-bit · ring 0 · 4-level/u);
    await window.expandVariable("Registers");
    await window.screenshot("03-long-mode", "long-mode");
  });

  it("hits a breakpoint in C that was set by clicking the gutter", async () => {
    await window.openFile("main.c");
    const line = lineOf("main.c", "banner(&boot)");
    await window.clickGutter(line);
    await expect.poll(() => window.breakpoints.count()).toBe(1);
    await window.page.keyboard.press("F5");
    await window.waitForStop(new RegExp(`kernel_main, line ${line},`, "u"));
    await window.screenshot("04-breakpoint");
  });

  it("shows a variable that the mouse points at", async () => {
    const call = "read_boot_information(magic, information)";
    const line = lineOf("main.c", call);
    const source = readFileSync(path.join(folder, "main.c"), "utf8").split("\n")[line - 1] ?? "";
    const hover = await window.hover(line, source.indexOf(call) + "read_boot_information(".length + 1);
    await expect.poll(() => hover.innerText()).toMatch(/0x[0-9a-f]+|\d+/u);
    await window.screenshot("05-hover");
    await window.page.keyboard.press("Escape");
  });

  it("lets a register be edited", async () => {
    await window.expandVariable("Registers");
    await window.expandVariable("General");
    await window.setVariable("rax", "0x1234");
    await expect.poll(() => window.variable("rax").innerText()).toMatch(/0x0*1234\b/u);
    await window.screenshot("06-register", "stopped");
  });

  it("prints on the serial console and takes what is typed there", async () => {
    await window.page.keyboard.press("F5");
    await window.expectTerminal(/type something/u);
    await window.focusTerminal();
    await window.page.keyboard.type("red zone?");
    await window.expectTerminal(/red zone\?/u);
    await window.clearNotifications();
    await window.screenshot("07-serial");
  });

  it("shows the display, and takes keys", async () => {
    await window.command("Redzone: Open Display");
    const text = window.webview.locator("#text");
    await expect.poll(() => text.textContent(), { timeout: 30_000 }).toMatch(/Redzone sample kernel/u);
    await window.webview.locator("#frame").click();
    await window.page.keyboard.type("keys");
    await expect.poll(() => text.textContent(), { timeout: 30_000 }).toMatch(/keys/u);
    await window.page.keyboard.press("Control+Alt");
    await window.command("View: Toggle Primary Side Bar Visibility");
    await window.webview.locator("#frame").click();
    await window.screenshot("08-display", "display");
    await window.page.keyboard.press("Control+Alt");
    await window.command("View: Toggle Primary Side Bar Visibility");
  });

  it("goes on showing the display when the panel was closed and opened again", async () => {
    await window.tab("Display").hover();
    await window.tab("Display").locator(".codicon-close").click();
    await window.tab("Display").waitFor({ state: "detached" });
    await window.command("Redzone: Open Display");
    await expect
      .poll(() => window.webview.locator("#text").textContent(), { timeout: 30_000 })
      .toMatch(/keys/u);
  });

  it("pauses wherever the machine is, and ends", async () => {
    await window.page.keyboard.press("F6");
    await window.waitForStop(/./u);
    await window.screenshot("09-paused");
    await window.page.keyboard.press("Shift+F5");
    await window.toolbar.waitFor({ state: "hidden" });
    await window.expectTerminal(/the machine has been switched off/u);
    await window.screenshot("10-ended");
  });
});
