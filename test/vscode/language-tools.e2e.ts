/** The user's own assembler in a real editor, why a rule is one, and files of the build: what is underlined, what its link opens, what a quick fix leaves. */
import { execFileSync } from "node:child_process";
import { mkdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { afterAll, afterEach, beforeAll, describe, expect, it } from "vitest";
import { browserPath } from "./browser.ts";
import { installedServer } from "./installed.ts";
import { cache, quietSettings, writeSettings, type Server } from "./server.mjs";
import { Workbench } from "./workbench.ts";

const folder = path.join(tmpdir(), "redzone-e2e/language-tools");
const database = path.join(folder, "compile_commands.json");

const sector = (count: number): string => `; A boot sector, ${count} bytes of code.
        org     0x7c00
        bits    16
start:
        times   ${count} nop
        times   510-($-$$) db 0
        dw      0xaa55
`;

const files = {
  "sector.asm": sector(512),
  "handler.S": `        .code64
        .globl  timer
timer:
        push    %rax
        pop     %rax
        iret
`,
  "kernel.c": "int answer(void) { return 42; }\n",
  "compile_commands.json": `[
  {
    "directory": "${folder}",
    "command": "x86_64-elf-gcc -O2 -ffreestanding -c kernel.c -o kernel.o",
    "file": "kernel.c"
  }
]
`,
};

const hasNasm = ((): boolean => {
  try {
    execFileSync("nasm", ["-v"], { stdio: "ignore" });
    return true;
  } catch {
    return false;
  }
})();

function makeFolder(): void {
  rmSync(folder, { recursive: true, force: true });
  mkdirSync(folder, { recursive: true });
  for (const [name, text] of Object.entries(files)) writeFileSync(path.join(folder, name), text);
}

const problems = (window: Workbench) => window.page.locator(".markers-panel .monaco-list-row");

describe.skipIf(browserPath === null)("tools and explanations", () => {
  let server: Server;
  let window: Workbench;

  beforeAll(async () => {
    makeFolder();
    server = await installedServer("Default Dark Modern");
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

  const problem = (text: string) => problems(window).filter({ hasText: text });
  const underlined = (kind: "error" | "warning") =>
    window.page.locator(`.editor-group-container.active .squiggly-${kind}`);

  it.skipIf(!hasNasm)("nasm's word stands where it is meant, and goes with its cause", async () => {
    await window.openFile("sector.asm");
    await window.command("Problems: Focus on Problems View");
    await problem("TIMES value -2 is negative").waitFor();
    expect(await problem("TIMES value -2 is negative").innerText()).toMatch(/nasm.*Ln 6/su);
    await underlined("error").first().waitFor();
    await window.screenshot("120-tools-nasm");
    writeFileSync(path.join(folder, "sector.asm"), sector(510));
    await problem("TIMES value").waitFor({ state: "detached" });
  });

  it("the link of a diagnostic opens its explanation, rendered", async () => {
    await window.openFile("handler.S");
    await window.command("Problems: Focus on Problems View");
    await problem("iretq is meant").waitFor();
    await problem("iretq is meant")
      .locator("a", { hasText: "iret-width" })
      .click({ modifiers: ["Control"] });
    await window.webview.locator("h1", { hasText: "iret where iretq is meant" }).waitFor();
    await window.screenshot("121-tools-explanation");
  });

  it("all rules are listed, and the chosen one is explained", async () => {
    await window.openFile("handler.S");
    await window.command("Explain a Rule of Boot Code");
    const input = window.page.locator(".quick-input-widget input").first();
    await input.fill("red zone");
    const row = window.page.locator(".quick-input-widget .monaco-list-row", { hasText: "build-red-zone" });
    await row.waitFor();
    await window.screenshot("122-tools-rules");
    await row.click();
    await window.webview.locator("h1", { hasText: "compiled with a red zone" }).waitFor();
    await window.screenshot("123-tools-red-zone");
  });

  it("a compilation database without -mno-red-zone is mended by the quick fix", async () => {
    await window.openFile("compile_commands.json");
    await window.command("Problems: Focus on Problems View");
    await problem("without -mno-red-zone").waitFor();
    await underlined("warning").first().waitFor();
    await window.goToLine(4, 46);
    const fix = window.page.locator(".action-widget .monaco-list-row", {
      hasText: "Add -mno-red-zone to the command",
    });
    // While extensions for this kind of file start, the editor may say that there is nothing: it is asked again.
    await expect
      .poll(
        async () => {
          await window.page.keyboard.press("Escape");
          await window.page.keyboard.press("Control+.");
          return fix.waitFor({ timeout: 3000 }).then(
            () => true,
            () => false,
          );
        },
        { timeout: 60_000 },
      )
      .toBe(true);
    await window.screenshot("124-tools-database");
    // The first is chosen; a click would meet what keeps clicks from the editor behind the list.
    await window.page.keyboard.press("Enter");
    await problem("without -mno-red-zone").waitFor({ state: "detached" });
    await window.page.keyboard.press("Control+S");
    await expect
      .poll(() => readFileSync(database, "utf8"))
      .toContain("x86_64-elf-gcc -O2 -ffreestanding -mno-red-zone -c kernel.c");
  });
});

describe.skipIf(browserPath === null || !hasNasm)("a workspace that is not trusted", () => {
  let server: Server;
  let window: Workbench;

  beforeAll(async () => {
    makeFolder();
    server = await installedServer("Default Dark Modern");
    writeSettings(path.join(cache, "e2e/data"), {
      ...quietSettings,
      "workbench.colorTheme": "Default Dark Modern",
      "security.workspace.trust.enabled": true,
      "security.workspace.trust.startupPrompt": "never",
    });
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

  it("has the rules, and no program is run in it until it is", async () => {
    const problem = (text: string) => problems(window).filter({ hasText: text });
    await window.openFile("sector.asm");
    await window.openFile("handler.S");
    await window.command("Problems: Focus on Problems View");
    await problem("iretq is meant").waitFor();
    expect(await problem("TIMES value").count()).toBe(0);
    await window.screenshot("125-tools-restricted");
    await window.command("Workspaces: Manage Workspace Trust");
    await window.page
      .locator(".workspace-trust-editor .monaco-button", { hasText: /^Trust$/u })
      .first()
      .click();
    await window.openFile("sector.asm");
    await problem("TIMES value -2 is negative").waitFor();
  });
});
