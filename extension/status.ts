/** The status-bar item: the active machine's mode, privilege level and paging, as `64-bit · ring 0 · 4-level`. */
import * as vscode from "vscode";
import type { Machines } from "./machines.ts";
import { statusDetails, statusText } from "./status-text.ts";

const PRIORITY = 50;

export function statusItem(machines: Machines): vscode.Disposable {
  const item = vscode.window.createStatusBarItem("redzone.status", vscode.StatusBarAlignment.Left, PRIORITY);
  item.name = "Redzone: Processor";
  item.command = "redzone.machineMenu";
  const update = (): void => {
    const machine = machines.active;
    if (machine?.status == null) {
      item.hide();
      return;
    }
    item.text = `$(${machine.status.running ? "play" : "debug-pause"}) ${statusText(machine.status)}`;
    item.tooltip = new vscode.MarkdownString(statusDetails(machine.name, machine.status), true);
    item.accessibilityInformation = { label: `Guest processor: ${statusText(machine.status)}` };
    item.show();
  };
  return vscode.Disposable.from(item, machines.onDidChange(update), machines.onDidEnd(update));
}
