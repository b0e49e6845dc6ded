/**
 * The picture of a stack: a list of rows, drawn as blocks of memory. What a row means is in its colour, its mark and its words, so that no one of them has to be
 * seen alone.
 *
 * Elsewhere: which rows there are (`rows.ts`), the red zone's cells (`zone.ts`).
 */
import { html, nothing, type TemplateResult } from "lit";
import { address, place } from "../kit/address.ts";
import { open, openSource } from "../kit/host.ts";
import { List } from "../kit/list.ts";
import { count, plural } from "../kit/size.ts";
import type { StackSlot, StackTarget } from "../../protocol.ts";
import type { View } from "../../protocol/place.ts";
import { isOpenFrame, isOpenSlot, isOpenZone, rowOf, type Folds, type Row } from "./rows.ts";
import { KIND_WORDS } from "./kinds.ts";
import { zoneCells, zoneNames } from "./zone.ts";

const ROW_PIXELS = 22;
/** A word; of more only that it has changed. */
const LONGEST_BEFORE = 18;
/** Below this width offsets and notes have no room; they are in the tooltips. */
const NARROW_PIXELS = 760;

/** Tracks of the columns. @param digits of the longest address, "0x" counted */
const columnsFor = (digits: number, isNarrow: boolean): string =>
  isNarrow
    ? `calc(${digits}ch + 54px) 0 minmax(0, 1.1fr) minmax(0, 1.4fr) 0`
    : `calc(${digits}ch + 54px) 8ch minmax(0, 1.2fr) minmax(0, 2fr) minmax(0, 1.1fr)`;

export interface PictureEvents {
  /** Folds or unfolds. */
  readonly toggle: (key: string, isOpen: boolean) => void;
  /** Fetches frames further out. */
  readonly more: () => void;
  readonly select: (row: Row) => void;
}

const VIEWS: Record<StackTarget["kind"], View> = {
  code: "source",
  data: "memory",
  stack: "stack",
  memory: "memory",
};

const VIEW_WORDS: Record<StackTarget["kind"], string> = {
  code: "source",
  data: "memory",
  stack: "stack",
  memory: "memory",
};

export class Picture {
  readonly #host: HTMLElement;
  readonly #list: List<Row>;
  readonly #events: PictureEvents;
  #folds: Folds = new Map();
  #pointer: bigint | null = null;
  #pointerName = "RSP";
  /** Of the longest address. */
  #digits = 8;

  constructor(host: HTMLElement, events: PictureEvents) {
    this.#host = host;
    this.#events = events;
    this.#list = new List<Row>(host, {
      label: "The stack",
      key: ({ key }) => key,
      depth: ({ kind }) =>
        kind === "slot" || kind === "bytes" || kind === "waiting" ? 1 : kind === "part" ? 2 : 0,
      expanded: (row) => this.#isOpen(row),
      toggle: (row) => {
        const isOpen = this.#isOpen(row);
        if (isOpen !== null) events.toggle(row.key, !isOpen);
        else if (row.kind === "more") events.more();
      },
      activate: (row) => this.#activate(row),
      select: (row) => events.select(row),
      style: styleOf,
      hint: hintOf,
      empty: "Nothing is known of this stack.",
      columns: [
        { id: "address", title: "Address", width: "25ch", cell: addressCell },
        {
          id: "offset",
          title: "Offset",
          width: "10ch",
          align: "right",
          hint: "Bytes from the stack pointer",
          cell: (row) => html`<span class="muted">${this.#offset(row)}</span>`,
        },
        { id: "name", title: "What lies there", width: "minmax(26ch, 1.4fr)", cell: nameCell },
        { id: "value", title: "Value, and what it points to", width: "minmax(30ch, 2fr)", cell: valueCell },
        { id: "notes", title: "", width: "minmax(14ch, 1fr)", cell: notesCell },
      ],
    });
    new ResizeObserver(() => this.#fit()).observe(host);
  }

  /** Gives the columns the room there is. */
  #fit(): void {
    const isNarrow = this.#host.clientWidth < NARROW_PIXELS;
    this.#host.classList.toggle("narrow", isNarrow);
    this.#host.style.setProperty("--columns", columnsFor(this.#digits, isNarrow));
  }

  get rows(): readonly Row[] {
    return this.#list.rows;
  }

  /** @param pointer offsets count from it; null: there is none. */
  show(rows: readonly Row[], folds: Folds, pointer: bigint | null, pointerName: string): void {
    this.#folds = folds;
    this.#pointer = pointer;
    this.#pointerName = pointerName;
    const anchor = this.#anchor();
    this.#digits = rows.reduce((most, { address: at }) => Math.max(most, at?.length ?? 0), 8);
    this.#fit();
    this.#list.rows = rows;
    this.#restore(anchor, rows);
  }

  /** Selects a row by its key and scrolls to it. */
  choose(key: string, focus = false): boolean {
    return this.#list.choose(key, focus);
  }

  /** Selects the row in which an address lies. False if no row has it. */
  reveal(address: bigint): boolean {
    const key = rowOf(this.#list.rows, address);
    return key !== null && this.#list.choose(key, true);
  }

  /** Which row is uppermost, and by how many pixels: what it was before rows came or went above it. */
  #anchor(): { readonly key: string; readonly pixels: number } | null {
    const { scrollTop } = this.#host;
    const index = Math.floor(scrollTop / ROW_PIXELS);
    const row = this.#list.rows[index];
    return row === undefined || scrollTop === 0
      ? null
      : { key: row.key, pixels: scrollTop - index * ROW_PIXELS };
  }

  #restore(anchor: { readonly key: string; readonly pixels: number } | null, rows: readonly Row[]): void {
    const index = anchor === null ? -1 : rows.findIndex(({ key }) => key === anchor.key);
    if (anchor === null || index < 0) return;
    const space = this.#host.querySelector<HTMLElement>(".list-space");
    if (space !== null) space.style.height = `${rows.length * ROW_PIXELS}px`;
    this.#host.scrollTop = index * ROW_PIXELS + anchor.pixels;
  }

  #isOpen(row: Row): boolean | null {
    switch (row.kind) {
      case "frame":
        return isOpenFrame(this.#folds, row.frame, row.isChosen);
      case "slot":
        return row.slot.parts === undefined ? null : isOpenSlot(this.#folds, row.slot);
      case "zone":
        return isOpenZone(this.#folds, row.window);
      case "part":
      case "waiting":
      case "pointer":
      case "bytes":
      case "gap":
      case "switch":
      case "more":
      case "end":
        return null;
    }
  }

  #activate(row: Row): void {
    switch (row.kind) {
      case "frame": {
        const [inner] = row.frame.functions;
        if (inner !== undefined && inner.file !== null && inner.line > 0) openSource(inner.file, inner.line);
        else open("disassembly", place("linear", row.frame.pc));
        break;
      }
      case "slot":
        follow(row.slot.target, row.slot.address);
        break;
      case "part":
        follow(row.part.target, row.part.address);
        break;
      case "bytes":
      case "pointer":
        if (row.address !== null) open("memory", place("linear", row.address));
        break;
      case "zone": {
        this.#events.toggle(row.key, this.#isOpen(row) !== true);
        break;
      }
      case "more":
        this.#events.more();
        break;
      case "waiting":
      case "gap":
      case "switch":
      case "end":
        break;
    }
  }

  #offset(row: Row): string {
    if (row.address === null || this.#pointer === null || row.kind === "frame" || row.kind === "pointer")
      return "";
    const distance = BigInt(row.address) - this.#pointer;
    return distance === 0n
      ? this.#pointerName
      : `${distance > 0n ? "+" : "−"}${count(Number(distance < 0n ? -distance : distance))}`;
  }
}

/** Goes where a value points, or shows the bytes themselves. */
function follow(target: StackTarget | null, own: string): void {
  if (target === null) open("memory", place("linear", own));
  else open(VIEWS[target.kind], place("linear", target.address));
}

function styleOf(row: Row): string {
  switch (row.kind) {
    case "frame":
      return `frame ${row.frame.index % 2 === 0 ? "even" : "odd"} ${row.isChosen ? "chosen" : ""}`;
    case "slot":
      return `slot ${row.slot.kind} ${row.frame === null || row.frame.index % 2 === 0 ? "even" : "odd"} ${row.slot.before === null ? "" : "changed"}`;
    case "part":
      return `slot part ${row.frame === null || row.frame.index % 2 === 0 ? "even" : "odd"} ${row.part.isChanged ? "changed" : ""}`;
    case "bytes":
      return "zone bytes";
    case "waiting":
    case "pointer":
    case "zone":
    case "gap":
    case "switch":
    case "more":
    case "end":
      return row.kind;
  }
}

function addressCell(row: Row): TemplateResult | string | typeof nothing {
  switch (row.kind) {
    case "frame":
      return html`<span class="title">${row.frame.functions[0]?.name ?? row.frame.label}</span>
        ${frameText(row)}`;
    case "pointer":
      return html`<b class="arrow">${row.name}</b> ${address(place("linear", row.address!))}`;
    case "zone":
      return html`<span class="title">Red zone</span> ${row.window.text}`;
    case "more":
      return html`<a href="#" tabindex="-1">More frames…</a>`;
    case "end":
      return html`<span class="muted">No caller: ${row.text}</span>`;
    case "switch":
      return html`<span class="title">${row.text}</span>`;
    case "gap":
      return html`<span class="muted"
        >${plural(row.bytes, "byte")} skipped by the processor to align the stack pointer</span
      >`;
    case "waiting":
      return html`<span class="muted">…</span>`;
    case "slot":
    case "part":
    case "bytes":
      return address(place("linear", row.address!));
  }
}

function nameCell(row: Row): TemplateResult | string | typeof nothing {
  switch (row.kind) {
    case "slot":
      return html`<span class="box"
        ><i class="mark" aria-hidden="true"></i>${slotName(row.slot)}${
          row.slot.type === null ? nothing : html` <span class="muted">${row.slot.type}</span>`
        }</span
      >`;
    case "part":
      return html`<span class="box"
        ><i class="mark" aria-hidden="true"></i>${row.part.name === "" ? "" : row.part.name}</span
      >`;
    case "bytes":
      return zoneCells(row.window, row.offset);
    case "frame":
    case "zone":
    case "gap":
    case "end":
    case "waiting":
    case "pointer":
    case "switch":
    case "more":
      return nothing;
  }
}

function frameText({ frame }: Extract<Row, { kind: "frame" }>): TemplateResult {
  const [inner, ...outer] = frame.functions;
  const where =
    inner === undefined || inner.file === null || inner.line === 0
      ? frame.label
      : `${baseName(inner.file)}:${inner.line}`;
  return html`<span class="muted">${where}</span>${
      outer.length === 0
        ? nothing
        : html` <span class="muted">inlined into ${outer.map(({ name }) => name).join(" into ")}</span>`
    }`;
}

function slotName({ kind, name, sizeBytes }: StackSlot): string {
  if (kind === "saved") return `saved ${name}`;
  if (kind === "padding") return `padding, ${plural(sizeBytes, "byte")}`;
  return name === "" && kind === "unnamed" && sizeBytes > 8 ? `${count(sizeBytes)} bytes` : name;
}

function valueCell(row: Row): TemplateResult | string | typeof nothing {
  switch (row.kind) {
    case "frame": {
      const { low, high } = row.frame;
      return high === null
        ? html`<span class="muted">its end is not known</span>`
        : html`<span class="muted">${count(Number(BigInt(high) - BigInt(low)))} B</span>`;
    }
    case "slot":
      return html`<span class="value">${row.slot.value}</span>${pointsTo(row.slot.target, row.slot.value)}`;
    case "part":
      return html`<span class="value">${row.part.value}</span>${pointsTo(row.part.target, row.part.value)}`;
    case "bytes":
      return html`<span class="muted">${zoneNames(row.window, row.offset)}</span>`;
    case "waiting":
    case "pointer":
    case "zone":
    case "gap":
    case "switch":
    case "more":
    case "end":
      return nothing;
  }
}

/** What a value points to, unless it says so itself. */
function pointsTo(target: StackTarget | null, value: string): TemplateResult | typeof nothing {
  if (target === null) return nothing;
  const at = place("linear", target.address);
  const isSaid = target.text === "" || value.includes(`<${target.text}>`);
  return html` <span class="points ${target.kind}"
    >→ ${address(at, VIEWS[target.kind], isSaid ? VIEW_WORDS[target.kind] : target.text)}</span
  >`;
}

function notesCell(row: Row): TemplateResult | string | typeof nothing {
  switch (row.kind) {
    case "frame": {
      const { isInterrupted, method, registers } = row.frame;
      const known = registers.filter(({ value }) => value !== "");
      return html`${isInterrupted ? html`<span class="tag">interrupted</span> ` : nothing}${
        method === "guess"
          ? html`<span class="tag" title="No call frame information: a word that points behind a call"
              >guessed</span
            > `
          : nothing
      }${
        known.length === 0
          ? nothing
          : html`<span class="muted"
              >${known.map(({ name, value, where }) => `${name} = ${value} (${where})`).join(", ")}</span
            >`
      }`;
    }
    case "slot": {
      const { before, note, kind } = row.slot;
      return html`${before === null ? nothing : html`<span class="was">${before.length > LONGEST_BEFORE ? "changed" : `was ${before}`}</span> `}${
        note === null || kind === "padding"
          ? nothing
          : html`<span class=${note.startsWith("overwritten") ? "error" : "muted"}>${note}</span>`
      }`;
    }
    case "part":
    case "waiting":
    case "pointer":
    case "zone":
    case "bytes":
    case "gap":
    case "switch":
    case "more":
    case "end":
      return nothing;
  }
}

function hintOf(row: Row): string {
  switch (row.kind) {
    case "frame":
      return [
        `${row.frame.label}, ${row.frame.low} to ${row.frame.high ?? "?"}`,
        ...row.frame.registers.map(
          ({ name, value, where }) => `${name}${value === "" ? "" : ` = ${value}`} (${where})`,
        ),
      ].join("\n");
    case "slot": {
      const { kind, bytes, note, sizeBytes } = row.slot;
      return [
        `${KIND_WORDS[kind]}, ${plural(sizeBytes, "byte")}`,
        bytes.replaceAll(/(..)(?=.)/gu, "$1 "),
        ...(note === null ? [] : [note]),
      ].join("\n");
    }
    case "zone":
      return row.window.text;
    case "part":
    case "waiting":
    case "pointer":
    case "bytes":
    case "gap":
    case "switch":
    case "more":
    case "end":
      return "";
  }
}

const baseName = (path: string): string => path.replace(/^.*[\\/]/u, "");
