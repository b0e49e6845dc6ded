/**
 * Boot files with one mistake each, written for the purpose, and their corrected twins (`faulty/`, `faulty/corrected/`): the mistake is found where it is and
 * nothing else; the twin has nothing to find, assembles, boots on our machine where it is a whole, and is what the quick fix makes of the faulty file.
 *
 * A line `finding: code "text"` in a comment stands below the line it speaks of, and is taken away before the file is read. "(fix)" says that there is a quick
 * fix that leads to the twin.
 */
import { spawnSync } from "node:child_process";
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { afterAll, describe, expect, it } from "vitest";
import type { Diagnostic } from "vscode-languageserver-types";
import type { Built } from "../../extension/language/server/built.ts";
import { codeActions } from "../../extension/language/server/features/code-action.ts";
import { diagnostics } from "../../extension/language/server/features/diagnostics.ts";
import { Workspace } from "../../extension/language/server/workspace.ts";
import { MemoryImage, start as startDisk } from "../bios/machine.ts";
import { start } from "../boot/guest.ts";
import { languageOf, uriOf } from "./cursor.ts";

const folder = path.join(import.meta.dirname, "faulty");
const names = readdirSync(folder).filter((name) => /\.(?:asm|S|s|ld)$/.test(name));

interface Expected {
  readonly line: number;
  readonly code: string;
  readonly text: string;
  readonly isFixed: boolean;
}

const marker = /finding: ([a-z\d-]+) "(.*)"( \(fix\))?/;

/** The text without markers, and what they say. */
function read(name: string): { readonly text: string; readonly expected: readonly Expected[] } {
  const lines: string[] = [];
  const expected: Expected[] = [];
  for (const line of readFileSync(path.join(folder, name), "utf8").split("\n")) {
    const found = marker.exec(line);
    if (found) {
      const [, code = "", text = "", fix] = found;
      expected.push({ line: lines.length - 1, code, text, isFixed: fix !== undefined });
    } else {
      lines.push(line);
    }
  }
  return { text: lines.join("\n"), expected };
}

function open(name: string, text: string): { readonly world: Workspace; readonly uri: string } {
  const world = new Workspace();
  const uri = uriOf(name);
  if (name.endsWith(".ld")) {
    world.isComplete = true;
    world.open(uriOf("kernel.S"), "gas", linked);
    world.built = [builtOf(name, text)].filter((one) => one !== undefined);
  }
  world.open(uri, languageOf(uri), text);
  return { world, uri };
}

/** What linker scripts are for. */
const linked = `.section .multiboot, "a"
.long 0x1badb002, 0, -0x1badb002
.text
.globl _start
_start: nop
.section .text.init, "ax"
nop
.data
.long 5
.section .rodata, "a"
.long 6
.bss
.skip 8
`;

/** What was linked before, where a rule needs it. */
function builtOf(name: string, script: string): Built | undefined {
  const sections = builtSections.get(name.slice(name.lastIndexOf("/") + 1));
  return (
    sections && {
      path: "/work/kernel.elf",
      modified: 0,
      sections: sections.map(([section, address, size, flags]) => ({
        name: section,
        address,
        loadAddress: address,
        size,
        flags,
        segment: { index: 0, rights: "R E" },
      })),
      symbols: new Map(
        [...script.matchAll(/^ +(\w+) = /gm)].map(([, symbol = ""]) => [
          symbol,
          { name: symbol, address: "0x100000", size: 0, kind: "other" },
        ]),
      ),
      lines: new Map(),
    }
  );
}

const builtSections: ReadonlyMap<string, readonly (readonly [string, string, number, string])[]> = new Map([
  [
    "behind.ld",
    [
      [".text", "0x100000", 0x3000, "AX"],
      [".boot", "0x103004", 12, "A"],
    ],
  ],
  [
    "orphan.ld",
    [
      [".text", "0x100000", 16, "AX"],
      [".rodata", "0x101000", 4, "A"],
    ],
  ],
  ["undefined-symbol.ld", [[".text", "0xffffffff80100000", 16, "AX"]]],
]);

function findings(name: string, text: string): readonly Diagnostic[] {
  const { world, uri } = open(name, text);
  return [...diagnostics(world, uri)].filter((found): found is Diagnostic => found !== null);
}

function shown(text: string, { code, range, message }: Diagnostic): string {
  const line = text.split("\n")[range.start.line] ?? "";
  const covered = line.slice(range.start.character, range.end.character);
  return `${range.start.line + 1}: ${String(code)} "${covered}" ${typeof message === "string" ? message : message.value}`;
}

it("has at least forty of them", () => {
  expect(names.length).toBeGreaterThanOrEqual(40);
  expect(readdirSync(path.join(folder, "corrected")).toSorted()).toEqual(names.toSorted());
});

describe.each(names)("%s", (name) => {
  const { text, expected } = read(name);
  const corrected = read(path.join("corrected", name)).text;

  it("has exactly the mistake that its mark names", () => {
    expect(expected).not.toHaveLength(0);
    const found = findings(name, text).map((one) => shown(text, one).split('" ')[0]);
    expect(found).toEqual(expected.map(({ line, code, text: part }) => `${line + 1}: ${code} "${part}`));
  });

  it("has none when it is corrected", () => {
    expect(findings(name, corrected).map((one) => shown(corrected, one))).toEqual([]);
  });

  if (expected.some(({ isFixed }) => isFixed)) {
    it("is corrected by the quick fix", () => {
      expect(fixed(name, text)).toBe(corrected);
    });
  }
});

/** The text after the preferred quick fix of every finding. */
function fixed(name: string, text: string): string {
  const { world, uri } = open(name, text);
  const found = findings(name, text);
  let lines: readonly string[] = text.split("\n");
  for (const one of found.toReversed()) {
    const action = codeActions(world, uri, one.range, found).find(({ isPreferred }) => isPreferred === true);
    const edits = action?.edit?.changes?.[uri] ?? [];
    for (const { range, newText } of edits.toReversed()) {
      const line = lines[range.start.line] ?? "";
      const changed = line.slice(0, range.start.character) + newText + line.slice(range.end.character);
      lines = [...lines.slice(0, range.start.line), changed, ...lines.slice(range.start.line + 1)];
    }
  }
  return lines.join("\n");
}

function has(program: string, flag: string): boolean {
  return spawnSync(program, [flag], { stdio: "ignore" }).status === 0;
}

const hasTools = has("nasm", "-v") && has("as", "--version") && has("ld", "--version");

describe.runIf(hasTools)("corrected", { timeout: 120_000 }, () => {
  const scratch = mkdtempSync(path.join(tmpdir(), "redzone-faulty-"));
  afterAll(() => {
    rmSync(scratch, { recursive: true, force: true });
  });

  /** Runs a tool that must succeed and say nothing. */
  const quietly = (tool: string, args: readonly string[]): void => {
    const { status, stdout, stderr } = spawnSync(tool, args, { encoding: "utf8", cwd: scratch });
    expect({ status, said: stdout + stderr }).toEqual({ status: 0, said: "" });
  };

  it.each(names.filter((name) => name.endsWith(".ld")))("%s links", (name) => {
    writeFileSync(path.join(scratch, "kernel.s"), linked);
    quietly("as", ["--64", "--fatal-warnings", "-o", "kernel.o", "kernel.s"]);
    quietly("ld", [
      "-z",
      "noexecstack",
      "-T",
      path.join(folder, "corrected", name),
      "-o",
      "kernel",
      "kernel.o",
    ]);
  });

  it.each(names.filter((name) => /\.(?:asm|S)$/.test(name)))(
    "%s assembles, and boots where it is a whole",
    (name) => {
      const source = path.join(folder, "corrected", name);
      const text = readFileSync(source, "utf8");
      const isSector = /org\s+(?:0x7C00|510)/.test(text);
      if (name.endsWith(".asm")) {
        quietly("nasm", ["-f", isSector ? "bin" : "elf64", "-o", isSector ? "sector" : "kernel.o", source]);
      } else {
        // Nothing in them needs the preprocessor; comments are such that `as` reads them alike.
        writeFileSync(path.join(scratch, "kernel.s"), text);
        quietly("as", [isSector ? "--32" : "--64", "--fatal-warnings", "-o", "kernel.o", "kernel.s"]);
      }
      if (isSector) {
        if (name.endsWith(".S")) {
          quietly("ld", [
            "-m",
            "elf_i386",
            "-Ttext",
            "0x7C00",
            "--oformat",
            "binary",
            "-o",
            "sector",
            "kernel.o",
          ]);
        }
        expect(said(readFileSync(path.join(scratch, "sector")))).toBe("K");
        return;
      }
      const entry = /^(_?start):/m.exec(text)?.[1];
      const greeting = text.includes("'K'") ? "K" : text.includes('"Hello"') ? "Hello\r\n" : undefined;
      if (entry !== undefined && greeting !== undefined) {
        writeFileSync(path.join(scratch, "kernel.ld"), script);
        quietly("ld", [
          "-n",
          "-z",
          "noexecstack",
          "--no-warn-rwx-segments",
          "-T",
          "kernel.ld",
          "-e",
          entry,
          "-o",
          "kernel",
          "kernel.o",
        ]);
        const guest = start(path.join(scratch, "kernel"));
        guest.run(greeting, 2_000_000);
        expect(guest.serial()).toBe(greeting);
      }
    },
  );
});

const script = `SECTIONS
{
  . = 1M;
  .multiboot : { KEEP(*(.multiboot)) }
  .text : { *(.text) }
  .rodata : { *(.rodata) }
  .data : { *(.data) }
  .bss : { *(.bss) }
}
`;

/** What a boot sector sends to COM1. */
function said(sector: Uint8Array): string {
  expect(sector.length).toBe(512);
  const guest = startDisk([
    ["floppy", new MemoryImage(new Uint8Array([...sector, ...new Uint8Array(1440 * 1024 - 512)]))],
  ]);
  let text = "";
  const { machine } = guest;
  machine.onOutput = (channel, byte) => {
    if (channel === "serial0") text += String.fromCharCode(byte);
  };
  guest.settle();
  return text;
}
