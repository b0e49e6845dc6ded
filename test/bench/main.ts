/**
 * `npm run bench`: the same work, in one run, in other people's emulators beside ours. Runs alternate; figures are medians with half their range.
 *
 * Elsewhere: what may be said (`options.ts`), what is needed (`tools.ts`), who takes part (`contestants.ts`), the kernel of works (`guest/`).
 */
import { spawnSync } from "node:child_process";
import { mkdirSync, rmSync } from "node:fs";
import os from "node:os";
import path from "node:path";
import { buildKernel } from "./build.ts";
import { bochs, type Contestant, debugged, qemu, redzone, v86 } from "./contestants.ts";
import { countsTable, readCounts } from "./counts.ts";
import { type BootPlan, bootTable, runBoots } from "./linux.ts";
import { type Options, parseOptions, type SectionName, SECTIONS } from "./options.ts";
import { startTable } from "./start.ts";
import { prepareTools, type Tools } from "./tools.ts";
import { type Entrant, runWorks, type WorksPlan, worksTable } from "./works.ts";

/** Works of storms; all others are those of parts. */
const STORMS = "interrupts self-interrupts timer system-calls switches page-faults".split(" ");
const PARTS =
  "sieve crc-bits crc-table matrix fibonacci bytecode calls strings random patched dot-product mandelbrot".split(
    " ",
  );
/** Of Debian's Bochs, which is slow, in thousandths of the others' work. */
const BOCHS_SHARE = 60;
/** As many times the others' work with a debugger: it hands on what the guest writes every 16 ms at most, which must not be much of a work's time. */
const DEBUGGED_TIMES = 4;
const BOCHS_TOOLS = ["bochs", "grub", "grubImage", "xorriso", "mtools"] as const;

interface Bench {
  readonly options: Options;
  readonly tools: Tools;
  readonly root: string;
  readonly cache: string;
  /** Our command line, built. */
  readonly script: string;
  readonly ours: readonly Contestant[];
  readonly report: (title: string, text: string, complaints?: readonly string[]) => void;
  readonly log: (text: string) => void;
}

type WorksSection = Exclude<SectionName, "boot" | "start">;

const TITLES: { readonly [section in WorksSection]: string } = {
  parts: "Parts, 64 bits",
  parts32: "Parts, 32 bits",
  storms: "Storms, 64 bits",
  debugged: "Parts, 64 bits, with a debugger and breakpoints",
};

async function works(bench: Bench, section: WorksSection): Promise<void> {
  const { options, cache } = bench;
  const kernel = buildKernel(
    path.join(bench.root, "test/bench/guest"),
    cache,
    section === "parts32" ? 32 : 64,
  );
  if (typeof kernel === "string") {
    bench.report(TITLES[section], `left out: ${kernel}`);
    return;
  }
  const all = section === "storms" ? STORMS : PARTS;
  const chosen = options.works.length === 0 ? all : all.filter((name) => options.works.includes(name));
  if (chosen.length === 0) return;
  const plan: WorksPlan = {
    kernel: kernel.path,
    works: chosen,
    entrants: entrantsOf(bench, section),
    rounds: options.rounds ?? (options.isFull ? 5 : 3),
    isCpuTime: options.isCpuTime,
    statistics: path.join(cache, `${section}.json`),
    log: (text) => bench.log(`${section}: ${text}`),
  };
  const result = await runWorks(plan);
  bench.report(TITLES[section], worksTable(plan, result), result.complaints);
}

/** Ours with a debugger, in each Node. */
const debuggedOf = ({ options, tools, script }: Bench): readonly Contestant[] =>
  nodesOf(options, tools).map(({ name, node }) => debugged(`${name} debugged`, node, script));

function entrantsOf(bench: Bench, section: WorksSection): readonly Entrant[] {
  const { options, tools, root, cache, ours } = bench;
  const { scale, rivals } = options;
  if (section === "debugged") {
    return [...ours, ...debuggedOf(bench)].map((contestant) => ({
      contestant,
      scale: scale * DEBUGGED_TIMES,
    }));
  }
  const entrants: Entrant[] = ours.map((contestant) => ({ contestant, scale }));
  if (rivals.includes("qemu") && tools.has("qemu")) entrants.push({ contestant: qemu(), scale });
  if (section !== "parts32") return entrants;
  if (rivals.includes("v86") && tools.v86 !== null) {
    for (const { name, node } of nodesOf(options, tools)) {
      const program = path.join(root, "test/bench/v86.mjs");
      entrants.push({ contestant: v86(name.replace("ours", "v86"), node, program, tools), scale });
    }
  }
  if (rivals.includes("bochs") && tools.has(...BOCHS_TOOLS)) {
    const share = Math.max(1, Math.round((scale * BOCHS_SHARE) / 1000));
    entrants.push({
      contestant: bochs(path.join(cache, "bochs")),
      scale: share,
      rounds: options.isFull ? 3 : 1,
    });
  }
  return entrants;
}

async function boot(bench: Bench): Promise<void> {
  const { options, tools, cache } = bench;
  const contestants = [...bench.ours];
  if (options.rivals.includes("qemu") && tools.has("qemu")) {
    contestants.push(qemu());
    const recording = `shift=0,rr=record,rrfile=${path.join(cache, "record")}`;
    if (options.isFull) contestants.push(qemu("QEMU, recordable", ["-icount", recording]));
  }
  const { stdout: usage } = spawnSync(process.execPath, [bench.script, "--help"], { encoding: "utf8" });
  if (options.isFull && usage.includes("translator="))
    contestants.push(
      redzone("ours interpreted", process.execPath, bench.script, ["-accel", "redzone,translator=off"]),
    );
  if (options.sections.includes("debugged")) contestants.push(...debuggedOf(bench));
  const statistics = path.join(cache, "boot.json");
  const plan: BootPlan = {
    cache,
    contestants,
    rounds: options.rounds ?? (options.isFull ? 5 : 3),
    isCpuTime: options.isCpuTime,
    statistics,
    log: (text) => bench.log(`boot: ${text}`),
  };
  try {
    const result = await runBoots(plan);
    bench.report("Debian's cloud kernel", bootTable(plan, result), result.complaints);
  } catch (error) {
    bench.report(
      "Debian's cloud kernel",
      `left out: ${error instanceof Error ? error.message : String(error)}`,
    );
  }
}

async function start(bench: Bench): Promise<void> {
  const { options, tools, cache, root } = bench;
  const kernel = buildKernel(path.join(root, "test/bench/guest"), cache, 64);
  const contestants = [...bench.ours];
  if (options.rivals.includes("qemu") && tools.has("qemu")) contestants.push(qemu());
  const text = await startTable({
    root,
    cache,
    script: bench.script,
    nodes: nodesOf(options, tools),
    contestants,
    kernel: typeof kernel === "string" ? null : kernel.path,
    rounds: options.rounds ?? 5,
    log: (line) => bench.log(`start: ${line}`),
  });
  bench.report("Start and size", text);
}

/** `words` are the command line's, `root` is the working copy. Returns the exit status. */
export async function main(words: readonly string[], root: string): Promise<number> {
  const options = parseOptions(words);
  if (typeof options === "string") {
    console.error(`bench: ${options}`);
    return 2;
  }
  const cache = path.join(root, ".cache/bench");
  mkdirSync(cache, { recursive: true });
  const wants32 = options.sections.includes("parts32");
  const tools = prepareTools(cache, {
    tools: [
      ...(options.rivals.includes("qemu") ? (["qemu"] as const) : []),
      ...(["gcc", "objcopy"] as const),
      ...(wants32 && options.rivals.includes("bochs") ? BOCHS_TOOLS : []),
    ],
    v86: wants32 && options.rivals.includes("v86"),
    node: options.nodes.includes("new"),
  });
  const script = path.join(cache, "dist/redzone.js");
  const ours: Contestant[] = [];
  for (const { name, node } of nodesOf(options, tools)) {
    ours.push(redzone(name, node, script, []));
    for (const [index, variant] of options.variants.entries())
      ours.push(redzone(`${name} ${variantName(index)}`, node, script, variant.split(" ")));
  }
  const about = versions(options, tools);
  console.log(about);
  const tables: string[] = [];
  for (const section of SECTIONS) rmSync(path.join(cache, `${section}.json`), { force: true });
  const bench: Bench = {
    options,
    tools,
    root,
    cache,
    script,
    ours,
    report: (title, text, complaints = []) => {
      const whole = [`## ${title}`, "", text, ...complaints.map((complaint) => `\n${complaint}`), ""].join(
        "\n",
      );
      tables.push(whole);
      console.log(`\n${whole}`);
    },
    log: (text) => console.error(`  ${text}`),
  };
  for (const section of options.sections) {
    if (section === "boot") await boot(bench);
    else if (section === "start") await start(bench);
    else await works(bench, section);
  }
  reportCounts(bench);
  if (options.sections.length > 1) console.log(`\n# All of it\n\n${about}\n\n${tables.join("\n")}`);
  for (const text of tools.missing) console.log(text);
  return 0;
}

const nodesOf = (
  { nodes }: Options,
  { node }: Tools,
): readonly { readonly name: string; readonly node: string }[] => [
  ...(nodes.includes("current") ? [{ name: "ours", node: process.execPath }] : []),
  ...(node === null ? [] : [{ name: "ours new", node }]),
];

/** What our machine counted in the last run of each section. */
function reportCounts(bench: Bench): void {
  const runs = bench.options.sections.flatMap((name) => {
    const counts = readCounts(path.join(bench.cache, `${name}.json`));
    return counts === null ? [] : [{ name, counts }];
  });
  if (runs.length > 0) bench.report("Counts", countsTable(runs));
}

/** Ours with more words are A, B, …: the words are too long for a column. */
const variantName = (index: number): string => String.fromCodePoint(0x41 + index);

function versions({ variants }: Options, tools: Tools): string {
  const said = (file: string, words: readonly string[]): string =>
    spawnSync(file, words, { encoding: "utf8" }).stdout?.split("\n")[0]?.trim() ?? "";
  const lines = [`ours: Node ${process.version}, V8 ${process.versions.v8}`];
  if (tools.node !== null) {
    const version = said(tools.node, ["-p", "`Node ${process.version}, V8 ${process.versions.v8}`"]);
    lines.push(`ours new: ${version}`);
  }
  for (const [index, words] of variants.entries())
    lines.push(`ours ${variantName(index)}: ours with ${words}`);
  if (tools.has("qemu")) lines.push(said("qemu-system-x86_64", ["--version"]));
  const cpus = os.cpus();
  lines.push(`${cpus.length} × ${cpus[0]?.model ?? "unknown"}, load ${os.loadavg()[0]!.toFixed(1)}`);
  return lines.map((line) => `- ${line}`).join("\n");
}
