/** What is shipped: everything that runs, nothing else, and small. */
import { execFileSync } from "node:child_process";
import { statSync } from "node:fs";
import { beforeAll, describe, expect, it } from "vitest";
import { vsix } from "./package.ts";

const MOST_BYTES = 5 * 1024 * 1024;
/** What has to be read before anything happens. A larger program is a decision, and its number is changed here. */
const MOST_PROGRAM_BYTES = {
  "extension.js": 45_000,
  "adapter-worker.js": 1_700_000,
  "redzone.js": 1_750_000,
  "iced_x86.js": 600_000,
  "interpreter.wasm": 700_000,
} as const;

describe("the VSIX", () => {
  let files: readonly string[];

  beforeAll(() => {
    files = execFileSync("unzip", ["-Z1", vsix()], { encoding: "utf8" }).trim().split("\n");
  });

  it("is smaller than 5 MB", () => expect(statSync(vsix()).size).toBeLessThan(MOST_BYTES));

  it("has all that runs in it", () => {
    const needed = [
      "dist/extension.js",
      "dist/adapter-worker.js",
      "dist/redzone.js",
      "dist/iced_x86.js",
      "dist/iced_x86_bg.wasm",
      "dist/interpreter.wasm",
      "dist/media/display.js",
      "dist/media/display.css",
      "media/sample-kernel/sample.elf",
      "media/sample-kernel/main.c",
      "media/icons/redzone.png",
      "readme.md",
    ];
    for (const name of needed) expect(files).toContain(`extension/${name}`);
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

  it("has nothing else: no dependencies, sources, tests or maps", () => {
    const strange = files.filter(
      (name) =>
        /node_modules|\.ts$|\.map$|\/test\/|\.cache/u.test(name) ||
        /^extension\/(emulator|debug-adapter)\//u.test(name),
    );
    expect(strange).toEqual([]);
  });
});
