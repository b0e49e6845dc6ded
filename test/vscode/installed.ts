/** A server with the built VSIX in it and quiet settings, for one test file. */
import { rmSync } from "node:fs";
import path from "node:path";
import { vsix } from "./package.ts";
import {
  cache,
  freePort,
  installExtension,
  installServer,
  quietSettings,
  startServer,
  writeSettings,
  type Server,
} from "./server.mjs";

/** @param theme name of a colour theme that VS Code brings. */
export async function installedServer(theme: string): Promise<Server> {
  installServer((text) => console.log(text));
  const data = path.join(cache, "e2e/data");
  rmSync(data, { recursive: true, force: true });
  writeSettings(data, {
    ...quietSettings,
    "workbench.colorTheme": theme,
    // The test reads the terminal's text from the page.
    "terminal.integrated.gpuAcceleration": "off",
    "editor.hover.delay": 100,
  });
  installExtension(vsix(), data);
  return startServer(data, await freePort());
}
