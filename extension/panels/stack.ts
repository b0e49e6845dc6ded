/** The Stack panel: what its front end is and may ask. */
import type * as vscode from "vscode";
import type { Machines } from "../machines.ts";
import { MachinePanels } from "./machine-panel.ts";
import type { Navigation } from "./navigation.ts";

export const stack = (uri: vscode.Uri, machines: Machines, navigation: Navigation): MachinePanels =>
  new MachinePanels(uri, machines, navigation, {
    view: "redzone.stack",
    title: "Stack",
    icon: "stack",
    bundle: "stack",
    body: `
      <header id="head"></header>
      <div id="notices" role="status"></div>
      <div id="columns">
        <section id="scale" class="stale" aria-label="The whole stack to scale"></section>
        <section id="picture" class="stale"></section>
        <aside id="side">
          <div id="stacks" class="stale"></div>
          <div id="facts" class="stale">
            <div id="details"></div>
            <div id="clobbers" hidden></div>
          </div>
        </aside>
      </div>
      <footer id="legend"></footer>`,
    empty:
      "The stack appears here as soon as a kernel stops: its frames with every variable, saved register and return address, the red zone below the stack pointer, and every other stack of the machine with how deep it was used. Start debugging with F5, or try the sample.",
    requests: [
      "redzone/stack",
      "redzone/stackSlots",
      "redzone/stacks",
      "redzone/stackWords",
      "redzone/stackMark",
      "redzone/stackClobbers",
    ],
  });
