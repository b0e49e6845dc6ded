/** The Display panel in a real editor: text and graphics, keys and mouse, the way out, copying, saving, sizes, themes. */
import { cpSync, existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { afterAll, afterEach, beforeAll, describe, expect, it } from "vitest";
import { canCompile, compile } from "../devices/display-qemu.ts";
import { browserPath } from "./browser.ts";
import { installedServer } from "./installed.ts";
import { root, type Server } from "./server.mjs";
import { Workbench } from "./workbench.ts";

const folder = path.join(tmpdir(), "redzone-e2e/display");
/** Of the picture guest's pictures the first in 32 bits. */
const GRAPHICS = 8;

/** Of the browser's canvas what is looked at: the tests are compiled without the browser's library. */
interface Canvas {
  readonly width: number;
  readonly height: number;
  getContext(kind: "2d"): {
    getImageData(x: number, y: number, width: number, height: number): { readonly data: Uint8ClampedArray };
  };
  getBoundingClientRect(): { readonly width: number };
}

describe.skipIf(browserPath === null || !canCompile)("the Display panel", () => {
  let server: Server;
  let window: Workbench;

  beforeAll(async () => {
    rmSync(folder, { recursive: true, force: true });
    mkdirSync(path.join(folder, ".vscode"), { recursive: true });
    cpSync(path.join(root, "media/sample-kernel"), folder, { recursive: true });
    cpSync(compile(), path.join(folder, "pictures.elf"));
    const launch = (name: string, kernel: string): object => ({
      type: "redzone",
      request: "launch",
      name,
      kernel: `\${workspaceFolder}/${kernel}`,
      stopOnEntry: false,
    });
    const configurations = [launch("Sample", "sample.elf"), launch("Pictures", "pictures.elf")];
    writeFileSync(
      path.join(folder, ".vscode/launch.json"),
      JSON.stringify({ version: "0.2.0", configurations }),
    );
    server = await installedServer("Default Dark Modern");
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

  const text = () => window.webview.locator("#text").textContent();
  const frame = () => window.webview.locator("#frame");
  const hint = () => window.webview.locator("#hint").innerText();
  const canvas = () =>
    window.webview.locator("#canvas").evaluate((element) => {
      const picture = element as unknown as Canvas;
      const { data } = picture.getContext("2d").getImageData(0, 0, picture.width, picture.height);
      return {
        width: picture.width,
        height: picture.height,
        shownWidth: picture.getBoundingClientRect().width,
        colours: new Set(new Uint32Array(data.buffer)).size,
      };
    });
  /** @param kind the class that the editor gives its window. */
  const theme = async (name: string, kind: string): Promise<void> => {
    writeFileSync(
      path.join(folder, ".vscode/settings.json"),
      JSON.stringify({ "workbench.colorTheme": name }),
    );
    await window.page.locator(`.monaco-workbench.${kind}`).waitFor();
    await expect.poll(() => window.webview.locator("body").getAttribute("data-vscode-theme-id")).toBe(name);
  };
  it("shows a text screen in the guest's own font and size", async () => {
    await window.start("Sample");
    await window.command("Redzone: Open Display");
    await expect.poll(text).toMatch(/Redzone sample kernel/u);
    await expect.poll(async () => (await canvas()).colours).toBeGreaterThan(2);
    expect(await canvas()).toMatchObject({ width: 720, height: 400 });
    expect(await window.webview.locator("#size").innerText()).toBe("text, 80 × 25");
    await window.command("View: Toggle Primary Side Bar Visibility");
    await window.clearNotifications();
    await window.screenshot("40-display-text-dark");
  });

  it("takes keys when clicked, and Ctrl+Alt gives them back", async () => {
    expect(await hint()).toMatch(/Click the display/u);
    await frame().click();
    await expect.poll(hint).toMatch(/Keys go to the guest\. Ctrl\+Alt/u);
    await window.page.keyboard.type("typed");
    await expect.poll(text).toMatch(/typed/u);
    await window.screenshot("41-display-with-keys");
    await window.page.keyboard.press("Control+Alt");
    await expect.poll(hint).toMatch(/Click the display/u);
    await window.page.keyboard.type("lost");
    expect(await text()).not.toMatch(/lost/u);
  });

  it("copies its text", async () => {
    await window.webview.locator("#copy").click();
    const clipboard = () => window.page.evaluate<string>("navigator.clipboard.readText()");
    await expect.poll(clipboard).toMatch(/Redzone sample kernel/u);
  });

  it("saves its picture as a PNG file", async () => {
    const file = path.join(folder, "Sample.png");
    await window.webview.locator("#save").click();
    await window.page.locator(".quick-input-widget").waitFor();
    await expect
      .poll(() => window.page.locator(".quick-input-widget input").first().inputValue())
      .toMatch(/Sample\.png$/u);
    await window.page.keyboard.press("Enter");
    await expect.poll(() => existsSync(file) && readFileSync(file).length > 1000).toBe(true);
    const header = readFileSync(file);
    expect([header.readUInt32BE(16), header.readUInt32BE(20)]).toEqual([720, 400]);
  });

  it("sends keys that the editor keeps for itself", async () => {
    await window.webview.locator("#keys").click();
    await window.page.locator(".quick-input-widget").getByText("Ctrl-Alt-Del").waitFor();
    await window.screenshot("42-display-keys");
    await window.page.locator(".quick-input-widget input").first().fill("reboot");
    await window.page.locator(".quick-input-widget").getByText("Alt-SysRq-B").waitFor();
    await window.page.keyboard.press("Escape");
  });

  it("is as large as chosen", async () => {
    await window.webview.locator("#size").click();
    await window.command("View: Toggle Maximize Editor Group");
    await window.command("View: Toggle Panel Visibility");
    const width = async () => (await canvas()).shownWidth;
    // Whole pixels where there is room for one and a half.
    await expect.poll(width).toBe(720);
    await window.webview.locator("#scale").selectOption("fill");
    await expect.poll(width).toBeGreaterThan(1000);
    await window.screenshot("42-display-filled");
    await window.webview.locator("#scale").selectOption("2");
    await expect.poll(width).toBe(1440);
    await window.webview.locator("#scale").selectOption("whole");
    await expect.poll(width).toBe(720);
  });

  it.each([
    ["Default Light Modern", "vs"],
    ["Default High Contrast", "hc-black"],
  ])("is to be read in %s", async (name, kind) => {
    await theme(name, kind);
    await window.screenshot(`43-display-${kind}`);
  });

  it("goes on showing the last picture when the machine is switched off, also if it was hidden", async () => {
    await theme("Default Dark Modern", "vs-dark");
    await window.page.keyboard.press("Shift+F5");
    await window.toolbar.waitFor({ state: "hidden" });
    await expect.poll(() => window.webview.locator("body").getAttribute("data-state")).toBe("ended");
    await window.screenshot("44-display-ended");
    await window.tab("Display").click();
    await window.command("File: New Untitled Text File");
    await window.tab("Display").click();
    await expect.poll(text).toMatch(/typed/u);
    await expect.poll(async () => (await canvas()).colours).toBeGreaterThan(2);
    await window.page.evaluate("navigator.clipboard.writeText('')");
    await window.webview.locator("#copy").click();
    await expect.poll(() => window.page.evaluate<string>("navigator.clipboard.readText()")).toMatch(/typed/u);
  });

  it("shows graphics, and gives the guest the mouse when clicked", async () => {
    await window.start("Pictures");
    await frame().click();
    // The guest takes a key when it has drawn; those that come before wait in the keyboard.
    for (let picture = 0; picture < GRAPHICS; picture++) await window.page.keyboard.press("a");
    await expect.poll(() => window.webview.locator("#size").innerText()).toBe("1024 × 768");
    await expect.poll(async () => (await canvas()).colours).toBeGreaterThan(100_000);
    await window.webview.locator("#canvas").click();
    await expect.poll(hint).toMatch(/Keys and mouse go to the guest/u);
    await window.page.mouse.move(500, 400);
    await window.page.mouse.move(540, 420, { steps: 4 });
    await window.screenshot("45-display-graphics");
    await window.page.keyboard.press("Control+Alt");
    await expect.poll(hint).toMatch(/Click the display/u);
    await window.page.keyboard.press("Shift+F5");
    await window.toolbar.waitFor({ state: "hidden" });
  });
});
