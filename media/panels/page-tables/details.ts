/** What there is to say about a chosen entry, or a run of entries that go on in each other. */
import { html, nothing, type TemplateResult } from "lit";
import { address, hex, place } from "../kit/address.ts";
import { plural, size } from "../kit/size.ts";
import type { PageTablesBody, TableEntry, Writer } from "../../protocol/paging.ts";
import { limitTag, rightsTag, rightsWords } from "./rights.ts";
import type { Run } from "./scale.ts";
import { nameOf, targetOf, type Strip } from "./strips.ts";

/** The instruction that wrote something, as a link to its code. */
export const writer = ({ rip, symbol, instant }: Writer): TemplateResult =>
  html`<span class="writer"
    >written by ${address(place("linear", rip), "source", symbol ?? rip)}
    <span class="muted">at instant ${instant.toLocaleString("en-US")}</span></span
  >`;

/** Flags that are set, as small tags. */
export const flagTags = (flags: readonly string[]): TemplateResult =>
  html`${flags.map((flag) => html`<span class="flag">${flag}</span>`)}`;

/** "512 pages of 2 MiB" */
export const pagesText = (pages: TableEntry["pages"]): string =>
  pages.map(({ bytes, count }) => `${plural(count, "page")} of ${size(bytes)}`).join(", ");

export function details({ level, unit }: Strip, run: Run, body: PageTablesBody): TemplateResult {
  const { entry, start, last, count, index } = run;
  const digits = body.linearBits === 32 ? 8 : 16;
  const range = html`<span class="mono"
    >${address(place("linear", start), "memory", hex(start, digits))} … ${hex(last, digits)}</span
  >`;
  const title = html`<b class="mono">${nameOf(level, run)}</b>`;
  const bytes = size(unit * BigInt(count));
  if (entry === null)
    return html`<p>
      ${title} ${range} <span class="muted">${bytes}, not present: any access is a page fault</span>
    </p>`;
  const target = targetOf(run);
  const isTable = entry.pageBytes === 0;
  return html`<p>
      ${title} ${range}
      <span class="muted">${bytes}</span>
      ${
        target === null
          ? nothing
          : html`<span class="arrow">→</span>
              ${isTable ? "table at" : entry.fold === "same" && count > 1 ? "always" : ""}
              ${address(place("physical", target), isTable ? "memory" : "ramLayout", hex(target))}`
      }
      ${isTable && entry.pages.length > 0 ? html`<span class="muted">${pagesText(entry.pages)} below</span>` : nothing}
    </p>
    <p>
      ${
        index === entry.index
          ? html`<span class="mono">${entry.value}</span> at ${address(place("physical", entry.address))}`
          : nothing
      }
      ${flagTags(entry.flags)}
      ${
        isTable
          ? limitTag(entry.effective)
          : html`${rightsTag(entry.effective)} <span class="muted">${rightsWords(entry.effective)}</span>`
      }
      ${entry.notes.map(({ text, isError }) => html`<span class="note ${isError ? "error" : ""}">${text}</span>`)}
    </p>
    <p>
      ${
        entry.writtenBy === undefined
          ? html`<span class="muted"
              >written before writers were recorded, which is from when this panel first asks</span
            >`
          : writer(entry.writtenBy)
      }
    </p>`;
}
