/**
 * Heat maps: how much of guest memory is dirty for redrawing, for translated code, for a migration, and what changed since a moment.
 *
 * A cell stands for a power of two of pages, row by row. The canvas is drawn in the theme's colours and anew when they change; a cursor walks
 * over it by keys, and says what it stands on.
 */
import { html, nothing, render } from "lit";
import { address, place } from "../kit/address.ts";
import { keep, kept, open, request } from "../kit/host.ts";
import { count, plural, size } from "../kit/size.ts";
import type { DirtyBody, DirtyMap, DirtyRun, MomentsBody, RamBlockBody } from "../../protocol.ts";

const PAGE = 4096;
/** Cells are as large as they can be for all of them to be seen, within these bounds. */
const CELL_PIXELS = { least: 8, most: 20 } as const;
const GAP_PIXELS = 1;
/** A single dirty page of a thousand must be seen, too. */
const FAINTEST = 0.6;

const MAPS: readonly { readonly map: DirtyMap; readonly label: string; readonly hint: string }[] = [
  { map: "changed", label: "Changed since", hint: "Pages written since a moment that you choose" },
  { map: "vga", label: "VGA", hint: "Pages of the display's memory written since this map was cleared" },
  {
    map: "code",
    label: "CODE",
    hint: "Pages that hold translated code, which are clean; after Clear, those of them that were written",
  },
  {
    map: "migration",
    label: "MIGRATION",
    hint: "Pages that a migration would have to send again; off until it is enabled",
  },
];

interface Look {
  readonly map: DirtyMap;
  readonly block: string;
  /** Null: the last stop but this one. */
  readonly moment: number | null;
  readonly first: number;
  /** 0: to the end. */
  readonly pages: number;
}

export class Heat {
  readonly #bar: HTMLElement;
  readonly #frame: HTMLElement;
  readonly #canvas: HTMLCanvasElement;
  readonly #words: HTMLElement;
  #look: Look = kept<Look>("heat", { map: "changed", block: "pc.ram", moment: null, first: 0, pages: 0 });
  #blocks: readonly RamBlockBody[] = [];
  #moments: MomentsBody = { moments: [], maps: [] };
  #body: DirtyBody | null = null;
  #dirty = new Uint32Array(0);
  #code = new Uint32Array(0);
  #columns = 1;
  #pixels: number = CELL_PIXELS.least;
  #cursor = 0;
  #pointed: number | null = null;
  #problem: string | null = null;
  #turn = 0;
  #isShown = false;

  constructor(bar: HTMLElement, frame: HTMLElement, words: HTMLElement) {
    this.#bar = bar;
    this.#frame = frame;
    this.#words = words;
    this.#canvas = document.createElement("canvas");
    this.#canvas.tabIndex = 0;
    this.#canvas.setAttribute("role", "application");
    this.#canvas.setAttribute(
      "aria-label",
      "Heat map of memory. Arrow keys walk over it, Enter opens the memory, plus and minus look closer and further.",
    );
    this.#canvas.addEventListener("keydown", (event) => this.#key(event));
    this.#canvas.addEventListener("mousemove", (event) => this.#point(this.#cellAt(event)));
    this.#canvas.addEventListener("mouseleave", () => this.#point(null));
    this.#canvas.addEventListener("click", (event) => {
      const cell = this.#cellAt(event);
      if (cell !== null) this.#cursor = cell;
      this.#paint();
    });
    this.#canvas.addEventListener("dblclick", () => this.#activate());
    frame.append(this.#canvas);
    new ResizeObserver(() => void this.refresh()).observe(frame);
    // Themes change the body's class; the colours are in its style.
    new MutationObserver(() => this.#paint()).observe(document.body, {
      attributes: true,
      attributeFilter: ["class", "data-vscode-theme-id"],
    });
  }

  set isShown(isShown: boolean) {
    this.#isShown = isShown;
    if (isShown) void this.refresh();
  }

  show(blocks: readonly RamBlockBody[]): void {
    this.#blocks = blocks;
    void this.refresh();
  }

  async refresh(): Promise<void> {
    const [first] = this.#blocks;
    if (!this.#isShown || first === undefined || this.#frame.clientWidth === 0) return;
    const turn = ++this.#turn;
    const look = this.#look;
    const block = this.#blocks.find(({ idstr }) => idstr === look.block) ?? first;
    const [width, height] = [this.#frame.clientWidth - 24, this.#frame.clientHeight - 8];
    const fit = (extent: number, pixels: number): number =>
      Math.max(8, Math.floor(extent / (pixels + GAP_PIXELS)));
    const most = fit(width, CELL_PIXELS.least) * fit(height, CELL_PIXELS.least);
    try {
      const [moments, body] = await Promise.all([
        request("redzone/ramLayoutMoments"),
        request("redzone/ramLayoutDirty", {
          map: look.map,
          block: block.idstr,
          cells: most,
          ...(look.moment === null ? {} : { moment: look.moment }),
          ...(look.pages === 0 ? {} : { first: look.first, count: look.pages }),
        }),
      ]);
      if (turn !== this.#turn) return;
      this.#problem = null;
      this.#moments = moments;
      this.#body = body;
      this.#dirty = unfold(body.runs);
      this.#code = body.code === null ? new Uint32Array(0) : unfold(body.code);
      let pixels: number = CELL_PIXELS.most;
      while (pixels > CELL_PIXELS.least && fit(width, pixels) * fit(height, pixels) < this.#dirty.length)
        pixels--;
      this.#pixels = pixels;
      this.#columns = fit(width, pixels);
      this.#cursor = Math.min(this.#cursor, Math.max(0, this.#dirty.length - 1));
    } catch (error) {
      if (turn !== this.#turn) return;
      this.#problem = error instanceof Error ? error.message : String(error);
    }
    this.#draw();
  }

  #set(change: Partial<Look>): void {
    this.#look = { ...this.#look, ...change };
    keep("heat", this.#look);
    void this.refresh();
  }

  #draw(): void {
    const { map, block, moment, pages } = this.#look;
    const { moments, maps } = this.#moments;
    const control = maps.find((each) => each.map === map);
    const act = async (action: "enable" | "disable" | "clear"): Promise<void> => {
      if (map === "changed") return;
      await request("redzone/ramLayoutDirtyControl", { map, action });
      await this.refresh();
    };
    const mark = async (): Promise<void> => {
      const { moments: all } = await request("redzone/ramLayoutMark", {});
      this.#set({ map: "changed", moment: all.at(-1)?.id ?? null });
    };
    render(
      html`<span class="choice" role="group" aria-label="Which map">
          ${MAPS.map(
            (each) =>
              html`<button
                aria-pressed=${each.map === map}
                title=${each.hint}
                @click=${() => this.#set({ map: each.map })}
              >
                ${each.label}
              </button>`,
          )}
        </span>
        ${
          map === "changed"
            ? html`<select
                  aria-label="Moment"
                  title="Compare with this moment"
                  @change=${(event: Event) => {
                    const { value } = event.target as HTMLSelectElement;
                    this.#set({ moment: value === "" ? null : Number(value) });
                  }}
                >
                  <option value="" ?selected=${moment === null}>the stop before</option>
                  ${moments
                    .toReversed()
                    .map(
                      ({ id, name }) => html`<option value=${id} ?selected=${id === moment}>${name}</option>`,
                    )}
                </select>
                <button title="Makes now a moment to compare with later" @click=${() => void mark()}>
                  Mark now
                </button>`
            : html`<button
                  aria-pressed=${control?.enabled === true}
                  title="Whether this map sees writes; the others and the display do not notice"
                  @click=${() => void act(control?.enabled === true ? "disable" : "enable")}
                >
                  ${control?.enabled === true ? "Enabled" : "Off"}
                </button>
                <button
                  ?disabled=${control?.enabled !== true}
                  title="Nothing is dirty from now on; the other maps and the display do not notice"
                  @click=${() => void act("clear")}
                >
                  Clear
                </button>`
        }
        <select
          aria-label="RAMBlock"
          title="RAMBlock"
          @change=${(event: Event) =>
            this.#set({ block: (event.target as HTMLSelectElement).value, first: 0, pages: 0 })}
        >
          ${this.#blocks.map(({ idstr }) => html`<option ?selected=${idstr === block}>${idstr}</option>`)}
        </select>
        <span class="choice" role="group" aria-label="Zoom">
          <button title="Look closer at the cursor (+)" aria-label="Closer" @click=${() => this.#zoom(1)}>
            +</button
          ><button
            title="Look from further away (−)"
            aria-label="Further"
            ?disabled=${pages === 0}
            @click=${() => this.#zoom(-1)}
          >
            −
          </button>
        </span>
        <button title="Look again" @click=${() => void this.refresh()}>Refresh</button>`,
      this.#bar,
    );
    this.#paint();
  }

  #paint(): void {
    this.#say();
    const body = this.#body;
    if (body === null) return;
    const step = this.#pixels + GAP_PIXELS;
    const rows = Math.ceil(this.#dirty.length / this.#columns);
    const [width, height] = [this.#columns * step + 1, rows * step + 1];
    const ratio = window.devicePixelRatio;
    this.#canvas.width = Math.round(width * ratio);
    this.#canvas.height = Math.round(height * ratio);
    this.#canvas.style.width = `${width}px`;
    this.#canvas.style.height = `${height}px`;
    const context = this.#canvas.getContext("2d");
    if (context === null) return;
    context.scale(ratio, ratio);
    const style = getComputedStyle(document.body);
    const colour = (name: string): string => style.getPropertyValue(name).trim();
    const [clean, dirty, code, cursor] = ["--heat-clean", "--heat-dirty", "--heat-code", "--heat-cursor"].map(
      colour,
    );
    for (let cell = 0; cell < this.#dirty.length; cell++) {
      const x = (cell % this.#columns) * step;
      const y = Math.floor(cell / this.#columns) * step;
      const pages = pagesOf(body, cell);
      const fill = (style: string | undefined, share: number): void => {
        context.globalAlpha = share;
        context.fillStyle = style ?? "#888";
        context.fillRect(x, y, this.#pixels, this.#pixels);
      };
      fill(clean, 1);
      const codePages = this.#code[cell] ?? 0;
      if (codePages > 0) fill(code, shade(codePages / pages));
      // Of CODE the dirty pages are of interest only where there was code: after a clear.
      const isRaw = body.map === "code" && !isCleared(body);
      const dirtyPages = isRaw ? 0 : (this.#dirty[cell] ?? 0);
      if (dirtyPages > 0) fill(dirty, shade(dirtyPages / pages));
    }
    context.globalAlpha = 1;
    context.strokeStyle = cursor ?? "#888";
    context.lineWidth = 2;
    const x = (this.#cursor % this.#columns) * step;
    const y = Math.floor(this.#cursor / this.#columns) * step;
    context.strokeRect(x, y, this.#pixels, this.#pixels);
  }

  #say(): void {
    const body = this.#body;
    if (this.#problem !== null || body === null) {
      render(
        this.#problem === null ? nothing : html`<p class="message error" role="alert">${this.#problem}</p>`,
        this.#words,
      );
      return;
    }
    const cell = this.#pointed ?? this.#cursor;
    const block = this.#blocks.find(({ idstr }) => idstr === body.block);
    const page = body.first + cell * body.pagesPerCell;
    const pages = pagesOf(body, cell);
    const offset = BigInt(page) * BigInt(PAGE);
    const ram = BigInt(block?.offset ?? "0x0") + offset;
    const physical = block === undefined ? null : physicalOf(block, offset);
    const isCode = body.map === "code";
    const total = isCode && !isCleared(body) ? body.codePages : body.dirtyPages;
    const noun = isCode && !isCleared(body) ? "with translated code" : "dirty";
    const here = isCode && !isCleared(body) ? (this.#code[cell] ?? 0) : (this.#dirty[cell] ?? 0);
    render(
      html`<div>
          <b>${count(total)}</b> of ${plural(body.count, "page")} ${noun} ·
          <span class="muted">${body.since} · a cell is ${size(body.pagesPerCell * PAGE)}</span>
        </div>
        <div aria-live="polite">
          ${body.block} + 0x${offset.toString(16)}: ${here} of ${plural(pages, "page")} ${noun} · ram_addr_t
          ${address(place("ram", ram))}${
            physical === null
              ? html` · <span class="muted">the guest does not see it</span>`
              : html` · guest-physical ${address(place("physical", physical))}`
          }
        </div>`,
      this.#words,
    );
  }

  #cellAt({ offsetX, offsetY }: MouseEvent): number | null {
    const step = this.#pixels + GAP_PIXELS;
    const column = Math.floor(offsetX / step);
    const cell = Math.floor(offsetY / step) * this.#columns + column;
    return column < this.#columns && cell >= 0 && cell < this.#dirty.length ? cell : null;
  }

  #point(cell: number | null): void {
    if (cell === this.#pointed) return;
    this.#pointed = cell;
    this.#say();
  }

  #activate(): void {
    const body = this.#body;
    const block = this.#blocks.find(({ idstr }) => idstr === body?.block);
    if (body === null || block === undefined) return;
    const page = body.first + this.#cursor * body.pagesPerCell;
    open("memory", place("ram", BigInt(block.offset) + BigInt(page) * BigInt(PAGE)));
  }

  /** Sixteen times closer around the cursor, or further away. */
  #zoom(direction: 1 | -1): void {
    const body = this.#body;
    if (body === null) return;
    const block = this.#blocks.find(({ idstr }) => idstr === body.block);
    const all = Number(BigInt(block?.total ?? "0x0") / BigInt(PAGE));
    const middle = body.first + (this.#cursor + 0.5) * body.pagesPerCell;
    const pages = direction > 0 ? Math.max(16, Math.ceil(body.count / 16)) : body.count * 16;
    if (pages >= all) this.#set({ first: 0, pages: 0 });
    else {
      const first = Math.floor(Math.max(0, Math.min(middle - pages / 2, all - pages)));
      this.#cursor = 0;
      this.#set({ first, pages });
    }
  }

  #key(event: KeyboardEvent): void {
    const steps: Readonly<Record<string, number>> = {
      ArrowLeft: -1,
      ArrowRight: 1,
      ArrowUp: -this.#columns,
      ArrowDown: this.#columns,
      PageUp: -this.#columns * 8,
      PageDown: this.#columns * 8,
      Home: -this.#dirty.length,
      End: this.#dirty.length,
    };
    const step = steps[event.key];
    if (step !== undefined) {
      this.#cursor = Math.max(0, Math.min(this.#dirty.length - 1, this.#cursor + step));
      this.#paint();
    } else if (event.key === "Enter") this.#activate();
    else if (event.key === "+") this.#zoom(1);
    else if (event.key === "-") this.#zoom(-1);
    else return;
    event.preventDefault();
  }
}

const shade = (share: number): number => FAINTEST + (1 - FAINTEST) * Math.min(1, share);

const isCleared = ({ since }: DirtyBody): boolean => since.startsWith("since");

const pagesOf = ({ count: all, pagesPerCell }: DirtyBody, cell: number): number =>
  Math.max(1, Math.min(pagesPerCell, all - cell * pagesPerCell));

function unfold(runs: readonly DirtyRun[]): Uint32Array<ArrayBuffer> {
  const cells = new Uint32Array(runs.reduce((sum, [length]) => sum + length, 0));
  let at = 0;
  for (const [length, pages] of runs) {
    cells.fill(pages, at, at + length);
    at += length;
  }
  return cells;
}

/** The first guest-physical address that shows a byte of a block. */
function physicalOf({ windows }: RamBlockBody, offset: bigint): bigint | null {
  for (const { start, size: length, blockOffset } of windows) {
    const within = offset - BigInt(blockOffset);
    if (within >= 0n && within < BigInt(length)) return BigInt(start) + within;
  }
  return null;
}
