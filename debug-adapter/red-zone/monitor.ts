/** `info redzone`: what the detector has found, as a table for the Debug Console. QEMU has no such command. */
import type { Machine } from "../../emulator/index.ts";
import { irqOf } from "../exceptions/explain.ts";
import { vectorText } from "../exceptions/vector.ts";
import type { ClobberLog } from "./log.ts";

export function infoRedZone(log: ClobberLog, machine: Machine): string {
  const { counts, groups } = log;
  const lines = [
    log.isOn
      ? "The red zone is watched."
      : "The red zone is not watched: tick a red-zone filter in the Breakpoints view.",
  ];
  if (groups.length === 0) lines.push("Nothing has been found.");
  else {
    lines.push(
      `${counts.latent} latent, ${counts.confirmed} confirmed; an IST stack was entered twice ${counts.ist} times.`,
      "",
      "  latent  confirmed  IST twice  by              function",
    );
    for (const { functionName, vector, counts: of, first } of groups) {
      const { kind } = first.event;
      const irq = kind === "external" ? irqOf(machine, vector) : null;
      const by =
        kind === "push" || kind === "call"
          ? `its own ${kind.toUpperCase()}`
          : irq === null
            ? vectorText(vector)
            : `IRQ ${irq} (0x${vector.toString(16)})`;
      const cells = [of.latent, of.confirmed, of.ist].map((n, i) => String(n).padStart([8, 11, 11][i]!));
      lines.push(`${cells.join("")}  ${by.padEnd(14)}  ${functionName}`);
    }
  }
  return `${lines.join("\n")}\n`;
}
