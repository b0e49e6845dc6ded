/**
 * The picture of the address space: a strip of boxes for each level, the chosen box opening into the strip below it.
 *
 * Keys: left and right choose in a strip, down or Enter goes into what is chosen, up, Backspace or Escape comes back; Home and End are the ends of
 * the strip; the menu key lists the views that can show the address. To a screen reader it is a tree.
 */
import { html, nothing, render, svg, type TemplateResult } from "lit";
import { hex, menuContext, openMenu, place } from "../kit/address.ts";
import { size } from "../kit/size.ts";
import { Contents, type Named } from "./contents.ts";
import { details } from "./details.ts";
import { rightsClass, rightsOf, rightsText, rightsWords } from "./rights.ts";
import { position, type Box, type Scale } from "./scale.ts";
import type { Snapshot } from "./snapshot.ts";
import {
  below,
  boxAt,
  boxOf,
  choiceOf,
  isMalformed,
  nameOf,
  rootStrip,
  type Choice,
  type Strip,
} from "./strips.ts";

/** Colours of what is below are drawn as at most so many bars in a box. */
const MOST_BARS = 24;
const MOST_NAMES = 40;
/** Of the strip: less has no room for a name. */
const NAME_PERCENT = 4;
/** A path is at most: five levels, of each a table, two closer looks, a page. */
const DEEPEST = 20;

export interface PictureState {
  readonly path: readonly Choice[];
  readonly scale: Scale;
}

export class Picture {
  readonly #host: HTMLElement;
  readonly #changed: (state: PictureState) => void;
  #snapshot: Snapshot | null = null;
  #contents = new Contents([]);
  #strips: readonly Strip[] = [];
  #path: readonly Choice[];
  #scale: Scale;
  #marked: bigint | null = null;
  /** Counts what was begun, so that a slow answer does not undo a later key. */
  #turn = 0;

  constructor(host: HTMLElement, state: PictureState, changed: (state: PictureState) => void) {
    this.#host = host;
    this.#changed = changed;
    this.#path = state.path;
    this.#scale = state.scale;
    host.addEventListener("keydown", (event) => this.#key(event));
  }

  /** Nothing was chosen yet. */
  get isFresh(): boolean {
    return this.#path.length === 0;
  }

  get scale(): Scale {
    return this.#scale;
  }

  set scale(scale: Scale) {
    this.#scale = scale;
    void this.#follow(this.#path);
  }

  /** Asks for the tables that are shown now all at once; following the path would ask for one after the other. */
  async prefetch(snapshot: Snapshot): Promise<void> {
    const { mode, levels } = snapshot.body;
    if (mode === null) return;
    const shown = this.#strips.filter(({ table }) => table !== null);
    await Promise.all([
      snapshot.entries(levels[0]!, 0n),
      ...shown.slice(1).map(async ({ level, boxes: [first] }) => snapshot.entries(level, first?.start ?? 0n)),
    ]).catch(() => null);
  }

  /** Draws another state of the tables at the same place. */
  async show(snapshot: Snapshot): Promise<void> {
    this.#snapshot = snapshot;
    this.#contents = new Contents(snapshot.ranges);
    await this.#follow(this.#path);
  }

  /** Goes down to the entry that maps an address, and draws a mark at the address itself. */
  async goTo(address: bigint): Promise<void> {
    this.#marked = address;
    await this.#descend(address, address);
  }

  /** Goes down to the smallest box that holds all of these addresses. */
  async goToRange(start: bigint, last: bigint): Promise<void> {
    this.#marked = null;
    await this.#descend(start, last);
  }

  async #descend(start: bigint, last: bigint): Promise<void> {
    const snapshot = this.#snapshot;
    if (snapshot === null || snapshot.body.mode === null) return;
    const turn = ++this.#turn;
    const path: Choice[] = [];
    let strip: Strip | null = await rootStrip(snapshot, this.#scale);
    while (strip !== null && path.length < DEEPEST) {
      const box = boxAt(strip, start);
      if (box === undefined || (box.last < last && path.length > 0)) break;
      path.push(choiceOf(box));
      if (box.start === start && box.last === last) break;
      strip = await below(snapshot, strip, box, this.#scale);
    }
    if (turn === this.#turn) await this.#follow(path);
  }

  focus(): void {
    this.#host.querySelector<HTMLElement>(".strips")?.focus();
  }

  async #follow(path: readonly Choice[]): Promise<void> {
    const snapshot = this.#snapshot;
    if (snapshot === null || snapshot.body.mode === null) return;
    const turn = ++this.#turn;
    const strips: Strip[] = [];
    const found: Choice[] = [];
    let strip: Strip | null = await rootStrip(snapshot, this.#scale);
    while (strip !== null) {
      strips.push(strip);
      const choice: Choice | undefined = path[found.length];
      const box: Box | undefined = choice === undefined ? undefined : boxOf(strip, choice);
      if (box === undefined) break;
      found.push(choiceOf(box));
      strip = await below(snapshot, strip, box, this.#scale);
    }
    if (turn !== this.#turn) return;
    this.#strips = strips;
    this.#path = found;
    this.#changed({ path: found, scale: this.#scale });
    this.#draw();
  }

  #choose(depth: number, box: Box): void {
    void this.#follow([...this.#path.slice(0, depth), choiceOf(box)]);
  }

  #back(depth = this.#path.length - 1): void {
    void this.#follow(this.#path.slice(0, Math.max(1, depth)));
  }

  #key(event: KeyboardEvent): void {
    if (event.ctrlKey || event.metaKey || event.altKey) return;
    if (!(event.target instanceof Element) || !event.target.classList.contains("strips")) return;
    const depth = Math.max(0, this.#path.length - 1);
    const strip = this.#strips[depth];
    if (strip === undefined) return;
    const choice = this.#path[depth];
    const all = strip.boxes;
    const at = choice === undefined ? -1 : all.findIndex(({ index }) => index === choice.index);
    const choose = (index: number): void => {
      const box = all[Math.max(0, Math.min(all.length - 1, index))];
      if (box !== undefined) this.#choose(depth, box);
    };
    switch (event.key) {
      case "ArrowLeft":
        choose(at - 1);
        break;
      case "ArrowRight":
        choose(at + 1);
        break;
      case "Home":
        choose(0);
        break;
      case "End":
        choose(all.length - 1);
        break;
      case "ArrowDown":
      case "Enter": {
        const next = this.#strips[depth + 1];
        const first = next?.boxes.find(({ entry }) => entry !== null) ?? next?.boxes[0];
        if (choice === undefined) choose(0);
        else if (first !== undefined) this.#choose(depth + 1, first);
        break;
      }
      case "ArrowUp":
      case "Backspace":
      case "Escape":
        this.#back();
        break;
      case "ContextMenu":
      case "F10": {
        if (event.key === "F10" && !event.shiftKey) return;
        const chosen = this.#host.querySelector(".box.current");
        if (chosen !== null) openMenu(chosen);
        break;
      }
      default:
        return;
    }
    event.preventDefault();
  }

  #draw(): void {
    const depth = this.#path.length - 1;
    const strip = this.#strips[depth];
    const choice = this.#path[depth];
    const box = strip === undefined || choice === undefined ? undefined : boxOf(strip, choice);
    render(
      html`${this.#crumbs()}
        <div
          class="strips"
          role="tree"
          tabindex="0"
          aria-label="Picture of the address space. Left and right choose an entry, down looks into it, up comes back."
          aria-activedescendant=${box === undefined ? nothing : `box-${depth}-${box.index}`}
        >
          ${this.#strips.map((each, index) => this.#strip(each, index))}
        </div>
        <div class="details" role="status">
          ${
            strip === undefined || box === undefined || this.#snapshot === null
              ? html`<span class="muted">Choose an entry to look into it.</span>`
              : details(strip, box, this.#snapshot.body)
          }
        </div>`,
      this.#host,
    );
    // When the panel has its sizes: the first picture is drawn into a part that was hidden.
    requestAnimationFrame(() =>
      this.#host.querySelector(".box.current")?.closest(".strip")?.scrollIntoView({ block: "nearest" }),
    );
  }

  /** The way to what is chosen: each step a button that comes back to it. */
  #crumbs(): TemplateResult {
    const steps = this.#path.map((choice, depth) => {
      const { level } = this.#strips[depth]!;
      return html`<span class="arrow" aria-hidden="true">›</span
        ><button
          class="crumb"
          aria-current=${depth === this.#path.length - 1 ? "true" : nothing}
          @click=${() => this.#back(depth + 1)}
        >
          ${nameOf(level, choice)}
        </button>`;
    });
    const root = this.#snapshot?.body.root ?? "";
    return html`<nav class="crumbs mono" aria-label="Path from the root table">
      <button
        class="crumb"
        data-vscode-context=${menuContext(place("physical", root))}
        @click=${() => this.#home()}
      >
        CR3 ${root}</button
      >${steps}
    </nav>`;
  }

  #home(): void {
    this.#marked = null;
    void this.#follow([]);
  }

  #strip(strip: Strip, depth: number): TemplateResult {
    const { boxes } = strip;
    const choice = this.#path[depth];
    const above = depth === 0 ? undefined : boxOf(this.#strips[depth - 1]!, this.#path[depth - 1]!);
    const chosen = choice === undefined ? undefined : boxOf(strip, choice);
    return html`<div class="strip" role="group" aria-label=${strip.title}>
      ${above === undefined ? nothing : funnel(above)}
      <div class="strip-title" aria-hidden="true">
        <span>${strip.title}</span><span class="muted">${strip.table ?? ""}</span> <span class="grow"></span
        ><span class="muted">${size(strip.unit)} per entry</span>
      </div>
      <div class="boxes">
        ${boxes.map((box) => this.#box(strip, box, depth, box === chosen))}${this.#mark(boxes)}
      </div>
      ${this.#names(boxes, depth)}
    </div>`;
  }

  #box({ level, unit }: Strip, box: Box, depth: number, isChosen: boolean): TemplateResult {
    const { entry, left, width, start, last, count } = box;
    const isLeaf = entry !== null && entry.pageBytes !== 0;
    const bars = isLeaf
      ? [rightsClass(rightsOf(entry.effective))]
      : entry === null
        ? []
        : this.#contents.rights(start, last, MOST_BARS);
    const name = nameOf(level, box);
    const bytes = size(unit * BigInt(count));
    const words =
      entry === null
        ? `${name}, ${bytes}, not present`
        : `${name}, ${bytes} from ${hex(start)}, ${isLeaf ? rightsWords(entry.effective) : "table"}`;
    const classes = [
      "box",
      entry === null ? "absent" : isLeaf ? "leaf" : "table",
      isChosen ? "chosen" : "",
      isChosen && depth === this.#path.length - 1 ? "current" : "",
      entry?.changed === true ? "changed" : "",
      entry !== null && isMalformed(entry) ? "malformed" : "",
    ];
    return html`<div
      id="box-${depth}-${box.index}"
      class=${classes.join(" ")}
      role="treeitem"
      aria-level=${depth + 1}
      aria-selected=${isChosen}
      aria-label=${words}
      title="${words}${entry === null ? "" : `\n${entry.value}  ${entry.flags.join(" ")}`}"
      data-vscode-context=${menuContext(place("linear", start))}
      .style=${`left:${left}%;width:${width}%`}
      @click=${() => {
        this.#choose(depth, box);
        this.focus();
      }}
    >
      <span class="bars" aria-hidden="true">${bars.map((kind) => html`<i class=${kind}></i>`)}</span>
      <span class="box-text" aria-hidden="true"
        ><b>${box.index}${count === 1 ? nothing : html`<small> … ${box.index + count - 1}</small>`}</b
        ><span>${entry === null ? "" : isLeaf ? `${rightsText(entry.effective)} ` : ""}${bytes}</span></span
      >
    </div>`;
  }

  #mark(boxes: readonly Box[]): TemplateResult | typeof nothing {
    const at = this.#marked;
    const first = boxes[0];
    const last = boxes.at(-1);
    if (at === null || first === undefined || last === undefined || at < first.start || at > last.last)
      return nothing;
    return html`<span class="mark" title=${hex(at)} .style=${`left:${position(boxes, at)}%`}></span>`;
  }

  /** Regions and images below a strip, where they lie. What is a part of the only one above says nothing new. */
  #names(boxes: readonly Box[], depth: number): TemplateResult | typeof nothing {
    const named = this.#named(boxes);
    const [only] = named;
    const above = depth === 0 ? undefined : this.#strips[depth - 1];
    if (only === undefined) return nothing;
    if (
      named.length === 1 &&
      above !== undefined &&
      this.#named(above.boxes).some(({ name }) => name === only.name)
    )
      return nothing;
    const spans = named.map(({ start, last, name }) => {
      const left = position(boxes, start);
      return {
        left,
        width: position(boxes, last) - left,
        name,
        title: `${name}: ${hex(start)} … ${hex(last)}`,
      };
    });
    if (spans.every(({ width }) => width < NAME_PERCENT)) return nothing;
    return html`<div class="names" aria-hidden="true">
      ${spans.map(
        ({ left, width, name, title }) =>
          html`<span title=${title} .style=${`left:${left}%;width:${width}%`}><b>${name}</b></span>`,
      )}
    </div>`;
  }

  #named(boxes: readonly Box[]): readonly Named[] {
    const first = boxes[0]?.start ?? 0n;
    const last = boxes.at(-1)?.last ?? -1n;
    const regions = (this.#snapshot?.body.regions ?? [])
      .filter(({ hole }) => !hole)
      .map(({ start, last: end, name }) => ({ start: BigInt(start), last: BigInt(end), name }))
      .filter(({ start, last: end }) => end >= first && start <= last);
    return regions.length > 0 ? regions : this.#contents.names(first, last, MOST_NAMES);
  }
}

/** From the chosen box to the whole width of the strip below. */
function funnel({ left, width }: Box): TemplateResult {
  return html`<svg class="funnel" viewBox="0 0 100 10" preserveAspectRatio="none" aria-hidden="true">
    ${svg`<polygon points="${left},0 ${left + width},0 100,10 0,10" />`}
  </svg>`;
}
