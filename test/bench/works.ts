/** The benchmark's kernel in several machines, one run after the other in turn, and the table of its works. */
import type { Contestant } from "./contestants.ts";
import { timedRun, type WorkTime, workTimes } from "./lines.ts";
import { geometricMean, median } from "./statistics.ts";
import { figure, table, withSpread } from "./table.ts";

export interface Entrant {
  readonly contestant: Contestant;
  /** Length of its works, in thousandths. Slow ones get less to do; times are scaled to those of the first. */
  readonly scale: number;
  /** Runs at most this often. */
  readonly rounds?: number;
}

export interface WorksPlan {
  readonly kernel: string;
  /** Names of works. Empty: all. */
  readonly works: readonly string[];
  readonly entrants: readonly Entrant[];
  readonly rounds: number;
  /** Processor time instead of wall time. */
  readonly isCpuTime: boolean;
  /** A file that the first writes its counts to, if it is ours. */
  readonly statistics: string;
  readonly log: (text: string) => void;
}

export interface WorksResult {
  readonly times: ReadonlyMap<Contestant, ReadonlyMap<string, readonly WorkTime[]>>;
  /** What did not go as it should. */
  readonly complaints: readonly string[];
}

const TIMEOUT_SECONDS = 900;
const RAM_MIB = 64;
/** In the pages where the kernel spends its time. */
const NEVER_REACHED = ["never_in_integer", "never_in_memory", "never_in_floating", "never_in_main"];

export async function runWorks(plan: WorksPlan): Promise<WorksResult> {
  const times = new Map<Contestant, Map<string, WorkTime[]>>();
  const complaints = new Set<string>();
  for (let round = 0; round < plan.rounds; round++) {
    for (const { contestant, scale, rounds } of plan.entrants) {
      if (round >= (rounds ?? Infinity)) continue;
      plan.log(`round ${round + 1}, ${contestant.name}`);
      const append = `scale=${scale}${plan.works.length === 0 ? "" : ` run=${plan.works.join(",")}`}`;
      const program = { kernel: plan.kernel, append, ramMiB: RAM_MIB, neverReached: NEVER_REACHED };
      // Ours ends by itself, so that it can write its counts: those of the first contestant are kept.
      const statistics = contestant === plan.entrants[0]?.contestant ? plan.statistics : undefined;
      const run = await timedRun(contestant.command(program, statistics), /^done$/, {
        timeoutSeconds: TIMEOUT_SECONDS,
        mayEnd: contestant.isOurs,
      });
      const ofRun = workTimes(run.lines);
      if (run.failure !== null) {
        const names = [...ofRun.keys()];
        const place = names.length === 0 ? "" : ` after "${names.at(-1)!}"`;
        complaints.add(`${contestant.name}: ${run.failure}${place}`);
      }
      const ofContestant = times.get(contestant) ?? new Map<string, WorkTime[]>();
      times.set(contestant, ofContestant);
      for (const [name, time] of ofRun) ofContestant.set(name, [...(ofContestant.get(name) ?? []), time]);
    }
  }
  for (const text of disagreements(plan.entrants, times)) complaints.add(text);
  return { times, complaints: [...complaints] };
}

/** Those of the same rounds must have come to the same results: a fast machine that is wrong is not fast. */
export function disagreements(entrants: readonly Entrant[], times: WorksResult["times"]): readonly string[] {
  const complaints = new Set<string>();
  const seen = new Map<string, { readonly name: string; readonly checksum: string }>();
  for (const { contestant } of entrants) {
    for (const [work, runs] of times.get(contestant) ?? []) {
      for (const { checksum, rounds } of runs) {
        const key = `${work} ${rounds}`;
        const first = seen.get(key);
        if (first === undefined) seen.set(key, { name: contestant.name, checksum });
        else if (first.checksum !== checksum)
          complaints.add(
            `${work}: ${contestant.name} has the result ${checksum}, ${first.name} ${first.checksum}`,
          );
      }
    }
  }
  return [...complaints];
}

/** One row per work: seconds of each, and for each of ours the speed that every other has, as a multiple of it. */
export function worksTable({ entrants, isCpuTime }: WorksPlan, { times }: WorksResult): string {
  const ours = entrants.filter(({ contestant }) => contestant.isOurs);
  const others = entrants.filter(({ contestant }) => !contestant.isOurs);
  /** What there is to do is what the first had to do. */
  const rounds = (work: string): number =>
    entrants.map(({ contestant }) => times.get(contestant)?.get(work)?.[0]).find((time) => time !== undefined)
      ?.rounds ?? Number.NaN;
  const seconds = ({ contestant }: Entrant, work: string): readonly number[] =>
    (times.get(contestant)?.get(work) ?? []).map(
      (time) => ((isCpuTime ? time.cpuSeconds : time.seconds) * rounds(work)) / time.rounds,
    );
  const works = [...new Set([...times.values()].flatMap((ofOne) => [...ofOne.keys()]))];
  const pairs = ours.flatMap((mine) =>
    others
      .filter(({ contestant: { node } }) => node === null || node === mine.contestant.node)
      .map((other) => ({ mine, other })),
  );
  const ratio = (mine: Entrant, other: Entrant, work: string): number =>
    median(seconds(other, work)) / median(seconds(mine, work));
  const rows = works.map((work) => {
    const first = ours[0];
    const ticks =
      first === undefined ? Number.NaN : (times.get(first.contestant)?.get(work)?.[0]?.ticks ?? Number.NaN);
    return [
      work,
      figure(ticks / 1e6),
      ...entrants.map((entrant) => withSpread(seconds(entrant, work))),
      ...ours.map((mine) => figure(ticks / median(seconds(mine, work)) / 1e6)),
      ...pairs.map(({ mine, other }) => figure(ratio(mine, other, work))),
    ];
  });
  const mean = (values: readonly number[]): string => figure(geometricMean(values.filter(Number.isFinite)));
  const means = [
    "geometric mean",
    "",
    ...entrants.map(() => ""),
    ...ours.map((mine) =>
      mean(
        works.map(
          (work) =>
            (times.get(mine.contestant)?.get(work)?.[0]?.ticks ?? Number.NaN) /
            median(seconds(mine, work)) /
            1e6,
        ),
      ),
    ),
    ...pairs.map(({ mine, other }) => mean(works.map((work) => ratio(mine, other, work)))),
  ];
  const header = [
    "work",
    "M instr",
    ...entrants.map(({ contestant }) => `${contestant.name} ${isCpuTime ? "CPU s" : "s"}`),
    ...ours.map(({ contestant }) => `${contestant.name} M/s`),
    ...pairs.map(({ mine, other }) => `${mine.contestant.name} ÷ ${other.contestant.name}`),
  ];
  return table(header, [...rows, means]);
}
