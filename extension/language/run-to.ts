/**
 * "Run to here" above a label: continues the machine that has the program until it comes to the address.
 *
 * By address and not through the editor's Run to Cursor: that needs a cursor, moves it, and asks for a line where a label may share its line with others or,
 * made by a macro, have none. Breakpoints of the user's stop the run as they would stop any.
 * Elsewhere: the lens (`server/features/code-lens.ts`), the run (`debug-adapter/stepping/run-to.ts`).
 */
import * as vscode from "vscode";
import { machineTarget } from "../analysis/target.ts";
import type { Machine, Machines } from "../machines.ts";
import { runToCommand } from "./server/features/code-lens.ts";

export function registerRunTo(machines: Machines): vscode.Disposable {
  return vscode.commands.registerCommand(runToCommand, async (program: unknown, address: unknown) => {
    if (typeof program !== "string" || typeof address !== "string") return;
    const machine = stoppedMachine(machines, program);
    try {
      await machine?.request("redzone/runTo", { address });
    } catch (error) {
      await vscode.window.showErrorMessage(error instanceof Error ? error.message : String(error));
    }
  });
}

/** The machine that runs a program and stands still: the one the editor shows, if there are several. */
function stoppedMachine(machines: Machines, program: string): Machine | undefined {
  const { active } = machines;
  return [...(active ? [active] : []), ...machines.all].find(
    (machine) => machine.status?.running === false && machineTarget(machine)?.path === program,
  );
}

/** Lenses that can be used now. */
export function usableLenses(
  lenses: readonly vscode.CodeLens[],
  machines: Machines,
): readonly vscode.CodeLens[] {
  return lenses.filter(({ command }) => {
    if (command?.command !== runToCommand) return true;
    const program: unknown = command.arguments?.[0];
    return typeof program === "string" && stoppedMachine(machines, program) !== undefined;
  });
}

/** Which programs can be run further, as a text that changes when lenses do. */
export function stoppedPrograms(machines: Machines): string {
  return machines.all
    .filter(({ status }) => status?.running === false)
    .map((machine) => machineTarget(machine)?.path ?? "")
    .sort()
    .join("\n");
}
