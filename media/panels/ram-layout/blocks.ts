/** RAMBlocks as a table, in the words of `info ramblock`, and where each is seen. */
import { html, type TemplateResult } from "lit";
import { address, place } from "../kit/address.ts";
import { List } from "../kit/list.ts";
import { size } from "../kit/size.ts";
import type { RamBlockBody, RamLayoutBody } from "../../protocol.ts";

export class Blocks {
  readonly #list: List<RamBlockBody>;

  constructor(host: HTMLElement) {
    this.#list = new List(host, {
      label: "RAMBlocks",
      key: ({ idstr }) => idstr,
      empty: "This machine has no memory.",
      columns: [
        { id: "idstr", title: "Block Name", width: "24ch", cell: ({ idstr }) => idstr },
        { id: "size", title: "Size", width: "9ch", align: "right", cell: ({ used }) => size(BigInt(used)) },
        {
          id: "offset",
          title: "Offset",
          width: "12ch",
          hint: "Where the block begins in the ram_addr_t space",
          cell: ({ offset }) => address(place("ram", offset)),
        },
        {
          id: "seen",
          title: "Seen at",
          width: "32ch",
          hint: "Guest-physical addresses that show it",
          cell: ({ windows }) => seen(windows),
        },
        {
          id: "backend",
          title: "Backend",
          width: "26ch",
          hint: "The memory backend that the memory comes from, and the DIMM and slot it is plugged into",
          cell: ({ backend, dimm }) =>
            `${backend === null ? "—" : backend.id}${dimm === null ? "" : ` · ${dimm.id} in slot ${dimm.slot}`}`,
        },
        { id: "used", title: "Used", width: "12ch", cell: ({ used }) => used },
        {
          id: "total",
          title: "Total",
          width: "12ch",
          hint: "What it may grow to",
          cell: ({ total }) => total,
        },
        {
          id: "page",
          title: "PSize",
          width: "6ch",
          align: "right",
          hint: "Size of a page of the host's",
          cell: ({ pageBytes }) => size(pageBytes),
        },
        {
          id: "flags",
          title: "Flags",
          width: "minmax(12ch, 1fr)",
          cell: ({ flags }) => (flags.length === 0 ? "—" : flags.join(", ")),
        },
      ],
    });
  }

  show({ blocks }: RamLayoutBody): void {
    this.#list.rows = blocks;
  }
}

function seen(windows: RamBlockBody["windows"]): TemplateResult | string {
  if (windows.length === 0) return "nowhere";
  const shown = windows.slice(0, 2);
  const rest = windows.length - shown.length;
  return html`${shown.map(({ start }, i) => html`${i === 0 ? "" : ", "}${address(place("physical", start), "ramLayout")}`)}${rest === 0 ? "" : ` and ${rest} more`}`;
}
