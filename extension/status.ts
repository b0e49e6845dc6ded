/** The status-bar item: the active machine's mode, privilege level and paging, as `64-bit · ring 0 · 4-level`. */
import * as vscode from "vscode";
import type { StatusBody } from "../media/protocol.ts";
import type { Machines } from "./machines.ts";

const PRIORITY = 50;

/** What the item says. */
export function statusText(status: StatusBody): string {
  const parts = [status.mode, `ring ${status.ring}`, status.paging];
  if (status.halted) parts.push(status.interrupts ? "halted" : "halted, interrupts off");
  return parts.join(" · ");
}

/** What hovering it shows, as Markdown. */
export function statusDetails(name: string, status: StatusBody): string {
  const seconds = (status.nanoseconds / 1e9).toFixed(6);
  return [
    `**${name}**: ${status.running ? "running" : "stopped"}`,
    "",
    "|  |  |",
    "|:--|:--|",
    `| Processor | CPU ${status.cpu}, ${status.mode}, ring ${status.ring} |`,
    `| Paging | ${status.paging} |`,
    `| Interrupts | ${status.interrupts ? "on" : "off"}${status.halted ? ", halted" : ""} |`,
    `| Instructions | ${status.instant.toLocaleString("en-US")} |`,
    `| Virtual time | ${seconds} s |`,
  ].join("\n");
}

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
