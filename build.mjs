/**
 * Builds everything a user runs: `dist/` holds the extension, its worker, the command line and the panels' front ends.
 *
 *     node build.mjs              one build, minified
 *     node build.mjs --watch      rebuilds on change, with source maps
 *     node build.mjs --manifest   writes what is generated into package.json and README.md
 *     node build.mjs --out DIR    one build, elsewhere: a benchmark measures a build that nobody changes meanwhile
 *
 * `dist/` is CommonJS (the editor and iced-x86 want it) while the sources are modules, so it has a package.json of its own.
 */
import { context, build } from "esbuild";
import { copyFile, mkdir, readFile, rm, writeFile } from "node:fs/promises";
import { fileURLToPath, pathToFileURL } from "node:url";
import path from "node:path";

const root = path.dirname(fileURLToPath(import.meta.url));
const watch = process.argv.includes("--watch");
const out = process.argv.includes("--out") ? process.argv[process.argv.indexOf("--out") + 1] : "dist";

const shared = {
  absWorkingDir: root,
  bundle: true,
  minify: !watch,
  keepNames: true,
  sourcemap: watch ? "linked" : false,
  legalComments: "none",
  logLevel: "warning",
  loader: { ".wasm": "binary", ".elf": "binary", ".txt": "text" },
};

/** Emits the interpreter once, at build time, in the place of the module that would emit it at every launch. */
const emittedInterpreter = {
  name: "emitted-interpreter",
  setup(builder) {
    const emit = async () => {
      const outfile = path.join(root, ".cache/interpreter.mjs");
      await build({
        ...shared,
        platform: "node",
        format: "esm",
        outfile,
        entryPoints: ["emulator/cpu/interpreter/module.ts"],
      });
      return (await import(`${pathToFileURL(outfile).href}?${Date.now()}`)).interpreterBytes();
    };
    builder.onLoad({ filter: /emulator\/cpu\/interpreter\/module\.ts$/ }, () => ({
      contents: 'import bytes from "interpreter-bytes";\nexport const interpreterBytes = () => bytes;',
      loader: "ts",
    }));
    builder.onResolve({ filter: /^interpreter-bytes$/ }, () => ({
      path: "interpreter",
      namespace: "emitted",
    }));
    builder.onLoad({ filter: /./, namespace: "emitted" }, async () => ({
      contents: await emit(),
      loader: "binary",
    }));
  },
};

/** Programs that run in Node: the extension host's part, the machine's worker, the command line. */
const node = {
  ...shared,
  platform: "node",
  format: "cjs",
  target: "node20",
  external: ["vscode"],
  outdir: out,
  plugins: [emittedInterpreter],
  entryPoints: [
    { in: "extension/extension.ts", out: "extension" },
    { in: "extension/adapter/worker.ts", out: "adapter-worker" },
    { in: "debug-adapter/redzone.ts", out: "redzone" },
  ],
};

/** What webviews load. */
const browser = {
  ...shared,
  platform: "browser",
  format: "iife",
  target: "chrome120",
  outdir: path.join(out, "media"),
  entryPoints: [
    { in: "media/panels/display/display.ts", out: "display" },
    { in: "media/panels/display/display.css", out: "display" },
  ],
};

async function copyAssets() {
  await mkdir(path.resolve(root, out), { recursive: true });
  await writeFile(path.resolve(root, out, "package.json"), '{ "type": "commonjs" }\n');
  await copyFile(
    path.join(root, "node_modules/iced-x86/iced_x86_bg.wasm"),
    path.resolve(root, out, "iced_x86_bg.wasm"),
  );
}

async function writeGenerated() {
  const outfile = path.join(root, ".cache/manifest.mjs");
  await build({
    ...shared,
    platform: "node",
    format: "esm",
    minify: false,
    packages: "external",
    outfile,
    entryPoints: ["extension/manifest.ts"],
  });
  const { withLaunchAttributes, withOptionsTable } = await import(pathToFileURL(outfile).href);
  for (const [name, generate] of [
    ["package.json", withLaunchAttributes],
    ["README.md", withOptionsTable],
  ]) {
    const file = path.join(root, name);
    await writeFile(file, generate(await readFile(file, "utf8")));
  }
}

async function buildAll() {
  await rm(path.resolve(root, out), { recursive: true, force: true });
  await copyAssets();
  await Promise.all([build(node), build(browser)]);
}

if (process.argv.includes("--manifest")) {
  await writeGenerated();
} else if (watch) {
  await copyAssets();
  for (const options of [node, browser]) await (await context(options)).watch();
} else {
  await buildAll();
}
