/**
 * One address, every step: which bits of it choose which entry of which table, where that leads, and why an access is allowed or not.
 * Also the other way: every linear address that maps a physical one.
 */
import { html, nothing, render, type TemplateResult } from "lit";
import { address, hex, place } from "../kit/address.ts";
import { copy, keep, kept, request } from "../kit/host.ts";
import { count, plural, size } from "../kit/size.ts";
import type {
  AccessKind,
  AccessVerdict,
  PageTablesReverseBody,
  PageTablesTranslateBody,
  TranslateStep,
} from "../../protocol/paging.ts";
import { flagTags, writer } from "./details.ts";
import { limitTag, rightsTag } from "./rights.ts";
import { tableName, type Snapshot } from "./snapshot.ts";

export type Direction = "linear" | "physical";

export interface Question {
  readonly address: string;
  readonly direction: Direction;
}

interface Access {
  readonly access: AccessKind;
  readonly by: AccessVerdict["by"];
}

const ACCESSES: readonly AccessKind[] = ["read", "write", "execute"];
const BY: readonly AccessVerdict["by"][] = ["supervisor", "user"];

export class Translation {
  readonly #host: HTMLElement;
  readonly #found: (linear: bigint) => void;
  #snapshot: Snapshot | null = null;
  #question: Question | null = kept<Question | null>("question", null);
  #access: Access = kept<Access>("access", { access: "read", by: "supervisor" });
  #turn = 0;

  /** @param found tells which linear address was asked for, for the picture. */
  constructor(host: HTMLElement, found: (linear: bigint) => void) {
    this.#host = host;
    this.#found = found;
    this.#draw(
      html`<p class="message">
        Type an address, a register ("$rsp") or a symbol above and press Enter: every step of its translation
        appears here, and who may read, write and execute it.
      </p>`,
    );
  }

  get question(): Question | null {
    return this.#question;
  }

  /** Asks the last question of the tables as they are now. */
  async show(snapshot: Snapshot): Promise<void> {
    this.#snapshot = snapshot;
    if (this.#question !== null) await this.ask(this.#question, false);
  }

  /** @param isNew the picture goes to what is found. */
  async ask(question: Question, isNew = true): Promise<void> {
    const snapshot = this.#snapshot;
    this.#question = question;
    keep("question", question);
    if (snapshot === null) return;
    const turn = ++this.#turn;
    const { address: asked } = question;
    try {
      if (question.direction === "linear") {
        const body = await request("redzone/pageTablesTranslate", { ...snapshot.which, address: asked });
        if (turn !== this.#turn) return;
        this.#draw(this.#forward(body));
        if (isNew && body.mode !== null) this.#found(BigInt(body.linear));
      } else {
        const body = await request("redzone/pageTablesReverse", { ...snapshot.which, address: asked });
        if (turn !== this.#turn) return;
        this.#draw(this.#reverse(body));
        const [first] = body.mappings;
        if (isNew && first !== undefined) this.#found(BigInt(first.linear));
      }
    } catch (error) {
      if (turn === this.#turn)
        this.#draw(
          html`<p class="message error" role="alert">
            ${error instanceof Error ? error.message : String(error)}
          </p>`,
        );
    }
  }

  #draw(content: TemplateResult): void {
    render(content, this.#host);
  }

  #forward(body: PageTablesTranslateBody): TemplateResult {
    const { linear, canonical, steps, mode, physical, region, block, bytes, host, tlb, name, text } = body;
    return html`<div class="walk">
      <div class="walk-head">
        ${address(place("linear", linear), "memory")} ${name === null ? nothing : html`<span>${name}</span>`}
        <span class="grow"></span>
        <button title="Copy every step as text" @click=${() => copy(text, "the translation")}>Copy</button>
      </div>
      ${
        mode === null
          ? html`<p>Paging is off: a linear address is the physical address.</p>`
          : canonical
            ? bitsOf(linear, steps, mode)
            : html`<p class="error">
                The address is not canonical: bits 63 to ${mode === "5-level" ? 56 : 47} are not all the same.
                Using it is a general protection fault, before any table is read.
              </p>`
      }
      <ol class="steps">
        ${steps.map((step) => walkStep(step))}
        <li class="arrival">
          ${
            physical === null
              ? html`<b>The walk ends here.</b> <span class="muted">There is no physical address.</span>`
              : arrival(physical, region, block, bytes, host)
          }
        </li>
      </ol>
      ${this.#verdicts(body)}
      ${
        tlb === null
          ? nothing
          : html`<p>
              <b>TLB</b> holds a translation to ${address(place("physical", tlb.physical), "ramLayout")}
              ${rightsTag(tlb.effective)}
              ${
                tlb.stale
                  ? html`<span class="error"
                      >which is not what the tables say: the processor goes on using the old one until invlpg
                      or a write to CR3.</span
                    >`
                  : html`<span class="muted">as the tables say.</span>`
              }
            </p>`
      }
    </div>`;
  }

  /** Who may do what, and the reason for the access that is chosen. */
  #verdicts(body: PageTablesTranslateBody): TemplateResult | typeof nothing {
    const { verdicts } = body;
    if (verdicts.length === 0) return nothing;
    const of = ({ access, by }: Access): AccessVerdict | undefined =>
      verdicts.find((verdict) => verdict.access === access && verdict.by === by);
    const chosen = of(this.#access);
    const choose = (access: Access): void => {
      this.#access = access;
      keep("access", access);
      this.#draw(this.#forward(body));
      this.#host.querySelector<HTMLElement>('.verdicts [aria-checked="true"]')?.focus();
    };
    const cell = (by: AccessVerdict["by"], access: AccessKind): TemplateResult => {
      const isChosen = this.#access.access === access && this.#access.by === by;
      const allowed = of({ access, by })?.allowed ?? false;
      return html`<button
        role="radio"
        aria-checked=${isChosen}
        tabindex=${isChosen ? 0 : -1}
        class="verdict ${allowed ? "allowed" : "denied"}"
        title="${by} ${access}: ${allowed ? "allowed" : "page fault"}; choose to see why"
        @click=${() => choose({ access, by })}
      >
        <span aria-hidden="true">${allowed ? "✓" : "✗"}</span> ${access}
      </button>`;
    };
    const move = (event: KeyboardEvent): void => {
      const dx = Number(event.key === "ArrowRight") - Number(event.key === "ArrowLeft");
      const dy = Number(event.key === "ArrowDown") - Number(event.key === "ArrowUp");
      if (dx === 0 && dy === 0) return;
      event.preventDefault();
      const x = (ACCESSES.indexOf(this.#access.access) + dx + ACCESSES.length) % ACCESSES.length;
      const y = (BY.indexOf(this.#access.by) + dy + BY.length) % BY.length;
      choose({ access: ACCESSES[x]!, by: BY[y]! });
    };
    return html`<div class="verdicts" role="radiogroup" aria-label="Which access to explain" @keydown=${move}>
        ${BY.map(
          (by) => html`<span class="verdict-who">${by}</span>${ACCESSES.map((access) => cell(by, access))}`,
        )}
      </div>
      ${chosen === undefined ? nothing : explanation(chosen)}`;
  }

  #reverse({ physical, mappings, total }: PageTablesReverseBody): TemplateResult {
    if (total === 0)
      return html`<p class="message">
        No linear address leads to the physical address ${address(place("physical", physical), "ramLayout")}
        in these tables.
      </p>`;
    return html`<div class="walk">
      <div class="walk-head">
        ${address(place("physical", physical), "ramLayout")}
        <span>is mapped at ${plural(total, "linear address", "linear addresses")}</span>
      </div>
      <table class="mappings">
        <thead>
          <tr>
            <th>Linear address</th>
            <th>What</th>
            <th>Rights</th>
            <th>Page</th>
            <th>Entry at</th>
          </tr>
        </thead>
        <tbody>
          ${mappings.map(
            ({ linear, name, effective, pageBytes, entry, level }) =>
              html`<tr>
                <td>${address(place("linear", linear), "memory", hex(BigInt(linear), 16))}</td>
                <td>${name ?? nothing}</td>
                <td>${rightsTag(effective)}</td>
                <td>${size(pageBytes)}</td>
                <td>${address(place("physical", entry))} <span class="muted">${tableName(level)}</span></td>
              </tr>`,
          )}
        </tbody>
      </table>
      ${mappings.length < total ? html`<p class="muted">${count(total - mappings.length)} more are not shown.</p>` : nothing}
    </div>`;
  }
}

function explanation({ allowed, level, bit, why }: AccessVerdict): TemplateResult {
  return html`<p class="why ${allowed ? "allowed" : "denied"}" role="status">
    <span aria-hidden="true">${allowed ? "✓" : "✗"}</span> ${why}
    ${level === null ? nothing : html`<span class="tag">${level}${bit === null ? nothing : ` ${bit}`}</span>`}
  </p>`;
}

/** The address as groups of bits, each with what it chooses. */
function bitsOf(linear: string, steps: readonly TranslateStep[], mode: string): TemplateResult {
  const value = BigInt(linear);
  const offsetBits = Number((steps.at(-1)?.bits ?? "63:12").split(":")[1]);
  const offset = value & ((1n << BigInt(offsetBits)) - 1n);
  const width = (bits: string): number => {
    const [top = 0, bottom = 0] = bits.split(":").map(Number);
    return top - bottom + 1;
  };
  const high = Number((steps[0]?.bits ?? "47:39").split(":")[0]);
  const sign = value >> BigInt(high + 1);
  return html`<div class="bits mono" role="img" aria-label="The address in groups of bits">
    ${
      high < 63 && (mode === "4-level" || mode === "5-level")
        ? html`<span class="bits-sign"
            ><small>63:${high + 1}</small><b>${sign === 0n ? "0…0" : "1…1"}</b><small>sign</small></span
          >`
        : nothing
    }
    ${steps.map(
      ({ bits, index, level }) =>
        html`<span
          ><small>${bits}</small><b>${index.toString(2).padStart(width(bits), "0")}</b
          ><small>${tableName(level)}[${index}]</small></span
        >`,
    )}
    <span class="bits-offset"
      ><small>${offsetBits - 1}:0</small><b>${hex(offset)}</b><small>offset in the page</small></span
    >
  </div>`;
}

function walkStep(step: TranslateStep): TemplateResult {
  const { level, index, entry, value, present, flags, target, pageBytes, effective, notes, writtenBy } = step;
  return html`<li class=${present ? "" : "missing"}>
    <span class="mono"><b>${tableName(level)}[${index}]</b> at ${address(place("physical", entry))}</span>
    <span class="mono">= ${value}</span>
    ${flagTags(flags)}
    ${present ? (pageBytes === 0 ? limitTag(effective) : rightsTag(effective)) : html`<span class="error">not present</span>`}
    ${
      target === null
        ? nothing
        : html`<span class="arrow">→</span> ${pageBytes === 0 ? "table at" : `page of ${size(pageBytes)} at`}
            ${address(place("physical", target))}`
    }
    ${notes.map(({ text, isError }) => html`<div class="note ${isError ? "error" : "muted"}">${text}</div>`)}
    ${writtenBy === undefined ? nothing : html`<div>${writer(writtenBy)}</div>`}
  </li>`;
}

function arrival(
  physical: string,
  region: PageTablesTranslateBody["region"],
  block: PageTablesTranslateBody["block"],
  bytes: string | null,
  host: string | null,
): TemplateResult {
  const shown =
    bytes === null
      ? null
      : Array.from(atob(bytes), (each) => each.charCodeAt(0).toString(16).padStart(2, "0")).join(" ");
  return html`<b>Physical</b> ${address(place("physical", physical), "ramLayout")}
    ${
      region === null
        ? html`<span class="warning">where nothing answers</span>`
        : html`<span class="arrow">→</span> ${region.name} + ${region.offset}
            <span class="muted">(${region.type})</span>`
    }
    ${
      block === null
        ? nothing
        : html`<span class="arrow">→</span> RAMBlock ${block.idstr} + ${block.offset}
            <span class="muted">ram_addr_t</span> ${address(place("ram", block.ramAddress), "ramLayout")}`
    }
    ${
      host === null
        ? nothing
        : html`<span class="arrow">→</span>
            <span class="muted" title="Where the byte is in the emulator's WebAssembly memory just now"
              >host ${host}</span
            >`
    }
    ${shown === null ? nothing : html`<div class="mono">${shown}</div>`}`;
}
