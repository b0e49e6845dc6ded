/** The Page Tables panel: what its front end is and may ask. */
import type * as vscode from "vscode";
import type { Machines } from "../machines.ts";
import { MachinePanels } from "./machine-panel.ts";
import type { Navigation } from "./navigation.ts";

export const pageTables = (uri: vscode.Uri, machines: Machines, navigation: Navigation): MachinePanels =>
  new MachinePanels(uri, machines, navigation, {
    view: "redzone.pageTables",
    title: "Page Tables",
    icon: "page-tables",
    bundle: "page-tables",
    body: `
      <header id="head"></header>
      <div id="notice"></div>
      <section id="picture" class="stale" aria-label="Picture of the address space"></section>
      <div id="split"></div>
      <nav id="tabs" class="toolbar"></nav>
      <section id="ranges" class="tab stale" role="tabpanel" aria-labelledby="tab-ranges"></section>
      <section id="tree" class="tab stale" role="tabpanel" aria-labelledby="tab-tree"></section>
      <section id="translation" class="tab stale" role="tabpanel" aria-labelledby="tab-translation"></section>
      <section id="changes" class="tab stale" role="tabpanel" aria-labelledby="tab-changes"></section>
      <dialog id="other-root" aria-label="Other CR3"></dialog>`,
    empty:
      "The address space that the processor sees appears here: its page tables from CR3 down, what is mapped where with which rights, and how any address is translated. Start debugging with F5, or try the sample.",
    requests: [
      "redzone/pageTables",
      "redzone/pageTablesEntries",
      "redzone/pageTablesRanges",
      "redzone/pageTablesTranslate",
      "redzone/pageTablesReverse",
      "redzone/pageTablesChanges",
    ],
  });
