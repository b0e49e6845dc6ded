/** `npm start` does all its own set-up and leads to a kernel that has stopped at its first instruction. */
import { spawn, type ChildProcess } from "node:child_process";
import path from "node:path";
import { afterAll, describe, expect, it } from "vitest";
import { browserPath } from "./browser.ts";
import { freePort, root } from "./server.mjs";
import { Workbench } from "./workbench.ts";

describe.skipIf(browserPath === null)("npm start", () => {
  let started: ChildProcess | null = null;

  afterAll(async () => {
    if (started === null || started.exitCode !== null) return;
    const ended = new Promise((resolve) => started?.once("exit", resolve));
    started.kill("SIGINT");
    const late = setTimeout(() => started?.kill("SIGKILL"), 10_000);
    await ended;
    clearTimeout(late);
  });

  it("prints an address at which the sample kernel is stopped", { timeout: 300_000 }, async () => {
    const environment = { ...process.env, PORT: String(await freePort()), REDZONE_NO_CODE: "1" };
    const program = path.join(root, "test/vscode/start.mjs");
    const child = spawn(process.execPath, [program], {
      env: environment,
      stdio: ["ignore", "pipe", "inherit"],
    });
    started = child;
    let output = "";
    child.stdout.on("data", (data) => (output += String(data)));
    await expect.poll(() => output, { timeout: 240_000, interval: 500 }).toMatch(/http:\S+/u);
    const [, url = "", folder = ""] = /(http:\S+?)\?folder=(\S+)/u.exec(output) ?? [];
    const window = await Workbench.open(url, folder);
    try {
      await window.waitForStop(/_start, line \d+, boot\.S/u);
      await window.screenshot("30-npm-start");
    } finally {
      await window.close();
    }
  });
});
