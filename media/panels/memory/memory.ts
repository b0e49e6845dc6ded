/**
 * The Memory panel's front end: bytes of any address space, what they are called, what points to them, what of them changed, and types laid over them.
 *
 * Invariant: it asks for the rows on the screen and a few around them; of a running machine it looks twice a second at most.
 */
import { html, nothing, render } from "lit";
import { place } from "../kit/address.ts";
import { element } from "../kit/element.ts";
import { connect, keep, kept, machine, onMachine, onReveal, open, request } from "../kit/host.ts";
import { Fields } from "./fields.ts";
import { END, Grid, Loaded, type Space } from "./grid.ts";
import { drawInspector } from "./inspector.ts";

const RUNNING_MILLISECONDS = 500;
/** Read beyond what is seen, so that a turn of the wheel has bytes to show. */
const MARGIN_BYTES = 512n;
const TRAIL_MOST = 50;

const SPACES: readonly { readonly space: Space; readonly label: string; readonly letter: string }[] = [
  { space: "linear", label: "Linear", letter: "v" },
  { space: "physical", label: "Guest-physical", letter: "p" },
  { space: "ram", label: "ram_addr_t", letter: "r" },
];
const isSpace = (text: string): text is Space => SPACES.some(({ space }) => space === text);

interface Position {
  readonly space: Space;
  /** "0x…" */
  readonly at: string;
}

let problem: string | null = null;
let turn = 0;
let timer: ReturnType<typeof setTimeout> | undefined;
/** Where one was before each jump, and after it. */
let trail = kept<readonly Position[]>("trail", []);
let step = kept("step", trail.length - 1);
/** A place that came before there was a machine to show it of. */
let awaited: Position | null = trail[step] ?? null;
let asked: { readonly from: bigint; readonly space: Space } | null = null;
let types: readonly string[] = [];

const grid = new Grid(element("bytes"), {
  moved: () => {
    drawInspector(element("inspector"), grid.loaded, grid.cursor);
    void load(false);
  },
  write: (at, byte) => void write(at, byte),
  follow: () => follow(),
  goTo: () => (element("address") as HTMLInputElement).select(),
});
const fields = new Fields(element("fields"), element("fields-head"), element("fields-list"), grid);

/** Reads what is seen, if it is not there already. */
async function load(isStale: boolean): Promise<void> {
  const { state } = machine();
  if (state === "none" || state === "ended") return;
  const { space, top } = grid;
  const seen = BigInt((grid.rows + 1) * grid.columns);
  const end = END[space];
  const until = top + seen < end ? top + seen : end;
  if (!isStale && grid.loaded?.contains(space, top, until) === true) return;
  if (!isStale && asked !== null && asked.space === space && asked.from === top) return;
  asked = { from: top, space };
  const mine = ++turn;
  const from = top > MARGIN_BYTES ? top - MARGIN_BYTES : 0n;
  const to = until + MARGIN_BYTES < end ? until + MARGIN_BYTES : end;
  const current = machine();
  const frameId = current.state === "stopped" ? current.frameId : null;
  try {
    const body = await request("redzone/memoryBytes", {
      place: place(space, from),
      count: Number(to - from),
      ...(frameId === null ? {} : { frameId }),
    });
    if (mine !== turn) return;
    problem = null;
    grid.loaded = new Loaded(space, from, body);
    drawInspector(element("inspector"), grid.loaded, grid.cursor);
  } catch (error) {
    if (mine !== turn) return;
    problem = error instanceof Error ? error.message : String(error);
  }
  asked = null;
  draw();
  // It may have moved on meanwhile.
  void load(false);
}

async function refresh(): Promise<void> {
  clearTimeout(timer);
  const { state } = machine();
  draw();
  if (state === "none" || state === "ended") return;
  if (awaited !== null) {
    const { space, at } = awaited;
    awaited = null;
    grid.goTo(space, BigInt(at));
  } else if (trail.length === 0) await ask("$rsp");
  await Promise.all([load(true), fields.refresh()]);
  if (state === "running") timer = setTimeout(() => void refresh(), RUNNING_MILLISECONDS);
}

function goTo(space: Space, at: bigint): void {
  trail = [...trail.slice(0, step + 1), { space, at: `0x${at.toString(16)}` }].slice(-TRAIL_MOST);
  step = trail.length - 1;
  keep("trail", trail);
  keep("step", step);
  grid.goTo(space, at);
  draw();
}

function walk(by: -1 | 1): void {
  const next = trail[step + by];
  if (next === undefined) return;
  step += by;
  keep("step", step);
  grid.goTo(next.space, BigInt(next.at));
  draw();
}

/** Goes to what a text means: a bare number is in the space that is shown. */
async function ask(text: string): Promise<void> {
  try {
    if (/^(?:0x[\da-f_]+|\d+)$/iu.test(text)) {
      goTo(grid.space, BigInt(text.replaceAll("_", "")));
      problem = null;
    } else {
      const { readings, note } = await request("redzone/ramLayoutConvert", { text });
      const found = readings[0];
      problem = found === undefined ? note : null;
      if (found !== undefined && isSpace(found.place.space))
        goTo(found.place.space, BigInt(found.place.offset));
      else if (found !== undefined) problem = "Ports are not memory: reading one is a command to its device.";
    }
  } catch (error) {
    problem = error instanceof Error ? error.message : String(error);
  }
  draw();
}

/** The same bytes in another space, where they are there. */
async function change(space: Space): Promise<void> {
  const letter = SPACES.find((each) => each.space === grid.space)!.letter;
  const text = `${letter}:0x${grid.cursor.toString(16)}`;
  try {
    const { readings } = await request("redzone/ramLayoutConvert", { text });
    const [found] = readings;
    const at =
      space === "linear" ? found?.linear[0]?.address : space === "physical" ? found?.physical[0] : found?.ram;
    problem =
      at === undefined || at === null ? `${text} is nowhere in that space; the same number is shown.` : null;
    goTo(space, at === undefined || at === null ? grid.cursor % END[space] : BigInt(at));
  } catch (error) {
    problem = error instanceof Error ? error.message : String(error);
  }
  draw();
}

/** Goes to where the eight bytes at the cursor point. */
function follow(): void {
  const { loaded, cursor } = grid;
  const index = loaded?.indexOf(cursor) ?? -1;
  if (loaded === null || index < 0 || index + 8 > loaded.bytes.length) return;
  goTo("linear", new DataView(loaded.bytes.buffer, index, 8).getBigUint64(0, true));
}

async function write(at: bigint, byte: number): Promise<void> {
  try {
    await request("redzone/memoryWrite", {
      place: place(grid.space, at),
      data: btoa(String.fromCharCode(byte)),
    });
    problem = null;
  } catch (error) {
    problem = error instanceof Error ? error.message : String(error);
  }
  await Promise.all([load(true), fields.refresh()]);
  draw();
}

async function lay(text: string): Promise<void> {
  try {
    await fields.lay(text, grid.space, grid.cursor);
    problem = null;
  } catch (error) {
    problem = error instanceof Error ? error.message : String(error);
  }
  draw();
}

async function suggest(event: Event): Promise<void> {
  const { value } = event.target as HTMLInputElement;
  const prefix = value.replace(/^(?:struct|union|enum|class)\s+/u, "");
  if (prefix.length < 2) return;
  types = (await request("redzone/memoryTypes", { prefix })).names;
  draw();
}

function draw(): void {
  const state = machine();
  const submit = (event: Event): void => {
    event.preventDefault();
    const text = (element("address") as HTMLInputElement).value.trim();
    if (text !== "") void ask(text).then(() => element("bytes").focus());
  };
  const layType = (event: Event): void => {
    event.preventDefault();
    void lay((element("type") as HTMLInputElement).value.trim());
  };
  render(
    html`<div class="toolbar">
        <span class="choice">
          <button title="Back" aria-label="Back" ?disabled=${step <= 0} @click=${() => walk(-1)}>←</button
          ><button
            title="Forward"
            aria-label="Forward"
            ?disabled=${step >= trail.length - 1}
            @click=${() => walk(1)}
          >
            →
          </button>
        </span>
        <select
          aria-label="Address space"
          title="Address space: the same bytes are looked for in the other"
          @change=${(event: Event) => {
            const { value } = event.target as HTMLSelectElement;
            if (isSpace(value)) void change(value);
          }}
        >
          ${SPACES.map(
            ({ space, label }) =>
              html`<option value=${space} .selected=${space === grid.space}>${label}</option>`,
          )}
        </select>
        <form class="go" @submit=${submit}>
          <input
            id="address"
            type="text"
            spellcheck="false"
            autocomplete="off"
            aria-label="Address to go to"
            title="Go to (Ctrl+G)"
            placeholder="Go to: address, $rsp, kernel_main, p:0xb8000, pc.ram+0x1000"
          />
          <button type="submit" class="primary">Go</button>
        </form>
        <form class="lay" @submit=${layType}>
          <input
            id="type"
            type="text"
            spellcheck="false"
            autocomplete="off"
            list="types"
            aria-label="Type to lay over memory at the cursor"
            title="Lays a type of the program over memory, from the cursor on"
            placeholder="Type: struct gdt_entry[8]"
            @input=${(event: Event) => void suggest(event)}
          />
          <datalist id="types">${types.map((name) => html`<option value=${name}></option>`)}</datalist>
          <button type="submit">Lay Over</button>
        </form>
        <span class="grow"></span>
        <button
          title="Opens the same place in the editor's own memory view, which the Hex Editor extension shows"
          @click=${() => open("hexEditor", place(grid.space, grid.cursor))}
        >
          Hex Editor
        </button>
        ${
          state.state === "running"
            ? html`<span class="muted">running</span>`
            : state.state === "ended"
              ? html`<span class="muted">${state.name} is switched off; its last bytes</span>`
              : nothing
        }
      </div>
      ${problem === null ? nothing : html`<p class="message error" role="alert">${problem}</p>`}`,
    element("head"),
  );
}

onMachine(() => void refresh());
onReveal(({ space, offset }) => {
  if (!isSpace(space)) return;
  awaited = null;
  const { state } = machine();
  if (state === "none") awaited = { space, at: offset };
  else goTo(space, BigInt(offset));
});
draw();
connect();
