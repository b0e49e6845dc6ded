/** The Debug Console's `page` and `pages`: a translation and the merged view as lines. */
import type {
  AccessVerdict,
  MappedRange,
  PageTablesRangesBody,
  PageTablesTranslateBody,
} from "../../media/protocol.ts";

/** `page ADDRESS`: every step, where it ends, and what is forbidden. */
export function translateText(body: Omit<PageTablesTranslateBody, "text">): string {
  const lines = [
    `${body.linear}${body.name === null ? "" : `  ${body.name}`}  (${body.mode ?? "no paging"})`,
  ];
  if (!body.canonical)
    lines.push(
      "The address is not canonical: an access is a general protection fault, before any table is looked at.",
    );
  for (const step of body.steps) {
    const { level, table, index, bits, entry, value, flags, target, pageBytes, effective, notes } = step;
    const points = target === null ? "not present" : pageBytes === 0 ? `table ${target}` : `${sizeText(pageBytes)} page ${target}`;
    lines.push(
      `  ${level.padEnd(6)}${`[${index}]`.padEnd(6)} bits ${bits.padEnd(6)} of table ${table}: at ${entry} = ${value.padEnd(18)} ${points}  ${flags.join(" ")}`,
    );
    if (target !== null) lines.push(`         so far user ${effective.user}, supervisor ${effective.supervisor}`);
    for (const note of notes) lines.push(`         ${note.isError ? "! " : ""}${note.text}`);
  } // oxfmt-ignore
  if (body.physical !== null) {
    lines.push(`  physical ${body.physical}`);
    if (body.region === null) lines.push("  nothing answers there");
    else lines.push(`  region ${body.region.name} (${body.region.type}) + ${body.region.offset}`);
    if (body.block !== null)
      lines.push(`  RAMBlock ${body.block.idstr} + ${body.block.offset}, ram_addr_t ${body.block.ramAddress}`);
    if (body.host !== null) lines.push(`  host: byte ${body.host} of the emulator's memory`);
    if (body.bytes !== null) lines.push(`  bytes ${Buffer.from(body.bytes, "base64").toString("hex").replace(/../g, "$& ").trimEnd()}`);
  } // oxfmt-ignore
  if (body.tlb !== null)
    lines.push(
      `  TLB: ${body.tlb.physical}, user ${body.tlb.effective.user}, supervisor ${body.tlb.effective.supervisor}${body.tlb.stale ? " — stale: the tables say something else now" : ""}`,
    );
  lines.push(...refusals(body.verdicts).map((line) => `  ${line}`));
  return lines.map((line) => `${line.trimEnd()}\n`).join("");
}

/** What is forbidden, said once for all accesses that fail for the same cause. */
function refusals(verdicts: readonly AccessVerdict[]): readonly string[] {
  const causes = new Map<string, AccessVerdict[]>();
  for (const verdict of verdicts)
    if (!verdict.allowed) causes.set(verdict.cause, [...(causes.get(verdict.cause) ?? []), verdict]);
  return [...causes].map(([cause, list]) => {
    const codes = list.map(({ errorCode }) => (errorCode === null ? "?" : `0x${errorCode.toString(16)}`));
    const who = (["user", "supervisor"] as const).flatMap((by) => {
      const verbs = list.filter((verdict) => verdict.by === by).map(({ access }) => access);
      return verbs.length === 0 ? [] : [`${by} code cannot ${verbs.join("/")}`];
    });
    const subject = list.length === verdicts.length ? "no access is possible" : who.join(", ");
    return `${subject[0]!.toUpperCase()}${subject.slice(1)}: ${cause} (#PF ${[...new Set(codes)].join(", ")})`;
  });
}

/** `pages [filter…]`: a range a line. */
export function rangesText({ ranges, total, bytes }: PageTablesRangesBody): string {
  const lines = ranges.map(rangeLine);
  if (total > ranges.length) lines.push(`… and ${total - ranges.length} more`);
  lines.push(`${total} range${total === 1 ? "" : "s"}, ${sizeText(bytes)}`);
  return lines.map((line) => `${line.trimEnd()}\n`).join("");
}

const digits = (address: string): string => address.slice(2).padStart(16, "0");

function rangeLine(range: MappedRange): string {
  const { start, last, bytes, times, stride, effective, physical, samePage, pages, all, name, holds } = range;
  const sizes = pages.map(({ bytes: size, count }) => `${count} × ${sizeText(size)}`).join(" + ");
  const where = physical === null ? "" : samePage ? `one page ${physical}` : `→ ${physical}`;
  const again = times === 1 ? "" : `${times} times, every ${sizeText(stride)}`;
  const words = [again, where, all.includes("UC") ? "uncached" : "", name ?? "", holds.join(", ")];
  return `${digits(start)}-${digits(last)} ${sizeText(bytes).padStart(9)} u:${effective.user} s:${effective.supervisor}  ${sizes.padEnd(16)} ${words.filter((word) => word !== "").join("  ")}`;
}

const UNITS = ["B", "KiB", "MiB", "GiB", "TiB", "PiB"] as const;

/** "2 MiB", "1.5 GiB" */
export function sizeText(bytes: number): string {
  let unit = 0;
  let value = bytes;
  while (value >= 1024 && unit < UNITS.length - 1) {
    value /= 1024;
    unit++;
  }
  return `${Number.isInteger(value) ? value : value.toFixed(1)} ${UNITS[unit]!}`;
}
