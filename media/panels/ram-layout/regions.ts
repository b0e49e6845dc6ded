/** The tree of memory regions and the flat views that are made of it. */
import { html, nothing, render, type TemplateResult } from "lit";
import { address, place } from "../kit/address.ts";
import { keep, kept } from "../kit/host.ts";
import { List } from "../kit/list.ts";
import { size } from "../kit/size.ts";
import type { FlatRangeBody, RegionBody, RegionsBody } from "../../protocol.ts";

/** A line of either list. */
interface Row {
  readonly key: string;
  readonly depth: number;
  readonly name: string;
  readonly start: string;
  readonly end: string;
  readonly kind: string;
  readonly priority: number | null;
  readonly enabled: boolean;
  readonly note: string;
  readonly expandable: boolean;
  readonly isPort: boolean;
  /** Of an aliased region the addresses are its own, not those of a space. */
  readonly isPlace: boolean;
}

export class Regions {
  readonly #bar: HTMLElement;
  readonly #list: List<Row>;
  readonly #closed = new Set<string>();
  #body: RegionsBody | null = null;
  #flat = kept("regionsFlat", false);
  #disabled = kept("regionsDisabled", false);
  /** Names of the space shown. */
  #space = kept("regionsSpace", "memory");

  constructor(bar: HTMLElement, list: HTMLElement, why: (space: "physical" | "io", at: string) => void) {
    this.#bar = bar;
    this.#list = new List(list, {
      label: "Memory regions",
      key: ({ key }) => key,
      depth: ({ depth }) => depth,
      expanded: ({ expandable, key }) => (expandable ? !this.#closed.has(key) : null),
      toggle: ({ key }) => {
        if (!this.#closed.delete(key)) this.#closed.add(key);
        this.#fill();
      },
      activate: ({ start, isPort, isPlace }) => {
        if (isPlace) why(isPort ? "io" : "physical", start);
      },
      style: ({ enabled }) => (enabled ? "" : "disabled"),
      columns: [
        { id: "name", title: "Region", width: "28ch", cell: ({ name }) => name },
        { id: "start", title: "First", width: "12ch", cell: (row) => placeOf(row, row.start) },
        { id: "end", title: "Last", width: "18ch", cell: ({ end }) => end },
        {
          id: "size",
          title: "Size",
          width: "9ch",
          align: "right",
          cell: ({ start, end }) => extent(start, end),
        },
        { id: "kind", title: "Type", width: "11ch", cell: ({ kind }) => kind },
        {
          id: "priority",
          title: "Prio",
          width: "5ch",
          align: "right",
          hint: "Decides among regions of one container: the higher goes first",
          cell: ({ priority }) => (priority === null ? "" : String(priority)),
        },
        { id: "note", title: "", width: "minmax(40ch, 1fr)", cell: ({ note }) => note },
      ],
    });
    this.#draw();
  }

  show(body: RegionsBody): void {
    this.#body = body;
    if (!this.#names.includes(this.#space)) this.#space = this.#names[0] ?? "memory";
    this.#draw();
    this.#fill();
  }

  get #names(): readonly string[] {
    return this.#body?.spaces.map(({ names }) => names.join(", ")) ?? [];
  }

  #draw(): void {
    const set = (change: () => void): void => {
      change();
      keep("regionsFlat", this.#flat);
      keep("regionsDisabled", this.#disabled);
      keep("regionsSpace", this.#space);
      this.#draw();
      this.#fill();
    };
    const choose = (event: Event): void =>
      set(() => {
        this.#space = (event.target as HTMLSelectElement).value;
      });
    render(
      html`<span class="choice" role="group" aria-label="What to list">
          <button
            aria-pressed=${!this.#flat}
            title="All regions as they contain each other"
            @click=${() =>
              set(() => {
                this.#flat = false;
              })}
          >
            Tree
          </button>
          <button
            aria-pressed=${this.#flat}
            title="What an access meets: ranges without overlap"
            @click=${() =>
              set(() => {
                this.#flat = true;
              })}
          >
            Flat view
          </button>
        </span>
        <select aria-label="Address space" title="Address space" @change=${choose}>
          ${this.#names.map((name) => html`<option ?selected=${name === this.#space}>${name}</option>`)}
        </select>
        ${
          this.#flat
            ? nothing
            : html`<label
                ><input
                  type="checkbox"
                  .checked=${this.#disabled}
                  @change=${() =>
                    set(() => {
                      this.#disabled = !this.#disabled;
                    })}
                />disabled ones, too</label
              >`
        }
        <span class="grow"></span
        ><span class="muted">Enter asks who answers at a region's first address</span>`,
      this.#bar,
    );
  }

  #fill(): void {
    const body = this.#body;
    if (body === null) return;
    const isPort = /I\/O/u.test(this.#space);
    const [first] = this.#space.split(", ");
    if (this.#flat) {
      const view = body.flat.find(({ spaces }) => spaces.includes(first ?? ""));
      this.#list.rows = (view?.ranges ?? []).map((range) => flatRow(range, isPort));
      return;
    }
    const rows: Row[] = [];
    const tree = body.spaces.find(({ names }) => names.includes(first ?? ""));
    if (tree !== undefined) this.#add(rows, tree.root, 0, isPort, true);
    // Regions that are seen through aliases come after the space they belong to.
    const used = new Set<string>();
    if (tree !== undefined) collectAliases(tree.root, used);
    for (const region of body.aliased) {
      if (!used.has(region.name) || tree?.root.name === region.name || contains(tree?.root, region.name))
        continue;
      this.#add(rows, region, 0, isPort, false);
    }
    this.#list.rows = rows;
  }

  #add(rows: Row[], region: RegionBody, depth: number, isPort: boolean, isPlace: boolean): void {
    if (!region.enabled && !this.#disabled) return;
    const children = region.children.filter(({ enabled }) => enabled || this.#disabled);
    const key = `${isPlace ? "" : "alias "}${region.id}`;
    rows.push({
      key,
      depth,
      name: region.name,
      start: region.start,
      end: region.end,
      kind: region.kind,
      priority: region.priority,
      enabled: region.enabled,
      note: noteOf(region, depth === 0 && !isPlace),
      expandable: children.length > 0,
      isPort,
      isPlace,
    });
    if (this.#closed.has(key)) return;
    for (const child of children) this.#add(rows, child, depth + 1, isPort, isPlace);
  }
}

function noteOf({ alias, block, enabled, readonly, owner }: RegionBody, isAliased: boolean): string {
  return [
    ...(isAliased ? ["seen through aliases"] : []),
    ...(alias === null ? [] : [`→ ${alias.region} + ${alias.offset}`]),
    ...(block === null ? [] : [`RAMBlock ${block}`]),
    ...(readonly && alias !== null ? ["read-only"] : []),
    ...(enabled ? [] : ["disabled"]),
    ...(owner === null ? [] : [owner]),
  ].join(" · ");
}

function flatRow(range: FlatRangeBody, isPort: boolean): Row {
  const end = `0x${(BigInt(range.start) + BigInt(range.size) - 1n).toString(16)}`;
  const way = range.path.length > 1 ? range.path.join(" › ") : "";
  return {
    key: range.start,
    depth: 0,
    name: range.region,
    start: range.start,
    end,
    kind: range.kind,
    priority: range.priority,
    enabled: true,
    note: [...(range.offset === "0x0" ? [] : [`from + ${range.offset}`]), way]
      .filter((each) => each !== "")
      .join(" · "),
    expandable: false,
    isPort,
    isPlace: true,
  };
}

const placeOf = ({ isPort, isPlace }: Row, start: string): TemplateResult | string =>
  !isPlace ? start : address(place(isPort ? "io" : "physical", start), isPort ? "ramLayout" : "memory");

const extent = (start: string, end: string): string => {
  const bytes = BigInt(end) - BigInt(start) + 1n;
  return bytes === 1n << 64n ? "2⁶⁴" : size(bytes);
};

function collectAliases(region: RegionBody, into: Set<string>): void {
  if (region.alias !== null) into.add(region.alias.region);
  for (const child of region.children) collectAliases(child, into);
}

const contains = (region: RegionBody | undefined, name: string): boolean =>
  region !== undefined && (region.name === name || region.children.some((child) => contains(child, name)));
