/**
 * What the editor is told of findings, and what it offers to do about them.
 *
 * Elsewhere: what is found (`rules.test.ts`, `faulty.test.ts`), over a connection (`server.test.ts`).
 */
import { describe, expect, it } from "vitest";
import { DiagnosticSeverity, type CodeAction, type Diagnostic } from "vscode-languageserver-types";
import { codeActions } from "../../extension/language/server/features/code-action.ts";
import { diagnostics } from "../../extension/language/server/features/diagnostics.ts";
import type { Workspace } from "../../extension/language/server/workspace.ts";
import { marked } from "./cursor.ts";

function found(world: Workspace, uri: string): readonly Diagnostic[] {
  return [...diagnostics(world, uri)].filter((one): one is Diagnostic => one !== null);
}

function actions(world: Workspace, uri: string): readonly CodeAction[] {
  const list = found(world, uri);
  return list.flatMap((one) => codeActions(world, uri, one.range, [one]));
}

const limit = "lgdt [pointer]\npointer:\n    dw gdt_end - gdt\n    dd gdt\ngdt: dq 0, 1\ngdt_end:";

describe("a diagnostic", () => {
  it("says where, why, how bad, with what it has to do, and where to read more", () => {
    const { world, uri } = marked(limit, "a.asm");
    expect(found(world, uri)).toEqual([
      {
        range: { start: { line: 2, character: 7 }, end: { line: 2, character: 20 } },
        message: "The GDT has a limit of 16: the limit is one less than the size of the GDT.",
        severity: DiagnosticSeverity.Warning,
        source: "redzone",
        code: "table-limit",
        codeDescription: { href: "redzone-rule:/table-limit.md" },
        relatedInformation: [
          {
            location: {
              uri,
              range: { start: { line: 0, character: 0 }, end: { line: 0, character: 14 } },
            },
            message: "Loaded here.",
          },
        ],
      },
    ]);
  });

  it("is also what a parser cannot read, unless that is silenced", () => {
    const text = "mov (%eax, %ebx\nmov (%eax, %ebx /* redzone: ignore syntax */";
    const { world, uri } = marked(text, "a.S");
    expect(
      found(world, uri).map(({ range, severity, code, message }) => ({ range, severity, code, message })),
    ).toEqual([
      {
        range: { start: { line: 0, character: 4 }, end: { line: 0, character: 5 } },
        severity: DiagnosticSeverity.Error,
        code: "syntax",
        message: '"(" has no counterpart.',
      },
    ]);
  });

  it("goes when the mistake does, and comes back", () => {
    const { world, uri } = marked("bits 64\niret\n", "a.asm");
    expect(found(world, uri)).toHaveLength(1);
    world.change(uri, { from: 1, to: 2, lines: ["iretq"] });
    expect(found(world, uri)).toEqual([]);
    world.change(uri, { from: 0, to: 1, lines: ["bits 32"] });
    world.change(uri, { from: 1, to: 2, lines: ["iret", "pusha"] });
    expect(found(world, uri)).toEqual([]);
    world.change(uri, { from: 0, to: 1, lines: ["bits 64"] });
    expect(found(world, uri).map(({ code, range }) => [range.start.line, code])).toEqual([
      [2, "instruction-mode"],
      [1, "iret-width"],
    ]);
  });

  it("follows what another file says", () => {
    const { world, uri } = marked('-- a.asm\n%include "b.inc"\ncall print\n-- b.inc\nprint: ret', "a.asm");
    expect(found(world, uri)).toEqual([]);
    world.open("file:///work/b.inc", "nasm", "write: ret");
    expect(found(world, uri).map(({ code }) => code)).toEqual(["undefined-symbol"]);
  });

  it("is none of a file that is not known", () => {
    const { world } = marked(limit, "a.asm");
    expect(found(world, "file:///nowhere.asm")).toEqual([]);
    expect(
      codeActions(
        world,
        "file:///nowhere.asm",
        { start: { line: 0, character: 0 }, end: { line: 9, character: 0 } },
        [],
      ),
    ).toEqual([]);
  });

  it("pauses between rules", () => {
    const { world, uri } = marked(limit, "a.asm");
    expect([...diagnostics(world, uri)].filter((one) => one === null).length).toBeGreaterThan(5);
  });
});

describe("what can be done", () => {
  it("is the fix, first, then silence, then to read why", () => {
    const { world, uri } = marked(limit, "a.asm");
    const [diagnostic] = found(world, uri);
    expect(actions(world, uri)).toEqual([
      {
        title: "Subtract 1",
        kind: "quickfix",
        diagnostics: [diagnostic],
        isPreferred: true,
        edit: {
          changes: {
            [uri]: [
              {
                range: { start: { line: 2, character: 7 }, end: { line: 2, character: 20 } },
                newText: "gdt_end - gdt - 1",
              },
            ],
          },
        },
      },
      {
        title: "Ignore table-limit here",
        kind: "quickfix",
        diagnostics: [diagnostic],
        edit: {
          changes: {
            [uri]: [
              {
                range: { start: { line: 2, character: 0 }, end: { line: 2, character: 0 } },
                newText: "    ; redzone: ignore table-limit\n",
              },
            ],
          },
        },
      },
      {
        title: "Explain table-limit",
        kind: "quickfix",
        diagnostics: [diagnostic],
        command: {
          title: "Explain table-limit",
          command: "redzone.explainRule",
          arguments: ["redzone-rule:/table-limit.md"],
        },
      },
    ]);
  });

  it.each([
    ["a.asm", "bits 64\n    iret"],
    ["a.S", ".code64\n\tiret"],
    ["a.ld", "PHDRS { text PT_LOAD FLAGS(7); }\nSECTIONS { . = 1M; .text : { *(.text) } :text }"],
  ])("silence keeps the finding away: %s", (name, text) => {
    const { world, uri } = marked(text, name);
    expect(found(world, uri)).toHaveLength(1);
    const silence = actions(world, uri).find(({ title }) => title.startsWith("Ignore"));
    const edit = silence?.edit?.changes?.[uri]?.[0];
    const line = edit?.range.start.line ?? 0;
    world.change(uri, { from: line, to: line, lines: [edit?.newText.trimEnd() ?? ""] });
    expect(found(world, uri)).toEqual([]);
  });

  it("is nothing where the editor shows no finding of ours", () => {
    const { world, uri } = marked(limit, "a.asm");
    const range = { start: { line: 2, character: 0 }, end: { line: 2, character: 20 } };
    expect(codeActions(world, uri, range, [{ range, message: "other", source: "spelling" }])).toEqual([]);
    const elsewhere = { start: { line: 0, character: 0 }, end: { line: 1, character: 0 } };
    expect(codeActions(world, uri, elsewhere, found(world, uri))).toEqual([]);
  });

  it("is not silence where a statement goes on from the line before", () => {
    const { world, uri } = marked("#define X \\\n 5\n1: jmp 2f", "a.S");
    expect(actions(world, uri).map(({ title }) => title)).toContain("Ignore undefined-symbol here");
    const inside = marked("/* a comment\n */ 1: jmp 2f", "a.S");
    expect(found(inside.world, inside.uri)).toHaveLength(1);
    expect(actions(inside.world, inside.uri).map(({ title }) => title)).toEqual(["Explain undefined-symbol"]);
  });
});
