/**
 * The extension in a browser's extension host, where there is no Node: the editor is told to run it there. The language server is a worker of the page; what needs a
 * machine says so.
 */
import { cpSync, mkdirSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { afterAll, afterEach, beforeAll, describe, expect, it } from "vitest";
import { browserPath } from "./browser.ts";
import { installedServer } from "./installed.ts";
import { root, type Server } from "./server.mjs";
import { Workbench } from "./workbench.ts";

const folder = path.join(tmpdir(), "redzone-e2e/language-web");

describe.skipIf(browserPath === null)("in a browser's extension host", () => {
  let server: Server;
  let window: Workbench;

  beforeAll(async () => {
    rmSync(folder, { recursive: true, force: true });
    mkdirSync(folder, { recursive: true });
    cpSync(path.join(root, "media/sample-kernel"), folder, { recursive: true });
    server = await installedServer("Default Dark Modern", {
      "remote.extensionKind": { "redzone.redzone": ["web"] },
    });
    window = await Workbench.open(server.url, folder);
  });
  afterAll(async () => {
    await window?.close();
    await server?.stop();
  });
  afterEach(async ({ task }) => {
    if (task.result?.state === "fail")
      await window.screenshot(`failed-web-${task.name.replaceAll(/\W+/gu, "-")}`);
  });

  it("knows the names of all files", async () => {
    await window.openFile("sample.lds");
    await window.goToLine(2, 8);
    await expect
      .poll(
        async () => {
          await window.page.keyboard.press("F12");
          return window.page.locator(".tabs-container .tab.active").innerText();
        },
        { interval: 2000 },
      )
      .toContain("boot.S");
    await window.screenshot("88-language-web");
  });

  it("says what needs a machine", async () => {
    await window.command("Redzone: Debug the Sample Kernel");
    const notice = window.page.locator(".notifications-toasts").getByText("needs VS Code on a desktop");
    await notice.first().waitFor();
    await window.screenshot("89-language-web-notice");
  });
});
