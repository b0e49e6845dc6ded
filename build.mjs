/**
 * Builds everything a user runs: `dist/` holds the extension, its worker, the command line and the panels' front ends.
 *
 *     node build.mjs              one build, minified
 *     node build.mjs --watch      rebuilds on change, with source maps
 *     node build.mjs --manifest   writes what is generated into package.json and README.md
 *     node build.mjs --web        only what runs in a browser without a server behind it
 *     node build.mjs --out DIR    one build, elsewhere: a benchmark measures a build that nobody changes meanwhile
 *
 * `dist/` is CommonJS (the editor and iced-x86 want it) while the sources are modules, so it has a package.json of its own.
 */
import { context, build } from "esbuild";
import { existsSync, readdirSync } from "node:fs";
import { copyFile, mkdir, readFile, rm, writeFile } from "node:fs/promises";
import { createRequire } from "node:module";
import { fileURLToPath, pathToFileURL } from "node:url";
import path from "node:path";

const root = path.dirname(fileURLToPath(import.meta.url));
const { version } = JSON.parse(await readFile(path.join(root, "package.json"), "utf8"));
const watch = process.argv.includes("--watch");
const out = process.argv.includes("--out") ? process.argv[process.argv.indexOf("--out") + 1] : "dist";
const dist = path.resolve(root, out);

const shared = {
  absWorkingDir: root,
  bundle: true,
  // Names stay as they are written, for the stacks of errors. Keeping them beside shortened ones (keepNames) costs a definition at every closure that is made.
  minifySyntax: !watch,
  minifyWhitespace: !watch,
  sourcemap: watch ? "linked" : false,
  legalComments: "none",
  logLevel: "warning",
  loader: { ".wasm": "binary", ".elf": "binary", ".txt": "text" },
};

/**
 * The interpreter is emitted once, at build time, into a file of its own beside the programs, so that a launch emits nothing and no program carries it
 * as text.
 */
const emittedInterpreter = {
  name: "emitted-interpreter",
  setup(builder) {
    builder.onStart(async () => {
      const outfile = path.join(root, ".cache", `interpreter-${process.pid}.mjs`);
      await build({
        ...shared,
        platform: "node",
        format: "esm",
        outfile,
        entryPoints: ["emulator/cpu/interpreter/module.ts"],
      });
      const { interpreterBytes } = await import(`${pathToFileURL(outfile).href}?${Date.now()}`);
      await rm(outfile);
      await writeFile(path.join(dist, "interpreter.wasm"), interpreterBytes());
    });
    builder.onLoad({ filter: /emulator\/cpu\/interpreter\/module\.ts$/ }, () => ({
      contents: `import { readFileSync } from "node:fs";
        import { join } from "node:path";
        export const interpreterBytes = () => readFileSync(join(__dirname, "interpreter.wasm"));`,
      loader: "ts",
    }));
  },
};

/** The disassembler is a program of its own size, with a WebAssembly module that it compiles when it is loaded: it is when the first instruction is to be shown. */
const lateDisassembler = {
  name: "late-disassembler",
  setup(builder) {
    builder.onResolve({ filter: /^iced-x86$/ }, ({ kind }) =>
      kind === "entry-point" ? undefined : { path: "iced-x86", namespace: "late" },
    );
    builder.onLoad({ filter: /./, namespace: "late" }, () => ({
      contents: `let loaded;
        const load = () => (loaded ??= require("./iced_x86.js"));
        for (const name of ${JSON.stringify(Object.keys(createRequire(import.meta.url)("iced-x86")))})
          Object.defineProperty(exports, name, { enumerable: true, get: () => load()[name] });`,
    }));
    builder.onResolve({ filter: /^\.\/iced_x86\.js$/, namespace: "late" }, () => ({
      path: "./iced_x86.js",
      external: true,
    }));
  },
};

/**
 * Programs that others load later: the language client when a document of its languages is open, the command line when what Node has compiled of it may be
 * looked for.
 */
const latePrograms = {
  name: "late-programs",
  setup(builder) {
    for (const [filter, program] of [
      [/^\.\/desktop\.ts$/, "./language.js"],
      [/^\.\/command-line\.ts$/, "./command-line.js"],
    ])
      builder.onResolve({ filter }, ({ kind }) =>
        kind === "dynamic-import" ? { path: program, external: true } : undefined,
      );
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
  // The editor finds `vscode` for what is required, not for what is imported.
  supported: { "dynamic-import": false },
  plugins: [emittedInterpreter, lateDisassembler, latePrograms],
  define: { REDZONE_VERSION: JSON.stringify(version) },
  entryPoints: [
    { in: "extension/extension.ts", out: "extension" },
    { in: "extension/adapter/worker.ts", out: "adapter-worker" },
    { in: "extension/analysis/worker.ts", out: "analysis-worker" },
    { in: "extension/language/built/worker.ts", out: "built-worker" },
    { in: "extension/language/desktop.ts", out: "language" },
    { in: "extension/language/server/main-node.ts", out: "language-server" },
    { in: "debug-adapter/redzone.ts", out: "redzone" },
    { in: "debug-adapter/command-line.ts", out: "command-line" },
    { in: "debug-adapter/translator-worker.ts", out: "translator-worker" },
    { in: "iced-x86", out: "iced_x86" },
  ],
};

/** Each folder of `media/panels/` is a panel if it has a program of its own name; the others are what panels share. */
const isThere = (file) => existsSync(path.join(root, file));
const panels = readdirSync(path.join(root, "media/panels"))
  .map((name) => ({ out: name, program: `media/panels/${name}/${name}` }))
  .filter(({ program }) => isThere(`${program}.ts`))
  .flatMap(({ out, program }) => [`${program}.ts`, `${program}.css`].map((file) => ({ in: file, out })))
  .filter((entry) => isThere(entry.in));

/** What webviews load. */
const browser = {
  ...shared,
  platform: "browser",
  format: "iife",
  target: "chrome120",
  outdir: path.join(out, "media"),
  entryPoints: panels,
};

/** In a browser the disassembler's module is handed over, not read: its loader for Node is replaced by what takes it. */
const handedDisassembler = {
  name: "handed-disassembler",
  setup(builder) {
    builder.onLoad({ filter: /iced-x86[\\/]iced_x86\.js$/ }, async ({ path: file }) => {
      const text = await readFile(file, "utf8");
      const loader = /const path = require\('path'\)[^;]*;\s*const bytes = require\('fs'\)[^;]*;/;
      const util = "const { TextDecoder, TextEncoder } = require(`util`);";
      if (!loader.test(text) || !text.includes(util))
        throw new Error("iced-x86 loads its module in another way");
      return {
        contents: text.replace(util, "").replace(loader, "const bytes = globalThis.disassemblerModule;"),
        loader: "js",
      };
    });
  },
};

/** The extension where there is no Node: the language client, and its server as a worker. */
const web = {
  ...shared,
  platform: "browser",
  target: "chrome120",
  conditions: ["browser", "module"],
  outdir: path.join(out, "web"),
};
const webExtension = {
  ...web,
  format: "cjs",
  external: ["vscode"],
  entryPoints: [{ in: "extension/language/browser.ts", out: "extension" }],
};
const webServer = {
  ...web,
  format: "iife",
  plugins: [handedDisassembler],
  entryPoints: [{ in: "extension/language/server/main-browser.ts", out: "language-server" }],
};

async function copyAssets() {
  await mkdir(dist, { recursive: true });
  await writeFile(path.join(dist, "package.json"), '{ "type": "commonjs" }\n');
  // The editor asks only the extension's own package.json and the name of `main` whether a program is a module, of what runs in a browser, too; there it loads none.
  await writeFile(path.join(dist, "extension.cjs"), 'module.exports = require("./extension.js");\n');
  await copyFile(
    path.join(root, "node_modules/iced-x86/iced_x86_bg.wasm"),
    path.join(dist, "iced_x86_bg.wasm"),
  );
}

async function writeGenerated() {
  const outfile = path.join(root, ".cache/manifest.mjs");
  await build({
    ...shared,
    platform: "node",
    format: "esm",
    packages: "external",
    outfile,
    entryPoints: ["extension/manifest.ts"],
  });
  const { withLaunchAttributes, withTables } = await import(pathToFileURL(outfile).href);
  for (const [name, generate] of [
    ["package.json", withLaunchAttributes],
    ["README.md", withTables],
  ]) {
    const file = path.join(root, name);
    await writeFile(file, generate(await readFile(file, "utf8")));
  }
}

async function buildAll() {
  await rm(dist, { recursive: true, force: true });
  await copyAssets();
  if (process.argv.includes("--web")) {
    await Promise.all([build(webExtension), build(webServer)]);
    return;
  }
  await Promise.all([node, browser, webExtension, webServer].map((options) => build(options)));
}

if (process.argv.includes("--manifest")) {
  await writeGenerated();
} else if (watch) {
  await copyAssets();
  for (const options of [node, browser, webExtension, webServer]) await (await context(options)).watch();
} else {
  await buildAll();
}
