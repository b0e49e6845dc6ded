/** Entries that are not what they were at the last stop. */
import { html, nothing, type TemplateResult } from "lit";
import { address, place } from "../kit/address.ts";
import { List } from "../kit/list.ts";
import type { TableChange } from "../../protocol/paging.ts";
import { writer } from "./details.ts";
import type { Snapshot } from "./snapshot.ts";
import { tableName } from "./snapshot.ts";

export class Changes {
  readonly #list: List<TableChange>;
  #turn = 0;

  constructor(host: HTMLElement, choose: (start: bigint, last: bigint) => void) {
    this.#list = new List<TableChange>(host, {
      label: "Entries that changed since the last stop",
      key: ({ address: at, kind }) => `${at} ${kind}`,
      select: ({ linear, last }) => choose(BigInt(linear), BigInt(last)),
      style: ({ kind }) => `change-${kind}`,
      hint: ({ before, after, text }) => `${text}\n${before.value} → ${after.value}`,
      empty:
        "No entry is different from what it was at the last stop. Accessed and dirty bits, which the processor sets itself, are not counted.",
      columns: [
        { id: "kind", title: "Change", width: "10ch", cell: ({ kind }) => kind },
        { id: "level", title: "Level", width: "6ch", cell: ({ level }) => tableName(level) },
        {
          id: "linear",
          title: "Linear address",
          width: "20ch",
          cell: ({ linear }) => html`${address(place("linear", linear))}`,
        },
        { id: "text", title: "What", width: "minmax(60ch, 3fr)", cell: ({ text }) => text },
        {
          id: "before",
          title: "Before",
          width: "19ch",
          cell: ({ before }) => html`<span class="muted">${before.value}</span>`,
        },
        { id: "after", title: "Now", width: "19ch", cell: ({ after }) => after.value },
        {
          id: "differs",
          title: "Differs in",
          width: "minmax(14ch, 1fr)",
          cell: ({ differs }) => differs.join(" "),
        },
        {
          id: "at",
          title: "Entry at",
          width: "14ch",
          cell: ({ address: at }) => html`${address(place("physical", at))}`,
        },
        { id: "writer", title: "Written by", width: "minmax(24ch, 1fr)", cell: by },
      ],
    });
  }

  async show(snapshot: Snapshot): Promise<void> {
    const turn = ++this.#turn;
    if (snapshot.body.mode === null) return;
    const { changes } = await snapshot.changes();
    if (turn === this.#turn) this.#list.rows = changes;
  }
}

const by = ({ writtenBy }: TableChange): TemplateResult | typeof nothing =>
  writtenBy === undefined ? nothing : writer(writtenBy);
