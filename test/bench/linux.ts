/** Debian's cloud kernel from the start of the process to a line that init prints, in whole processes. */
import { writeFileSync } from "node:fs";
import path from "node:path";
import { linuxSystem } from "../linux/system.ts";
import type { Contestant, Program } from "./contestants.ts";
import { timedRun } from "./lines.ts";
import { median } from "./statistics.ts";
import { figure, table, withSpread } from "./table.ts";

const MARKER = "BOOT-OK";
const TIMEOUT_SECONDS = 600;
const RAM_MIB = 512;
/** Where those who look for a fault in a kernel stop: some in pages that run all the time, none of them reached. */
const NEVER_REACHED = [
  "panic",
  "page_fault_oops",
  "bad_page",
  "print_bad_pte",
  "__schedule_bug",
  "out_of_memory",
];

export interface BootPlan {
  readonly cache: string;
  readonly contestants: readonly Contestant[];
  readonly rounds: number;
  /** Processor time instead of wall time. */
  readonly isCpuTime: boolean;
  /** A file for the counts of the first, if it is ours, in a run that is not timed. */
  readonly statistics: string;
  readonly log: (text: string) => void;
}

export interface BootResult {
  /** Seconds to the marker. */
  readonly times: ReadonlyMap<Contestant, readonly number[]>;
  readonly complaints: readonly string[];
}

/** Throws if Debian's packages cannot be had. */
export async function runBoots(plan: BootPlan): Promise<BootResult> {
  const system = await linuxSystem("cloud");
  const initrd = path.join(plan.cache, "initrd.cpio.gz");
  writeFileSync(initrd, system.initrd);
  const program: Program = {
    kernel: system.kernelPath,
    append: "console=ttyS0",
    initrd,
    ramMiB: RAM_MIB,
    neverReached: NEVER_REACHED,
  };
  const times = new Map<Contestant, number[]>(plan.contestants.map((contestant) => [contestant, []]));
  const complaints = new Set<string>();
  // A run that ends by itself leaves what Node has compiled to the next, as everybody's second start finds it; and it writes its counts.
  for (const contestant of plan.contestants.filter(({ isOurs }) => isOurs)) {
    plan.log(`untimed, ${contestant.name}`);
    const isFirst = contestant === plan.contestants[0];
    const { file, words } = contestant.command(program, isFirst ? plan.statistics : undefined);
    const command = { file, words: [...words, "--until-serial", MARKER] };
    const { failure } = await timedRun(command, new RegExp(MARKER), {
      timeoutSeconds: TIMEOUT_SECONDS,
      mayEnd: true,
    });
    if (failure !== null) complaints.add(`${contestant.name}, untimed: ${failure}`);
  }
  for (let round = 0; round < plan.rounds; round++) {
    for (const contestant of plan.contestants) {
      plan.log(`round ${round + 1}, ${contestant.name}`);
      const run = await timedRun(contestant.command(program), new RegExp(MARKER), {
        timeoutSeconds: TIMEOUT_SECONDS,
      });
      const line = run.lines.find(({ text }) => text.includes(MARKER));
      if (line === undefined) complaints.add(`${contestant.name}: ${run.failure ?? `no ${MARKER}`}`);
      else times.get(contestant)!.push((plan.isCpuTime ? line.cpuEnded : line.ended) / 1000);
    }
  }
  return { times, complaints: [...complaints] };
}

/** A row per contestant; the last columns are its time as a multiple of the first other's: at most 1 is as fast. */
export function bootTable({ contestants, isCpuTime }: BootPlan, { times }: BootResult): string {
  const rival = contestants.find(({ isOurs }) => !isOurs);
  const seconds = (contestant: Contestant): readonly number[] => times.get(contestant) ?? [];
  const rows = contestants.map((contestant) => [
    contestant.name,
    withSpread(seconds(contestant)),
    String(seconds(contestant).length),
    rival === undefined ? "" : figure(median(seconds(contestant)) / median(seconds(rival))),
  ]);
  const unit = isCpuTime ? "CPU s" : "s";
  return table(["boot to init", unit, "runs", rival === undefined ? "" : `÷ ${rival.name}, time`], rows);
}
