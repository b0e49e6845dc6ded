/**
 * The strips of the picture: each is one table, or a folded run of one looked at closer, and what is chosen in it is the strip below.
 *
 * Invariant: a strip is a function of the snapshot and the path of choices that leads to it, so a path can be followed again after the next stop.
 */
import type { TableEntry, TableLevel } from "../../protocol/paging.ts";
import { boxes, parts, runsOf, type Box, type Run, type Scale } from "./scale.ts";
import { lengthOf, tableName, unitOf, type Snapshot } from "./snapshot.ts";

/** A folded run is looked at in at most so many parts. */
const MOST_PARTS = 32;

export interface Strip {
  readonly level: TableLevel;
  /** "PML4", "PD[3]", "PT[0 … 15]" */
  readonly title: string;
  /** Physical address of the table; null for a part of one. */
  readonly table: string | null;
  /** Bytes that one entry maps. */
  readonly unit: bigint;
  readonly boxes: readonly Box[];
}

/** What was chosen in a strip: the first entry of a box and how many it has. */
export interface Choice {
  readonly index: number;
  readonly count: number;
}

export async function rootStrip(snapshot: Snapshot, scale: Scale): Promise<Strip> {
  const { body } = snapshot;
  return tableStrip(snapshot, body.levels[0]!, 0n, body.root, scale);
}

async function tableStrip(
  snapshot: Snapshot,
  level: TableLevel,
  linear: bigint,
  table: string,
  scale: Scale,
): Promise<Strip> {
  const { body } = snapshot;
  const unit = unitOf(level, body);
  const entries = await snapshot.entries(level, linear);
  const runs = runsOf(entries, linear, unit, 0, lengthOf(level, body), body.linearBits);
  return { level, title: tableName(level), table, unit, boxes: boxes(runs, scale) };
}

/** What is below a box; null if nothing is. */
export async function below(snapshot: Snapshot, strip: Strip, box: Run, scale: Scale): Promise<Strip | null> {
  const { entry, index, count, start } = box;
  if (entry === null) return null;
  const { body } = snapshot;
  if (count > 1) {
    const title = `${tableName(strip.level)}[${index} … ${index + count - 1}]`;
    const closer =
      count > MOST_PARTS
        ? parts(box, strip.unit, MOST_PARTS)
        : runsOf(
            await snapshot.unfolded(strip.level, tableStart(strip, box), index, count),
            start,
            strip.unit,
            index,
            index + count,
            body.linearBits,
          );
    return { level: strip.level, title, table: null, unit: strip.unit, boxes: boxes(closer, scale) };
  }
  const next = body.levels[body.levels.indexOf(strip.level) + 1];
  if (!leadsToTable(entry) || entry.target === null || next === undefined) return null;
  return tableStrip(snapshot, next, start, entry.target, scale);
}

/** First address of the table that a run is of. */
function tableStart({ unit }: Strip, { start, index }: Run): bigint {
  return BigInt.asUintN(64, start - BigInt(index) * unit);
}

/** The box that a choice means: itself, or the one that its first entry is in now. */
export const boxOf = ({ boxes: all }: Strip, { index, count }: Choice): Box | undefined =>
  all.find((box) => box.index === index && box.count === count) ??
  all.find((box) => box.index <= index && index < box.index + box.count);

/** The box that an address is in. */
export const boxAt = ({ boxes: all }: Strip, address: bigint): Box | undefined =>
  all.find(({ start, last }) => start <= address && address <= last);

export const choiceOf = ({ index, count }: Run): Choice => ({ index, count });

/** "PML4[511]", "PD[0 … 511]" */
export const nameOf = (level: TableLevel, { index, count }: Choice): string =>
  `${tableName(level)}[${count === 1 ? index : `${index} … ${index + count - 1}`}]`;

/** Physical address that a part of a folded run maps first; null if it maps none. */
export function targetOf({ entry, index }: Run): bigint | null {
  if (entry?.target === undefined || entry.target === null) return null;
  const shift = entry.fold === "contiguous" ? BigInt(index - entry.index) * BigInt(entry.pageBytes) : 0n;
  return BigInt(entry.target) + shift;
}

/** Whether the processor would go on to a table from here: from a malformed entry it does not. */
export const leadsToTable = (entry: TableEntry): boolean =>
  entry.present && entry.pageBytes === 0 && entry.target !== null && !isMalformed(entry);

export const isMalformed = (entry: TableEntry): boolean => entry.notes.some(({ isError }) => isError);
