/** The converter: an address, symbol, register or block with an offset in, and the same place in every space out. It is always there. */
import { html, nothing, render, type TemplateResult } from "lit";
import { address, place } from "../kit/address.ts";
import { kept, keep, request } from "../kit/host.ts";
import type { ConversionBody, ConvertBody } from "../../protocol.ts";

export class Converter {
  readonly #host: HTMLElement;
  readonly #found: (reading: ConversionBody) => void;
  readonly #why: (space: "physical" | "io", at: string) => void;
  #text = kept("convert", "");
  #body: ConvertBody | null = null;
  #problem: string | null = null;
  #turn = 0;

  constructor(
    host: HTMLElement,
    found: (reading: ConversionBody) => void,
    why: (space: "physical" | "io", at: string) => void,
  ) {
    this.#host = host;
    this.#found = found;
    this.#why = why;
    this.#draw();
  }

  async ask(text: string): Promise<void> {
    this.#text = text;
    keep("convert", text);
    await this.refresh();
    const [first] = this.#body?.readings ?? [];
    if (first !== undefined) this.#found(first);
  }

  /** Asks the same again: the machine has gone on. */
  async refresh(): Promise<void> {
    const turn = ++this.#turn;
    if (this.#text === "") {
      this.#body = null;
      this.#draw();
      return;
    }
    try {
      const body = await request("redzone/ramLayoutConvert", { text: this.#text });
      if (turn !== this.#turn) return;
      this.#body = body;
      this.#problem = body.note;
    } catch (error) {
      if (turn !== this.#turn) return;
      this.#problem = error instanceof Error ? error.message : String(error);
    }
    this.#draw();
  }

  #draw(): void {
    const submit = (event: Event): void => {
      event.preventDefault();
      const input = this.#host.querySelector("input");
      void this.ask(input?.value.trim() ?? "");
    };
    const clear = (): void => {
      this.#body = null;
      this.#problem = null;
      void this.ask("");
    };
    const readings = this.#body?.readings ?? [];
    render(
      html`<form class="toolbar" @submit=${submit}>
          <label for="convert">Where is</label>
          <input
            id="convert"
            type="text"
            spellcheck="false"
            autocomplete="off"
            .value=${this.#text}
            placeholder="0x100001000, kernel_main+4, $rsp, p:0xb8000, r:0xc0001000, pc.ram+0x1000, port 0x60"
          />
          <button type="submit" class="primary">Convert</button>
          ${
            readings.length > 0 || this.#problem !== null
              ? html`<button type="button" title="Take the answer away" @click=${clear}>Clear</button>`
              : nothing
          }
        </form>
        ${this.#problem === null ? nothing : html`<p class="message error" role="alert">${this.#problem}</p>`}
        ${
          readings.length === 0
            ? nothing
            : html`<table class="readings stale">
                <thead>
                  <tr>
                    <th scope="col">Read as</th>
                    <th scope="col">Linear</th>
                    <th scope="col">Guest-physical</th>
                    <th scope="col">ram_addr_t</th>
                    <th scope="col">RAMBlock</th>
                    <th scope="col">Region</th>
                  </tr>
                </thead>
                <tbody>
                  ${readings.map((reading) => this.#row(reading))}
                </tbody>
              </table>`
        }`,
      this.#host,
    );
  }

  #row(reading: ConversionBody): TemplateResult {
    const { linear, more, physical, ram, block, region, note } = reading;
    const [first, ...others] = physical;
    const isPort = reading.kind === "io";
    const at = isPort ? reading.place.offset : first;
    return html`<tr>
        <th scope="row">${reading.reading}</th>
        <td>
          ${linear
            .slice(0, 3)
            .map(
              (each) =>
                html`<div>
                  ${address(place("linear", each.address))}
                  ${each.symbol === null ? nothing : html`<span class="muted">${each.symbol}</span>`}
                </div>`,
            )}
          ${
            more || linear.length > 3
              ? html`<span class="muted">and ${more ? "more" : linear.length - 3}</span>`
              : nothing
          }
        </td>
        <td>
          ${isPort ? html`<span class="mono">port ${reading.place.offset}</span>` : first === undefined ? "—" : address(place("physical", first), "ramLayout")}
          ${
            others.length > 0
              ? html`<div class="muted">
                  also
                  ${others.slice(0, 3).map((each) => html`${address(place("physical", each), "ramLayout")} `)}
                </div>`
              : nothing
          }
        </td>
        <td>${ram === null ? "—" : address(place("ram", ram))}</td>
        <td class="mono">${block === null ? "—" : `${block.idstr} + ${block.offset}`}</td>
        <td class="mono">
          ${region === null ? "—" : `${region.name} + ${region.offset}`}
          ${
            at === undefined
              ? nothing
              : html`<button
                  class="small"
                  title="Who answers at this address, and who does not"
                  @click=${() => this.#why(isPort ? "io" : "physical", at)}
                >
                  Why?
                </button>`
          }
        </td>
      </tr>
      ${
        note === null
          ? nothing
          : html`<tr class="note">
              <td></td>
              <td colspan="5">${note}</td>
            </tr>`
      }`;
  }
}
