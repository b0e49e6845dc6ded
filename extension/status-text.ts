/** A machine's status in words: one line for the status bar, a table for its hover. */
import type { StatusBody } from "../media/protocol.ts";

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
