/**
 * A VS Code window in a browser, as the tests use it: what a person does with keys and mouse, and what a person can see.
 *
 * Every wait is for something visible, with a limit; nothing sleeps for a guess. Screenshots go to `.cache/screenshots/`.
 */
import { copyFileSync, mkdirSync } from "node:fs";
import path from "node:path";
import { chromium, expect, type Browser, type FrameLocator, type Locator, type Page } from "./browser.ts";
import { cache, root } from "./server.mjs";

const screenshots = path.join(cache, "screenshots");
const images = path.join(root, "media/images");
const VIEWPORT = { width: 1440, height: 900 };
/** From the left edge of the editor to the middle of the column where breakpoints go. */
const GUTTER_PIXELS = 10;
const STOP_MILLISECONDS = 30_000;
const HOVER_MILLISECONDS = 4000;
const HOVER_ATTEMPTS = 6;
const PALETTE_MILLISECONDS = 5000;
const PALETTE_ATTEMPTS = 8;

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

  /** @param image name under media/images/, for the readme; written only if REDZONE_IMAGES is set. */
  async screenshot(name: string, image?: string): Promise<void> {
    mkdirSync(screenshots, { recursive: true });
    const file = path.join(screenshots, `${name}.png`);
    await this.page.screenshot({ path: file });
    if (image === undefined || process.env["REDZONE_IMAGES"] === undefined) return;
    mkdirSync(images, { recursive: true });
    copyFileSync(file, path.join(images, `${image}.png`));
  }

  /** Folds a section of the side bar, so that others have its room. */
  async fold(section: string): Promise<void> {
    const header = this.page.locator(".sidebar .pane-header").filter({ hasText: section });
    if ((await header.getAttribute("aria-expanded")) === "true") await header.click();
    await expect.poll(() => header.getAttribute("aria-expanded")).toBe("false");
  }

  /** Takes the notices away that are about the editor itself. */
  async clearNotifications(): Promise<void> {
    await this.command("Notifications: Clear All Notifications");
    await this.page.locator(".notifications-toasts.visible").waitFor({ state: "detached" });
  }

  /** Pulls the lower edge of the Variables view down, as a person makes room for registers. */
  async enlargeVariables(pixels: number): Promise<void> {
    const next = await this.page.locator(".sidebar .pane-header").filter({ hasText: "Watch" }).boundingBox();
    if (next === null) throw new Error("the Watch view is not on the screen");
    await this.page.mouse.move(next.x + next.width / 2, next.y);
    await this.page.mouse.down();
    await this.page.mouse.move(next.x + next.width / 2, next.y + pixels, { steps: 5 });
    await this.page.mouse.up();
  }

  /** Opens the palette. While the focus is on its way from one part of the window to another, nobody takes the key: it is pressed again. */
  async palette(): Promise<Locator> {
    const input = this.page.locator(".quick-input-widget input").first();
    for (let attempt = 1; ; attempt++) {
      await this.page.keyboard.press("F1");
      const shown = input.waitFor({ state: "visible", timeout: PALETTE_MILLISECONDS });
      if (attempt === PALETTE_ATTEMPTS) await shown;
      else if (
        !(await shown.then(
          () => true,
          () => false,
        ))
      )
        continue;
      return input;
    }
  }

  /** Runs a command of the palette by its title. */
  async command(title: string): Promise<void> {
    await this.choose(">", title);
  }

  /** Starts a launch configuration by its name. */
  async start(name: string): Promise<void> {
    await this.choose("debug ", name);
    await this.toolbar.waitFor();
  }

  /**
   * Types into the palette and chooses what is listed. The list does not learn of commands and configurations that come while it is open, and a stop that brings
   * its source to the front closes it: it is opened and asked again.
   */
  async choose(prefix: string, words: string): Promise<void> {
    const row = this.page.locator(".quick-input-widget .monaco-list-row").filter({ hasText: words }).first();
    const timeout = PALETTE_MILLISECONDS;
    for (let attempt = 1; ; attempt++) {
      const input = await this.palette();
      const chosen = input
        .fill(prefix, { timeout })
        .then(() => input.fill(`${prefix}${words}`, { timeout }))
        .then(() => row.click({ timeout }));
      if (attempt === PALETTE_ATTEMPTS) return chosen;
      const isDone = await chosen.then(
        () => true,
        () => false,
      );
      if (isDone) return;
    }
  }

  /** Opens a file of the workspace by its name. */
  async openFile(name: string): Promise<void> {
    if ((await this.tab(name).count()) > 0) {
      await this.tab(name).first().click();
    } else {
      await this.page.keyboard.press("Control+P");
      await this.page.locator(".quick-input-widget input").first().fill(name);
      await this.page
        .locator(`.quick-input-widget .monaco-list-row.focused[aria-label^="${name}"]`)
        .waitFor();
      await this.page.keyboard.press("Enter");
    }
    await this.page.locator(".tabs-container .tab.active").filter({ hasText: name }).waitFor();
    await this.#editor.locator(".view-lines").first().waitFor();
  }

  tab(name: string): Locator {
    return this.page.locator(".tabs-container .tab").filter({ hasText: name });
  }

  /** Scrolls the editor to a line and puts the cursor there. */
  async goToLine(line: number, column = 1): Promise<void> {
    await this.page.keyboard.press("Control+G");
    await this.page.locator(".quick-input-widget input").first().fill(`:${line}:${column}`);
    await this.page.keyboard.press("Enter");
    await this.#lineNumber(line).waitFor();
  }

  /** Clicks the gutter beside a line, as a person sets a breakpoint. */
  async clickGutter(line: number): Promise<void> {
    await this.goToLine(line);
    const margin = await this.#editor.locator(".margin").first().boundingBox();
    const number = await this.#lineNumber(line).boundingBox();
    if (margin === null || number === null) throw new Error(`line ${line} is not on the screen`);
    await this.page.mouse.click(margin.x + GUTTER_PIXELS, number.y + number.height / 2);
  }

  /** Marks of breakpoints in the gutter that the adapter has verified. */
  get breakpoints(): Locator {
    return this.#editor.locator(".glyph-margin-widgets .codicon-debug-breakpoint");
  }

  /** Moves the mouse onto a place of the editor and waits for what the debugger says about it. */
  async hover(line: number, column: number): Promise<Locator> {
    await this.goToLine(line, column);
    const cursor = await this.#editor.locator(".cursors-layer .cursor").first().boundingBox();
    if (cursor === null) throw new Error(`line ${line} is not on the screen`);
    const widget = this.page.locator(".debug-hover-widget");
    // The editor asks once per rest of the mouse, and an answer that arrives while the view is still moving is dropped: rest again.
    for (let attempt = 1; !(await widget.isVisible()); attempt++) {
      await this.page.mouse.move(cursor.x - 40, cursor.y + 60);
      await this.page.mouse.move(cursor.x + 4, cursor.y + cursor.height / 2, { steps: 5 });
      const shown = widget.waitFor({ state: "visible", timeout: HOVER_MILLISECONDS });
      if (attempt < HOVER_ATTEMPTS) await shown.catch(() => null);
      else await shown;
    }
    return widget;
  }

  /** Redzone's item in the status bar. */
  get status(): Locator {
    return this.page.locator('.statusbar-item[id="redzone.redzone.redzone.status"]');
  }

  get toolbar(): Locator {
    return this.page.locator(".debug-toolbar");
  }

  /** The innermost frame of the Call Stack view, as a screen reader says it. */
  get topFrame(): Locator {
    return this.page.locator(".debug-call-stack [aria-label^='Stack Frame']").first();
  }

  async waitForStop(frame: RegExp): Promise<void> {
    await this.toolbar.locator(".codicon-debug-continue").waitFor();
    await expect
      .poll(() => this.topFrame.getAttribute("aria-label"), { timeout: STOP_MILLISECONDS })
      .toMatch(frame);
  }

  /** A row of the Variables view: a scope or a variable. */
  variable(name: string): Locator {
    const labels = `[aria-label^="Scope ${name}"], [aria-label^="${name}, value"]`;
    return this.page.locator(`.debug-variables [role="treeitem"]:is(${labels})`).first();
  }

  /** Unfolds a row; the view redraws its rows when their values arrive, and a click on the old one is lost. */
  async expandVariable(name: string): Promise<void> {
    const row = this.variable(name);
    await row.waitFor();
    await expect
      .poll(
        async () => {
          const state = await row.getAttribute("aria-expanded");
          if (state === "false") await row.locator(".monaco-tl-twistie").click();
          return state;
        },
        { interval: 500 },
      )
      .toBe("true");
  }

  /** Types a new value into a variable's row. */
  async setVariable(name: string, value: string): Promise<void> {
    await this.variable(name).locator(".value").dblclick();
    const input = this.page.locator(".debug-variables .monaco-inputbox input:visible");
    await input.fill(value);
    await input.press("Enter");
    await input.waitFor({ state: "hidden" });
  }

  /** A webview's own document; webviews are two frames deep. */
  get webview(): FrameLocator {
    return this.page.frameLocator("iframe.webview.ready").frameLocator("#active-frame");
  }

  /** Puts the keyboard into the terminal. */
  async focusTerminal(): Promise<void> {
    await this.page.locator(".terminal-wrapper.active .xterm-screen").click();
    await this.page.locator(".terminal-wrapper.active .xterm.focus").waitFor();
  }

  /** What the terminal shows. */
  async terminalText(): Promise<string> {
    const rows = await this.page.locator(".terminal-wrapper.active .xterm-rows > div").allInnerTexts();
    return rows.join("\n").replaceAll("\u00a0", " ");
  }

  async expectTerminal(pattern: RegExp): Promise<void> {
    await expect.poll(() => this.terminalText(), { timeout: STOP_MILLISECONDS }).toMatch(pattern);
  }

  get #editor(): Locator {
    return this.page.locator(".editor-group-container.active .editor-instance");
  }

  #lineNumber(line: number): Locator {
    return this.#editor
      .locator(".margin-view-overlays .line-numbers")
      .filter({ hasText: new RegExp(`^${line}$`, "u") });
  }
}
