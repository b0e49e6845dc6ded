/** What our machine counted while it ran (`redzone --stats`), side by side, whatever is there. */
import { readFileSync } from "node:fs";
import { figure, table } from "./table.ts";

/** Counts whose worth is how often they happen: told per million instructions too. */
const EVENTS = /miss|exit|call-?out|fault|interrupt|flush|walk|drop|invalidat|enter|entries|refill/i;

export type Counts = ReadonlyMap<string, number | string>;

/** Numbers and texts of nested objects, named by their path; lists of objects with a name go by it. */
export function flatten(value: unknown, prefix = ""): Counts {
  const counts = new Map<string, number | string>();
  if (typeof value === "number" || typeof value === "string") counts.set(prefix, value);
  else if (typeof value === "object" && value !== null) {
    for (const [key, item] of Object.entries(value)) {
      const name = prefix === "" ? key : `${prefix}.${key}`;
      for (const [inner, count] of flatten(item, name)) counts.set(inner, count);
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

/** A row per count, a column per run; counts of events are followed by what they are per million instructions. */
export function countsTable(runs: readonly { readonly name: string; readonly counts: Counts }[]): string {
  const names = [...new Set(runs.flatMap(({ counts }) => [...counts.keys()]))];
  const rows = names.flatMap((name) => {
    const values = runs.map(({ counts }) => counts.get(name));
    const row = [name, ...values.map((value) => (typeof value === "number" ? plain(value) : (value ?? "")))];
    if (!EVENTS.test(name) || /seconds|bytes|share/i.test(name)) return [row];
    const rates = runs.map(({ counts }) => rate(counts.get(name), counts.get("instructions")));
    return [row, [`${name} per million instructions`, ...rates]];
  });
  return table(["ours counted", ...runs.map(({ name }) => name)], rows);
}

const plain = (value: number): string => (Number.isInteger(value) ? String(value) : figure(value));

const rate = (count: number | string | undefined, instructions: number | string | undefined): string =>
  typeof count === "number" && typeof instructions === "number" ? figure((count / instructions) * 1e6) : "";
