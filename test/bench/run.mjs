/** Builds what is measured and what measures, then measures (`main.ts`); Node 20 runs no TypeScript by itself. */
import { spawnSync } from "node:child_process";
import { existsSync } from "node:fs";
import path from "node:path";
import { fileURLToPath, pathToFileURL } from "node:url";
import { build } from "esbuild";

const root = path.resolve(path.dirname(fileURLToPath(import.meta.url)), "../..");
const cache = path.join(root, ".cache/bench");
const words = process.argv.slice(2);

/** A build of its own: nobody changes it while it is measured. */
if (!words.includes("--no-build") || !existsSync(path.join(cache, "dist/redzone.js"))) {
  const { status } = spawnSync(process.execPath, ["build.mjs", "--out", ".cache/bench/dist"], {
    cwd: root,
    stdio: "inherit",
  });
  if (status !== 0) process.exit(1);
}
// As deep in the tree as its sources: what they find by a path relative to themselves stays found.
const outfile = path.join(cache, "bench.mjs");
await build({
  entryPoints: [path.join(root, "test/bench/main.ts")],
  bundle: true,
  platform: "node",
  format: "esm",
  outfile,
  logLevel: "error",
});
const { main } = await import(pathToFileURL(outfile).href);
process.exitCode = await main(words, root);
