/** The tables as a tree from CR3 down. A table's entries are fetched when it is unfolded; entries that go on in each other are one row until then. */
import { html, nothing, type TemplateResult } from "lit";
import { address, hex, place } from "../kit/address.ts";
import { keep, kept } from "../kit/host.ts";
import { List } from "../kit/list.ts";
import { size } from "../kit/size.ts";
import type { TableEntry, TableLevel } from "../../protocol/paging.ts";
import { flagTags, pagesText, writer } from "./details.ts";
import { limitTag, rightsTag } from "./rights.ts";
import { unitOf, type Snapshot } from "./snapshot.ts";
import { isMalformed, leadsToTable, nameOf } from "./strips.ts";

interface Row {
  readonly entry: TableEntry;
  readonly depth: number;
  /** Of the table that it is in. */
  readonly tableStart: bigint;
  readonly key: string;
}

const OPEN = "tree-open";

export class Tree {
  readonly #list: List<Row>;
  readonly #open: Set<string>;
  #snapshot: Snapshot | null = null;
  #turn = 0;

  /** @param choose shows an entry in the picture. */
  constructor(host: HTMLElement, choose: (start: bigint, last: bigint) => void) {
    this.#open = new Set(kept<readonly string[]>(OPEN, []));
    this.#list = new List<Row>(host, {
      label: "Page tables from CR3 down",
      key: ({ key }) => key,
      depth: ({ depth }) => depth,
      expanded: ({ entry, key }) => (canOpen(entry) ? this.#open.has(key) : null),
      toggle: (row) => this.#toggle(row),
      select: ({ entry }) => choose(BigInt(entry.linear), BigInt(entry.last)),
      style: ({ entry }) => `${entry.changed ? "changed" : ""} ${isMalformed(entry) ? "malformed" : ""}`,
      hint: ({ entry }) => [entry.value, ...entry.notes.map(({ text }) => text)].join("\n"),
      empty: "No entry of the root table is present: no address can be used.",
      columns: [
        {
          id: "entry",
          title: "Entry",
          width: "minmax(22ch, 1fr)",
          cell: ({ entry }) => html`${nameOf(entry.level, entry)}`,
        },
        { id: "linear", title: "Linear addresses", width: "40ch", cell: (row) => this.#linear(row) },
        { id: "target", title: "Leads to", width: "minmax(20ch, 1fr)", cell: ({ entry }) => target(entry) },
        { id: "size", title: "Size", width: "10ch", align: "right", cell: ({ entry }) => this.#size(entry) },
        {
          id: "rights",
          title: "Effective",
          width: "11ch",
          hint: "Rights after all levels above, CR0, CR4 and EFER; u: what the user may; ≤: what entries below a table may give",
          cell: ({ entry }) =>
            entry.pageBytes === 0 ? limitTag(entry.effective) : rightsTag(entry.effective),
        },
        {
          id: "flags",
          title: "Flags",
          width: "26ch",
          cell: ({ entry }) => flagTags(entry.flags),
        },
        {
          id: "value",
          title: "Value",
          width: "18ch",
          cell: ({ entry }) => html`<span class="muted">${entry.value}</span>`,
        },
        { id: "notes", title: "Notes", width: "minmax(30ch, 3fr)", cell: ({ entry }) => notes(entry) },
      ],
    });
  }

  async show(snapshot: Snapshot): Promise<void> {
    this.#snapshot = snapshot;
    const turn = ++this.#turn;
    const { body } = snapshot;
    if (body.mode === null) return;
    const rows: Row[] = [];
    await this.#add(rows, await snapshot.entries(body.levels[0]!, 0n), 0n, 0);
    if (turn === this.#turn) this.#list.rows = rows;
  }

  async #add(rows: Row[], entries: readonly TableEntry[], tableStart: bigint, depth: number): Promise<void> {
    // Asked for together; rows come in order.
    const below = await Promise.all(entries.map(async (entry) => this.#below(entry, tableStart)));
    for (const [index, entry] of entries.entries()) {
      rows.push({ entry, depth, tableStart, key: keyOf(entry) });
      const inner = below[index];
      if (inner !== null && inner !== undefined)
        await this.#add(rows, inner, entry.count > 1 ? tableStart : BigInt(entry.linear), depth + 1);
    }
  }

  async #below(entry: TableEntry, tableStart: bigint): Promise<readonly TableEntry[] | null> {
    const snapshot = this.#snapshot;
    if (snapshot === null || !canOpen(entry) || !this.#open.has(keyOf(entry))) return null;
    if (entry.count > 1) return snapshot.unfolded(entry.level, tableStart, entry.index, entry.count);
    const next: TableLevel | undefined = snapshot.body.levels[snapshot.body.levels.indexOf(entry.level) + 1];
    return next === undefined ? null : snapshot.entries(next, BigInt(entry.linear));
  }

  #toggle({ entry, key }: Row): void {
    if (!canOpen(entry)) return;
    if (!this.#open.delete(key)) this.#open.add(key);
    keep(OPEN, [...this.#open]);
    if (this.#snapshot !== null) void this.show(this.#snapshot);
  }

  #linear({ entry }: Row): TemplateResult {
    const digits = this.#snapshot?.body.linearBits === 32 ? 8 : 16;
    const start = hex(BigInt(entry.linear), digits);
    return html`${address(place("linear", entry.linear), "memory", start)}<span class="muted">
        … ${hex(BigInt(entry.last), digits)}</span
      >`;
  }

  #size({ level, count, pageBytes }: TableEntry): TemplateResult | string {
    if (this.#snapshot === null) return "";
    const unit = unitOf(level, this.#snapshot.body);
    const bytes = size(unit * BigInt(count));
    return pageBytes === 0 ? html`<span class="muted">${bytes}</span>` : bytes;
  }
}

const keyOf = ({ level, linear, count }: TableEntry): string => `${level} ${linear} ${count}`;
const canOpen = (entry: TableEntry): boolean => entry.count > 1 || leadsToTable(entry);

function target({ target: to, pageBytes, fold, count }: TableEntry): TemplateResult | typeof nothing {
  if (to === null) return nothing;
  const what =
    pageBytes === 0 ? (count > 1 ? "tables" : "table") : fold === "same" && count > 1 ? "always" : "";
  return html`${address(place("physical", to), pageBytes === 0 ? "memory" : "ramLayout")}
    <span class="muted">${what}</span>`;
}

function notes({ notes: all, pages, pageBytes, writtenBy }: TableEntry): TemplateResult {
  return html`${all.map(
    ({ text, isError, kind }) =>
      html`<span class="note ${isError ? "error" : kind === "ignored" ? "muted" : ""}">${text}</span> `,
  )}${writtenBy === undefined ? nothing : writer(writtenBy)}${
    pageBytes === 0 && all.length === 0 ? html`<span class="muted">${pagesText(pages)}</span>` : nothing
  }`;
}
