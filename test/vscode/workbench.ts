/**
 * A VS Code window in a browser, as the tests use it: what a person does with keys and mouse, and what a person can see.
 *
 * Every wait is for something visible, with a limit; nothing sleeps for a guess. Screenshots go to `.cache/screenshots/`.
 */
import { mkdirSync } from "node:fs";
import path from "node:path";
import { chromium, expect, type Browser, type FrameLocator, type Locator, type Page } from "./browser.ts";
import { cache } from "./server.mjs";

const screenshots = path.join(cache, "screenshots");
const VIEWPORT = { width: 1400, height: 900 };

export class Workbench {
  readonly page: Page;
  readonly #browser: Browser;

  private constructor(browser: Browser, page: Page) {
    this.#browser = browser;
    this.page = page;
  }

  /** Opens a folder of this machine in the editor at `url`. */
  static async open(url: string, folder: string): Promise<Workbench> {
    const browser = await chromium.launch();
    const context = await browser.newContext({
      viewport: VIEWPORT,
      permissions: ["clipboard-read", "clipboard-write"],
    });
    const page = await context.newPage();
    await page.goto(`${url}?folder=${encodeURIComponent(folder)}`);
    await page.locator(".monaco-workbench .part.statusbar").waitFor();
    return new Workbench(browser, page);
  }

  async close(): Promise<void> {
    await this.#browser.close();
  }

  async screenshot(name: string): Promise<void> {
    mkdirSync(screenshots, { recursive: true });
    await this.page.screenshot({ path: path.join(screenshots, `${name}.png`) });
  }

  /** Runs a command of the palette by its title. */
  async command(title: string): Promise<void> {
    await this.page.keyboard.press("F1");
    const input = this.page.locator(".quick-input-widget input").first();
    await input.fill(`>${title}`);
    const row = this.page.locator(".quick-input-widget .monaco-list-row").filter({ hasText: title }).first();
    await row.waitFor();
    await row.click();
  }

  /** Opens a file of the workspace by its name. */
  async openFile(name: string): Promise<void> {
    await this.page.keyboard.press("Control+P");
    const input = this.page.locator(".quick-input-widget input").first();
    await input.fill(name);
    await this.page
      .locator(".quick-input-widget .monaco-list-row")
      .filter({ hasText: name })
      .first()
      .waitFor();
    await this.page.keyboard.press("Enter");
    await this.page.locator(".editor-instance .view-lines").first().waitFor();
    await this.tab(name).waitFor();
  }

  tab(name: string): Locator {
    return this.page.locator(".tabs-container .tab").filter({ hasText: name });
  }

  /** The line the editor shows as the one about to run. */
  get stoppedLine(): Locator {
    return this.page.locator(".debug-top-stack-frame-line").first();
  }

  get statusBar(): Locator {
    return this.page.locator("#redzone\\.redzone\\.redzone\\.status, [id$='redzone.status']").first();
  }

  get toolbar(): Locator {
    return this.page.locator(".debug-toolbar");
  }

  /** The frames of the Call Stack view, outermost last. */
  get frames(): Locator {
    return this.page.locator(
      ".debug-call-stack .stack-frame .label.expression, .debug-call-stack .stack-frame .file-name",
    );
  }

  async waitForStop(): Promise<void> {
    await this.toolbar.locator(".codicon-debug-continue").waitFor();
  }

  /** A webview's own document; webviews are two frames deep. */
  webview(): FrameLocator {
    return this.page.frameLocator("iframe.webview.ready").frameLocator("#active-frame");
  }

  /** What a terminal shows. */
  async terminalText(): Promise<string> {
    const rows = this.page.locator(".terminal-wrapper.active .xterm-rows, .terminal-wrapper .xterm-rows");
    return (await rows.allInnerTexts()).join("\n");
  }

  async expectTerminal(pattern: RegExp): Promise<void> {
    await expect.poll(() => this.terminalText(), { timeout: 30_000 }).toMatch(pattern);
  }
}
