/**
 * The interpreter's WebAssembly is emitted once for a run of all tests, as `build.mjs` does it for the programs, and not by each of a hundred processes anew.
 *
 * Not while files are watched: a change to what it is made of would not be seen.
 */
import { Buffer } from "node:buffer";
import { build } from "esbuild";

const MODULE = "/emulator/cpu/interpreter/module.ts";

/** A plugin for vitest that puts the finished bytes in the place of `emulator/cpu/interpreter/module.ts`. */
export const emittedInterpreter = {
  name: "emitted-interpreter",
  apply: (): boolean => process.argv.includes("run"),
  enforce: "pre" as const,
  async load(id: string): Promise<string | null> {
    if (!id.endsWith(MODULE)) return null;
    const base64 = Buffer.from(await emit(id)).toString("base64");
    return `export const interpreterBytes = () => Buffer.from("${base64}", "base64");`;
  },
};

async function emit(file: string): Promise<Uint8Array> {
  const { outputFiles } = await build({
    entryPoints: [file],
    bundle: true,
    write: false,
    platform: "node",
    format: "esm",
    logLevel: "error",
  });
  const program = Buffer.from(outputFiles[0]!.contents).toString("base64");
  const { interpreterBytes } = (await import(`data:text/javascript;base64,${program}`)) as {
    interpreterBytes: () => Uint8Array;
  };
  return interpreterBytes();
}
