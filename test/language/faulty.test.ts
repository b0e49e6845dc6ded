/**
 * Boot files with one mistake each, written for the purpose, and their corrected twins (`faulty/`, `faulty/corrected/`): the mistake is found where it is and
 * nothing else, the twin has nothing to find, assembles, and is what the quick fix makes of the faulty file.
 *
 * A line `finding: code "text"` in a comment stands below the line it speaks of, and is taken away before the file is read. "(fix)" says that there is a quick
 * fix that leads to the twin.
 */
import { execFileSync } from "node:child_process";
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, describe, expect, it } from "vitest";
import type { Diagnostic } from "vscode-languageserver-types";
import { codeActions } from "../../extension/language/server/features/code-action.ts";
import { diagnostics } from "../../extension/language/server/features/diagnostics.ts";
import { Workspace } from "../../extension/language/server/workspace.ts";
import { languageOf, uriOf } from "./cursor.ts";

const folder = join(import.meta.dirname, "faulty");
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
  for (const line of readFileSync(join(folder, name), "utf8").split("\n")) {
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
  world.open(uri, languageOf(uri), text);
  return { world, uri };
}

function findings(name: string, text: string): readonly Diagnostic[] {
  const { world, uri } = open(name, text);
  return [...diagnostics(world, uri)].filter((found): found is Diagnostic => found !== null);
}

function shown(text: string, { code, range, message }: Diagnostic): string {
  const line = text.split("\n")[range.start.line] ?? "";
  const covered = line.slice(range.start.character, range.end.character);
  return `${range.start.line + 1}: ${String(code)} "${covered}" ${message}`;
}

it("has at least forty of them", () => {
  expect(names.length).toBeGreaterThanOrEqual(40);
  expect(readdirSync(join(folder, "corrected")).toSorted()).toEqual(names.toSorted());
});

describe.each(names)("%s", (name) => {
  const { text, expected } = read(name);
  const corrected = read(join("corrected", name)).text;

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

function has(program: string): boolean {
  try {
    execFileSync(program, ["--version"], { stdio: "ignore" });
    return true;
  } catch {
    return false;
  }
}

describe("corrected files", () => {
  const scratch = mkdtempSync(join(tmpdir(), "redzone-faulty-"));
  afterAll(() => {
    rmSync(scratch, { recursive: true, force: true });
  });
  const out = join(scratch, "out");

  it.runIf(has("nasm"))("assemble with nasm", { timeout: 120_000 }, () => {
    for (const name of names.filter((one) => one.endsWith(".asm"))) {
      const path = join(folder, "corrected", name);
      const isFlat = readFileSync(path, "utf8").includes("org 0x7C00");
      const warnings = execFileSync("nasm", ["-f", isFlat ? "bin" : "elf64", "-o", out, path], {
        encoding: "utf8",
        stdio: ["ignore", "pipe", "inherit"],
      });
      expect(warnings, name).toBe("");
      if (isFlat) {
        const sector = readFileSync(out);
        expect([sector.length, sector.readUInt16LE(510)], name).toEqual([512, 0xaa55]);
      }
    }
  });

  it.runIf(has("as"))("assemble with GNU as", { timeout: 120_000 }, () => {
    for (const name of names.filter((one) => /\.[sS]$/.test(one))) {
      // Nothing in them needs the preprocessor, but for comments that it and `as` read alike.
      const path = join(scratch, "in.s");
      writeFileSync(path, readFileSync(join(folder, "corrected", name)));
      execFileSync("as", ["--64", "--fatal-warnings", "-o", out, path], {
        stdio: ["ignore", "ignore", "inherit"],
      });
    }
  });
});
