/** A server with the built VSIX in it and quiet settings, for one test file. */
import { cpSync, rmSync } from "node:fs";
import path from "node:path";
import { cache, freePort, quietSettings, startServer, writeSettings, type Server } from "./server.mjs";

/** A server's data with nothing in it but the extension (`setup.ts` puts it there). */
export const templateDirectory = path.join(cache, "e2e/template");

/**
 * @param theme name of a colour theme that VS Code brings.
 * @param settings of every window, beside the quiet ones.
 */
export async function installedServer(theme: string, settings: object = {}): Promise<Server> {
  const data = path.join(cache, "e2e/data");
  rmSync(data, { recursive: true, force: true });
  writeSettings(data, {
    ...quietSettings,
    "workbench.colorTheme": theme,
    // The test reads the terminal's text from the page.
    "terminal.integrated.gpuAcceleration": "off",
    "editor.hover.delay": 100,
    ...settings,
  });
  cpSync(path.join(templateDirectory, "extensions"), path.join(data, "extensions"), { recursive: true });
  return startServer(data, await freePort());
}
