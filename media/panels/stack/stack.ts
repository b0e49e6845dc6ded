/**
 * The Stack panel's front end: the stack of a CPU as a picture, to scale beside it, and every other stack of the machine.
 *
 * Invariant: all that is shown is of one stop. A machine that runs is not asked; what the last stop showed stays, dimmed.
 */
import { html, nothing, render, type TemplateResult } from "lit";
import { address, place } from "../kit/address.ts";
import { element } from "../kit/element.ts";
import {
  connect,
  keep,
  kept,
  machine,
  onMachine,
  onReveal,
  open,
  request,
  type MachineState,
} from "../kit/host.ts";
import { count } from "../kit/size.ts";
import type {
  StackBody,
  StackClobbersBody,
  StackSlot,
  StacksBody,
  StackSummary,
  StackWarning,
} from "../../protocol.ts";
import { drawClobbers, withClobbers } from "./clobbers.ts";
import { drawLegend } from "./kinds.ts";
import { Picture } from "./picture.ts";
import { contains, stackRows, wordRows, type Fetched, type Row } from "./rows.ts";
import { drawScale } from "./scale.ts";
import { Stacks } from "./stacks.ts";

/** Frames in the first answer; more come when somebody goes there. */
const FIRST_FRAMES = 48;
const MORE_FRAMES = 512;
const DETAILED_FRAMES = 6;
/** Words of a stack without frames. */
const MOST_WORDS = 4096;
/** Of an address that is in no known stack. */
const WORDS_AROUND = 64;

/** Words of a stack that nobody runs on. */
interface Words {
  readonly stack: StackSummary | null;
  readonly title: string;
  readonly words: readonly StackSlot[];
  readonly unreadable: { readonly address: string; readonly why: string } | null;
}

let fetched: Fetched | null = null;
let all: StacksBody | null = null;
let clobbers: StackClobbersBody | null = null;
let words: Words | null = null;
let problem: string | null = null;
let session = "";
/** Answers to older questions are dropped. */
let turn = 0;
/** The CPU that was chosen here; null: the one the editor shows. */
let cpu: number | null = null;
let isHighFirst = kept("high-first", true);
const folds = new Map<string, boolean>(kept<readonly (readonly [string, boolean])[]>("folds", []));
/** Shown when there is something to show it in. */
let awaited: bigint | null = null;
/** The frame of the Call Stack that was shown last. */
let shownFrame: number | null = null;

const picture = new Picture(element("picture"), {
  toggle: (key, isOpen) => {
    folds.set(key, isOpen);
    keep("folds", [...folds].slice(-200));
    drawPicture();
    void fill();
  },
  more: () => void more(),
  select: (row) => {
    if (row.kind === "more") void more();
  },
});
const stacks = new Stacks(element("stacks"), element("details"), (stack) => void choose(stack));

const text = (error: unknown): string => (error instanceof Error ? error.message : String(error));

/** Asks anew: the machine has stopped, or another CPU or frame is to be shown. */
async function refresh(): Promise<void> {
  const state = machine();
  if (state.state !== "stopped") {
    drawHead();
    drawNotices();
    return;
  }
  if (state.session !== session) {
    session = state.session;
    cpu = null;
    words = null;
    fetched = null;
  }
  const mine = ++turn;
  const began = performance.now();
  const wanted = cpu === null ? fromEditor(state) : { cpu };
  try {
    const [answer, list, reports] = await Promise.all([
      request("redzone/stack", { ...wanted, count: FIRST_FRAMES, detailed: DETAILED_FRAMES }),
      request("redzone/stacks"),
      request("redzone/stackClobbers"),
    ]);
    if (mine !== turn) return;
    problem = null;
    const isFirst = fetched === null;
    const frame = state.frameId;
    const isOther = frame !== shownFrame || isFirst;
    shownFrame = frame;
    const body = { ...answer, windows: withClobbers(answer.windows, reports) };
    fetched = { body, frames: body.frames, hasMore: body.hasMore, end: body.end };
    all = list;
    clobbers = reports;
    if (words !== null) await fetchWords(words.stack);
    draw();
    await fill();
    if (awaited !== null) await reveal(awaited);
    else if (words === null && isOther) show(body);
    // For tests: how long the answer took from here.
    document.body.dataset["milliseconds"] = String(Math.round(performance.now() - began));
  } catch (error) {
    if (mine === turn) problem = text(error);
  }
  if (mine === turn) draw();
}

/** What the Call Stack of the editor shows. */
function fromEditor(state: Exclude<MachineState, { state: "none" }>): {
  readonly cpu?: number;
  readonly frameId?: number;
} {
  return {
    ...(state.threadId === null ? {} : { cpu: state.threadId - 1 }),
    ...(state.frameId === null ? {} : { frameId: state.frameId }),
  };
}

/** Brings what is interesting into sight: the chosen frame, or the stack pointer. */
function show(body: StackBody): void {
  const chosen = body.chosen === null || body.chosen === 0 ? undefined : body.frames[body.chosen];
  const row = picture.rows.find((each) =>
    chosen === undefined ? each.kind === "pointer" : each.kind === "frame" && each.frame === chosen,
  );
  if (row !== undefined) picture.choose(row.key);
}

/** Frames further out. */
async function more(): Promise<void> {
  if (fetched === null || !fetched.hasMore) return;
  const mine = turn;
  const { body, frames } = fetched;
  const next = await request("redzone/stack", {
    cpu: body.cpu,
    start: frames.length,
    count: MORE_FRAMES,
    detailed: 0,
  });
  if (mine !== turn || fetched === null || fetched.frames !== frames) return;
  fetched = { body, frames: [...frames, ...next.frames], hasMore: next.hasMore, end: next.end };
  drawPicture();
}

/** Fetches the slots of frames that are unfolded and have none. */
async function fill(): Promise<void> {
  const waiting = picture.rows.filter((row) => row.kind === "waiting");
  if (fetched === null || waiting.length === 0) return;
  const mine = turn;
  const { body } = fetched;
  const answers = await Promise.all(
    waiting.map(async ({ frame }) => ({
      index: frame.index,
      slots: (await request("redzone/stackSlots", { cpu: body.cpu, frame: frame.index })).slots,
    })),
  );
  if (mine !== turn || fetched === null) return;
  const found = new Map(answers.map(({ index, slots }) => [index, slots]));
  fetched = {
    ...fetched,
    frames: fetched.frames.map((frame) => {
      const slots = found.get(frame.index);
      return slots === undefined ? frame : { ...frame, slots };
    }),
  };
  drawPicture();
}

/** Shows a stack of the list: its frames if the CPU that is shown has some on it, else its words. */
async function choose(stack: StackSummary): Promise<void> {
  if (fetched === null) return;
  if (stack.cpu !== null && stack.cpu !== fetched.body.cpu) {
    cpu = stack.cpu;
    words = null;
    await refresh();
    return;
  }
  const [low, high] = [stack.low === null ? null : BigInt(stack.low), BigInt(stack.high)];
  const frame = fetched.frames.find(
    (each) => low !== null && BigInt(each.low) >= low && BigInt(each.low) < high,
  );
  if (stack.cpu !== null || frame !== undefined) {
    words = null;
    draw();
    const row = picture.rows.find((each) =>
      stack.id === fetched?.body.stack
        ? each.kind === "pointer"
        : each.kind === "frame" && each.frame === frame,
    );
    if (row !== undefined) picture.choose(row.key, true);
    return;
  }
  await fetchWords(stack);
  draw();
  const first = picture.rows.at(isHighFirst ? 0 : -1);
  if (first !== undefined) picture.choose(first.key, true);
}

async function fetchWords(stack: StackSummary | null, around: bigint | null = null): Promise<void> {
  if (fetched === null) return;
  const { wordBytes } = fetched.body;
  const now = all?.stacks.find(({ id }) => id === stack?.id) ?? stack;
  const mine = turn;
  const high = now === null ? (around ?? 0n) + BigInt(WORDS_AROUND * wordBytes) : BigInt(now.high);
  const whole = now === null || now.low === null ? null : Number(high - BigInt(now.low)) / wordBytes;
  // Below the high-water mark is what was there at first.
  const used = now?.highWater == null ? 0 : Math.ceil(now.highWater.bytes / wordBytes);
  const wanted =
    now === null ? 2 * WORDS_AROUND : Math.min(MOST_WORDS, whole ?? WORDS_AROUND, Math.max(used + 8, 16));
  const answer = await request("redzone/stackWords", {
    cpu: fetched.body.cpu,
    high: `0x${high.toString(16)}`,
    count: wanted,
  });
  if (mine !== turn) return;
  words = {
    stack: now,
    title: now === null ? `0x${(around ?? 0n).toString(16)}` : now.name,
    words: answer.words,
    unreadable: answer.unreadable,
  };
}

/** Shows an address: in the frames, in another stack, or as words around it. */
async function reveal(wanted: bigint): Promise<void> {
  if (fetched === null || all === null) {
    awaited = wanted;
    return;
  }
  awaited = null;
  const frame = fetched.frames.find(
    ({ low, high }) => high !== null && wanted >= BigInt(low) && wanted < BigInt(high),
  );
  if (frame !== undefined) {
    words = null;
    folds.set(`frame ${frame.low} ${frame.functions.at(-1)?.name ?? ""}`, true);
    draw();
    await fill();
    if (picture.reveal(wanted)) return;
  }
  if (picture.reveal(wanted)) return;
  const stack = all.stacks.find(
    ({ low, high }) => low !== null && wanted >= BigInt(low) && wanted < BigInt(high),
  );
  await fetchWords(stack ?? null, wanted);
  draw();
  picture.reveal(wanted);
}

async function mark(): Promise<void> {
  try {
    await request("redzone/stackMark");
    all = await request("redzone/stacks");
  } catch (error) {
    problem = text(error);
  }
  draw();
}

function draw(): void {
  drawHead();
  drawNotices();
  drawPicture();
  drawClobbers(element("clobbers"), clobbers);
  stacks.show(all?.stacks ?? [], words === null ? (fetched?.body.stack ?? null) : (words.stack?.id ?? null));
}

function drawPicture(): void {
  const shown = words === null ? fetched : null;
  const rows: Row[] =
    words !== null
      ? wordRows(words.words, isHighFirst)
      : shown === null
        ? []
        : stackRows(shown, folds, isHighFirst);
  const pointer =
    words !== null
      ? words.stack === null
        ? null
        : BigInt(words.stack.high)
      : shown === null
        ? null
        : BigInt(shown.body.pointer);
  picture.show(rows, folds, pointer, words === null ? (shown?.body.pointerName ?? "") : "top");
  const id = words === null ? fetched?.body.stack : words.stack?.id;
  const stack = all?.stacks.find((each) => each.id === id) ?? null;
  drawScale(element("scale"), stack, words === null ? (fetched?.frames ?? []) : [], isHighFirst, {
    choose: (wanted) => void reveal(wanted),
  });
}

function drawHead(): void {
  const state = machine();
  const body = fetched?.body ?? null;
  const cpus = all?.stacks.flatMap((stack) => (stack.cpu === null ? [] : [stack.cpu])) ?? [];
  const turnRound = (): void => {
    isHighFirst = !isHighFirst;
    keep("high-first", isHighFirst);
    draw();
    if (fetched !== null && words === null) show(fetched.body);
  };
  const back = (): void => {
    words = null;
    draw();
    if (fetched !== null) show(fetched.body);
  };
  render(
    html`<div class="toolbar">
      ${
        cpus.length > 1
          ? html`<select
              aria-label="CPU"
              @change=${(event: Event) => {
                cpu = Number((event.target as HTMLSelectElement).value);
                words = null;
                void refresh();
              }}
            >
              ${[...new Set(cpus)].map(
                (each) => html`<option value=${each} ?selected=${each === body?.cpu}>CPU ${each}</option>`,
              )}
            </select>`
          : nothing
      }
      ${
        words !== null
          ? html`<button @click=${back}>← Back to the frames</button> <b>${words.title}</b>`
          : body === null
            ? nothing
            : html`<span>${summary(body)}</span>`
      }
      <span class="grow"></span>
      ${
        state.state === "running" && body !== null
          ? html`<span class="muted">running; this is the last stop</span>`
          : nothing
      }
      <button
        id="order"
        aria-pressed=${isHighFirst}
        title="Which end of memory is on top. A stack grows towards low addresses."
        @click=${turnRound}
      >
        ${isHighFirst ? "High addresses on top" : "Low addresses on top"}
      </button>
      <button
        id="mark"
        ?disabled=${state.state !== "stopped"}
        title=${
          all?.markedAt == null
            ? "From now on the high-water marks show what is used after this moment"
            : `High-water marks count since instant ${count(all.markedAt)}. Press to count from now on.`
        }
        @click=${() => void mark()}
      >
        ${all?.markedAt == null ? "Set Mark" : "Set Mark Again"}
      </button>
    </div>`,
    element("head"),
  );
}

function summary(body: StackBody): TemplateResult {
  const stack = all?.stacks.find(({ id }) => id === body.stack);
  const used = stack === undefined ? null : Number(BigInt(stack.high) - BigInt(body.pointer));
  return html`${body.pointerName}
  ${address(place("linear", body.pointer))}${
    stack === undefined || stack.low === null
      ? nothing
      : html` in <b>${stack.name}</b>, ${count(used ?? 0)} of
          ${count(Number(BigInt(stack.high) - BigInt(stack.low)))} bytes in use`
  }`;
}

function drawNotices(): void {
  const state = machine();
  const body = fetched?.body ?? null;
  const notices: TemplateResult[] = [];
  if (problem !== null) notices.push(html`<p class="message error" role="alert">${problem}</p>`);
  if (body === null && problem === null)
    notices.push(
      html`<p class="message">
        ${
          state.state === "running"
            ? "The machine is running. Its stack appears when it stops: at a breakpoint, or when you pause it."
            : "Looking at the stack…"
        }
      </p>`,
    );
  if (words === null) for (const warning of body?.warnings ?? []) notices.push(warningText(warning));
  if (words?.stack?.highWater?.bytes === 0)
    notices.push(
      html`<p class="notice note">
        ${words.stack.highWater.method === "mark" ? "Not used since the mark." : "Never used, as far as its bytes tell."}
      </p>`,
    );
  if (words?.unreadable != null && words.words.length === 0)
    notices.push(
      html`<p class="message">
        Nothing can be read below ${address(place("linear", words.unreadable.address))}:
        ${words.unreadable.why}.
      </p>`,
    );
  render(html`${notices}`, element("notices"));
}

/** What is in no row is no memory: the page tables say why. */
async function goTo(about: string): Promise<void> {
  const isShown = words === null && picture.rows.some((row) => contains(row, BigInt(about)));
  if (isShown) await reveal(BigInt(about));
  else open("pageTables", place("linear", about));
}

function warningText({ severity, text: said, address: about }: StackWarning): TemplateResult {
  return html`<p class="notice ${severity}">
    <i aria-hidden="true">${severity === "note" ? "ⓘ" : "⚠"}</i> ${said}
    ${
      about === null || severity === "note"
        ? nothing
        : html`<button @click=${() => void goTo(about)}>Show</button>`
    }
  </p>`;
}

drawLegend(element("legend"));
draw();
onMachine(() => void refresh());
onReveal(({ space, offset }) => {
  if (space === "linear") void reveal(BigInt(offset));
});
connect();
