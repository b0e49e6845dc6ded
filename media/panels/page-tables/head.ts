/** The panel's first lines: which tables, an address to translate, and what there is altogether. */
import { html, nothing, render, type TemplateResult } from "lit";
import { fieldOf } from "../kit/form.ts";
import { keep, kept, machine } from "../kit/host.ts";
import { plural, size } from "../kit/size.ts";
import type { PageTablesBody } from "../../protocol/paging.ts";
import { pagesText } from "./details.ts";
import type { Direction, Question } from "./translation.ts";
import type { Which } from "./which.ts";

/** Addresses that are asked for most. */
const REGISTERS = [
  { name: "RIP", hint: "Translate the address of the next instruction" },
  { name: "RSP", hint: "Translate the stack pointer" },
  { name: "CR2", hint: "Translate the address of the last page fault: why it faulted" },
] as const;

const WORDS: Record<Direction, { readonly label: string; readonly hint: string; readonly field: string }> = {
  linear: {
    label: "virtual → physical",
    hint: "Translates virtual to physical; press for the other way",
    field: "Address, $register or symbol",
  },
  physical: {
    label: "physical → virtual",
    hint: "Finds who maps a physical address; press for the other way",
    field: "Physical address",
  },
};

export interface HeadActions {
  readonly ask: (question: Question) => void;
  readonly refresh: () => void;
}

export class Head {
  readonly #host: HTMLElement;
  readonly #which: Which;
  readonly #actions: HeadActions;
  #direction = kept<Direction>("direction", "linear");
  #body: PageTablesBody | null = null;

  constructor(host: HTMLElement, which: Which, actions: HeadActions) {
    this.#host = host;
    this.#which = which;
    this.#actions = actions;
  }

  set direction(direction: Direction) {
    this.#direction = direction;
    keep("direction", direction);
    this.draw(this.#body);
  }

  draw(body: PageTablesBody | null): void {
    this.#body = body;
    render(
      html`<div class="toolbar">
          ${this.#which.select(body)} ${this.#form()}<span class="grow"></span>${this.#note()}
        </div>
        ${body === null || body.mode === null ? nothing : summary(body)}`,
      this.#host,
    );
  }

  #form(): TemplateResult {
    const direction = this.#direction;
    const { label, hint, field } = WORDS[direction];
    const submit = (event: Event): void => {
      event.preventDefault();
      const address = fieldOf(event, "address");
      if (address !== "") this.#actions.ask({ address, direction });
    };
    const turnAround = (): void => {
      this.direction = direction === "linear" ? "physical" : "linear";
    };
    return html`<form @submit=${submit}>
      <input
        id="address"
        name="address"
        type="text"
        spellcheck="false"
        autocomplete="off"
        placeholder=${field}
        aria-label=${field}
      />
      <button type="button" class="direction" title=${hint} @click=${turnAround}>${label}</button>
      <button class="primary" type="submit">Translate</button>
      ${REGISTERS.map(
        ({ name, hint: what }) =>
          html`<button
            type="button"
            class="register"
            title=${what}
            @click=${() => this.#actions.ask({ address: `$${name.toLowerCase()}`, direction: "linear" })}
          >
            ${name}
          </button>`,
      )}
    </form>`;
  }

  /** What is shown is not of now. */
  #note(): TemplateResult | typeof nothing {
    const state = machine();
    if (state.state === "running")
      return html`<span class="muted">running; shown as it was</span>
        <button title="Look again while the machine runs on" @click=${this.#actions.refresh}>
          Refresh
        </button>`;
    if (state.state === "ended")
      return html`<span class="muted"
        >${state.name} is switched off${this.#body === null ? "" : "; its last tables"}</span
      >`;
    return nothing;
  }
}

const summary = (body: PageTablesBody): TemplateResult =>
  html`<p class="summary">
    <span>${body.mode}</span>
    <span>${plural(body.tables, "table")}</span>
    ${body.pages.length === 0 ? nothing : html`<span>${pagesText(body.pages)}</span>`}
    <span>${size(body.mappedBytes)} mapped</span>
    ${
      body.malformed > 0
        ? html`<span class="error">${plural(body.malformed, "malformed entry", "malformed entries")}</span>`
        : nothing
    }
    ${body.changes > 0 ? html`<span>${plural(body.changes, "change")} since the last stop</span>` : nothing}
    ${body.controls.map(
      ({ name, set, means }) =>
        html`<span class="control ${set ? "" : "clear"}" title=${means}>${name}${set ? "" : "=0"}</span>`,
    )}
  </p>`;
