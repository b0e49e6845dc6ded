/** Who answers at an address, and who would have liked to: every region that covers it, in the order in which they are asked. */
import { html, nothing, render, type TemplateResult } from "lit";
import { address, place } from "../kit/address.ts";
import { request } from "../kit/host.ts";
import type { CandidateBody, Verdict, WhyArguments, WhyBody } from "../../protocol.ts";

const VERDICTS: Readonly<Record<Verdict, { readonly mark: string; readonly text: string }>> = {
  answers: { mark: "●", text: "answers" },
  passes: { mark: "↓", text: "leads there" },
  loses: { mark: "✕", text: "comes after" },
  empty: { mark: "○", text: "has nothing here" },
  disabled: { mark: "⊘", text: "disabled" },
  outside: { mark: "✂", text: "cut off" },
};

export class Why {
  readonly #host: HTMLElement;
  #asked: WhyArguments | null = null;
  #body: WhyBody | null = null;
  #problem: string | null = null;

  constructor(host: HTMLElement) {
    this.#host = host;
    this.#draw();
  }

  async ask(space: WhyArguments["space"], at: string): Promise<void> {
    this.#asked = { space, address: at };
    await this.refresh();
  }

  async refresh(): Promise<void> {
    if (this.#asked === null) return;
    const asked = this.#asked;
    try {
      const body = await request("redzone/ramLayoutWhy", asked);
      if (asked !== this.#asked) return;
      this.#body = body;
      this.#problem = null;
    } catch (error) {
      this.#problem = error instanceof Error ? error.message : String(error);
    }
    this.#draw();
  }

  #draw(): void {
    const asked = this.#asked;
    const submit = (event: Event): void => {
      event.preventDefault();
      const form = event.target as HTMLFormElement;
      const input = form.querySelector("input")!;
      const select = form.querySelector("select")!;
      const text = input.value.trim();
      const isNumber = /^(?:0x[\da-f]+|\d+)$/iu.test(text);
      if (isNumber)
        void this.ask(select.value === "io" ? "io" : "physical", `0x${BigInt(text).toString(16)}`);
      else {
        this.#problem = "Type a number; the converter above takes symbols and registers.";
        this.#draw();
      }
    };
    render(
      html`<form class="toolbar" @submit=${submit}>
          <label for="why">Who answers at</label>
          <select aria-label="Address space">
            <option value="physical" ?selected=${asked?.space !== "io"}>memory</option>
            <option value="io" ?selected=${asked?.space === "io"}>I/O</option>
          </select>
          <input
            id="why"
            type="text"
            spellcheck="false"
            autocomplete="off"
            .value=${asked?.address ?? ""}
            placeholder="0xa0000"
          />
          <button type="submit">Why?</button>
        </form>
        ${this.#problem === null ? nothing : html`<p class="message error" role="alert">${this.#problem}</p>`}
        ${this.#body === null ? (this.#problem === null ? emptyText : nothing) : this.#answer(this.#body)}`,
      this.#host,
    );
  }

  #answer(body: WhyBody): TemplateResult {
    const where =
      body.space === "io"
        ? html`port <b class="mono">${body.address}</b>`
        : address(place("physical", body.address));
    return html`<p class="summary">${where}: ${body.summary}</p>
      <ol class="candidates" aria-label="Regions that cover the address">
        ${body.candidates.map(candidate)}
      </ol>`;
  }
}

const emptyText = html`<p class="message">
  Regions overlap: below 4 GiB a PC has RAM, VGA memory, ROMs and PCI windows at the same addresses. Choose a
  region above, or type an address, to see which one answers and why the others do not.
</p>`;

function candidate({ name, kind, start, end, priority, depth, verdict, why }: CandidateBody): TemplateResult {
  const { mark, text } = VERDICTS[verdict];
  return html`<li class="candidate ${verdict}" .style=${`padding-left:${12 + depth * 16}px`}>
    <span class="mark" aria-hidden="true">${mark}</span>
    <b>${name}</b> <span class="tag">${text}</span>
    <span class="muted mono">${start} – ${end} · ${kind} · priority ${priority}</span>
    <div class="muted why">${why}</div>
  </li>`;
}
