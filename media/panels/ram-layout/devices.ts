/** Memory devices: the slots with their DIMMs, and forms that plug memory in and ask it back. What they do are commands of the monitor, and shown as such. */
import { html, nothing, render, type TemplateResult } from "lit";
import { address, place } from "../kit/address.ts";
import { request } from "../kit/host.ts";
import { plural, size } from "../kit/size.ts";
import type { DimmBody, MemoryBackendBody, MemoryDevicesBody } from "../../protocol.ts";

/** An id and a size as the command line takes them: nothing that would be another option. */
const ID = "[A-Za-z][A-Za-z0-9._\\-]*";
const SIZE = "[0-9]+[kKMGT]?";

export class Devices {
  readonly #host: HTMLElement;
  readonly #changed: () => void;
  #body: MemoryDevicesBody | null = null;
  /** What was done, as one would have typed it, with the answers. */
  #log: readonly { readonly command: string; readonly answer: string; readonly isError: boolean }[] = [];

  /** @param changed called when the machine's memory may be another. */
  constructor(host: HTMLElement, changed: () => void) {
    this.#host = host;
    this.#changed = changed;
  }

  async refresh(): Promise<void> {
    this.#body = await request("redzone/ramLayoutDevices");
    this.#draw();
  }

  async #run(...commands: readonly string[]): Promise<void> {
    for (const command of commands) {
      let answer = "";
      let isError = false;
      try {
        ({ text: answer } = await request("redzone/monitor", { command }));
        isError = /^(?:Error|Device|object|unknown)/u.test(answer);
      } catch (error) {
        answer = error instanceof Error ? error.message : String(error);
        isError = true;
      }
      this.#log = [...this.#log, { command, answer: answer.trim(), isError }].slice(-8);
      if (isError) break;
    }
    await this.refresh();
    this.#changed();
  }

  #draw(): void {
    const body = this.#body;
    if (body === null) return;
    render(
      html`${body.slots === 0 ? noSlots : this.#slots(body)}
        <h3>Backends</h3>
        ${
          body.backends.length === 0
            ? html`<p class="message">
                The machine's RAM has a backend of its own; there are no others. Plugging in a DIMM makes one.
              </p>`
            : html`<ul class="backends">
                ${body.backends.map((backend) => this.#backend(backend))}
              </ul>`
        }
        ${
          this.#log.length === 0
            ? nothing
            : html`<h3>What was done</h3>
                <div class="log" role="log">
                  ${this.#log.map(
                    ({ command, answer, isError }) =>
                      html`<div class="mono">${command}</div>
                        ${answer === "" ? nothing : html`<div class=${isError ? "error" : "muted"}>${answer}</div>`}`,
                  )}
                </div>`
        }`,
      this.#host,
    );
  }

  #slots(body: MemoryDevicesBody): TemplateResult {
    const { slots, dimms, window, totalBytes, pluggedBytes } = body;
    const submit = (event: Event): void => {
      event.preventDefault();
      const data = new FormData(event.target as HTMLFormElement);
      const text = (name: string): string => {
        const value = data.get(name);
        return typeof value === "string" ? value.trim() : "";
      };
      const id = text("id");
      const backend = `mem-${id}`;
      const slot = text("slot") === "" ? "" : `,slot=${text("slot")}`;
      void this.#run(
        `object_add memory-backend-ram,id=${backend},size=${text("size")}`,
        `device_add pc-dimm,id=${id},memdev=${backend}${slot}`,
      );
    };
    return html`<p class="summary">
        ${plural(slots, "slot")} · ${size(BigInt(pluggedBytes))} of ${size(BigInt(totalBytes))}
        plugged${window === null ? "" : html` · mapped from ${address(place("physical", window.start), "ramLayout")} on`}
      </p>
      <ol class="slots" aria-label="DIMM slots">
        ${Array.from({ length: Math.min(slots, 64) }, (_, slot) =>
          this.#slot(
            slot,
            dimms.find((dimm) => dimm.slot === slot),
          ),
        )}
      </ol>
      <form class="toolbar plug" @submit=${submit}>
        <label
          >Plug in
          <input
            type="text"
            name="size"
            required
            pattern=${SIZE}
            value="128M"
            size="6"
            title="Size: 128M, 1G"
        /></label>
        <label
          >as
          <input
            type="text"
            name="id"
            required
            pattern=${ID}
            value=${freeId(dimms)}
            size="8"
            title="Name of the DIMM"
        /></label>
        <label
          >into
          <select name="slot">
            <option value="">the first free slot</option>
            ${Array.from({ length: Math.min(slots, 64) }, (_, slot) => slot)
              .filter((slot) => !dimms.some((dimm) => dimm.slot === slot))
              .map((slot) => html`<option value=${slot}>slot ${slot}</option>`)}
          </select></label
        >
        <button type="submit" class="primary">Plug In</button>
      </form>`;
  }

  #slot(slot: number, dimm: DimmBody | undefined): TemplateResult {
    if (dimm === undefined)
      return html`<li class="slot free"><b>${slot}</b><span class="muted">empty</span></li>`;
    const { id, address: at, size: bytes, memdev, removing, report, hotplugged } = dimm;
    return html`<li class="slot">
      <b>${slot}</b>
      <span class="name">${id ?? "(no id)"}</span>
      <span>${size(BigInt(bytes))}</span>
      <span>${address(place("physical", at), "ramLayout")}</span>
      <span class="muted"
        >${memdev}${hotplugged ? " · plugged in while running" : ""}${report === null ? "" : ` · guest: ${report}`}</span
      >
      <span class="grow"></span>
      ${
        removing
          ? html`<span class="warning">asked back; the guest has not answered</span>`
          : id === null
            ? nothing
            : html`<button
                title="Asks the guest to give the DIMM back; it may refuse"
                @click=${() => void this.#run(`device_del ${id}`)}
              >
                Unplug
              </button>`
      }
    </li>`;
  }

  #backend({ id, type, size: bytes, path, mapped }: MemoryBackendBody): TemplateResult {
    return html`<li>
      <b class="mono">${id}</b> <span>${size(BigInt(bytes))}</span>
      <span class="muted">${type}${path === null ? "" : ` · ${path}`}${mapped ? " · in use" : ""}</span>
      ${
        mapped
          ? nothing
          : html`<button title="Takes the backend away" @click=${() => void this.#run(`object_del ${id}`)}>
              Remove
            </button>`
      }
    </li>`;
  }
}

const noSlots = html`<p class="message">
  <b>This machine has no memory slots.</b> Start it with room for more, and DIMMs can be plugged in while it
  runs: in the launch configuration <code>"memory": "1G,slots=4,maxmem=4G"</code>, on a command line
  <code>-m 1G,slots=4,maxmem=4G</code>.
</p>`;

function freeId(dimms: readonly DimmBody[]): string {
  let n = 1;
  while (dimms.some(({ id }) => id === `dimm${n}`)) n++;
  return `dimm${n}`;
}
