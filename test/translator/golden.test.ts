/**
 * What the translator makes of small loops: each `golden/name.asm` becomes one region, and its text must be `golden/name.wat`. UPDATE_GOLDENS=1 writes the
 * texts anew; read the difference before you commit it. How much is emitted for a guest instruction has bounds of its own.
 */
import { readFileSync, readdirSync, writeFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import { REGION_IMPORTS, regionFunction } from "../../emulator/cpu/translator/index.ts";
import { encodeModule } from "../../emulator/wasm/index.ts";
import { disassemble } from "../../emulator/wasm/disassemble.ts";
import { moduleText } from "../../emulator/wasm/text.ts";
import { planned } from "./planned.ts";

const folder = new URL("golden/", import.meta.url);

/**
 * Bytes and operations of WebAssembly per guest instruction, entry and exit of the region included, at most. A few per cent above what is: raise one only for
 * a reason, lower it when the translator has become better.
 */
const BOUNDS: Readonly<Record<string, readonly [bytes: number, operations: number]>> = {
  bignum: [75, 37],
  branches: [51, 25],
  call: [83, 39],
  conditions: [59, 30],
  copy: [86, 39],
  fill: [104, 44],
  protected: [71, 35],
  registers: [62, 30],
  shifts: [96, 48],
  sieve: [84, 37],
  stack: [84, 39],
  strings: [80, 38],
  vectors: [102, 39],
  words: [89, 43],
};

interface Translated {
  readonly wasm: Uint8Array;
  readonly instructions: number;
}

function translate(source: string): Translated {
  const made = planned(source);
  const functions = [regionFunction(made, "region")];
  return {
    wasm: encodeModule({ imports: REGION_IMPORTS, functions, table: [] }),
    instructions: made.instructions,
  };
}

const names = readdirSync(folder)
  .filter((file) => file.endsWith(".asm"))
  .map((file) => file.slice(0, -4))
  .sort();
const read = (file: string): string | null => {
  try {
    return readFileSync(new URL(file, folder), "utf8");
  } catch {
    return null;
  }
};

describe("translated loops", () => {
  for (const name of names)
    it(name, () => {
      const { wasm, instructions } = translate(read(`${name}.asm`) ?? "");
      expect(() => new WebAssembly.Module(wasm), "is valid").not.toThrow();
      const text = moduleText(wasm);
      if (process.env["UPDATE_GOLDENS"] === "1") writeFileSync(new URL(`${name}.wat`, folder), text);
      expect(text, `golden/${name}.wat (UPDATE_GOLDENS=1 writes it)`).toBe(read(`${name}.wat`));

      const [region] = disassemble(wasm).functions;
      const perInstruction = [region!.bytes / instructions, region!.operations / instructions] as const;
      const counts = `${name}: [${perInstruction.map((count) => count.toFixed(1)).join(", ")}]`;
      const [bytes, operations] = BOUNDS[name] ?? [0, 0];
      expect(perInstruction[0], counts).toBeLessThanOrEqual(bytes);
      expect(perInstruction[1], counts).toBeLessThanOrEqual(operations);
    });

  it("the bounds are of loops that there are", () => {
    expect(Object.keys(BOUNDS).sort()).toEqual(names);
  });
});
