/** The Memory panel: what its front end is and may ask. */
import type * as vscode from "vscode";
import type { Machines } from "../machines.ts";
import { MachinePanels } from "./machine-panel.ts";
import type { Navigation } from "./navigation.ts";

export const memory = (uri: vscode.Uri, machines: Machines, navigation: Navigation): MachinePanels =>
  new MachinePanels(uri, machines, navigation, {
    view: "redzone.memory",
    title: "Memory",
    icon: "memory",
    bundle: "memory",
    body: `
      <header id="head"></header>
      <div id="content">
        <section id="bytes"></section>
        <aside id="fields" hidden aria-label="Fields of a type">
          <div id="fields-head"></div>
          <div id="fields-list"></div>
        </aside>
      </div>
      <footer id="inspector" aria-live="polite"></footer>`,
    empty:
      "Bytes of the machine's memory appear here, linear, guest-physical or by ram_addr_t: what points to them, what they are called, and what of them changed since the stop before. Start debugging with F5, or try the sample.",
    requests: [
      "redzone/memoryBytes",
      "redzone/memoryOverlay",
      "redzone/memoryTypes",
      "redzone/memoryWrite",
      "redzone/ramLayoutConvert",
    ],
  });
