/**
 * One state of one set of tables, as far as it was asked for. What is asked twice is fetched once.
 *
 * Invariant: everything in a snapshot is of the same `version`; the tables of the next stop are another snapshot.
 */
import { request } from "../kit/host.ts";
import type {
  Hex,
  MappedRange,
  PageTablesArguments,
  PageTablesBody,
  PageTablesChangesBody,
  TableEntry,
  TableLevel,
} from "../../protocol/paging.ts";

/** Ranges that the picture takes its colours from. Beyond them boxes have the colour of a table. */
const COLOURED_RANGES = 1000;
const CHANGES = 1000;

/** Bytes that one entry of a level maps. */
export function unitOf(level: TableLevel, body: PageTablesBody): bigint {
  const below = body.levels.length - 1 - body.levels.indexOf(level);
  return 1n << BigInt(12 + below * bitsPerLevel(body));
}

/** 10 bits choose an entry in 32-bit paging, 9 elsewhere. */
export const bitsPerLevel = (body: PageTablesBody): number => (body.mode === "32-bit paging" ? 10 : 9);

/** Entries of a table. PAE's first has four. */
export const lengthOf = (level: TableLevel, body: PageTablesBody): number =>
  body.mode === "PAE" && level === "PDPTE" ? 4 : 1 << bitsPerLevel(body);

/** "PML4" of "PML4E": what the table is called. */
export const tableName = (level: TableLevel): string =>
  ({ PML5E: "PML5", PML4E: "PML4", PDPTE: "PDPT", PDE: "PD", PTE: "PT" })[level];

export class Snapshot {
  readonly which: PageTablesArguments;
  readonly session: string;
  readonly body: PageTablesBody;
  /** The first ranges, without a filter. */
  ranges: readonly MappedRange[] = [];
  totalRanges = 0;
  #changes: Promise<PageTablesChangesBody> | null = null;
  readonly #entries = new Map<string, Promise<readonly TableEntry[]>>();

  constructor(which: PageTablesArguments, session: string, body: PageTablesBody) {
    this.which = which;
    this.session = session;
    this.body = body;
  }

  /** Fetches what the picture takes its colours from. */
  async load(): Promise<void> {
    if (this.body.mode === null) return;
    const { ranges, total } = await request("redzone/pageTablesRanges", {
      ...this.which,
      limit: COLOURED_RANGES,
    });
    this.ranges = ranges;
    this.totalRanges = total;
  }

  async changes(): Promise<PageTablesChangesBody> {
    this.#changes ??= request("redzone/pageTablesChanges", { ...this.which, limit: CHANGES });
    return this.#changes;
  }

  /** Entries of the table that maps `linear` with entries of `level`, those that are present, folded. */
  async entries(level: TableLevel, linear: bigint): Promise<readonly TableEntry[]> {
    return this.#ask(level, linear, undefined);
  }

  /** The entries of a folded run, one by one. */
  async unfolded(
    level: TableLevel,
    linear: bigint,
    index: number,
    count: number,
  ): Promise<readonly TableEntry[]> {
    return this.#ask(level, linear, { index, count });
  }

  async #ask(
    level: TableLevel,
    linear: bigint,
    part: { readonly index: number; readonly count: number } | undefined,
  ): Promise<readonly TableEntry[]> {
    const key = `${level} ${linear} ${part?.index ?? ""} ${part?.count ?? ""}`;
    const known = this.#entries.get(key);
    if (known !== undefined) return known;
    const asked = request("redzone/pageTablesEntries", {
      ...this.which,
      level,
      linear: `0x${linear.toString(16)}` as Hex,
      ...part,
    }).then(({ entries }) => entries);
    this.#entries.set(key, asked);
    return asked;
  }
}
