/** Which set of page tables is looked at: those of the CPU of the Call Stack, of another, or those under any CR3. */
import { html, render, type TemplateResult } from "lit";
import { live } from "lit/directives/live.js";
import { fieldOf } from "../kit/form.ts";
import { keep, kept, type MachineState } from "../kit/host.ts";
import type { Hex, PageTablesArguments, PageTablesBody, TableMode } from "../../protocol/paging.ts";

interface Chosen {
  /** All null: those of the CPU that is looked at. */
  readonly cpu: number | null;
  readonly root: Hex | null;
  readonly mode: TableMode | null;
}

const FOLLOW: Chosen = { cpu: null, root: null, mode: null };
const MODES: readonly TableMode[] = ["4-level", "5-level", "PAE", "32-bit paging"];
const OTHER = "other";

export class Which {
  readonly #dialog: HTMLDialogElement;
  readonly #changed: () => void;
  #chosen = kept<Chosen>("which", FOLLOW);

  /** @param dialog asks for a CR3. @param changed is called when other tables were chosen, and when a choice was given up. */
  constructor(dialog: HTMLElement, changed: () => void) {
    if (!(dialog instanceof HTMLDialogElement)) throw new Error("the panel has no dialog");
    this.#dialog = dialog;
    this.#changed = changed;
    dialog.addEventListener("close", changed);
  }

  /** For requests about the chosen tables. */
  arguments(state: MachineState): PageTablesArguments {
    const { cpu, root, mode } = this.#chosen;
    if (root !== null) return mode === null ? { root } : { root, mode };
    if (cpu !== null) return { cpu };
    if (state.state === "none") return {};
    // Until the Call Stack has chosen: the CPU that stopped, which it will choose.
    const followed = state.threadId === null ? state.status?.cpu : state.threadId - 1;
    return followed === undefined ? {} : { cpu: followed };
  }

  select(body: PageTablesBody | null): TemplateResult {
    const own = JSON.stringify(this.#chosen);
    return html`<select
      aria-label="Which tables"
      title="Which tables"
      @change=${(event: Event) => this.#choose(event)}
    >
      ${this.#options(body).map(
        ({ value, label }) => html`<option value=${value} .selected=${live(value === own)}>${label}</option>`,
      )}
    </select>`;
  }

  #options(body: PageTablesBody | null): readonly { readonly value: string; readonly label: string }[] {
    const list = [{ chosen: FOLLOW, label: "CPU of the Call Stack" }];
    for (const { label, root, mode, cpu } of body?.roots ?? [])
      list.push({
        chosen: cpu === null ? { cpu: null, root, mode } : { ...FOLLOW, cpu },
        label: `${label}: ${root}`,
      });
    const options = list.map(({ chosen, label }) => ({ value: JSON.stringify(chosen), label }));
    const own = JSON.stringify(this.#chosen);
    const { root, cpu } = this.#chosen;
    if (!options.some(({ value }) => value === own))
      options.push({ value: own, label: root === null ? `CPU ${cpu}` : `CR3 ${root}` });
    return [...options, { value: OTHER, label: "Other CR3…" }];
  }

  #choose(event: Event): void {
    const { value } = event.target as HTMLSelectElement;
    if (value === OTHER) this.#ask();
    else this.#set(JSON.parse(value) as Chosen);
  }

  #set(chosen: Chosen): void {
    this.#chosen = chosen;
    keep("which", chosen);
    this.#changed();
  }

  #ask(): void {
    const dialog = this.#dialog;
    const submit = (event: Event): void => {
      const root = fieldOf(event, "root").toLowerCase() as Hex;
      const mode = MODES.find((each) => each === fieldOf(event, "mode")) ?? null;
      this.#set({ cpu: null, root, mode });
    };
    render(
      html`<form method="dialog" @submit=${submit}>
        <label for="root">Physical address of the root table (a value of CR3)</label>
        <input
          id="root"
          name="root"
          type="text"
          pattern="\\s*0x[0-9a-fA-F]{1,16}\\s*"
          title="A number that begins with 0x"
          placeholder="0x1000"
          required
          spellcheck="false"
        />
        <label for="mode">How to read it</label>
        <select id="mode" name="mode">
          <option value="">As the CPU is set</option>
          ${MODES.map((mode) => html`<option value=${mode}>${mode}</option>`)}
        </select>
        <span class="toolbar"
          ><button class="primary">Show</button
          ><button type="button" @click=${() => dialog.close()}>Cancel</button></span
        >
      </form>`,
      dialog,
    );
    dialog.showModal();
  }
}
