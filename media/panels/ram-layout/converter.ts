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
            : html`<div class="readings stale">
                <table>
                  <thead>
                    <tr>
                      <th scope="col">Read as</th>
                      <th scope="col">Linear</th>
                      <th scope="col">Guest-physical</th>
                      <th scope="col">ram_addr_t</th>
                      <th scope="col">Who answers</th>
                    </tr>
                  </thead>
                  <tbody>
                    ${readings.map((reading) => this.#row(reading))}
                  </tbody>
                </table>
              </div>`
        }`,
      this.#host,
    );
  }

  #row(reading: ConversionBody): TemplateResult {
    const { linear, more, physical, ram, note } = reading;
    const [first, ...others] = physical;
    const isPort = reading.kind === "io";
    const at = isPort ? reading.place.offset : first;
    const why =
      at === undefined
        ? nothing
        : html`<button
            class="small"
            title="Who answers at this address, and who does not"
            @click=${() => this.#why(isPort ? "io" : "physical", at)}
          >
            Why?
          </button>`;
    const isLost = at === undefined && ram === null;
    return html`<tr>
      <th scope="row">${reading.reading}</th>
      <td>
        ${linear.length === 0 ? "—" : linear.slice(0, 3).map(linearAddress)}${
          more || linear.length > 3
            ? html`<span class="muted">and ${more ? "more" : linear.length - 3}</span>`
            : nothing
        }
      </td>
      ${
        isLost
          ? html`<td colspan="3" class="muted">${note}</td>`
          : html`<td>
                ${
                  isPort
                    ? html`<span class="mono">port ${reading.place.offset}</span>`
                    : first === undefined
                      ? "—"
                      : address(place("physical", first), "ramLayout")
                }
                ${others
                  .slice(0, 3)
                  .map((each) => html`<div>${address(place("physical", each), "ramLayout")}</div>`)}
              </td>
              <td>${ram === null ? "—" : address(place("ram", ram))}</td>
              <td>
                <span class="mono">${answerer(reading)}</span> ${why}
                ${note === null ? nothing : html`<div class="muted">${note}</div>`}
              </td>`
      }
    </tr>`;
  }
}

const linearAddress = ({ address: at, symbol }: ConversionBody["linear"][number]): TemplateResult =>
  html`<div>
    ${address(place("linear", at))} ${symbol === null ? nothing : html`<span class="muted">${symbol}</span>`}
  </div>`;

/** The region, and the block where it has another name. */
function answerer({ region, block }: ConversionBody): string {
  const where = block === null ? null : `${block.idstr} + ${block.offset}`;
  if (region === null) return where ?? "—";
  const within = `${region.name} + ${region.offset}`;
  return where === null || block?.idstr.endsWith(region.name) === true ? within : `${within} = ${where}`;
}
