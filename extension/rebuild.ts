/** When the kernel of a running session is built anew: offers to boot the new one, or does so, as `redzone.restartOnRebuild` says. */
import path from "node:path";
import * as vscode from "vscode";
import { followFile } from "./built-file.ts";
import type { Machine, Machines } from "./machines.ts";

const SETTLE_MILLISECONDS = 700;

export function watchRebuilds(machines: Machines): vscode.Disposable {
  const watchers = new Map<Machine, vscode.Disposable>();
  const stop = (machine: Machine): void => {
    watchers.get(machine)?.dispose();
    watchers.delete(machine);
  };
  return vscode.Disposable.from(
    machines.onDidStart((machine) => {
      const watcher = watchKernel(machine);
      if (watcher !== null) watchers.set(machine, watcher);
    }),
    machines.onDidEnd(stop),
    new vscode.Disposable(() => [...watchers.keys()].forEach(stop)),
  );
}

function watchKernel(machine: Machine): vscode.Disposable | null {
  const kernel: unknown = machine.session.configuration["kernel"];
  if (typeof kernel !== "string" || kernel === "") return null;
  const folder = machine.session.workspaceFolder?.uri.fsPath ?? "";
  const file = path.resolve(folder, kernel);
  let asking = false;
  const written = (): void => {
    if (asking) return;
    asking = true;
    void offerRestart(machine, path.basename(file)).finally(() => (asking = false));
  };
  return followFile(file, { written, settleMilliseconds: SETTLE_MILLISECONDS });
}

async function offerRestart(machine: Machine, name: string): Promise<void> {
  const setting = vscode.workspace.getConfiguration("redzone").get<string>("restartOnRebuild", "ask");
  if (setting === "never") return;
  if (setting === "ask") {
    const restart = "Restart";
    const always = "Always Restart";
    const answer = await vscode.window.showInformationMessage(`${name} was rebuilt.`, restart, always);
    if (answer === undefined) return;
    if (answer === always) {
      await vscode.workspace
        .getConfiguration("redzone")
        .update("restartOnRebuild", "always", vscode.ConfigurationTarget.Global);
    }
  }
  // The custom request reaches the adapter without the editor's own restart, which would run the preLaunchTask again and so build in a circle.
  await machine.session.customRequest("restart", { arguments: machine.session.configuration });
}
