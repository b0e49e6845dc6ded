/** The red zone's bytes, a cell each: what the function may still read, and what has been written over it. */
import { html, type TemplateResult } from "lit";
import type { RedZoneRun, RedZoneWindow } from "../../protocol.ts";
import { ZONE_ROW_BYTES } from "./rows.ts";

const STATES: Record<RedZoneRun["state"], string> = {
  live: "live: the function may still read it",
  dead: "dead: it is not read again",
  overwritten: "overwritten: the function may still read it, and it is not what it stored",
  unknown: "nobody knows whether it is needed",
};

const ZONE_BYTES = 128;

const runAt = (window: RedZoneWindow, offset: number): RedZoneRun | undefined =>
  window.runs.find((run) => offset >= run.offset && offset < run.offset + run.sizeBytes);

/** Cells of the bytes from `offset` (-128 … -8) on, lowest first. */
export function zoneCells(window: RedZoneWindow, offset: number): TemplateResult {
  const cells = Array.from({ length: ZONE_ROW_BYTES }, (_, i) => {
    const at = offset + i;
    const run = runAt(window, at);
    const state = run?.state ?? "unknown";
    const byte = window.bytes.slice((ZONE_BYTES + at) * 2, (ZONE_BYTES + at) * 2 + 2);
    const name = run?.name === undefined || run.name === "" ? "" : `${run.name}, `;
    const by = run?.by === null || run === undefined ? "" : `, now ${run.by}`;
    return html`<i
      class="cell ${state} ${run?.isChanged === true ? "fresh" : ""}"
      title="RSP${at}: ${name}${STATES[state]}${by}"
      >${byte === "" ? "··" : byte}</i
    >`;
  });
  return html`<span class="cells" role="img" aria-label=${spoken(window, offset)}>${cells}</span>`;
}

/** What lies in a row, in words: names, and who wrote over them. */
export function zoneNames(window: RedZoneWindow, offset: number): string {
  const texts: string[] = [];
  for (const run of [...window.runs].reverse()) {
    if (run.offset + run.sizeBytes <= offset || run.offset >= offset + ZONE_ROW_BYTES) continue;
    const text =
      run.name === "" && run.by === null
        ? run.state === "live"
          ? "live"
          : ""
        : run.by === null
          ? run.name
          : run.name === ""
            ? run.by
            : `${run.name} ← ${run.by}`;
    if (text !== "" && texts.at(-1) !== text) texts.push(text);
  }
  return texts.join(" · ");
}

function spoken(window: RedZoneWindow, offset: number): string {
  const states = new Set<string>();
  for (let at = offset; at < offset + ZONE_ROW_BYTES; at++) states.add(runAt(window, at)?.state ?? "unknown");
  return `Bytes at RSP${offset} to RSP${offset + ZONE_ROW_BYTES - 1}: ${[...states].join(", ")}`;
}
