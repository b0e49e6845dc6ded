/**
 * A machine's counts as text, for `--stats` and `info jit`: who executed how much, and what is asked of TypeScript how often, the most frequent first.
 *
 * Elsewhere: the counts (`emulator/cpu/statistics.ts`).
 */
import type { Counts, Statistics, TranslatorStatistics } from "../emulator/index.ts";

/** Rows of a section; what is rarer is added up. */
const ROWS = 16;
const LABEL = 24;
const NUMBER = 16;

/** How a run went, which the machine itself does not know. */
export interface Run {
  /** Time that the host spent running the machine. */
  readonly wallSeconds: number;
}

/** @param run absent: nothing is said about speed. */
export function statisticsText(statistics: Statistics, run: Run | null = null): string {
  const { instants, nanoseconds, idleNanoseconds, memoryBytes, processor } = statistics;
  const { translator, traces } = processor;
  const lines: string[] = [];
  const line = (label: string, text: string): void => void lines.push(`${label.padEnd(LABEL)}${text}`);
  const speed =
    run === null || run.wallSeconds <= 0
      ? ""
      : ` in ${run.wallSeconds.toFixed(2)} s: ${megahertz(instants / run.wallSeconds)} M/s`;
  line("instructions", `${grouped(instants)}${speed}`);
  line(
    "virtual time",
    `${(nanoseconds / 1e9).toFixed(3)} s, ${(idleNanoseconds / 1e9).toFixed(3)} s of it idle`,
  );
  line("host memory", `${grouped(Math.round(memoryBytes / 1024))} KiB`);
  line(
    "translated",
    translator === null ? "nothing: the translator is off" : share(translator.instants, instants),
  );
  line(
    "traces",
    `${grouped(traces.decoded)} decoded, ${grouped(traces.kept)} kept, ${grouped(traces.dropped)} dropped; the cache was emptied ${times(traces.flushes)}`,
  );
  if (translator !== null) lines.push(...translatorLines(translator));
  lines.push("", `${"".padEnd(LABEL)}${"count".padStart(NUMBER)}${"per million".padStart(NUMBER)}`);
  const section = (title: string, counts: Counts): void =>
    void lines.push(...sectionLines(title, counts, instants));
  if (translator !== null) {
    section("regions entered", { "from the interpreter": translator.entries });
    section("regions left", translator.exits);
  }
  section("emitted code left", processor.exits);
  section("memory", processor.memory);
  section("events", processor.events);
  section("TypeScript called for", processor.callOuts);
  return `${lines.join("\n")}\n`;
}

function translatorLines(translator: TranslatorStatistics): string[] {
  const { made, kept, written, evicted, modules, moduleBytes, instructions } = translator;
  const { milliseconds, longestMilliseconds, orders, elsewhereMilliseconds } = translator;
  const regions = `${grouped(made)} made, ${grouped(kept)} kept, ${grouped(written)} written to, ${grouped(evicted)} evicted`;
  const code = `${grouped(modules)} modules, ${grouped(Math.round(moduleBytes / 1024))} KiB for ${grouped(instructions)} instructions`;
  const elsewhere = orders === 0 ? "" : `; ${elsewhereMilliseconds.toFixed(0)} ms of another thread`;
  const time = `${milliseconds.toFixed(0)} ms, ${longestMilliseconds.toFixed(1)} ms at once${elsewhere}`;
  return [
    ["regions", regions],
    ["translated code", code],
    ["made in", time],
  ].map(([label, text]) => `${label!.padEnd(LABEL)}${text}`);
}

function sectionLines(title: string, counts: Counts, instants: number): string[] {
  const sorted = Object.entries(counts)
    .filter(([, count]) => count > 0)
    .toSorted(([a, m], [b, n]) => n - m || (a < b ? -1 : 1));
  if (sorted.length === 0) return [];
  const row = (name: string, count: number): string =>
    `  ${name.padEnd(LABEL - 2)}${grouped(count).padStart(NUMBER)}${((count / Math.max(instants, 1)) * 1e6).toFixed(1).padStart(NUMBER)}`;
  const rare = sorted.slice(ROWS);
  const rest = rare.reduce((sum, [, count]) => sum + count, 0);
  return [
    title,
    ...sorted.slice(0, ROWS).map(([name, count]) => row(name, count)),
    ...(rare.length === 0 ? [] : [row(`${rare.length} more`, rest)]),
  ];
}

const share = (part: number, whole: number): string =>
  `${((part / Math.max(whole, 1)) * 100).toFixed(2)} % of the instructions`;
const times = (count: number): string => (count === 1 ? "once" : `${grouped(count)} times`);
const megahertz = (perSecond: number): string => (perSecond / 1e6).toFixed(perSecond < 1e8 ? 1 : 0);

/** 1234567 is 1,234,567, whatever the host's language. */
function grouped(count: number): string {
  return String(count).replaceAll(/\B(?=(?:\d{3})+$)/g, ",");
}
