/**
 * The Page Tables panel's front end: which tables, the picture of the address space, and below it four ways to read them.
 *
 * Invariant: all that is shown is of one snapshot. A stopped machine is asked again when it may look different; of a running one the last
 * snapshot stays, dimmed, and only the Refresh button asks.
 */
import { html, nothing, render } from "lit";
import { element } from "../kit/element.ts";
import { connect, keep, kept, machine, onMachine, onReveal, request } from "../kit/host.ts";
import { splitter } from "../kit/splitter.ts";
import { tabs } from "../kit/tabs.ts";
import { Changes } from "./changes.ts";
import { Head } from "./head.ts";
import { Picture, type PictureState } from "./picture.ts";
import { Ranges } from "./ranges.ts";
import { KINDS } from "./rights.ts";
import { Snapshot } from "./snapshot.ts";
import { Translation, type Question } from "./translation.ts";
import { Tree } from "./tree.ts";
import { Which } from "./which.ts";

type Tab = "ranges" | "tree" | "translation" | "changes";
const TABS: readonly Tab[] = ["ranges", "tree", "translation", "changes"];

let snapshot: Snapshot | null = null;
let problem: string | null = null;
let tab: Tab = kept<Tab>("tab", "ranges");
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

const which = new Which(element("other-root"), () => void refresh());
const head = new Head(element("head"), which, {
  ask: (question) => void ask(question),
  refresh: () => void refresh(),
});

async function refresh(): Promise<void> {
  const state = machine();
  if (state.state === "none" || state.state === "ended") {
    problem = null;
    draw();
    return;
  }
  const mine = ++turn;
  const asked = which.arguments(state);
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
  head.direction = question.direction;
  await translation.ask(question);
}

function setTab(next: Tab): void {
  tab = next;
  keep("tab", tab);
  drawTabs();
  if (snapshot !== null) void showTab(snapshot);
}

function draw(): void {
  head.draw(snapshot?.body ?? null);
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

function drawTabs(): void {
  const body = snapshot?.body;
  const labels: Record<Tab, string> = {
    ranges: "Ranges",
    tree: "Tree",
    translation: "Translation",
    changes: body === undefined || body.changes === 0 ? "Changes" : `Changes (${body.changes})`,
  };
  const next: Record<PictureState["scale"], PictureState["scale"]> = {
    logarithmic: "true",
    true: "logarithmic",
  };
  render(
    html`${tabs({
        label: "What to show of the tables",
        titles: labels,
        chosen: tab,
        page: (each) => each,
        choose: setTab,
      })}
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
