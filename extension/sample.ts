/** The sample kernel that ships with the extension: ready built, with its sources beside it. */
import * as vscode from "vscode";
import { DEBUG_TYPE } from "./machines.ts";

const sampleFolder = (extensionUri: vscode.Uri): vscode.Uri =>
  vscode.Uri.joinPath(extensionUri, "media", "sample-kernel");

/** Boots the sample, stopped at its first instruction. */
export async function debugSample(extensionUri: vscode.Uri, append?: string): Promise<boolean> {
  return vscode.debug.startDebugging(undefined, {
    type: DEBUG_TYPE,
    request: "launch",
    name: "Sample kernel",
    kernel: vscode.Uri.joinPath(sampleFolder(extensionUri), "sample.elf").fsPath,
    stopOnEntry: true,
    ...(append === undefined ? {} : { append }),
  });
}

const launchFile = {
  version: "0.2.0",
  configurations: [
    {
      type: DEBUG_TYPE,
      request: "launch",
      name: "Sample kernel",
      kernel: "${workspaceFolder}/sample.elf",
    },
  ],
};

/** Copies the sample's sources and image into a folder of the user's choice, with a launch.json, and opens it. */
export async function copySample(extensionUri: vscode.Uri): Promise<void> {
  const parents = await vscode.window.showOpenDialog({
    title: "Where shall the sample kernel go?",
    openLabel: "Copy Here",
    canSelectFiles: false,
    canSelectFolders: true,
  });
  if (parents?.[0] === undefined) return;
  const target = vscode.Uri.joinPath(parents[0], "redzone-sample-kernel");
  await vscode.workspace.fs.copy(sampleFolder(extensionUri), target, { overwrite: false });
  const launch = new TextEncoder().encode(`${JSON.stringify(launchFile, null, 2)}\n`);
  await vscode.workspace.fs.writeFile(vscode.Uri.joinPath(target, ".vscode", "launch.json"), launch);
  await vscode.commands.executeCommand("vscode.openFolder", target, { forceNewWindow: false });
}
