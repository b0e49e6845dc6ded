/** Every stack of the machine, each with a gauge, and what is known of the one that is looked at. */
import { html, nothing, render, type TemplateResult } from "lit";
import { address, place } from "../kit/address.ts";
import { List } from "../kit/list.ts";
import { count, size } from "../kit/size.ts";
import type { StackSummary } from "../../protocol.ts";

export class Stacks {
  readonly #list: List<StackSummary>;
  readonly #details: HTMLElement;
  #shown: string | null = null;

  /** @param choose shows a stack in the picture. */
  constructor(host: HTMLElement, details: HTMLElement, choose: (stack: StackSummary) => void) {
    this.#details = details;
    this.#list = new List<StackSummary>(host, {
      label: "Stacks of the machine",
      key: ({ id }) => id,
      select: (stack) => this.#describe(stack),
      activate: choose,
      style: (stack) =>
        `${stack.id === this.#shown ? "shown" : ""} ${stack.warnings.some(({ severity }) => severity === "error") ? "overflown" : ""}`,
      hint: (stack) => [...stack.roles, `${stack.low ?? "?"} to ${stack.high}`, stack.guard.text].join("\n"),
      empty: "No stack is known.",
      columns: [
        {
          id: "name",
          title: "Stacks",
          width: "minmax(9ch, 1fr)",
          cell: (stack) => html`${stack.pointer === null ? "" : "▸ "}${stack.name}`,
        },
        { id: "gauge", title: "Used", width: "76px", hint: "In use, and the high-water mark", cell: gauge },
        { id: "used", title: "", width: "7ch", align: "right", cell: usedText },
        {
          id: "size",
          title: "Size",
          width: "7ch",
          align: "right",
          cell: (stack) => html`<span class="muted">${sizeText(stack)}</span>`,
        },
      ],
    });
  }

  /** @param shown the id of the stack that the picture shows. */
  show(stacks: readonly StackSummary[], shown: string | null): void {
    this.#shown = shown;
    this.#list.rows = stacks;
    const chosen = stacks.find(({ id }) => id === shown) ?? this.#list.selected ?? stacks[0];
    if (chosen !== undefined) {
      this.#list.choose(chosen.id);
      this.#describe(chosen);
    } else render(nothing, this.#details);
  }

  #describe(stack: StackSummary): void {
    render(describe(stack), this.#details);
  }
}

const wholeOf = ({ low, high }: StackSummary): number | null =>
  low === null ? null : Number(BigInt(high) - BigInt(low));

const usedOf = ({ low, high, pointer }: StackSummary): number | null =>
  pointer === null || low === null ? null : Math.max(0, Number(BigInt(high) - BigInt(pointer)));

/** From the full end on: what is in use, up to the high-water mark, and the guard at the far end. */
function gauge(stack: StackSummary): TemplateResult | typeof nothing {
  const whole = wholeOf(stack);
  if (whole === null) return html`<span class="muted">?</span>`;
  const used = Math.min(1, (usedOf(stack) ?? 0) / whole);
  const water = Math.min(1, (stack.highWater?.bytes ?? 0) / whole);
  const level = water > 0.9 ? "high" : water > 0.7 ? "medium" : "low";
  return html`<span
    class="gauge ${level} ${stack.guard.kind}"
    role="meter"
    aria-valuemin="0"
    aria-valuemax=${whole}
    aria-valuenow=${stack.highWater?.bytes ?? 0}
    aria-label="high-water mark"
    ><i class="used" .style=${`width:${used * 100}%`}></i
    >${water === 0 ? nothing : html`<i class="water" .style=${`width:${water * 100}%`}></i>`}</span
  >`;
}

function usedText(stack: StackSummary): TemplateResult | string {
  const { highWater } = stack;
  const used = usedOf(stack);
  return used !== null
    ? count(used)
    : highWater === null
      ? ""
      : html`<span class="muted">${count(highWater.bytes)}</span>`;
}

function sizeText(stack: StackSummary): string {
  const whole = wholeOf(stack);
  return whole === null ? "?" : size(whole);
}

function describe(stack: StackSummary): TemplateResult {
  const { name, low, high, roles, extent, highWater, guard, pointer, warnings } = stack;
  const whole = wholeOf(stack);
  const used = usedOf(stack);
  const percent = (bytes: number): string =>
    whole === null || whole === 0 ? "" : ` (${Math.round((bytes / whole) * 100)} %)`;
  return html`<h3>${name}</h3>
    ${warnings.map(({ severity, text }) => html`<p class=${severity}>${text}</p>`)}
    <dl>
      <dt>What for</dt>
      <dd>${roles.map((role) => html`<div>${role}</div>`)}</dd>
      <dt>Where</dt>
      <dd>
        ${low === null ? "?" : address(place("linear", low))} to ${address(place("linear", high))}
        <div class="muted">${extent}</div>
      </dd>
      ${
        used === null
          ? nothing
          : html`<dt>In use</dt>
              <dd>
                ${count(used)} bytes${percent(used)}, down to ${address(place("linear", pointer!))}
                ${
                  whole === null || used > whole
                    ? nothing
                    : html`<div class="muted">${count(whole - used)} bytes are left</div>`
                }
              </dd>`
      }
      ${
        highWater === null
          ? nothing
          : html`<dt>High water</dt>
              <dd>
                ${count(highWater.bytes)} bytes${percent(highWater.bytes)}
                <div class="muted">${highWater.text}</div>
              </dd>`
      }
      <dt>Below</dt>
      <dd class=${guard.kind === "mapped" ? "warning" : ""}>${guard.text}</dd>
    </dl>`;
}
