/**
 * The picture: the guest-physical space beside the `ram_addr_t` space, and between them what of the one is seen where in the other.
 *
 * Invariant: everything that can be pointed at can be reached by keys (the pattern "listbox": up and down within a column, left and right to the
 * other end of a connection) and is described in words below.
 */
import { html, nothing, render, svg, type TemplateResult } from "lit";
import { address, place } from "../kit/address.ts";
import { size } from "../kit/size.ts";
import type { RamLayoutBody } from "../../protocol.ts";
import {
  heights,
  least,
  piecesOf,
  segmentsOf,
  shareOf,
  wholeOf,
  type Extent,
  type Piece,
  type Scale,
  type Segment,
} from "./geometry.ts";

const MIB = 1n << 20n;
const FOUR_GIB = 1n << 32n;

export const KINDS: Readonly<Record<Segment["kind"], string>> = {
  ram: "RAM",
  rom: "ROM",
  "rom device": "ROM device",
  mmio: "device registers",
  hole: "nothing",
};

export interface MapState {
  readonly part: Part;
  readonly scale: Scale;
}
export type Part = "all" | "low" | "below" | "above";

const PARTS: readonly { readonly part: Part; readonly label: string; readonly hint: string }[] = [
  { part: "all", label: "All", hint: "The whole space" },
  { part: "low", label: "Below 1 MiB", hint: "Conventional memory, VGA, option ROMs and BIOS" },
  { part: "below", label: "1 MiB to 4 GiB", hint: "RAM, PCI devices and the chipset's registers" },
  { part: "above", label: "From 4 GiB", hint: "What is above the hole" },
];

interface Box {
  readonly key: string;
  readonly top: number;
  readonly height: number;
}

type Item =
  | { readonly column: "segments"; readonly item: Segment }
  | { readonly column: "pieces"; readonly item: Piece };

export class RamMap {
  readonly #host: HTMLElement;
  readonly #why: (segment: Segment) => void;
  readonly #keep: (state: MapState) => void;
  #state: MapState;
  #body: RamLayoutBody | null = null;
  #segments: readonly Segment[] = [];
  #pieces: readonly Piece[] = [];
  #chosen: string | null = null;
  #pointed: string | null = null;
  #height = 0;

  /** @param why asks who answers at the beginning of a segment. */
  constructor(
    host: HTMLElement,
    state: MapState,
    keep: (state: MapState) => void,
    why: (segment: Segment) => void,
  ) {
    this.#host = host;
    this.#state = state;
    this.#keep = keep;
    this.#why = why;
    new ResizeObserver(() => this.#draw()).observe(host);
  }

  show(body: RamLayoutBody): void {
    this.#body = body;
    this.#cut();
    this.#draw();
  }

  /** Chooses the segment that holds a guest-physical address. */
  reveal(physical: bigint): void {
    const inside = (segment: Segment): boolean => physical >= segment.start && physical < segment.end;
    if (!this.#segments.some(inside)) this.#set({ ...this.#state, part: "all" });
    this.#chosen = this.#segments.find(inside)?.key ?? null;
    this.#draw();
    this.#host.querySelector(".chosen")?.scrollIntoView({ block: "nearest" });
  }

  #set(state: MapState): void {
    this.#state = state;
    this.#keep(state);
    this.#cut();
    this.#draw();
  }

  #cut(): void {
    if (this.#body === null) return;
    const whole = wholeOf(this.#body);
    this.#segments = segmentsOf(this.#body, extentOf(this.#state.part, whole));
    const pieces = piecesOf(this.#body, this.#segments);
    // Blocks that are not seen in a part would only take room from those that are.
    const blocks = new Set(pieces.filter(({ segments }) => segments.length > 0).map(({ block }) => block));
    this.#pieces = this.#state.part === "all" ? pieces : pieces.filter(({ block }) => blocks.has(block));
  }

  #draw(): void {
    const body = this.#body;
    if (body === null) return;
    const room = Math.max(160, this.#host.clientHeight - 132);
    const { scale } = this.#state;
    const rows = Math.max(this.#segments.length, this.#pieces.length);
    this.#height = scale === "true" ? room : Math.max(room, least(rows));
    const left = this.#boxes(this.#segments);
    const right = this.#boxes(this.#pieces);
    render(
      html`${this.#bar(body)}
        <div class="map" @mouseleave=${() => this.#point(null)}>
          <div class="map-head">
            <b>Guest-physical address</b><span></span><b>ram_addr_t: RAMBlocks, end to end</b>
          </div>
          <div
            class="map-body"
            role="listbox"
            tabindex="0"
            aria-label="Guest-physical space and RAMBlocks"
            aria-activedescendant=${this.#chosen === null ? nothing : idOf(this.#chosen)}
            .style=${`height:${this.#height}px`}
            @keydown=${(event: KeyboardEvent) => this.#key(event)}
          >
            <div class="column left">
              ${this.#segments.map((segment, i) => this.#segment(segment, left[i]!))}
            </div>
            ${this.#links(left, right)}
            <div class="column right">${this.#pieces.map((piece, i) => this.#piece(piece, right[i]!))}</div>
          </div>
        </div>
        <div class="details" aria-live="polite">${this.#details()}</div>`,
      this.#host,
    );
  }

  #bar(body: RamLayoutBody): TemplateResult {
    const { part, scale } = this.#state;
    const { end } = wholeOf(body);
    const next: Scale = scale === "true" ? "logarithmic" : "true";
    return html`<div class="toolbar">
        <span class="choice" role="group" aria-label="Part of the space">
          ${PARTS.filter((each) => each.part !== "above" || end > FOUR_GIB).map(
            (each) =>
              html`<button
                aria-pressed=${each.part === part}
                title=${each.hint}
                @click=${() => this.#set({ ...this.#state, part: each.part })}
              >
                ${each.label}
              </button>`,
          )}
        </span>
        <button
          title="Heights: logarithmic, so that a page and 64 GiB are both seen, or true to scale"
          @click=${() => this.#set({ ...this.#state, scale: next })}
        >
          ${scale === "true" ? "true scale" : "log scale"}
        </button>
        <span class="grow"></span>
        <span class="legend" aria-hidden="true">
          ${(["ram", "rom", "mmio", "hole"] as const).map(
            (kind) => html`<span><i class=${styleOf(kind)}></i>${KINDS[kind]}</span>`,
          )}
        </span>
      </div>
      <p class="summary">${explanation(body)}</p>`;
  }

  #boxes(parts: readonly { readonly key: string; readonly start: bigint; readonly end: bigint }[]): Box[] {
    const tall = heights(
      parts.map(({ start, end }) => end - start),
      this.#height,
      this.#state.scale,
    );
    let top = 0;
    return parts.map(({ key }, i) => {
      const height = tall[i]!;
      top += height;
      return { key, top: top - height, height };
    });
  }

  #segment(segment: Segment, box: Box): TemplateResult {
    const { start, end, kind, name } = segment;
    const label = `${name}, ${KINDS[kind]}, ${size(end - start)} at ${hex(start)}`;
    return this.#box(
      box,
      styleOf(kind),
      label,
      html`<span class="at">${hex(start)}</span><span class="name">${name}</span
        ><span class="size">${size(end - start)}</span>`,
    );
  }

  #piece(piece: Piece, box: Box): TemplateResult {
    const { block, start, end, blockOffset, segments } = piece;
    const kind = segments[0]?.kind ?? "unseen";
    const name = blockOffset === 0n ? (block.split("/").at(-1) ?? block) : `+ ${hex(blockOffset)}`;
    const label = `RAMBlock ${block} + ${hex(blockOffset)}, ${size(end - start)} at ram_addr_t ${hex(start)}${segments.length === 0 ? ", not seen" : ""}`;
    const isFirst = blockOffset === 0n ? "first" : "";
    return this.#box(
      box,
      `${styleOf(kind)} ${isFirst}`,
      label,
      html`<span class="name">${name}</span><span class="size">${size(end - start)}</span
        ><span class="at">${hex(start)}</span>`,
    );
  }

  #box({ key, top, height }: Box, kind: string, label: string, content: TemplateResult): TemplateResult {
    const isLinked = this.#linked.has(key);
    const tight = height < 15 ? "tight" : "";
    return html`<div
      id=${idOf(key)}
      class="box ${kind} ${tight} ${key === this.#chosen ? "chosen" : ""} ${isLinked ? "linked" : ""}"
      role="option"
      aria-selected=${key === this.#chosen}
      aria-label=${label}
      .style=${`top:${top}px;height:${height}px`}
      @mouseenter=${() => this.#point(key)}
      @click=${() => this.#choose(key)}
      @dblclick=${() => this.#activate(key)}
    >
      ${content}
    </div>`;
  }

  #links(left: readonly Box[], right: readonly Box[]): TemplateResult {
    const paths: TemplateResult[] = [];
    for (const [i, piece] of this.#pieces.entries()) {
      for (const segment of piece.segments) {
        const from = left[this.#segments.indexOf(segment)]!;
        const to = right[i]!;
        const share = shareOf(segment, piece);
        const [a, b] = [from.top + share.from * from.height, from.top + share.to * from.height];
        const [c, d] = [to.top, to.top + to.height];
        const isLinked = this.#linked.has(piece.key) && this.#linked.has(segment.key);
        paths.push(
          svg`<path class="link ${styleOf(segment.kind)} ${isLinked ? "linked" : ""}" vector-effect="non-scaling-stroke"
            d="M0 ${a} C50 ${a} 50 ${c} 100 ${c} L100 ${d} C50 ${d} 50 ${b} 0 ${b} Z" />`,
        );
      }
    }
    return html`<svg
      class="links"
      viewBox="0 0 100 ${this.#height}"
      preserveAspectRatio="none"
      aria-hidden="true"
    >
      ${paths}
    </svg>`;
  }

  /** What is pointed at, or else chosen, and what it is connected with. */
  get #linked(): ReadonlySet<string> {
    const key = this.#pointed ?? this.#chosen;
    const item = key === null ? null : this.#item(key);
    if (item === null) return new Set();
    const others =
      item.column === "segments"
        ? this.#pieces.filter(({ segments }) => segments.includes(item.item)).map((piece) => piece.key)
        : item.item.segments.map((segment) => segment.key);
    return new Set([item.item.key, ...others]);
  }

  #item(key: string): Item | null {
    const segment = this.#segments.find((each) => each.key === key);
    if (segment !== undefined) return { column: "segments", item: segment };
    const piece = this.#pieces.find((each) => each.key === key);
    return piece === undefined ? null : { column: "pieces", item: piece };
  }

  #point(key: string | null): void {
    if (this.#pointed === key) return;
    this.#pointed = key;
    this.#draw();
  }

  #choose(key: string): void {
    this.#chosen = key;
    this.#draw();
    document.getElementById(idOf(key))?.scrollIntoView({ block: "nearest" });
  }

  #activate(key: string): void {
    const item = this.#item(key);
    const segment = item?.column === "segments" ? item.item : item?.item.segments[0];
    if (segment !== undefined) this.#why(segment);
  }

  #key(event: KeyboardEvent): void {
    const chosen = this.#chosen === null ? null : this.#item(this.#chosen);
    const list: readonly { readonly key: string }[] =
      chosen?.column === "pieces" ? this.#pieces : this.#segments;
    const at = list.findIndex(({ key }) => key === this.#chosen);
    const last = list.length - 1;
    const steps: Readonly<Record<string, number>> = {
      ArrowDown: Math.min(last, at + 1),
      ArrowUp: Math.max(0, at - 1),
      Home: 0,
      End: last,
    };
    const step = steps[event.key];
    if (step !== undefined) this.#choose(list[step]?.key ?? "");
    else if (event.key === "ArrowRight" && chosen?.column === "segments") {
      const piece = this.#pieces.find(({ segments }) => segments.includes(chosen.item));
      if (piece !== undefined) this.#choose(piece.key);
    } else if (event.key === "ArrowLeft" && chosen?.column === "pieces") {
      const [segment] = chosen.item.segments;
      if (segment !== undefined) this.#choose(segment.key);
    } else if (event.key === "Enter" && this.#chosen !== null) this.#activate(this.#chosen);
    else return;
    event.preventDefault();
  }

  #details(): TemplateResult {
    const key = this.#pointed ?? this.#chosen;
    const item = key === null ? null : this.#item(key);
    if (item === null)
      return html`<span class="muted"
        >Point at a part of the picture, or walk through it with the arrow keys, to see what it is and why it
        is there.</span
      >`;
    return item.column === "segments" ? this.#segmentDetails(item.item) : pieceDetails(item.item);
  }

  #segmentDetails(segment: Segment): TemplateResult {
    const { start, end, range, kind } = segment;
    const last = end - 1n;
    return html`<div>
        <b>${segment.name}</b> · ${KINDS[kind]}${range?.readonly === true ? ", what is written is lost" : ""}
        · ${address(place("physical", start))} – ${address(place("physical", last))} · ${size(end - start)}
        <button class="small" @click=${() => this.#why(segment)}>Why here?</button>
      </div>
      <div class="muted">
        ${
          range === null
            ? "A read gives all ones, a write is lost. PCI devices are mapped into holes like this."
            : html`${range.path.join(" › ")}${
                range.block === null
                  ? ` · offset ${range.offset} of its registers`
                  : html` · RAMBlock ${range.block} + ${range.offset} = ram_addr_t
                    ${address(place("ram", range.ramAddress ?? "0x0"))}`
              }`
        }
      </div>`;
  }
}

function pieceDetails({ block, start, end, blockOffset, segments }: Piece): TemplateResult {
  return html`<div>
      <b>RAMBlock ${block}</b> · offset ${hex(blockOffset)} · ram_addr_t ${address(place("ram", start))} –
      ${address(place("ram", end - 1n))} · ${size(end - start)}
    </div>
    <div class="muted">
      ${
        segments.length === 0
          ? "The guest cannot see this part here: something of higher priority covers it, or no region shows it."
          : html`Seen at
            ${segments.map(
              (segment, i) => html`${i === 0 ? "" : ", "}${address(place("physical", segment.start))}`,
            )}`
      }
    </div>`;
}

/** Why the two spaces differ, in a sentence. */
function explanation({ ramBytes, below4G, above4G }: RamLayoutBody): string {
  const [all, below, above] = [BigInt(ramBytes), BigInt(below4G), BigInt(above4G)];
  if (above === 0n)
    return `${size(all)} of RAM, all below 4 GiB: in pc.ram a byte's offset is its guest-physical address.`;
  const moved = FOUR_GIB - below;
  return (
    `${size(all)} of RAM: ${size(below)} below the hole for PCI devices, ${size(above)} from 4 GiB on. The block has no hole, ` +
    `so above 4 GiB the ram_addr_t is the address − ${hex(moved)}.`
  );
}

function extentOf(part: Part, whole: Extent): Extent {
  const end = whole.end > FOUR_GIB ? whole.end : FOUR_GIB;
  switch (part) {
    case "all":
      return { start: 0n, end: whole.end };
    case "low":
      return { start: 0n, end: MIB };
    case "below":
      return { start: MIB, end: FOUR_GIB };
    case "above":
      return { start: FOUR_GIB, end };
  }
}

/** A kind as a class. */
const styleOf = (kind: string): string => `kind-${kind.replace(" ", "-")}`;
const hex = (value: bigint): string => `0x${value.toString(16)}`;
const idOf = (key: string): string => `map-${key.replaceAll(" ", "-")}`;
