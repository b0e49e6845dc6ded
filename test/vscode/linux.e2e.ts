/**
 * Debian's Linux on two processors in a real editor: from its own symbols, with KASLR on, to a command in its shell. No source is here, so what a
 * person sees is the disassembly, frames with names, and registers. With the vmlinux of its debug package it is a long test.
 */
import { mkdirSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { afterAll, afterEach, beforeAll, describe, expect, it } from "vitest";
import { linuxSystem } from "../linux/system.ts";
import { fetchVmlinux } from "../support/vmlinux.ts";
import { browserPath } from "./browser.ts";
import { installedServer } from "./installed.ts";
import type { Server } from "./server.mjs";
import { Workbench } from "./workbench.ts";

const folder = path.join(tmpdir(), "redzone-e2e/linux");
const isLong = process.env["REDZONE_LONG"] === "1";
/** The whole boot, on a busy machine. */
const BOOT_MILLISECONDS = 100_000;
const LIST_MILLISECONDS = 3000;
/** How often a person would ask again for what a busy window does not show. */
const ATTEMPTS = 12;

describe.skipIf(browserPath === null)("Debian's Linux in VS Code", () => {
  let server: Server;
  let window: Workbench;

  beforeAll(async () => {
    rmSync(folder, { recursive: true, force: true });
    mkdirSync(path.join(folder, ".vscode"), { recursive: true });
    const { kernelPath, initrd } = await linuxSystem("cloud");
    writeFileSync(path.join(folder, "tiny.cpio.gz"), initrd);
    const linux = {
      type: "redzone",
      request: "launch",
      kernel: kernelPath,
      initrd: "${workspaceFolder}/tiny.cpio.gz",
      // Tests of cryptography are most of a boot's instructions.
      append: "console=ttyS0 cryptomgr.notests",
      memory: "256M",
    };
    const configurations = [
      { ...linux, name: "Own symbols", smp: 2 },
      ...(isLong ? [{ ...linux, name: "Debug package", vmlinux: fetchVmlinux(kernelPath) }] : []),
    ];
    writeFileSync(
      path.join(folder, ".vscode/launch.json"),
      JSON.stringify({ version: "0.2.0", configurations }),
    );
    server = await installedServer("Default Light Modern");
    window = await Workbench.open(server.url, folder);
  });

  afterAll(async () => {
    await window?.close();
    await server?.stop();
  });

  afterEach(async ({ task }) => {
    if (task.result?.state === "fail")
      await window.screenshot(`failed-${task.name.replaceAll(/\W+/gu, "-")}`);
  });

  const frames = () => window.page.locator(".debug-call-stack [aria-label^='Stack Frame']");
  const threads = async (): Promise<string[]> => {
    const rows = window.page.locator(".debug-call-stack [aria-label^='Thread CPU']");
    return Promise.all((await rows.all()).map(async (row) => (await row.getAttribute("aria-label")) ?? ""));
  };
  const breakAt = async (name: string): Promise<void> => {
    const input = window.page.locator(".debug-breakpoints .monaco-inputbox input:visible");
    // A view that is being opened drops the row again: it is asked for once more.
    for (let attempt = 0; ; attempt++) {
      if (attempt === ATTEMPTS) throw new Error("there is no input for a function breakpoint");
      await window.command("Add Function Breakpoint");
      const isThere = input.waitFor({ timeout: LIST_MILLISECONDS }).then(
        () => true,
        () => false,
      );
      if (await isThere) break;
    }
    await input.fill(name);
    await input.press("Enter");
    await window.page.locator(`.debug-breakpoints [aria-label*="${name}"]`).first().waitFor();
  };

  it("stops at the decompressor's first instruction, with its registers and its disassembly", async () => {
    // Before a session: the list of exceptions that it brings would push the input out of sight.
    await breakAt("start_kernel");
    await breakAt("vfs_caches_init");
    await window.start("Own symbols");
    await window.waitForStop(/vmlinuz-\S+\+0x200/u);
    await window.variable("Registers").waitFor();
    await window.page
      .locator(".disassembly-view .monaco-list-row, .disassembly .monaco-list-row")
      .first()
      .waitFor();
    expect((await threads()).map((name) => name.replace(/ Paused.*/u, ""))).toEqual([
      "Thread CPU 0 (64-bit, ring 0)",
      "Thread CPU 1 (waiting for SIPI)",
    ]);
    await window.screenshot("50-linux-entry");
  });

  it("stops at a breakpoint on a name that only the kernel knows", async () => {
    await window.page.keyboard.press("F5");
    await window.waitForStop(/start_kernel/u);
    await expect.poll(() => window.status.innerText()).toMatch(/64-bit · ring 0 · [45]-level/u);
    await window.screenshot("51-linux-start-kernel");
    await window.page.keyboard.press("F5");
    await window.waitForStop(/vfs_caches_init/u);
  });

  it("boots to a shell that answers", async () => {
    await window.page.keyboard.press("F5");
    await expect
      .poll(() => window.terminalText(), { timeout: BOOT_MILLISECONDS })
      .toMatch(/BOOT-OK[^]*\/ # /u);
    await expect.poll(threads).toEqual(["Thread CPU 0 Running", "Thread CPU 1 Running"]);
    await window.focusTerminal();
    await window.page.keyboard.type("echo answer $((6 * 7))\n");
    await window.expectTerminal(/answer 42/u);
    await window.clearNotifications();
    await window.screenshot("52-linux-shell");
  });

  it("pauses with a call stack of names for each processor, and ends", async () => {
    await window.page.keyboard.press("F6");
    await window.waitForStop(/Stack Frame [a-z_]/u);
    await expect.poll(async () => (await threads()).length).toBe(2);
    await expect.poll(() => frames().count()).toBeGreaterThan(2);
    await window.screenshot("53-linux-paused");
    await window.page.keyboard.press("Shift+F5");
    await window.toolbar.waitFor({ state: "hidden" });
  });

  it.skipIf(!isLong)(
    "with vmlinux: verified before it runs, and lines, locals and frames where KASLR put them",
    async () => {
      const began = performance.now();
      await window.start("Debug package");
      await window.waitForStop(/vmlinuz-\S+\+0x200/u);
      console.log(`a frame has a name ${Math.round(performance.now() - began)} ms after the launch`);
      await window.page.keyboard.press("F5");
      await window.waitForStop(/start_kernel, line \d+, main\.c/u);
      await window.page.keyboard.press("F5");
      await window.waitForStop(/vfs_caches_init, line \d+, dcache\.c/u);
      await expect.poll(() => frames().count()).toBeGreaterThan(1);
      await window.variable("Locals").waitFor();
      await window.screenshot("54-linux-vmlinux");
      await window.page.keyboard.press("Shift+F5");
      await window.toolbar.waitFor({ state: "hidden" });
    },
  );
});
