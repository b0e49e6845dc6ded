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
    body: "",
    empty:
      "The address space that the processor sees appears here: its page tables from CR3 down, what is mapped where with which rights, and how any address is translated. Start debugging with F5, or try the sample.",
    requests: [],
  });
