/**
 * Names of boot code in a real editor: a nested outline, symbols of the workspace, includes as links, folds, and a rename that is refused says why.
 *
 * Elsewhere: definitions, references and a rename across files (`language.e2e.ts`); what each answers in all its cases (`test/language/`).
 */
import { mkdirSync, writeFileSync } from "node:fs";
import path from "node:path";
import { afterAll, afterEach, beforeAll, describe, expect, it } from "vitest";
import { browserPath } from "./browser.ts";
import { PanelDesk } from "./panels.ts";

const macros = `#define FUNC_START(name) .globl name; name:

.macro save_all first=0
        .if \\first
        pushq   %rax
        .endif
        pushq   %rcx
.endm
`;

const boot = `/*
 * Enters the kernel.
 * Nothing returns here.
 */
#include "include/macros.h"

#define STACK_BYTES 4096

        .text
FUNC_START(early_start)
        save_all first=1
        movq    $stack_top, %rsp
.Lwait:
        pause
        jnz     .Lwait
        call    early_main
        ret

early_main:
1:      hlt
        jmp     1b

        .data
message:
        .asciz  "Hello"

        .bss
        .skip   STACK_BYTES
stack_top:
`;

describe.skipIf(browserPath === null)("names in assembly", () => {
  let desk: PanelDesk;

  beforeAll(async () => {
    desk = await PanelDesk.open("language-names", []);
    mkdirSync(path.join(desk.folder, "include"));
    writeFileSync(path.join(desk.folder, "include/macros.h"), macros);
    writeFileSync(path.join(desk.folder, "early.S"), boot);
    await desk.window.openFile("early.S");
  });
  afterAll(() => desk?.close());
  afterEach(({ task }) => desk.screenshotOfFailure(task));

  const page = () => desk.window.page;
  const lineOf = (text: string): number => boot.split("\n").findIndex((line) => line.includes(text)) + 1;
  const goTo = async (text: string, of = text): Promise<void> => {
    const line = lineOf(text);
    await desk.window.goToLine(line, (boot.split("\n")[line - 1]?.indexOf(of) ?? 0) + 1);
  };

  it("stand in an outline, sections outside, local labels inside", async () => {
    await desk.window.command("Explorer: Focus on Outline View");
    const rows = page().locator(".outline-pane .monaco-list-row");
    const levelOf = (name: string) => rows.filter({ hasText: name }).first().getAttribute("aria-level");
    // A macro of an included file makes it, and shares it.
    await expect
      .poll(async () => (await rows.allInnerTexts()).join(" "))
      .toMatch(/early_start\s*global, FUNC_START/u);
    expect([await levelOf(".text"), await levelOf("early_start"), await levelOf("early_main")]).toEqual([
      "1",
      "2",
      "2",
    ]);
    await desk.window.screenshot("88-language-names");
  });

  it("are found in the whole workspace by a part of them", async () => {
    await page().keyboard.press("Control+T");
    const input = page().locator(".quick-input-widget input");
    await input.waitFor();
    const rows = page().locator(".quick-input-widget .monaco-list-row");
    await expect
      .poll(
        async () => {
          await input.fill("#erlymn");
          return (await rows.allInnerTexts()).join(" ");
        },
        { interval: 3000 },
      )
      .toMatch(/early_main/u);
    await desk.window.screenshot("89-language-symbols");
    await page().keyboard.press("Escape");
  });

  it("lead to a macro in an included file, which is a link", async () => {
    await expect
      .poll(() => page().locator(".editor-instance .detected-link").allInnerTexts())
      .toContainEqual(expect.stringContaining("include/macros.h"));
    await goTo("save_all first=1", "save_all");
    await expect
      .poll(
        async () => {
          await page().keyboard.press("F12");
          return page().locator(".tabs-container .tab.active").innerText();
        },
        { interval: 2000 },
      )
      .toContain("macros.h");
    await desk.window.openFile("early.S");
  });

  it("keep their names where a rename cannot follow, and it is said why", async () => {
    await goTo("call    early_main", "call");
    await page().keyboard.press("F2");
    const message = page().locator(".monaco-editor-overlaymessage, .notification-list-item-message");
    await expect
      .poll(async () => (await message.allInnerTexts()).join(" "))
      .toMatch(/call is an instruction/u);
    await desk.window.screenshot("90-language-rename-refused");
    await page().keyboard.press("Escape");
  });

  it("fold with what belongs to them", async () => {
    await desk.window.command("Fold All");
    await expect.poll(() => page().locator(".editor-instance .inline-folded").count()).toBeGreaterThan(2);
    await desk.window.screenshot("91-language-folded");
    await desk.window.command("Unfold All");
  });
});
