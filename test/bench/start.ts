/** How long a start takes: through the debug adapter to the first stop, from the command line to a kernel's first line; and how large what is shipped is. */
import { spawn, spawnSync } from "node:child_process";
import { cpSync, mkdirSync, readdirSync, readFileSync, rmSync, statSync } from "node:fs";
import path from "node:path";
import { gzipSync } from "node:zlib";
import { interpreterModule } from "../../emulator/cpu/interpreter/loop.ts";
import { AdapterClient } from "./adapter.ts";
import type { Contestant } from "./contestants.ts";
import { timedRun } from "./lines.ts";
import { figure, table, withSpread } from "./table.ts";

const PATIENCE_MILLISECONDS = 60_000;

export interface AdapterStart {
  /** Seconds from the program's start to the answer to "initialize", and from "launch" to "stopped". */
  readonly ready: number;
  readonly launch: number;
}

/** Starts the adapter as an editor would and debugs a kernel up to its first stop. */
export async function adapterStart(node: string, script: string, kernel: string): Promise<AdapterStart> {
  const started = performance.now();
  const child = spawn(node, [script, "dap"], { stdio: ["pipe", "pipe", "inherit"] });
  const timer = setTimeout(() => child.kill("SIGKILL"), PATIENCE_MILLISECONDS);
  try {
    const client = new AdapterClient(child);
    client.send("initialize", { adapterID: "redzone" });
    await client.wait("response initialize");
    const ready = performance.now();
    client.send("launch", { kernel, stopOnEntry: true });
    await client.wait("event initialized");
    client.send("configurationDone");
    await client.wait("event stopped");
    return { ready: (ready - started) / 1000, launch: (performance.now() - ready) / 1000 };
  } finally {
    clearTimeout(timer);
    child.kill("SIGKILL");
  }
}

export interface StartPlan {
  readonly root: string;
  readonly cache: string;
  readonly script: string;
  readonly nodes: readonly { readonly name: string; readonly node: string }[];
  /** Those that are started with a kernel which prints a line at once. */
  readonly contestants: readonly Contestant[];
  readonly kernel: string | null;
  readonly rounds: number;
  readonly log: (text: string) => void;
}

export async function startTable(plan: StartPlan): Promise<string> {
  const rows: string[][] = [];
  const sample = path.join(plan.root, "media/sample-kernel/sample.elf");
  for (const { name, node } of plan.nodes) {
    plan.log(`adapter, ${name}`);
    const runs: AdapterStart[] = [];
    for (let round = 0; round < plan.rounds; round++)
      runs.push(await adapterStart(node, plan.script, sample));
    const ready = runs.map((run) => run.ready * 1000);
    const launch = runs.map((run) => run.launch * 1000);
    rows.push([`${name}: adapter's process to its first answer`, withSpread(ready), "ms"]);
    rows.push([`${name}: launch of the sample kernel to its first stop`, withSpread(launch), "ms"]);
  }
  if (plan.kernel !== null) {
    const first = new Map<Contestant, number[]>();
    for (let round = 0; round < plan.rounds; round++) {
      for (const contestant of plan.contestants) {
        plan.log(`first line, ${contestant.name}`);
        const program = { kernel: plan.kernel, append: "scale=1 run=strings", ramMiB: 64, neverReached: [] };
        const run = await timedRun(contestant.command(program), /^begin/, { timeoutSeconds: 60 });
        const line = run.lines.find(({ text }) => text.startsWith("begin"));
        if (line !== undefined) first.set(contestant, [...(first.get(contestant) ?? []), line.began]);
      }
    }
    for (const [contestant, milliseconds] of first)
      rows.push([`${contestant.name}: process to a kernel's first line`, withSpread(milliseconds), "ms"]);
  }
  for (const { name, bytes, zipped } of sizes(plan.root, plan.cache, path.dirname(plan.script)))
    rows.push([
      name,
      figure(bytes / 1024),
      zipped === null ? "KiB" : `KiB (${figure(zipped / 1024)} with gzip)`,
    ]);
  return table(["start and size", "", "unit"], rows);
}

interface Size {
  readonly name: string;
  readonly bytes: number;
  readonly zipped: number | null;
}

function sizes(root: string, cache: string, dist: string): readonly Size[] {
  const list: Size[] = [];
  const add = (name: string, bytes: Uint8Array): unknown =>
    list.push({ name, bytes: bytes.length, zipped: gzipSync(bytes).length });
  add("interpreter, WebAssembly", interpreterModule());
  for (const name of readdirSync(dist).filter((file) => /\.(js|wasm)$/.test(file)))
    add(`dist/${name}`, readFileSync(path.join(dist, name)));
  const package_ = vsix(root, cache, dist);
  if (package_ !== null) list.push({ name: "VSIX", bytes: package_, zipped: null });
  return list;
}

/** Bytes of the extension's package, made of a copy so that nobody's build is in it; null if it cannot be made. */
function vsix(root: string, cache: string, dist: string): number | null {
  const folder = path.join(cache, "package");
  rmSync(folder, { recursive: true, force: true });
  mkdirSync(folder);
  for (const name of ["package.json", "README.md", "CHANGELOG.md", "LICENSE", ".vscodeignore", "media"])
    cpSync(path.join(root, name), path.join(folder, name), { recursive: true });
  cpSync(dist, path.join(folder, "dist"), { recursive: true });
  const out = path.join(cache, "redzone.vsix");
  const words = ["--no-dependencies", "--no-rewrite-relative-links", "--allow-missing-repository"];
  const { status } = spawnSync(
    path.join(root, "node_modules/.bin/vsce"),
    ["package", ...words, "--out", out],
    { cwd: folder, stdio: "ignore" },
  );
  return status === 0 ? statSync(out).size : null;
}
