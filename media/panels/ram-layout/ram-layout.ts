/**
 * The RAM Layout panel's front end: a converter, and below it the picture, the blocks, the regions, the heat maps and the memory devices.
 *
 * Invariant: what is shown belongs to one layout; the layout is asked for when the machine stops, and of a running one at most twice a second.
 */
import { html, nothing, render } from "lit";
import { element } from "../kit/element.ts";
import { connect, keep, kept, machine, onMachine, onReveal, request } from "../kit/host.ts";
import { tabs } from "../kit/tabs.ts";
import type { RamLayoutBody, RegionsBody } from "../../protocol.ts";
import type { Place } from "../../protocol/place.ts";
import { Blocks } from "./blocks.ts";
import { Converter } from "./converter.ts";
import { Devices } from "./devices.ts";
import { Heat } from "./heat.ts";
import { RamMap, type MapState } from "./map.ts";
import { Regions } from "./regions.ts";
import { Why } from "./why.ts";

const RUNNING_MILLISECONDS = 500;
const CONVERTER_MILLISECONDS = 150;
const TABS = ["map", "blocks", "regions", "dirty", "devices"] as const;
type Tab = (typeof TABS)[number];
const LABELS: Readonly<Record<Tab, string>> = {
  map: "Map",
  blocks: "Blocks",
  regions: "Regions",
  dirty: "Dirty pages",
  devices: "Memory devices",
};
const LETTERS: Readonly<Record<Exclude<Place["space"], "io">, string>> = {
  linear: "v",
  physical: "p",
  ram: "r",
};

let tab = kept<Tab>("tab", "map");
let problem: string | null = null;
let layout: RamLayoutBody | null = null;
let regions: RegionsBody | null = null;
let turn = 0;
let timer: ReturnType<typeof setTimeout> | undefined;
/** A place that came before there was a layout to show it in. */
let awaited: bigint | null = null;

const why = new Why(element("why-panel"));
const askWhy = (space: "physical" | "io", at: string): void => {
  setTab("regions");
  void why.ask(space, at);
};
const map = new RamMap(
  element("map"),
  kept<MapState>("map", { part: "all", scale: "logarithmic" }),
  (state) => keep("map", state),
  ({ start }) => askWhy("physical", `0x${start.toString(16)}`),
);
const converter = new Converter(
  element("converter"),
  ({ physical }) => {
    const [first] = physical;
    if (first === undefined) return;
    if (layout === null) awaited = BigInt(first);
    else map.reveal(BigInt(first));
  },
  askWhy,
);
const blocks = new Blocks(element("blocks"));
const tree = new Regions(element("regions-bar"), element("regions-list"), askWhy);
const heat = new Heat(element("heat-bar"), element("heat-frame"), element("heat-words"));
const devices = new Devices(element("devices"), () => void refresh());

async function refresh(): Promise<void> {
  clearTimeout(timer);
  const { state } = machine();
  if (state === "none" || state === "ended") {
    draw();
    return;
  }
  const mine = ++turn;
  try {
    const next = await request("redzone/ramLayout");
    if (mine !== turn) return;
    problem = null;
    const isSame = JSON.stringify(next) === JSON.stringify(layout);
    layout = next;
    if (!isSame) {
      map.show(next);
      blocks.show(next);
      regions = null;
    }
    heat.show(next.blocks);
    if (awaited !== null) map.reveal(awaited);
    awaited = null;
    await showTab();
    if (state === "stopped") {
      await why.refresh();
      // To find who maps a physical page all page tables are looked through; what is on the screen of other panels goes first.
      timer = setTimeout(() => void converter.refresh(), CONVERTER_MILLISECONDS);
    }
  } catch (error) {
    if (mine === turn) problem = error instanceof Error ? error.message : String(error);
  }
  if (mine !== turn) return;
  draw();
  if (state === "running" && tab !== "blocks") timer = setTimeout(() => void refresh(), RUNNING_MILLISECONDS);
}

/** What a tab needs and only it. */
async function showTab(): Promise<void> {
  heat.isShown = tab === "dirty";
  if (machine().state === "none" || machine().state === "ended") return;
  if (tab === "devices") await devices.refresh();
  if (tab === "regions" && regions === null) {
    regions = await request("redzone/ramLayoutRegions");
    tree.show(regions);
  }
}

function setTab(next: Tab): void {
  tab = next;
  keep("tab", tab);
  draw();
  void showTab().catch((error: unknown) => {
    problem = error instanceof Error ? error.message : String(error);
    draw();
  });
}

function draw(): void {
  const state = machine();
  render(
    html`${tabs({
        label: "Views of the RAM layout",
        titles: LABELS,
        chosen: tab,
        page: (each) => `page-${each}`,
        choose: setTab,
      })}
      <span class="grow"></span>
      ${
        state.state === "running"
          ? html`<span class="muted">running</span>`
          : state.state === "ended"
            ? html`<span class="muted">${state.name} is switched off; its last layout</span>`
            : nothing
      }
      ${problem === null ? nothing : html`<span class="error" role="alert">${problem}</span>`}`,
    element("tabs"),
  );
  for (const each of TABS) element(`page-${each}`).hidden = each !== tab;
}

onMachine(() => void refresh());
onReveal(({ space, offset }) => {
  if (space === "io") {
    askWhy("io", offset);
    void converter.ask(`port ${offset}`);
    return;
  }
  if (tab !== "map" && tab !== "dirty") setTab("map");
  void converter.ask(`${LETTERS[space]}:${offset}`);
});
draw();
connect();
