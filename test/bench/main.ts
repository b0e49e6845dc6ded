/**
 * `npm run bench`: the same work, in one run, in other people's emulators beside ours. Runs alternate; figures are medians with half their range.
 *
 * Elsewhere: what may be said (`options.ts`), what is needed (`tools.ts`), who takes part (`contestants.ts`), the kernel of works (`guest/`).
 */
import { mkdirSync } from "node:fs";
import path from "node:path";
import { buildKernel } from "./build.ts";
import { bochs, type Contestant, qemu, redzone, v86 } from "./contestants.ts";
import { type Options, parseOptions } from "./options.ts";
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

interface Bench {
  readonly options: Options;
  readonly tools: Tools;
  readonly root: string;
  readonly cache: string;
  readonly ours: readonly Contestant[];
  readonly report: (title: string, text: string, complaints?: readonly string[]) => void;
  readonly log: (text: string) => void;
}

async function works(bench: Bench, section: "parts" | "parts32" | "storms"): Promise<void> {
  const { options, tools, cache } = bench;
  const bits = section === "parts32" ? 32 : 64;
  const kernel = buildKernel(path.join(bench.root, "test/bench/guest"), cache, bits);
  if (typeof kernel === "string") {
    bench.report(section, `left out: ${kernel}`);
    return;
  }
  const all = section === "storms" ? STORMS : PARTS;
  const chosen = options.works.length === 0 ? all : all.filter((name) => options.works.includes(name));
  if (chosen.length === 0) return;
  const { scale, rivals } = options;
  const entrants: Entrant[] = bench.ours.map((contestant) => ({ contestant, scale }));
  const add = (contestant: Contestant, own = scale): unknown => entrants.push({ contestant, scale: own });
  if (rivals.includes("qemu") && tools.has("qemu")) add(qemu());
  if (section === "parts32") {
    if (rivals.includes("v86") && tools.v86 !== null) {
      const script = path.join(bench.root, "test/bench/v86.mjs");
      add(v86("v86", process.execPath, script, tools));
      if (tools.node !== null) add(v86("v86 new", tools.node, script, tools));
    }
    if (rivals.includes("bochs") && tools.has("bochs", "grub", "grubImage", "xorriso", "mtools"))
      add(bochs(path.join(cache, "bochs")), Math.max(1, Math.round((scale * BOCHS_SHARE) / 1000)));
  }
  const plan: WorksPlan = {
    kernel: kernel.path,
    works: chosen,
    entrants,
    rounds: options.rounds ?? (options.isFull ? 5 : 3),
    isCpuTime: options.isCpuTime,
    statistics: path.join(cache, `${section}.json`),
    log: (text) => bench.log(`${section}: ${text}`),
  };
  const result = await runWorks(plan);
  const title = {
    parts: "Parts, 64 bits",
    parts32: "Parts, 32 bits",
    storms: "Storms, 64 bits",
  }[section];
  bench.report(title, worksTable(plan, result), result.complaints);
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
      ...(wants32 && options.rivals.includes("bochs")
        ? (["bochs", "grub", "grubImage", "xorriso", "mtools"] as const)
        : []),
    ],
    v86: wants32 && options.rivals.includes("v86"),
    node: true,
  });
  const script = path.join(cache, "dist/redzone.js");
  const ours = [
    redzone("ours", process.execPath, script, []),
    ...(tools.node === null ? [] : [redzone("ours new", tools.node, script, [])]),
    ...options.variants.map((variant) =>
      redzone(`ours ${variant}`, process.execPath, script, variant.split(" ")),
    ),
  ];
  const tables: string[] = [];
  const bench: Bench = {
    options,
    tools,
    root,
    cache,
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
    if (section === "parts" || section === "parts32" || section === "storms") await works(bench, section);
  }
  for (const text of tools.missing) console.log(text);
  return 0;
}
