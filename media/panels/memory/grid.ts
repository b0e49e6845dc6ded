/**
 * The bytes: rows from any address of a space of 2^64 bytes, of which only those on the screen exist.
 *
 * There is no scroll bar, since there is nothing to scroll: the wheel, the arrows and the pages move the first row. A byte's look says what is known
 * of it: changed, part of a page that was written, not readable, part of something with a name, part of a field.
 * Invariant: a byte is written only by two digits typed while the machine stands still.
 */
import { html, nothing, render, type TemplateResult } from "lit";
import { menuContext, openMenu, place } from "../kit/address.ts";
import type { BytesBody, MarkBody, OverlayField, Stretch } from "../../protocol.ts";
import type { Place } from "../../protocol/place.ts";

const ROW_PIXELS = 20;
/** Below this there is no room for 16 bytes and the names beside them. */
const NARROW_PIXELS = 800;
/** Of something larger only the name is shown: a line under all the screen says nothing. */
const NAMED_BYTES = 1024;
const WHEEL_PIXELS = 40;

export type Space = Exclude<Place["space"], "io">;
export const END: Readonly<Record<Space, bigint>> = {
  linear: 1n << 64n,
  physical: 1n << 52n,
  ram: 1n << 52n,
};

/** What was read, with look-ups by offset. */
export class Loaded {
  readonly space: Space;
  readonly start: bigint;
  readonly bytes: Uint8Array;
  readonly body: BytesBody;
  readonly #looks: Uint8Array;

  constructor(space: Space, start: bigint, body: BytesBody) {
    this.space = space;
    this.start = start;
    this.body = body;
    this.bytes = Uint8Array.from(atob(body.data), (character) => character.charCodeAt(0));
    this.#looks = new Uint8Array(this.bytes.length);
    const mark = (stretches: readonly Stretch[], bit: number): void => {
      for (const { offset, length } of stretches)
        for (let i = Math.max(0, offset); i < Math.min(offset + length, this.#looks.length); i++)
          this.#looks[i]! |= bit;
    };
    mark(body.holes, LOOK.hole);
    mark(body.changed, LOOK.changed);
    mark(body.written, LOOK.written);
    mark(
      body.marks.filter(({ kind, length }) => kind !== "register" && length > 0 && length <= NAMED_BYTES),
      LOOK.named,
    );
  }

  contains(space: Space, from: bigint, to: bigint): boolean {
    return space === this.space && from >= this.start && to <= this.start + BigInt(this.bytes.length);
  }

  /** −1: not loaded. */
  indexOf(at: bigint): number {
    const index = Number(at - this.start);
    return index >= 0 && index < this.bytes.length ? index : -1;
  }

  has(index: number, look: keyof typeof LOOK): boolean {
    return ((this.#looks[index] ?? 0) & LOOK[look]) !== 0;
  }

  /** What is at a byte, and what points there. */
  marksAt(index: number): readonly MarkBody[] {
    return this.body.marks.filter(
      ({ offset, length }) => index === offset || (index >= offset && index < offset + length),
    );
  }
}
const LOOK = { hole: 1, changed: 2, written: 4, named: 8 } as const;

export interface GridListener {
  /** The first row or the cursor is another one. */
  readonly moved: () => void;
  readonly write: (at: bigint, byte: number) => void;
  readonly follow: () => void;
  readonly goTo: () => void;
}

export class Grid {
  readonly #host: HTMLElement;
  readonly #listener: GridListener;
  #space: Space = "linear";
  #top = 0n;
  #cursor = 0n;
  #loaded: Loaded | null = null;
  #fields: readonly (OverlayField & { readonly at: bigint })[] = [];
  #field: string | null = null;
  /** The first digit of a byte that is being typed. */
  #digit: string | null = null;
  #wheel = 0;

  constructor(host: HTMLElement, listener: GridListener) {
    this.#host = host;
    this.#listener = listener;
    host.tabIndex = 0;
    host.setAttribute("role", "grid");
    host.setAttribute("aria-label", "Bytes of memory");
    host.addEventListener("keydown", (event) => this.#key(event));
    host.addEventListener("wheel", (event) => this.#turn(event), { passive: false });
    host.addEventListener("blur", () => {
      this.#digit = null;
      this.draw();
    });
    new ResizeObserver(() => {
      this.draw();
      listener.moved();
    }).observe(host);
  }

  get space(): Space {
    return this.#space;
  }
  get top(): bigint {
    return this.#top;
  }
  get cursor(): bigint {
    return this.#cursor;
  }
  /** Bytes in a row. */
  get columns(): number {
    return this.#host.clientWidth < NARROW_PIXELS ? 8 : 16;
  }
  /** Rows that are wholly seen. */
  get rows(): number {
    return Math.max(1, Math.floor(this.#host.clientHeight / ROW_PIXELS));
  }

  get loaded(): Loaded | null {
    return this.#loaded;
  }
  set loaded(loaded: Loaded | null) {
    this.#loaded = loaded;
    this.draw();
  }

  /** Fields that are laid over the bytes, and where the first begins. */
  lay(fields: readonly OverlayField[], start: bigint): void {
    this.#fields = fields
      .filter(({ hasChildren }) => !hasChildren)
      .map((field) => ({ ...field, at: start + BigInt(field.offset) }));
    this.draw();
  }
  set field(path: string | null) {
    this.#field = path;
    this.draw();
  }

  /** Shows an address, a few rows from the top. */
  goTo(space: Space, at: bigint): void {
    this.#space = space;
    this.#cursor = at;
    const columns = BigInt(this.columns);
    const row = at - (at % columns);
    const isSeen = row >= this.#top && row < this.#top + columns * BigInt(this.rows);
    if (!isSeen || this.#loaded?.space !== space)
      this.#setTop(row - columns * BigInt(Math.floor(this.rows / 4)));
    this.draw();
    this.#listener.moved();
  }

  #setTop(top: bigint): void {
    const columns = BigInt(this.columns);
    const last = END[this.#space] - columns * BigInt(this.rows);
    const wanted = top < 0n ? 0n : top > last ? last : top;
    this.#top = wanted - (wanted % columns);
  }

  #scroll(rows: number): void {
    this.#setTop(this.#top + BigInt(rows * this.columns));
    this.draw();
    this.#listener.moved();
  }

  #move(bytes: number): void {
    const at = this.#cursor + BigInt(bytes);
    if (at < 0n || at >= END[this.#space]) return;
    this.#cursor = at;
    this.#digit = null;
    const columns = BigInt(this.columns);
    const end = this.#top + columns * BigInt(this.rows);
    if (at < this.#top) this.#setTop(at);
    else if (at >= end) this.#setTop(at - columns * BigInt(this.rows - 1));
    this.draw();
    this.#listener.moved();
  }

  #turn(event: WheelEvent): void {
    event.preventDefault();
    this.#wheel +=
      event.deltaMode === WheelEvent.DOM_DELTA_LINE ? event.deltaY * (WHEEL_PIXELS / 3) : event.deltaY;
    const rows = Math.trunc((this.#wheel / WHEEL_PIXELS) * 2);
    if (rows === 0) return;
    this.#wheel -= (rows * WHEEL_PIXELS) / 2;
    this.#scroll(rows);
  }

  #key(event: KeyboardEvent): void {
    const { columns, rows } = this;
    const steps: Readonly<Record<string, number>> = {
      ArrowLeft: -1,
      ArrowRight: 1,
      ArrowUp: -columns,
      ArrowDown: columns,
      PageUp: -columns * rows,
      PageDown: columns * rows,
      Home: -Number(this.#cursor % BigInt(columns)),
      End: columns - 1 - Number(this.#cursor % BigInt(columns)),
    };
    const step = steps[event.key];
    const isPlain = !event.ctrlKey && !event.metaKey && !event.altKey;
    if (step !== undefined && isPlain) {
      if (event.key.startsWith("Page")) this.#setTop(this.#top + BigInt(step));
      this.#move(step);
    } else if (isPlain && /^[\da-f]$/iu.test(event.key)) this.#type(event.key);
    else if (event.key === "Escape" && this.#digit !== null) this.#digit = null;
    else if (event.key === "Enter" && isPlain) this.#listener.follow();
    else if (event.key.toLowerCase() === "g" && (event.ctrlKey || event.metaKey)) this.#listener.goTo();
    else if (event.key === "ContextMenu" || (event.key === "F10" && event.shiftKey)) {
      const cell = this.#host.querySelector(".cursor");
      if (cell !== null) openMenu(cell);
    } else return;
    event.preventDefault();
    event.stopPropagation();
    this.draw();
  }

  #type(digit: string): void {
    if (this.#digit === null) {
      this.#digit = digit;
      return;
    }
    const byte = Number.parseInt(this.#digit + digit, 16);
    this.#digit = null;
    this.#listener.write(this.#cursor, byte);
    this.#move(1);
  }

  draw(): void {
    const rows: TemplateResult[] = [];
    const columns = BigInt(this.columns);
    for (let i = 0; i <= this.rows; i++) {
      const at = this.#top + columns * BigInt(i);
      if (at < END[this.#space]) rows.push(this.#row(at));
    }
    const isShown = this.#cursor >= this.#top && this.#cursor < this.#top + columns * BigInt(rows.length);
    if (isShown) this.#host.setAttribute("aria-activedescendant", "cursor");
    else this.#host.removeAttribute("aria-activedescendant");
    render(html`<div class="rows">${rows}</div>`, this.#host);
  }

  #row(at: bigint): TemplateResult {
    const bytes: TemplateResult[] = [];
    const text: TemplateResult[] = [];
    for (let i = 0; i < this.columns; i++) {
      const here = at + BigInt(i);
      const index = this.#loaded?.space === this.#space ? this.#loaded.indexOf(here) : -1;
      const style = this.#styleOf(here, index);
      const byte = index < 0 ? null : this.#loaded!.bytes[index]!;
      const isHole = index >= 0 && this.#loaded!.has(index, "hole");
      const isCursor = here === this.#cursor;
      const shown = byte === null ? ".." : isHole ? "??" : byte.toString(16).padStart(2, "0");
      const typed = isCursor && this.#digit !== null ? `${this.#digit}_` : shown;
      bytes.push(
        html`<span
          id=${isCursor ? "cursor" : nothing}
          class="byte ${style} ${i % 8 === 0 && i > 0 ? "gap" : ""}"
          role="gridcell"
          aria-selected=${isCursor}
          aria-label=${isCursor ? this.#spoken(here, index, shown) : nothing}
          data-vscode-context=${menuContext(place(this.#space, here))}
          @mousedown=${() => this.#choose(here)}
          >${typed}</span
        >`,
      );
      const character =
        byte !== null && !isHole && byte >= 0x20 && byte < 0x7f ? String.fromCharCode(byte) : "·";
      text.push(
        html`<span class="character ${style}" @mousedown=${() => this.#choose(here)}>${character}</span>`,
      );
    }
    const first = this.#loaded?.space === this.#space ? this.#loaded.indexOf(at) : -1;
    const isWritten = first >= 0 && this.#loaded!.has(first, "written");
    return html`<div
      class="row ${isWritten ? "written" : ""}"
      role="row"
      title=${isWritten ? "This page was written since the stop before; which bytes, nobody saw" : nothing}
    >
      <span class="at" role="rowheader" data-vscode-context=${menuContext(place(this.#space, at))}
        >${formatted(at, this.#space)}</span
      >
      <span class="bytes" role="presentation">${bytes}</span>
      <span class="text" role="presentation">${text}</span>
      <span class="notes" role="presentation">${this.#notes(at)}</span>
    </div>`;
  }

  #choose(at: bigint): void {
    this.#cursor = at;
    this.#digit = null;
    this.draw();
    this.#listener.moved();
  }

  #styleOf(at: bigint, index: number): string {
    const loaded = this.#loaded;
    const names: string[] = [];
    if (at === this.#cursor) names.push("cursor");
    if (index >= 0 && loaded !== null) {
      if (loaded.has(index, "hole")) names.push("hole");
      if (loaded.has(index, "changed")) names.push("changed");
      if (loaded.has(index, "named")) names.push("named");
      if (loaded.body.marks.some(({ kind, offset }) => kind === "register" && offset === index))
        names.push("pointed");
    }
    const field = this.#fields.findIndex((each) => at >= each.at && at < each.at + BigInt(each.length));
    if (field >= 0) {
      names.push(field % 2 === 0 ? "field-even" : "field-odd");
      if (this.#fields[field]!.path === this.#field) names.push("field-chosen");
    }
    return names.join(" ");
  }

  /** Names of what begins in a row and of registers that point into it. */
  #notes(at: bigint): TemplateResult | typeof nothing {
    const loaded = this.#loaded;
    if (loaded?.space !== this.#space) return nothing;
    const first = Number(at - loaded.start);
    const here = loaded.body.marks.filter(({ offset }) => offset >= first && offset < first + this.columns);
    // Where a row is inside of something long, the first row on the screen says of what.
    const inside =
      at === this.#top
        ? loaded.body.marks.filter(({ offset, length }) => offset < first && offset + length > first)
        : [];
    return html`${[...inside, ...here]
      .slice(0, 6)
      .map(
        ({ kind, name, type, value, offset }) =>
          html`<span
            class="note ${kind}"
            title=${[type, value, kind === "register" ? `${name} points here` : null].filter((each) => each !== null).join(" = ")}
            >${kind === "register" ? "← " : ""}${name}${offset < first ? ` + 0x${(first - offset).toString(16)}` : ""}</span
          >`,
      )}`;
  }

  #spoken(at: bigint, index: number, shown: string): string {
    const loaded = this.#loaded;
    const about =
      loaded === null || index < 0
        ? []
        : [
            ...(loaded.has(index, "changed") ? ["changed"] : []),
            ...(loaded.has(index, "hole") ? ["cannot be read"] : []),
            ...loaded
              .marksAt(index)
              .map(({ kind, name }) => (kind === "register" ? `${name} points here` : name)),
          ];
    return [`${formatted(at, this.#space)}: ${shown}`, ...about].join(", ");
  }
}

/** With leading zeros, so that addresses stand below each other. */
export const formatted = (at: bigint, space: Space): string =>
  at.toString(16).padStart(space === "linear" ? 16 : 12, "0");
