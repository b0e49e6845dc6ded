/**
 * The Page Tables panel's front end: which tables, the picture of the address space, and below it four ways to read them.
 *
 * Invariant: all that is shown is of one snapshot. A stopped machine is asked again when it may look different; of a running one the last
 * snapshot stays, dimmed, and only the Refresh button asks.
 */
import { html, nothing, render } from "lit";
import {
  connect,
  keep,
  kept,
  machine,
  onMachine,
  onReveal,
  request,
  type MachineState,
} from "../kit/host.ts";
import { plural, size } from "../kit/size.ts";
import { splitter } from "../kit/splitter.ts";
import type { Hex, PageTablesArguments, PageTablesBody } from "../../protocol/paging.ts";
import { Changes } from "./changes.ts";
import { pagesText } from "./details.ts";
import { Picture, type PictureState } from "./picture.ts";
import { Ranges } from "./ranges.ts";
import { KINDS } from "./rights.ts";
import { Snapshot } from "./snapshot.ts";
import { Translation, type Direction, type Question } from "./translation.ts";
import { Tree } from "./tree.ts";

type Tab = "ranges" | "tree" | "translation" | "changes";
const TABS: readonly Tab[] = ["ranges", "tree", "translation", "changes"];

/** Addresses that are asked for most. */
const REGISTERS = [
  { name: "RIP", hint: "Translate the address of the next instruction" },
  { name: "RSP", hint: "Translate the stack pointer" },
  { name: "CR2", hint: "Translate the address of the last page fault: why it faulted" },
] as const;

interface Chosen {
  /** Null: those of the CPU that is looked at. */
  readonly root: Hex | null;
  readonly cpu: number | null;
}

function element(id: string): HTMLElement {
  const found = document.getElementById(id);
  if (found === null) throw new Error(`the panel has no #${id}`);
  return found;
}

let snapshot: Snapshot | null = null;
let problem: string | null = null;
let tab: Tab = kept<Tab>("tab", "ranges");
let chosen: Chosen = kept<Chosen>("chosen", { root: null, cpu: null });
let direction: Direction = kept<Direction>("direction", "linear");
let turn = 0;
/** Which state of the tables each tab has. */
const shown: Record<Tab, Snapshot | null> = { ranges: null, tree: null, translation: null, changes: null };
/** An address that came before there was anything to show it in. */
let awaited: Question | null = null;

const picture = new Picture(
  element("picture"),
  kept<PictureState>("picture", { path: [], scale: "logarithmic" }),
  (state) => keep("picture", state),
);
const goTo = (start: bigint, last: bigint): void => void picture.goToRange(start, last);
const ranges = new Ranges(element("ranges"), goTo);
const tree = new Tree(element("tree"), goTo);
const changes = new Changes(element("changes"), goTo);
const translation = new Translation(element("translation"), (linear) => void picture.goTo(linear));

/** Which tables to ask for. */
function which(state: MachineState): PageTablesArguments {
  if (chosen.root !== null) return { root: chosen.root };
  if (chosen.cpu !== null) return { cpu: chosen.cpu };
  if (state.state === "none") return {};
  // Until the Call Stack has chosen: the CPU that stopped, which it will choose.
  const cpu = state.threadId === null ? state.status?.cpu : state.threadId - 1;
  return cpu === undefined ? {} : { cpu };
}

async function refresh(): Promise<void> {
  const state = machine();
  if (state.state === "none" || state.state === "ended") {
    problem = null;
    draw();
    return;
  }
  const mine = ++turn;
  const asked = which(state);
  const start = performance.now();
  try {
    const body = await request("redzone/pageTables", asked);
    if (mine !== turn) return;
    const isSame =
      snapshot !== null &&
      snapshot.session === state.session &&
      snapshot.body.version === body.version &&
      JSON.stringify(snapshot.which) === JSON.stringify(asked);
    problem = null;
    if (!isSame) {
      const next = new Snapshot(asked, state.session, body);
      await Promise.all([next.load(), picture.prefetch(next)]);
      if (mine !== turn) return;
      snapshot = next;
      await showSnapshot(next);
    }
  } catch (error) {
    // A session that ends meanwhile says so by itself.
    if (mine === turn && machine().state !== "ended")
      problem = error instanceof Error ? error.message : String(error);
  }
  if (mine === turn) draw();
  // For the developer tools: from the word that the machine has stopped to the new picture.
  performance.clearMeasures();
  performance.measure("page tables", { start });
}

async function showSnapshot(next: Snapshot): Promise<void> {
  document.body.dataset["paging"] = next.body.mode === null ? "off" : "on";
  await Promise.all([picture.show(next), showTab(next)]);
  if (awaited !== null) {
    const question = awaited;
    awaited = null;
    await ask(question);
  } else if (picture.isFresh && next.body.mode !== null) await startAtCode(next);
}

/** What is behind another tab is asked for when it comes to the front. */
async function showTab(next: Snapshot): Promise<void> {
  if (shown[tab] === next) return;
  shown[tab] = next;
  await { ranges, tree, translation, changes }[tab].show(next);
}

/** The first picture shows where the processor is. */
async function startAtCode(next: Snapshot): Promise<void> {
  try {
    const { linear } = await request("redzone/pageTablesTranslate", { ...next.which, address: "$pc" });
    await picture.goTo(BigInt(linear));
  } catch {
    // Without a program counter the whole is as good a start.
    await picture.goToRange(0n, 0n);
  }
}

async function ask(question: Question): Promise<void> {
  if (snapshot === null) {
    awaited = question;
    return;
  }
  setTab("translation");
  direction = question.direction;
  drawHead();
  await translation.ask(question);
}

function setTab(next: Tab, focus = false): void {
  tab = next;
  keep("tab", tab);
  drawTabs();
  if (snapshot !== null) void showTab(snapshot);
  if (focus) document.getElementById(`tab-${tab}`)?.focus();
}

function draw(): void {
  drawHead();
  drawTabs();
  const body = snapshot?.body ?? null;
  render(
    problem !== null
      ? html`<p class="message error" role="alert">${problem}</p>`
      : body === null && machine().state === "ended"
        ? html`<p class="message">
            The machine is switched off. Its page tables are gone with it; start it again with F5.
          </p>`
        : body !== null && body.mode === null
          ? html`<p class="message">
              <b>Paging is off.</b> Linear addresses are physical addresses; there are no tables to show. They
              appear here as soon as the guest sets CR0.PG. To look at tables that are being built, choose
              <i>Other CR3…</i> above and give the physical address of the root table.
            </p>`
          : nothing,
    element("notice"),
  );
}

function drawHead(): void {
  const state = machine();
  const body = snapshot?.body ?? null;
  const submit = (event: Event): void => {
    event.preventDefault();
    const { value } = element("address") as HTMLInputElement;
    if (value.trim() !== "") void ask({ address: value.trim(), direction });
  };
  const turnAround = (): void => {
    direction = direction === "linear" ? "physical" : "linear";
    keep("direction", direction);
    drawHead();
  };
  render(
    html`<div class="toolbar">
        <select aria-label="Which tables" title="Which tables" @change=${chooseRoot}>
          ${options(body).map(
            ({ value, label }) =>
              html`<option value=${value} ?selected=${value === JSON.stringify(chosen)}>${label}</option>`,
          )}
        </select>
        <form @submit=${submit}>
          <input
            id="address"
            type="text"
            spellcheck="false"
            autocomplete="off"
            placeholder=${direction === "linear" ? "Address, $register or symbol" : "Physical address: who maps it?"}
            aria-label=${direction === "linear" ? "Address to translate" : "Physical address"}
          />
          <button
            type="button"
            class="direction"
            title="Translate ${direction === "linear" ? "virtual to physical; press for the other way" : "physical to virtual; press for the other way"}"
            @click=${turnAround}
          >
            ${direction === "linear" ? "virtual → physical" : "physical → virtual"}
          </button>
          <button class="primary" type="submit">Translate</button>
          ${REGISTERS.map(
            ({ name, hint }) =>
              html`<button
                type="button"
                class="register"
                title=${hint}
                @click=${() => void ask({ address: `$${name.toLowerCase()}`, direction: "linear" })}
              >
                ${name}
              </button>`,
          )}
        </form>
        <span class="grow"></span>
        ${
          state.state === "running"
            ? html`<span class="muted">running; shown as it was</span
                ><button title="Look again while the machine runs on" @click=${() => void refresh()}>
                  Refresh
                </button>`
            : state.state === "ended"
              ? html`<span class="muted"
                  >${state.name} is switched off${body === null ? "" : "; its last tables"}</span
                >`
              : nothing
        }
      </div>
      ${body === null || body.mode === null ? nothing : summary(body)}`,
    element("head"),
  );
}

const summary = (body: PageTablesBody) =>
  html`<p class="summary">
    <span>${body.mode}</span>
    <span>${plural(body.tables, "table")}</span>
    <span>${pagesText(body.pages)}</span>
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

function options(body: PageTablesBody | null): { readonly value: string; readonly label: string }[] {
  const value = (each: Chosen): string => JSON.stringify(each);
  const list = [{ value: value({ root: null, cpu: null }), label: "CPU of the Call Stack" }];
  for (const { label, root, cpu } of body?.roots ?? [])
    list.push({
      value: value(cpu === null ? { root, cpu: null } : { root: null, cpu }),
      label: `${label}: ${root}`,
    });
  const own = value(chosen);
  if (!list.some((each) => each.value === own)) list.push({ value: own, label: `CR3 ${chosen.root ?? ""}` });
  return [...list, { value: "other", label: "Other CR3…" }];
}

function chooseRoot(event: Event): void {
  const { value } = event.target as HTMLSelectElement;
  if (value === "other") {
    askRoot();
    return;
  }
  chosen = JSON.parse(value) as Chosen;
  keep("chosen", chosen);
  void refresh();
}

/** A field in place of the choice: an address of a root table. */
function askRoot(): void {
  const dialog = element("other-root") as HTMLDialogElement;
  const submit = (): void => {
    const { value } = element("root") as HTMLInputElement;
    if (/^0x[\da-f]+$/iu.test(value.trim())) {
      chosen = { root: value.trim().toLowerCase() as Hex, cpu: null };
      keep("chosen", chosen);
      void refresh();
    }
    drawHead();
  };
  render(
    html`<form method="dialog" @submit=${submit}>
      <label for="root">Physical address of the root table (a value of CR3)</label>
      <input
        id="root"
        type="text"
        pattern="0x[0-9a-fA-F]+"
        placeholder="0x1000"
        required
        spellcheck="false"
      />
      <span class="toolbar"
        ><button class="primary">Show</button
        ><button type="button" @click=${() => dialog.close()}>Cancel</button></span
      >
    </form>`,
    dialog,
  );
  dialog.addEventListener("close", drawHead, { once: true });
  dialog.showModal();
}

function drawTabs(): void {
  const body = snapshot?.body;
  const labels: Record<Tab, string> = {
    ranges: "Ranges",
    tree: "Tree",
    translation: "Translation",
    changes: body === undefined || body.changes === 0 ? "Changes" : `Changes (${body.changes})`,
  };
  const move = (event: KeyboardEvent): void => {
    const step = Number(event.key === "ArrowRight") - Number(event.key === "ArrowLeft");
    if (step === 0) return;
    event.preventDefault();
    setTab(TABS[(TABS.indexOf(tab) + step + TABS.length) % TABS.length]!, true);
  };
  const next: Record<PictureState["scale"], PictureState["scale"]> = {
    logarithmic: "true",
    true: "logarithmic",
  };
  render(
    html`<div class="tabs" role="tablist" aria-label="What to show of the tables" @keydown=${move}>
        ${TABS.map(
          (each) =>
            html`<button
              id="tab-${each}"
              role="tab"
              aria-selected=${each === tab}
              aria-controls=${each}
              tabindex=${each === tab ? 0 : -1}
              @click=${() => setTab(each)}
            >
              ${labels[each]}
            </button>`,
        )}
      </div>
      <span class="grow"></span>
      <span class="legend" aria-label="Colours of rights">
        ${KINDS.map(({ kind, label, hint }) => html`<span title=${hint}><i class="rights-${kind}"></i>${label}</span>`)}
        <span title="CPL 3 may use it, too"><i class="rights-read rights-user"></i>user</span>
      </span>
      <button
        class="scale"
        title="Widths in the picture: logarithmic, so that a page and half the address space are both seen, or true to scale"
        @click=${() => {
          picture.scale = next[picture.scale];
          drawTabs();
        }}
      >
        ${picture.scale === "logarithmic" ? "log scale" : "true scale"}
      </button>`,
    element("tabs"),
  );
  for (const each of TABS) element(each).hidden = each !== tab;
}

onMachine((state) => {
  if (
    state.state === "stopped" ||
    snapshot === null ||
    (state.state === "running" && snapshot.session !== state.session)
  )
    void refresh();
  else {
    if (state.state === "ended") problem = null;
    draw();
  }
});
onReveal(({ space, offset }) => {
  if (space === "linear" || space === "physical") void ask({ address: offset, direction: space });
});
splitter(element("split"), element("picture"), "split", "Height of the picture");
draw();
connect();
