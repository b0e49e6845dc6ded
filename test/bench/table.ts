/** Tables as Markdown, columns aligned so that they read well in a terminal too. */
import { median, spread } from "./statistics.ts";

/** The first column is text, all others are figures and stand to the right. A missing figure is an empty string. */
export function table(header: readonly string[], rows: readonly (readonly string[])[]): string {
  const widths = header.map((title, column) =>
    Math.max(title.length, 3, ...rows.map((row) => row[column]?.length ?? 0)),
  );
  const line = (cells: readonly string[]): string =>
    `| ${widths.map((width, column) => pad(cells[column] ?? "", width, column)).join(" | ")} |`;
  const rule = widths.map((width, column) =>
    column === 0 ? "-".repeat(width) : `${"-".repeat(width - 1)}:`,
  );
  return [line(header), line(rule), ...rows.map(line)].join("\n");
}

const pad = (text: string, width: number, column: number): string =>
  column === 0 ? text.padEnd(width) : text.padStart(width);

/** Three digits that say something: 0.0123, 1.23, 123, 1234. Empty for NaN. */
export function figure(value: number): string {
  if (!Number.isFinite(value)) return "";
  if (value === 0) return "0";
  return value.toFixed(Math.max(0, 2 - Math.floor(Math.log10(Math.abs(value)))));
}

/** "0.512 ±8%" */
export function withSpread(values: readonly number[]): string {
  if (values.length === 0) return "";
  const share = Math.round(spread(values) * 100);
  return values.length === 1 ? figure(values[0]!) : `${figure(median(values))} ±${share}%`;
}
