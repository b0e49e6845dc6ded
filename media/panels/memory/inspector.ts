/** What the bytes at the cursor are as numbers, as a character and as an address, and what the program calls them. */
import { html, nothing, render, type TemplateResult } from "lit";
import { address, place } from "../kit/address.ts";
import { formatted, type Loaded } from "./grid.ts";

export function drawInspector(host: HTMLElement, loaded: Loaded | null, cursor: bigint): void {
  const index = loaded?.indexOf(cursor) ?? -1;
  if (loaded === null || index < 0) {
    render(nothing, host);
    return;
  }
  const hole = loaded.body.holes.find(({ offset, length }) => index >= offset && index < offset + length);
  const view = new DataView(loaded.bytes.buffer, index, Math.min(8, loaded.bytes.length - index));
  const room = view.byteLength;
  const number = (value: bigint | number): string => value.toLocaleString("en-US");
  const rows: (readonly [string, TemplateResult | string])[] = [["u8", number(view.getUint8(0))]];
  if (room >= 2) rows.push(["u16", number(view.getUint16(0, true))]);
  if (room >= 4) {
    rows.push(["u32", number(view.getUint32(0, true))], ["i32", number(view.getInt32(0, true))]);
    rows.push(["float", real(view.getFloat32(0, true))]);
  }
  if (room >= 8) {
    const value = view.getBigUint64(0, true);
    rows.push(["u64", number(value)], ["i64", number(view.getBigInt64(0, true))]);
    rows.push(["double", real(view.getFloat64(0, true))]);
    rows.push(["pointer", address(place("linear", value))]);
  }
  const marks = loaded.marksAt(index);
  render(
    html`<div class="where">
        <b class="mono">${formatted(cursor, loaded.space)}</b>
        ${marks.map(
          ({ kind, name, type, value, offset }) =>
            html`<span class="tag ${kind}"
                >${kind === "register" ? `${name} points here` : name}${offset < index && kind !== "register" ? ` + 0x${(index - offset).toString(16)}` : ""}</span
              >${type === null ? nothing : html`<span class="muted mono">${type}</span>`}${value === null || kind === "register" ? nothing : html`<span class="mono">= ${value}</span>`}`,
        )}
        ${loaded.has(index, "changed") ? html`<span class="changed-word">changed since the stop before</span>` : nothing}
        ${loaded.has(index, "written") ? html`<span class="muted">its page was written since the stop before</span>` : nothing}
      </div>
      ${
        hole === undefined
          ? html`<dl>
              ${rows.map(
                ([name, value]) =>
                  html`<div>
                    <dt>${name}</dt>
                    <dd>${value}</dd>
                  </div>`,
              )}
            </dl>`
          : html`<div class="muted">Cannot be read: ${hole.why}.</div>`
      }`,
    host,
  );
}

const real = (value: number): string =>
  value === 0 || (Math.abs(value) >= 1e-4 && Math.abs(value) < 1e9)
    ? String(Number(value.toPrecision(9)))
    : value.toExponential(4);
