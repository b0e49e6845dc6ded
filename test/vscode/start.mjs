/**
 * `npm start`: an editor with this working copy of Redzone in it, stopped at the sample kernel's first instruction.
 *
 * Where VS Code is installed (`code` on the path) that is used, otherwise VS Code's server, whose address is printed to be opened in a
 * browser (REDZONE_NO_CODE wants the latter in any case). A second, tiny extension (`starter/`) presses the button.
 */
import { spawn, spawnSync } from "node:child_process";
import { cpSync, existsSync, mkdirSync, rmSync } from "node:fs";
import path from "node:path";
import {
  cache,
  freePort,
  installExtension,
  installServer,
  quietSettings,
  root,
  startServer,
  writeSettings,
} from "./server.mjs";

const PREFERRED_PORT = 8765;
const log = (text) => console.log(text);

/** Runs a program that has to succeed; what it printed is shown only if it does not. */
function must(command, words, cwd = root) {
  const { status, stdout, stderr, error } = spawnSync(command, words, { cwd, encoding: "utf8" });
  if (status === 0) return;
  console.error(
    `${command} ${words.join(" ")} failed: ${error?.message ?? ""}\n${stdout ?? ""}${stderr ?? ""}`,
  );
  process.exit(1);
}

if (!existsSync(path.join(root, "node_modules/esbuild"))) {
  log("installing the development dependencies, once");
  must("npm", ["install", "--no-save", "--ignore-scripts"]);
}

const workspace = path.join(cache, "start/sample-kernel");
rmSync(workspace, { recursive: true, force: true });
mkdirSync(path.dirname(workspace), { recursive: true });
cpSync(path.join(root, "media/sample-kernel"), workspace, { recursive: true });
const starter = path.join(root, "test/vscode/starter");

if (process.env["REDZONE_NO_CODE"] === undefined && spawnSync("code", ["--version"]).status === 0) {
  must("node", ["build.mjs"]);
  const words = [
    "--new-window",
    `--extensionDevelopmentPath=${root}`,
    `--extensionDevelopmentPath=${starter}`,
    workspace,
  ];
  spawn("code", words, { stdio: "inherit" });
} else {
  log("building and packaging the extension");
  must("npm", ["run", "--silent", "package"]);
  installServer(log);
  const data = path.join(cache, "start/data");
  writeSettings(data, quietSettings);
  const starterVsix = path.join(cache, "start/starter.vsix");
  const vsce = path.join(root, "node_modules/.bin/vsce");
  const words = [
    "package",
    "--no-dependencies",
    "--allow-missing-repository",
    "--skip-license",
    "--out",
    starterVsix,
  ];
  must(vsce, words, starter);
  for (const vsix of [path.join(root, "redzone.vsix"), starterVsix]) installExtension(vsix, data);
  const server = await startServer(data, await freePort(Number(process.env["PORT"] ?? PREFERRED_PORT)));
  log(
    `\n  Redzone is ready. Open this in a browser on this machine:\n\n    ${server.url}?folder=${workspace}\n`,
  );
  log("  It boots the sample kernel and stops at its first instruction. Ctrl-C ends it.\n");
  for (const signal of ["SIGINT", "SIGTERM"])
    process.on(signal, () => void server.stop().then(() => process.exit(0)));
}
