/**
 * A table or tree of any length: only the rows on the screen are elements.
 *
 * The owner gives the rows flat, in the order shown, and again after a row was unfolded; the list knows selection, scrolling, keys and what
 * a screen reader hears (the ARIA pattern "treegrid", with the focus on the whole and `aria-activedescendant` on the row). Tab goes on into the
 * links of the chosen row, Escape comes back.
 *
 * Invariant: rows are told apart by `key`, so that selection and place survive new rows.
 */
import { html, nothing, render, type TemplateResult } from "lit";
import { openMenu } from "./address.ts";

/** Height of a row in CSS pixels; kit.css says the same. */
const ROW_PIXELS = 22;
/** Rows made beyond the edges, so that scrolling by the wheel shows no gap. */
const MARGIN_ROWS = 8;

export interface Column<Row> {
  readonly id: string;
  readonly title: string;
  /** A track of CSS grid: "12ch", "minmax(10ch, 1fr)". */
  readonly width: string;
  readonly align?: "right";
  /** Explains the column. */
  readonly hint?: string;
  /** A click on the title asks the owner for the rows in another order. */
  readonly sortable?: boolean;
  readonly cell: (row: Row) => TemplateResult | string | typeof nothing;
}

export interface Sort {
  readonly column: string;
  readonly descending: boolean;
}

export interface ListOptions<Row> {
  /** What it lists, for screen readers. */
  readonly label: string;
  readonly columns: readonly Column<Row>[];
  readonly key: (row: Row) => string;
  /** Depth in the tree from 0; absent: a table. */
  readonly depth?: (row: Row) => number;
  /** Null: nothing to unfold. */
  readonly expanded?: (row: Row) => boolean | null;
  readonly toggle?: (row: Row) => void;
  /** Enter or a double click. */
  readonly activate?: (row: Row) => void;
  readonly select?: (row: Row) => void;
  /** Classes of the row's element. */
  readonly style?: (row: Row) => string;
  /** A native tooltip for the row. */
  readonly hint?: (row: Row) => string;
  readonly sort?: (sort: Sort) => void;
  /** What a list without rows says. */
  readonly empty?: TemplateResult | string;
}

let lists = 0;

export class List<Row> {
  readonly #host: HTMLElement;
  readonly #options: ListOptions<Row>;
  readonly #id = `list${lists++}`;
  #rows: readonly Row[] = [];
  #index = new Map<string, number>();
  #selected: string | null = null;
  #sort: Sort | null = null;
  #scheduled = false;

  /** @param host an element with a height of its own; it gets the class "list". */
  constructor(host: HTMLElement, options: ListOptions<Row>) {
    this.#host = host;
    this.#options = options;
    host.classList.add("list");
    host.tabIndex = 0;
    host.setAttribute("role", "treegrid");
    host.setAttribute("aria-label", options.label);
    host.style.setProperty("--columns", options.columns.map(({ width }) => width).join(" "));
    host.addEventListener("scroll", () => this.#draw(), { passive: true });
    host.addEventListener("keydown", (event) => this.#key(event));
    host.addEventListener("focus", () => {
      if (this.#selected === null && this.#rows.length > 0) this.#move(0);
    });
    new ResizeObserver(() => this.#draw()).observe(host);
    this.#paint();
  }

  get rows(): readonly Row[] {
    return this.#rows;
  }

  set rows(rows: readonly Row[]) {
    this.#rows = rows;
    this.#index = new Map(rows.map((row, index) => [this.#options.key(row), index]));
    this.#draw();
  }

  get sort(): Sort | null {
    return this.#sort;
  }

  set sort(sort: Sort | null) {
    this.#sort = sort;
    this.#draw();
  }

  get selected(): Row | null {
    const index = this.#selectedIndex;
    return index === null ? null : (this.#rows[index] ?? null);
  }

  /** Selects a row by its key and scrolls to it. False if there is no such row. */
  choose(key: string, focus = false): boolean {
    const index = this.#index.get(key);
    if (index === undefined) return false;
    this.#selected = key;
    this.#scrollTo(index, true);
    if (focus) this.#host.focus({ preventScroll: true });
    this.#draw();
    return true;
  }

  /** Draws anew what the rows' cells show. */
  refresh(): void {
    this.#draw();
  }

  get #selectedIndex(): number | null {
    return this.#selected === null ? null : (this.#index.get(this.#selected) ?? null);
  }

  #draw(): void {
    if (this.#scheduled) return;
    this.#scheduled = true;
    requestAnimationFrame(() => {
      this.#scheduled = false;
      this.#paint();
    });
  }

  #paint(): void {
    const { columns, empty } = this.#options;
    const height = this.#host.clientHeight;
    const first = Math.max(0, Math.floor(this.#host.scrollTop / ROW_PIXELS) - MARGIN_ROWS);
    const last = Math.min(
      this.#rows.length,
      Math.ceil((this.#host.scrollTop + height) / ROW_PIXELS) + MARGIN_ROWS,
    );
    this.#host.setAttribute("aria-rowcount", String(this.#rows.length + 1));
    const selected = this.#selectedIndex;
    const shown = selected !== null && selected >= first && selected < last;
    if (shown) this.#host.setAttribute("aria-activedescendant", `${this.#id}-${selected}`);
    else this.#host.removeAttribute("aria-activedescendant");
    const rows: TemplateResult[] = [];
    for (let index = first; index < last; index++) rows.push(this.#row(this.#rows[index]!, index));
    render(
      html`<div class="list-head list-row" role="row" aria-rowindex="1">
          ${columns.map((column) => this.#head(column))}
        </div>
        ${
          this.#rows.length === 0 && empty !== undefined
            ? html`<div class="list-empty">${empty}</div>`
            : nothing
        }
        <div class="list-space" role="presentation" .style=${`height:${this.#rows.length * ROW_PIXELS}px`}>
          <div role="presentation" .style=${`transform:translateY(${first * ROW_PIXELS}px)`}>${rows}</div>
        </div>`,
      this.#host,
    );
    // Of links only those of the chosen row are stops of the Tab key.
    for (const link of this.#host.querySelectorAll<HTMLElement>("a.address"))
      link.tabIndex = link.closest(".selected") === null ? -1 : 0;
  }

  #head({ id, title, align, hint, sortable }: Column<Row>): TemplateResult {
    const sort = this.#sort?.column === id ? this.#sort : null;
    const state = sort === null ? "none" : sort.descending ? "descending" : "ascending";
    const click = (): void => {
      if (sortable !== true) return;
      this.sort = { column: id, descending: sort !== null && !sort.descending };
      this.#options.sort?.(this.sort!);
    };
    return html`<div
      class="list-cell ${align ?? ""} ${sortable === true ? "sortable" : ""}"
      role="columnheader"
      aria-sort=${sortable === true ? state : nothing}
      title=${hint ?? (sortable === true ? `Sort by ${title.toLowerCase()}` : nothing)}
      tabindex=${sortable === true ? 0 : nothing}
      @keydown=${(event: KeyboardEvent) => {
        if (event.key !== "Enter" && event.key !== " ") return;
        event.preventDefault();
        click();
      }}
      @click=${click}
    >
      ${title}
    </div>`;
  }

  #row(row: Row, index: number): TemplateResult {
    const { columns, key, depth, expanded, style, hint } = this.#options;
    const isSelected = key(row) === this.#selected;
    const level = depth?.(row) ?? 0;
    const open = expanded?.(row) ?? null;
    const twist = (event: Event): void => {
      event.stopPropagation();
      this.#options.toggle?.(row);
    };
    const cells = columns.map(
      ({ align, cell }, column) =>
        html`<div class="list-cell ${align ?? ""}" role="gridcell">
          ${
            column === 0 && depth !== undefined
              ? html`<span class="indent" .style=${`width:${level * 14}px`}></span
                  ><span
                    class="twistie ${open === null ? "" : open ? "open" : "closed"}"
                    aria-hidden="true"
                    @click=${twist}
                  ></span>`
              : nothing
          }${cell(row)}
        </div>`,
    );
    return html`<div
      id="${this.#id}-${index}"
      class="list-row ${style?.(row) ?? ""} ${isSelected ? "selected" : ""}"
      role="row"
      aria-rowindex=${index + 2}
      aria-level=${depth === undefined ? nothing : level + 1}
      aria-expanded=${open === null ? nothing : String(open)}
      aria-selected=${isSelected}
      title=${hint?.(row) ?? nothing}
      @mousedown=${() => this.#move(index, false)}
      @dblclick=${() => this.#options.activate?.(row)}
    >
      ${cells}
    </div>`;
  }

  #move(index: number, scroll = true): void {
    const row = this.#rows[index];
    if (row === undefined) return;
    this.#selected = this.#options.key(row);
    if (scroll) this.#scrollTo(index, false);
    this.#options.select?.(row);
    this.#draw();
  }

  /** @param middle in the middle if it was out of sight, else as near as it is. */
  #scrollTo(index: number, middle: boolean): void {
    const top = index * ROW_PIXELS;
    const room = this.#host.clientHeight - ROW_PIXELS;
    const { scrollTop } = this.#host;
    if (top >= scrollTop && top + ROW_PIXELS <= scrollTop + room) return;
    // The space must be as high as the rows before it can be scrolled.
    const space = this.#host.querySelector<HTMLElement>(".list-space");
    if (space !== null) space.style.height = `${this.#rows.length * ROW_PIXELS}px`;
    this.#host.scrollTop = middle
      ? Math.max(0, top - room / 2)
      : top < scrollTop
        ? top
        : top + ROW_PIXELS - room;
  }

  #key(event: KeyboardEvent): void {
    if (event.key === "Escape" && event.target !== this.#host) this.#host.focus({ preventScroll: true });
    if (event.target !== this.#host || event.ctrlKey || event.metaKey || event.altKey) return;
    const { expanded, toggle, depth, activate } = this.#options;
    const index = this.#selectedIndex;
    const row = index === null ? null : this.#rows[index]!;
    const page = Math.max(1, Math.floor(this.#host.clientHeight / ROW_PIXELS) - 2);
    const last = this.#rows.length - 1;
    const steps: { readonly [key: string]: number } = {
      ArrowDown: (index ?? -1) + 1,
      ArrowUp: (index ?? 1) - 1,
      PageDown: (index ?? 0) + page,
      PageUp: (index ?? 0) - page,
      Home: 0,
      End: last,
    };
    const step = steps[event.key];
    if (step !== undefined) this.#move(Math.max(0, Math.min(last, step)));
    else if (row === null || index === null) return;
    else if (event.key === "ArrowRight") {
      if (expanded?.(row) === false) toggle?.(row);
      else if (expanded?.(row) === true) this.#move(Math.min(last, index + 1));
    } else if (event.key === "ArrowLeft") {
      if (expanded?.(row) === true) toggle?.(row);
      else if (depth !== undefined) this.#move(this.#parentOf(index));
    } else if (event.key === "Enter") {
      if (activate !== undefined) activate(row);
      else toggle?.(row);
    } else if (event.key === " ") toggle?.(row);
    else if (event.key === "ContextMenu" || (event.key === "F10" && event.shiftKey)) {
      const element = document.getElementById(`${this.#id}-${index}`);
      const target = element?.querySelector("[data-vscode-context]") ?? element;
      if (target !== null) openMenu(target);
    } else return;
    event.preventDefault();
    event.stopPropagation();
  }

  #parentOf(index: number): number {
    const { depth } = this.#options;
    const level = depth?.(this.#rows[index]!) ?? 0;
    for (let above = index - 1; above >= 0; above--)
      if ((depth?.(this.#rows[above]!) ?? 0) < level) return above;
    return index;
  }
}
