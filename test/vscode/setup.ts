/** Before the first window: the server is there, the extension is packaged, and an extensions folder with it is ready to be copied. */
import { mkdirSync, rmSync } from "node:fs";
import { browserPath } from "./browser.ts";
import { templateDirectory } from "./installed.ts";
import { vsix } from "./package.ts";
import { installExtension, installServer } from "./server.mjs";

export function setup(): void {
  // Test processes inherit it.
  process.env["REDZONE_VSIX"] = vsix();
  if (browserPath === null) return;
  installServer((text) => console.log(text));
  rmSync(templateDirectory, { recursive: true, force: true });
  mkdirSync(templateDirectory, { recursive: true });
  installExtension(vsix(), templateDirectory);
}
