/** What is shipped: everything that runs, nothing else, and small. */
import { execFileSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync, statSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { beforeAll, describe, expect, it } from "vitest";
import { vsix } from "./package.ts";

const MOST_BYTES = 5 * 1024 * 1024;
/** What has to be read before anything happens. A larger program is a decision, and its number is changed here. */
const MOST_PROGRAM_BYTES = {
  // Panels' host halves, navigation and the view of the analysis, beside the 40 kB of configurations, terminals and the Display.
  "extension.js": 85_000,
  // Page tables, RAM layout, stack and the red zone as models: 260 kB.
  "adapter-worker.js": 1_900_000,
  "analysis-worker.js": 300_000,
  // The instruction set's meanings, its decoder and the translator.
  "translator-worker.js": 460_000,
  "redzone.js": 1_100,
  "command-line.js": 1_950_000,
  "iced_x86.js": 600_000,
  "interpreter.wasm": 700_000,
  // Loaded with the first assembly file: the client of the Language Server Protocol is 600 kB of it, the server's side 400 kB.
  "language.js": 900_000,
  "language-server.js": 1_400_000,
  "built-worker.js": 400_000,
  // The same for a browser, where the disassembler is part of the server's program; its module is not there a second time.
  "web/extension.js": 850_000,
  "web/language-server.js": 1_900_000,
  // A panel carries lit (16 kB) and the kit (10 kB).
  "media/display.js": 10_000,
  "media/memory.js": 70_000,
  "media/page-tables.js": 100_000,
  "media/ram-layout.js": 100_000,
  "media/stack.js": 90_000,
} as const;

describe("the VSIX", () => {
  let files: readonly string[];

  beforeAll(() => {
    files = execFileSync("unzip", ["-Z1", vsix()], { encoding: "utf8" }).trim().split("\n");
  });

  it("is smaller than 5 MB", () => expect(statSync(vsix()).size).toBeLessThan(MOST_BYTES));

  it("has all that runs in it", () => {
    const needed = [
      "dist/extension.cjs",
      "dist/extension.js",
      "dist/adapter-worker.js",
      "dist/analysis-worker.js",
      "dist/translator-worker.js",
      "dist/redzone.js",
      "dist/command-line.js",
      "dist/iced_x86.js",
      "dist/iced_x86_bg.wasm",
      "dist/interpreter.wasm",
      "dist/language.js",
      "dist/language-server.js",
      "dist/web/extension.js",
      "dist/web/language-server.js",
      ...["display", "memory", "page-tables", "ram-layout", "stack"].flatMap((name) => [
        `dist/media/${name}.js`,
        `dist/media/${name}.css`,
      ]),
      "media/sample-kernel/sample.elf",
      "media/sample-kernel/main.c",
      "media/icons/redzone.png",
      "readme.md",
    ];
    for (const name of needed) expect(files).toContain(`extension/${name}`);
  });

  it("has a command line that says the package's version", () => {
    const folder = mkdtempSync(path.join(tmpdir(), "redzone-vsix-"));
    execFileSync("unzip", ["-q", vsix(), "-d", folder]);
    const { version } = JSON.parse(readFileSync(path.join(folder, "extension/package.json"), "utf8")) as {
      version: string;
    };
    const program = path.join(folder, "extension/dist/redzone.js");
    const said = execFileSync(process.execPath, [program, "--version"], { encoding: "utf8" });
    rmSync(folder, { recursive: true });
    expect(said).toBe(`redzone ${version}\n`);
  });

  it.each(Object.entries(MOST_PROGRAM_BYTES))("%s has at most %i bytes", (name, most) => {
    const bytes = Number(
      /^\s*(\d+)/mu.exec(
        execFileSync("unzip", ["-lqq", vsix(), `extension/dist/${name}`], { encoding: "utf8" }),
      )?.[1],
    );
    console.log(`${name}: ${bytes} bytes`);
    expect(bytes).toBeLessThan(most);
  });

  it("has each WebAssembly module once", () => {
    const modules = files.filter((name) => name.endsWith(".wasm"));
    expect(modules.map((name) => path.basename(name)).sort()).toEqual([
      "iced_x86_bg.wasm",
      "interpreter.wasm",
    ]);
  });

  it("has nothing else: no dependencies, sources, tests or maps", () => {
    const strange = files.filter(
      (name) =>
        /node_modules|\.ts$|\.map$|\/test\/|\.cache/u.test(name) ||
        /^extension\/(emulator|debug-adapter)\//u.test(name),
    );
    expect(strange).toEqual([]);
  });
});
