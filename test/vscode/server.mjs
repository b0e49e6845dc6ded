/**
 * A real VS Code without a display: the server that the npm package code-server carries, in an ignored cache folder.
 *
 *     node test/vscode/server.mjs     installs it
 *
 * Its own install script is not run (it refuses root and downloads); what it would do that we need is done here: the server's
 * production dependencies, and the two native modules it cannot start without.
 */
import { spawn, spawnSync } from "node:child_process";
import { existsSync, mkdirSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { createServer } from "node:net";
import { fileURLToPath, pathToFileURL } from "node:url";
import path from "node:path";

const VERSION = "4.100.3";
/** File search, which find-files calls of extensions need too; the version the server names would be downloaded. */
const RIPGREP = "1.18.0";
/** For one command of the installation; for the server to answer; for it to end when it is asked to. */
const INSTALL_MILLISECONDS = 240_000;
const START_MILLISECONDS = 120_000;
const STOP_MILLISECONDS = 5000;
export const root = path.resolve(path.dirname(fileURLToPath(import.meta.url)), "../..");
export const cache = path.join(root, ".cache");
const home = path.join(cache, "code-server");
const program = path.join(home, "node_modules/code-server/lib/vscode");
const ready = path.join(home, `ready-${VERSION}-${RIPGREP}`);

/** node-gyp needs Node's headers: where npm names no place, beside the running Node. */
function gypEnvironment() {
  const asked = spawnSync("npm", ["config", "get", "nodedir"], { encoding: "utf8", timeout: 60_000 });
  const configured = asked.stdout?.trim();
  const prefix = path.dirname(path.dirname(process.execPath));
  const known =
    configured !== undefined && configured !== "" && configured !== "undefined" && configured !== "null";
  if (known || !existsSync(path.join(prefix, "include/node/node.h"))) return process.env;
  return { ...process.env, npm_config_nodedir: prefix };
}

function run(command, words, cwd) {
  const { status, stdout, stderr, error } = spawnSync(command, words, {
    cwd,
    encoding: "utf8",
    env: gypEnvironment(),
    maxBuffer: 1 << 26,
    timeout: INSTALL_MILLISECONDS,
    killSignal: "SIGKILL",
  });
  if (status !== 0) {
    throw new Error(
      `${command} ${words.join(" ")} failed: ${error?.message ?? ""}\n${stdout ?? ""}${stderr ?? ""}`,
    );
  }
}

/** Installs the server once; about a minute. */
export function installServer(log = () => {}) {
  if (existsSync(ready)) return;
  log(`installing VS Code's server (code-server ${VERSION}) into .cache/code-server, once`);
  rmSync(home, { recursive: true, force: true });
  mkdirSync(home, { recursive: true });
  writeFileSync(path.join(home, "package.json"), '{ "private": true }\n');
  const quiet = ["--no-audit", "--no-fund", "--ignore-scripts"];
  const packages = [`code-server@${VERSION}`, `@vscode/ripgrep@${RIPGREP}`];
  run("npm", ["install", ...packages, "--no-package-lock", ...quiet], home);
  run("npm", ["install", "--omit=dev", ...quiet], program);
  symlinkSync("node_modules", path.join(program, "node_modules.asar"));
  run("npm", ["rebuild", "@vscode/spdlog", "native-watchdog"], program);
  // Terminals of the host. Its install step wants to download after having built what is needed, so that its word does not count.
  const environment = gypEnvironment();
  spawnSync("npm", ["rebuild", "node-pty"], {
    cwd: program,
    stdio: "ignore",
    env: environment,
    timeout: INSTALL_MILLISECONDS,
    killSignal: "SIGKILL",
  });
  const binary = path.join(program, "node_modules/@vscode/ripgrep/bin");
  mkdirSync(binary, { recursive: true });
  const platform = `${process.platform}-${process.arch}`;
  symlinkSync(path.join(home, `node_modules/@vscode/ripgrep-${platform}/bin/rg`), path.join(binary, "rg"));
  writeFileSync(ready, "");
}

/** A TCP port nobody listens on, `preferred` if that is free. */
export async function freePort(preferred = 0) {
  const attempt = (port) =>
    new Promise((resolve, reject) => {
      const server = createServer();
      server.once("error", reject);
      server.listen(port, "127.0.0.1", () => {
        const address = server.address();
        server.close(() => resolve(address.port));
      });
    });
  return attempt(preferred).catch(() => attempt(0));
}

const serverWords = (dataDirectory) => [
  path.join(program, "out/server-main.js"),
  "--accept-server-license-terms",
  "--server-data-dir",
  dataDirectory,
  "--telemetry-level",
  "off",
];

/** Installs a VSIX for the server that uses `dataDirectory`. */
export function installExtension(vsix, dataDirectory) {
  run(process.execPath, [...serverWords(dataDirectory), "--install-extension", vsix, "--force"], root);
}

/** Settings of every window the server opens. */
export function writeSettings(dataDirectory, settings) {
  const directory = path.join(dataDirectory, "data/User");
  mkdirSync(directory, { recursive: true });
  writeFileSync(path.join(directory, "settings.json"), JSON.stringify(settings, null, 2));
}

/** Starts the server; resolves when it answers. */
export async function startServer(dataDirectory, port) {
  const words = [
    ...serverWords(dataDirectory),
    "--without-connection-token",
    "--host",
    "127.0.0.1",
    "--port",
    String(port),
  ];
  const child = spawn(process.execPath, words, { stdio: ["ignore", "pipe", "pipe"] });
  let output = "";
  await new Promise((resolve, reject) => {
    const listen = (data) => {
      output += String(data);
      if (output.includes("agent listening on")) resolve();
    };
    child.stdout.on("data", listen);
    child.stderr.on("data", listen);
    child.once("exit", (code) => reject(new Error(`the server ended with code ${code}:\n${output}`)));
    const late = () =>
      reject(new Error(`the server has not answered for ${START_MILLISECONDS} ms:\n${output}`));
    setTimeout(late, START_MILLISECONDS).unref();
  });
  return {
    url: `http://127.0.0.1:${port}/`,
    output: () => output,
    stop: () =>
      new Promise((resolve) => {
        if (child.exitCode !== null) return resolve();
        child.once("exit", resolve);
        child.kill("SIGTERM");
        setTimeout(() => child.kill("SIGKILL"), STOP_MILLISECONDS).unref();
      }),
  };
}

/** Settings under which nothing distracts: no trust question, no welcome page, no telemetry. */
export const quietSettings = {
  "security.workspace.trust.enabled": false,
  "workbench.startupEditor": "none",
  "workbench.tips.enabled": false,
  "telemetry.telemetryLevel": "off",
  "extensions.autoUpdate": false,
  "extensions.autoCheckUpdates": false,
  "update.mode": "none",
  "workbench.enableExperiments": false,
  "chat.commandCenter.enabled": false,
  "git.openRepositoryInParentFolders": "never",
};

if (import.meta.url === pathToFileURL(process.argv[1] ?? "").href) installServer((text) => console.log(text));
