/**
 * How hovers are written: Markdown for a box of 500 pixels, the short first line first.
 */
import { isFlag, placeOf, valueOf, type Field } from "../../knowledge/field.ts";

const fence = "```";

export function code(language: string, text: string): string {
  return `${fence}${language}\n${text}\n${fence}`;
}

export function paragraphs(...parts: readonly (string | undefined)[]): string {
  return parts.filter((part) => part !== undefined && part !== "").join("\n\n");
}

/** Rows of a table; "|" inside would end a cell. */
export function table(heads: readonly string[], rows: readonly (readonly string[])[]): string {
  const row = (cells: readonly string[]): string =>
    `| ${cells.map((cell) => cell.replaceAll("|", "\\|")).join(" | ")} |`;
  return [row(heads), row(heads.map(() => ":--")), ...rows.map(row)].join("\n");
}

export function fieldTable(fields: readonly Field[]): string | undefined {
  return fields.length === 0
    ? undefined
    : table(
        ["bit", "name", "meaning"],
        fields.map((field) => [placeOf(field), field.name, field.text]),
      );
}

/** Only what a value has set, with its meaning. */
export function setFields(fields: readonly Field[], value: bigint): string | undefined {
  const found = fields.filter((field) => valueOf(field, value) !== 0n);
  return found.length === 0
    ? undefined
    : table(
        ["bit", "name", "meaning"],
        found.map((field) => [
          placeOf(field),
          isFlag(field) ? field.name : `${field.name} = ${valueOf(field, value)}`,
          field.text,
        ]),
      );
}

export function hex(value: bigint, digits = 1): string {
  const sign = value < 0n ? "-" : "";
  const text = (value < 0n ? -value : value).toString(16).toUpperCase().padStart(digits, "0");
  return `${sign}0x${text}`;
}

const units = ["bytes", "KiB", "MiB", "GiB", "TiB"];

/** "2 MiB"; undefined where it is no whole number of KiB. */
export function sizeText(value: bigint): string | undefined {
  let rest = value;
  let unit = 0;
  while (rest >= 1024n && rest % 1024n === 0n && unit < units.length - 1) {
    rest /= 1024n;
    unit += 1;
  }
  return unit === 0 ? undefined : `${rest} ${units[unit] ?? ""}`;
}

/** A size that need not be round: "1 MiB", "4 GiB − 1" is "0xFFFFFFFF". */
export function amount(value: bigint): string {
  return sizeText(value) ?? (value === 1n ? "1 byte" : `${value} bytes`);
}

export function list(items: readonly string[]): string | undefined {
  return items.length === 0 ? undefined : items.map((item) => `- ${item}`).join("\n");
}
