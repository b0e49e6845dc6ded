/**
 * What our machine counted while it ran (`redzone --stats`; `emulator/machine/statistics.ts`), runs side by side, so that the next bottleneck can be
 * read off. Whatever is there is shown: a new count needs no change here.
 */
import { readFileSync } from "node:fs";
import { figure, table } from "./table.ts";

/** Of a group of counts of one kind, such as call-outs by instruction, the most frequent are shown, and their sum. */
const SHOWN = 8;
const GROUPS = /\.(?:callOuts|exits|events|memory)$/;
/** Counts whose worth is how often they happen: told per million instructions too. */
const EVENTS = /\.(?:traces|translator|callOuts|exits|events|memory)\./;
const NO_EVENTS = /milliseconds|seconds|bytes|instants|instructions|kept/i;

export type Counts = ReadonlyMap<string, number | string>;

export interface CountedRun {
  readonly name: string;
  readonly counts: Counts;
}

/** Numbers and texts of nested objects, named by their path. */
export function flatten(value: unknown, prefix = ""): Counts {
  const counts = new Map<string, number | string>();
  if (typeof value === "number" || typeof value === "string") counts.set(prefix, value);
  else if (typeof value === "object" && value !== null) {
    for (const [key, item] of Object.entries(value)) {
      for (const [inner, count] of flatten(item, prefix === "" ? key : `${prefix}.${key}`))
        counts.set(inner, count);
    }
  }
  return counts;
}

/** Null if the run has written none. */
export function readCounts(file: string): Counts | null {
  try {
    return flatten(JSON.parse(readFileSync(file, "utf8")));
  } catch {
    return null;
  }
}

/** A row per count; per run, its value and, of events, how many there were per million instructions. */
export function countsTable(runs: readonly CountedRun[]): string {
  const names = [...new Set(runs.flatMap(({ counts }) => [...counts.keys()]))];
  const groups = [...new Set(names.map(groupOf).filter((group) => group !== null))];
  const single = names.filter((name) => groupOf(name) === null);
  const rows = single.map((name) =>
    row(runs, name.replace(/^statistics\./, ""), name, ({ counts }) => counts.get(name)),
  );
  for (const group of groups) {
    const members = names.filter((name) => groupOf(name) === group);
    const sum = ({ counts }: CountedRun): number =>
      members.reduce((total, name) => total + numberOf(counts.get(name)), 0);
    const most = members.toSorted((a, b) => greatest(runs, b) - greatest(runs, a)).slice(0, SHOWN);
    rows.push(row(runs, group.replace(/^statistics\./, ""), `${group}.`, sum));
    for (const name of most)
      rows.push(row(runs, `– ${name.slice(group.length + 1)}`, name, ({ counts }) => counts.get(name)));
    if (members.length > SHOWN) rows.push([`– and ${members.length - SHOWN} more`]);
  }
  return table(["ours counted", ...runs.flatMap(({ name }) => [name, "per M instr"])], rows);
}

function row(
  runs: readonly CountedRun[],
  title: string,
  name: string,
  value: (run: CountedRun) => number | string | undefined,
): readonly string[] {
  const isEvent = EVENTS.test(name) && !NO_EVENTS.test(name);
  return [
    title,
    ...runs.flatMap((run) => {
      const count = value(run);
      const instructions = numberOf(run.counts.get("instructions"));
      return [text(count), isEvent && typeof count === "number" ? figure((count / instructions) * 1e6) : ""];
    }),
  ];
}

/** The group that a count belongs to; null: it stands for itself. */
function groupOf(name: string): string | null {
  const group = name.slice(0, Math.max(0, name.lastIndexOf(".")));
  return GROUPS.test(group) ? group : null;
}

const numberOf = (count: number | string | undefined): number => (typeof count === "number" ? count : 0);

const greatest = (runs: readonly CountedRun[], name: string): number =>
  Math.max(
    ...runs.map(
      ({ counts }) => numberOf(counts.get(name)) / Math.max(1, numberOf(counts.get("instructions"))),
    ),
  );

const text = (count: number | string | undefined): string =>
  typeof count !== "number" ? (count ?? "") : Number.isInteger(count) ? String(count) : figure(count);
