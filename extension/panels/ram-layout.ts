/** The RAM Layout panel: what its front end is and may ask. */
import type * as vscode from "vscode";
import type { Machines } from "../machines.ts";
import { MachinePanels } from "./machine-panel.ts";
import type { Navigation } from "./navigation.ts";

export const ramLayout = (uri: vscode.Uri, machines: Machines, navigation: Navigation): MachinePanels =>
  new MachinePanels(uri, machines, navigation, {
    view: "redzone.ramLayout",
    title: "RAM Layout",
    icon: "ram-layout",
    bundle: "ram-layout",
    body: `
      <header id="converter"></header>
      <nav id="tabs" class="toolbar"></nav>
      <section id="page-map" class="tab" role="tabpanel" aria-labelledby="tab-map"><div id="map"></div></section>
      <section id="page-blocks" class="tab" role="tabpanel" aria-labelledby="tab-blocks"><div id="blocks"></div></section>
      <section id="page-regions" class="tab" role="tabpanel" aria-labelledby="tab-regions">
        <div id="regions-bar" class="toolbar"></div>
        <div id="regions-list"></div>
        <div id="why-panel"></div>
      </section>
      <section id="page-dirty" class="tab" role="tabpanel" aria-labelledby="tab-dirty">
        <div id="heat-bar" class="toolbar"></div>
        <div id="heat-frame"></div>
        <div id="heat-words"></div>
      </section>
      <section id="page-devices" class="tab" role="tabpanel" aria-labelledby="tab-devices"><div id="devices"></div></section>`,
    empty:
      "The machine's memory appears here: its RAM blocks beside the guest-physical addresses at which they are seen, who answers at any address and why, and what has been written. Start debugging with F5, or try the sample.",
    requests: [
      "redzone/monitor",
      "redzone/ramLayout",
      "redzone/ramLayoutConvert",
      "redzone/ramLayoutDevices",
      "redzone/ramLayoutDirty",
      "redzone/ramLayoutDirtyControl",
      "redzone/ramLayoutMark",
      "redzone/ramLayoutMoments",
      "redzone/ramLayoutRegions",
      "redzone/ramLayoutWhy",
    ],
  });
