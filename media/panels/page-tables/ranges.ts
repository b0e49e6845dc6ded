/** What is mapped, neighbours with equal rights merged: filters, order, and the whole as text. Rows are fetched in pages as they are needed. */
import { html, nothing, render, type TemplateResult } from "lit";
import { address, hex, place } from "../kit/address.ts";
import { copy, keep, kept, request } from "../kit/host.ts";
import { List, type Sort } from "../kit/list.ts";
import { count, plural, size } from "../kit/size.ts";
import type { MappedRange, PageTablesRangesBody, RangeFilter } from "../../protocol/paging.ts";
import { pagesText } from "./details.ts";
import { rightsTag, rightsText } from "./rights.ts";
import type { Snapshot } from "./snapshot.ts";

const PAGE_ROWS = 1000;
/** More are not fetched: a list of so many wants a filter. */
const MOST_ROWS = 20_000;
const SEARCH_MILLISECONDS = 150;

const FILTERS: readonly { readonly filter: RangeFilter; readonly label: string; readonly hint: string }[] = [
  { filter: "write+execute", label: "W+X", hint: "Can be written and executed" },
  { filter: "user-writable", label: "User-writable", hint: "Can be written with CPL 3" },
  { filter: "user", label: "User", hint: "Can be read with CPL 3" },
  { filter: "executable", label: "Executable", hint: "Can be executed by somebody" },
  { filter: "uncached", label: "Uncached", hint: "PCD is set" },
  {
    filter: "not-accessed",
    label: "Not accessed",
    hint: "A is clear: not used since the kernel cleared it, or never",
  },
  { filter: "dirty", label: "Dirty", hint: "D is set: written to" },
  { filter: "changed", label: "Changed", hint: "Not the same as at the last stop" },
];

interface State {
  readonly filters: readonly RangeFilter[];
  readonly search: string;
  readonly sort: Sort | null;
}

export class Ranges {
  readonly #bar: HTMLElement;
  readonly #list: List<MappedRange>;
  #state: State = kept<State>("ranges", { filters: [], search: "", sort: null });
  #snapshot: Snapshot | null = null;
  #rows: readonly MappedRange[] = [];
  #total = 0;
  #bytes = 0;
  #turn = 0;
  #timer = 0;

  /** @param choose shows addresses in the picture. */
  constructor(host: HTMLElement, choose: (start: bigint, last: bigint) => void) {
    this.#bar = document.createElement("div");
    this.#bar.className = "toolbar";
    const body = document.createElement("div");
    host.append(this.#bar, body);
    this.#list = new List<MappedRange>(body, {
      label: "Mapped ranges",
      key: ({ start }) => start,
      select: ({ start, last, stride, times }) =>
        choose(BigInt(start), BigInt(last) + BigInt(stride) * BigInt(times - 1)),
      style: ({ changed }) => (changed ? "changed" : ""),
      sort: (sort) => this.#set({ sort }),
      empty: "Nothing is mapped that all of these filters let through.",
      columns: [
        {
          id: "start",
          title: "Linear addresses",
          width: "40ch",
          sortable: true,
          cell: (row) => this.#addresses(row),
        },
        {
          id: "size",
          title: "Size",
          width: "12ch",
          align: "right",
          sortable: true,
          cell: ({ bytes, times }) =>
            html`${times > 1 ? html`<span class="muted">${count(times)}×</span> ` : nothing}${size(bytes)}`,
        },
        {
          id: "rights",
          title: "Rights",
          width: "11ch",
          sortable: true,
          hint: "After all levels, CR0, CR4 and EFER; u: what the user may. Sorts by rights.",
          cell: ({ effective }) => rightsTag(effective),
        },
        { id: "physical", title: "Physical", width: "14ch", cell: physical },
        { id: "name", title: "What", width: "minmax(24ch, 2fr)", sortable: true, cell: what },
        {
          id: "pages",
          title: "Pages",
          width: "minmax(18ch, 1fr)",
          cell: ({ pages }) => html`<span class="muted">${pagesText(pages)}</span>`,
        },
        {
          id: "bits",
          title: "A, D, G …",
          width: "12ch",
          hint: "Bits of the pages' entries: set in all, or (in parentheses) in some",
          cell: bits,
        },
      ],
    });
    this.#list.sort = this.#state.sort;
    this.#drawBar();
  }

  async show(snapshot: Snapshot): Promise<void> {
    this.#snapshot = snapshot;
    if (snapshot.body.mode === null) return;
    const turn = ++this.#turn;
    const { filters, search, sort } = this.#state;
    // Without a filter the snapshot has the first rows already.
    const isPlain = filters.length === 0 && search === "";
    let rows = isPlain ? snapshot.ranges : [];
    let total = isPlain ? snapshot.totalRanges : 1;
    this.#bytes = snapshot.body.mappedBytes;
    while (rows.length < Math.min(total, MOST_ROWS)) {
      const page: PageTablesRangesBody = await request("redzone/pageTablesRanges", {
        ...snapshot.which,
        filters,
        ...(isPlain ? {} : { search }),
        offset: rows.length,
        limit: PAGE_ROWS,
      });
      if (turn !== this.#turn) return;
      rows = [...rows, ...page.ranges];
      total = page.total;
      this.#bytes = page.bytes;
      if (page.ranges.length === 0) break;
      this.#put(rows, total, sort);
    }
    this.#put(rows, total, sort);
  }

  #put(rows: readonly MappedRange[], total: number, sort: Sort | null): void {
    this.#rows = sort === null ? rows : rows.toSorted(order(sort));
    this.#total = total;
    this.#list.rows = this.#rows;
    this.#drawBar();
  }

  #set(change: Partial<State>): void {
    this.#state = { ...this.#state, ...change };
    keep("ranges", this.#state);
    this.#drawBar();
    if (this.#snapshot !== null) void this.show(this.#snapshot);
  }

  #drawBar(): void {
    const { filters, search } = this.#state;
    const toggle = (filter: RangeFilter): void =>
      this.#set({
        filters: filters.includes(filter) ? filters.filter((each) => each !== filter) : [...filters, filter],
      });
    const find = (event: Event): void => {
      const { value } = event.target as HTMLInputElement;
      clearTimeout(this.#timer);
      this.#timer = window.setTimeout(() => this.#set({ search: value }), SEARCH_MILLISECONDS);
    };
    render(
      html`${FILTERS.map(
          ({ filter, label, hint }) =>
            html`<button
              class="filter"
              title=${hint}
              aria-pressed=${filters.includes(filter)}
              @click=${() => toggle(filter)}
            >
              ${label}
            </button>`,
        )}
        <input
          type="text"
          class="search"
          placeholder="Name or address"
          aria-label="Only ranges with this name or address"
          .value=${search}
          @input=${find}
        />
        <span class="grow"></span>
        <span class="muted" role="status"
          >${plural(this.#total, "range")},
          ${size(this.#bytes)}${
            this.#rows.length < this.#total
              ? html`; the first ${count(this.#rows.length)} are shown`
              : nothing
          }</span
        >
        <button
          title="Copy what is shown as text"
          @click=${() => copy(text(this.#rows), plural(this.#rows.length, "range"))}
        >
          Copy
        </button>`,
      this.#bar,
    );
  }

  #addresses({ start, last }: MappedRange): TemplateResult {
    const digits = this.#snapshot?.body.linearBits === 32 ? 8 : 16;
    return html`${address(place("linear", start), "memory", hex(BigInt(start), digits))}<span class="muted">
        … ${hex(BigInt(last), digits)}</span
      >`;
  }
}

function physical({ physical: at, samePage }: MappedRange): TemplateResult {
  if (at === null) return html`<span class="muted">scattered</span>`;
  return html`${address(place("physical", at), "ramLayout")}${
    samePage ? html` <span class="muted">always</span>` : nothing
  }`;
}

function what({ name, holds }: MappedRange): TemplateResult {
  const held = holds.filter((each) => each !== name);
  return html`${name ?? nothing}${
    held.length === 0
      ? nothing
      : html`<span class="muted" title=${held.join(", ")}
          >${name === null ? "" : ": "}${held.join(", ")}</span
        >`
  }`;
}

function bits({ all, some }: MappedRange): TemplateResult {
  const partial = some.filter((each) => !all.includes(each));
  return html`${all.join(" ")}${
    partial.length === 0 ? nothing : html`<span class="muted"> (${partial.join(" ")})</span>`
  }`;
}

/** Rights that are most likely a mistake come first. */
function order({ column, descending }: Sort): (a: MappedRange, b: MappedRange) => number {
  const compare = (a: MappedRange, b: MappedRange): number => {
    if (column === "size") return a.bytes * a.times - b.bytes * b.times;
    if (column === "rights") return rightsText(b.effective).localeCompare(rightsText(a.effective));
    if (column === "name") return (a.name ?? "~").localeCompare(b.name ?? "~");
    return Number(BigInt(a.start) - BigInt(b.start) > 0n) - Number(BigInt(a.start) - BigInt(b.start) < 0n);
  };
  return (a, b) => (descending ? compare(b, a) : compare(a, b));
}

/** One line a range, in columns. */
function text(ranges: readonly MappedRange[]): string {
  return ranges
    .map(({ start, last, bytes, times, effective, physical: at, name, holds }) =>
      [
        `${hex(BigInt(start), 16)}-${hex(BigInt(last), 16)}`,
        `${times > 1 ? `${times} x ` : ""}${size(bytes)}`.padStart(10),
        rightsText(effective).padEnd(9),
        (at === null ? "scattered" : `-> ${at}`).padEnd(16),
        [name ?? "", holds.join(", ")].filter((part) => part !== "").join(": "),
      ]
        .join("  ")
        .trimEnd(),
    )
    .join("\n");
}
