/**
 * Panels in the editor, as the tests use them: open one by its command, look into its page, change the theme.
 *
 *     const desk = await PanelDesk.open("page-tables", [{ name: "Sample", kernel: "sample.elf" }]);
 *     await desk.start("Sample");
 *     await desk.openPanel("Page Tables");
 *     await desk.screenshots("50-page-tables");
 */
import { cpSync, mkdirSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { expect } from "vitest";
import type { FrameLocator } from "./browser.ts";
import { installedServer } from "./installed.ts";
import { root, type Server } from "./server.mjs";
import { Workbench } from "./workbench.ts";

/** Themes that VS Code brings, with the class that it gives its window: dark, light, high contrast. */
export const THEMES = [
  ["Default Dark Modern", "vs-dark"],
  ["Default Light Modern", "vs"],
  ["Default High Contrast", "hc-black"],
] as const;

export type Theme = (typeof THEMES)[number];

export interface Launch {
  readonly name: string;
  /** In the folder; the sample kernel's files are there. */
  readonly kernel: string;
  readonly [key: string]: unknown;
}

/** A window on a folder with the sample kernel and launch configurations. */
export class PanelDesk {
  readonly window: Workbench;
  readonly folder: string;
  readonly #server: Server;

  private constructor(server: Server, window: Workbench, folder: string) {
    this.#server = server;
    this.window = window;
    this.folder = folder;
  }

  /** @param name of the test's folder; it is made anew. */
  static async open(name: string, launches: readonly Launch[]): Promise<PanelDesk> {
    const folder = path.join(tmpdir(), "redzone-e2e", name);
    rmSync(folder, { recursive: true, force: true });
    mkdirSync(path.join(folder, ".vscode"), { recursive: true });
    cpSync(path.join(root, "media/sample-kernel"), folder, { recursive: true });
    const configurations = launches.map(({ kernel, ...rest }) => ({
      type: "redzone",
      request: "launch",
      kernel: `\${workspaceFolder}/${kernel}`,
      ...rest,
    }));
    writeFileSync(
      path.join(folder, ".vscode/launch.json"),
      JSON.stringify({ version: "0.2.0", configurations }),
    );
    const server = await installedServer(THEMES[0][0]);
    return new PanelDesk(server, await Workbench.open(server.url, folder), folder);
  }

  async close(): Promise<void> {
    await this.window.close();
    await this.#server.stop();
  }

  /** For `afterEach`. */
  async screenshotOfFailure(task: {
    readonly name: string;
    readonly result?: { readonly state: string } | undefined;
  }): Promise<void> {
    if (task.result?.state === "fail")
      await this.window.screenshot(`failed-${task.name.replaceAll(/\W+/gu, "-")}`);
  }

  /** Starts a launch configuration by its name. */
  async start(name: string): Promise<void> {
    await this.window.start(name);
  }

  /** Types a command into the Debug Console: the monitor's words, expressions. */
  async console(command: string): Promise<void> {
    await this.window.command("Debug Console: Focus on Debug Console View");
    await this.window.page.keyboard.type(command);
    await this.window.page.keyboard.press("Enter");
  }

  /** Opens a panel by its title. */
  async openPanel(title: string): Promise<FrameLocator> {
    await this.window.command(`Redzone: Open ${title}`);
    await this.window.tab(title).waitFor();
    const page = this.page;
    await page.locator("body[data-state]").waitFor();
    await expect
      .poll(() => page.locator("body").getAttribute("data-state"))
      .toMatch(/none|stopped|running|ended/u);
    return page;
  }

  /** The page of the panel in front. */
  get page(): FrameLocator {
    return this.window.webview;
  }

  async theme([name, kind]: Theme): Promise<void> {
    writeFileSync(
      path.join(this.folder, ".vscode/settings.json"),
      JSON.stringify({ "workbench.colorTheme": name }),
    );
    await this.window.page.locator(`.monaco-workbench.${kind}`).waitFor();
    await expect.poll(() => this.page.locator("body").getAttribute("data-vscode-theme-id")).toBe(name);
  }

  /** A screenshot in each theme, `<name>-vs-dark.png` and so on; ends in the dark one. */
  async screenshots(name: string, image?: string): Promise<void> {
    for (const theme of [...THEMES.slice(1), THEMES[0]]) {
      await this.theme(theme);
      await this.window.screenshot(`${name}-${theme[1]}`, theme === THEMES[0] ? image : undefined);
    }
  }
}
