/** A type of the program laid over memory, as a tree of fields beside the bytes. */
import { html, render } from "lit";
import { keep, kept, request } from "../kit/host.ts";
import { List } from "../kit/list.ts";
import type { OverlayBody, OverlayField } from "../../protocol.ts";
import { place } from "../kit/address.ts";
import type { Grid, Space } from "./grid.ts";

interface Laid {
  readonly space: Space;
  /** "0x…" */
  readonly at: string;
  readonly type: string;
}

export class Fields {
  readonly #head: HTMLElement;
  readonly #pane: HTMLElement;
  readonly #grid: Grid;
  readonly #list: List<OverlayField>;
  readonly #closed = new Set<string>();
  #laid = kept<Laid | null>("laid", null);
  #body: OverlayBody | null = null;

  constructor(pane: HTMLElement, head: HTMLElement, list: HTMLElement, grid: Grid) {
    this.#pane = pane;
    this.#head = head;
    this.#grid = grid;
    this.#list = new List(list, {
      label: "Fields of the type laid over memory",
      key: ({ path, depth }) => `${depth} ${path}`,
      depth: ({ depth }) => depth,
      expanded: (field) => (field.hasChildren ? !this.#closed.has(field.path) : null),
      toggle: ({ path }) => {
        if (!this.#closed.delete(path)) this.#closed.add(path);
        this.#fill();
      },
      select: ({ path, hasChildren }) => {
        grid.field = hasChildren ? null : path;
      },
      activate: ({ offset }) => {
        if (this.#laid !== null) grid.goTo(this.#laid.space, BigInt(this.#laid.at) + BigInt(offset));
      },
      columns: [
        { id: "name", title: "Field", width: "26ch", cell: ({ name }) => name },
        { id: "offset", title: "Offset", width: "7ch", cell: ({ offset }) => `+0x${offset.toString(16)}` },
        { id: "value", title: "Value", width: "28ch", cell: ({ value }) => value },
        {
          id: "type",
          title: "Type",
          width: "minmax(12ch, 1fr)",
          cell: ({ type, bits }) => (bits === null ? type : `${type} : ${bits.count}`),
        },
      ],
    });
    this.#draw();
  }

  /** Lays a type over memory from an address on; an empty name takes it away. Rejects with the adapter's words. */
  async lay(type: string, space: Space, at: bigint): Promise<void> {
    const laid = type === "" ? null : { space, at: `0x${at.toString(16)}`, type };
    if (laid !== null) await request("redzone/memoryOverlay", { place: place(space, at), type });
    this.#laid = laid;
    keep("laid", laid);
    await this.refresh();
  }

  async refresh(): Promise<void> {
    const laid = this.#laid;
    if (laid === null) this.#body = null;
    else {
      try {
        this.#body = await request("redzone/memoryOverlay", {
          place: place(laid.space, laid.at),
          type: laid.type,
        });
      } catch {
        // Of another program, or unmapped now: nothing is laid until it is asked again.
        this.#body = null;
      }
    }
    this.#draw();
    this.#fill();
  }

  #draw(): void {
    const laid = this.#laid;
    const isShown = laid !== null && this.#body !== null;
    this.#pane.hidden = !isShown;
    this.#grid.lay(isShown ? this.#body!.fields : [], BigInt(laid?.at ?? "0x0"));
    if (!isShown) return;
    render(
      html`<b class="mono">${this.#body?.type}</b> at <span class="mono">${laid.at}</span>,
        ${this.#body?.sizeBytes} bytes${this.#body?.more === true ? ", the first fields" : ""}<span
          class="grow"
        ></span
        ><button title="Takes the type away" @click=${() => void this.lay("", laid.space, 0n)}>
          Close
        </button>`,
      this.#head,
    );
  }

  #fill(): void {
    const rows: OverlayField[] = [];
    let hidden = Infinity;
    for (const field of this.#body?.fields ?? []) {
      if (field.depth > hidden) continue;
      hidden = field.hasChildren && this.#closed.has(field.path) ? field.depth : Infinity;
      rows.push(field);
    }
    this.#list.rows = rows;
  }
}
