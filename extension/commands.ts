/** The commands of the palette, the menus and the toolbars; each one line of what it does with whom. */
import * as vscode from "vscode";
import { configurationFor, pickKernel } from "./configurations.ts";
import type { Machine, Machines } from "./machines.ts";
import type { MachinePanels } from "./panels/machine-panel.ts";
import { copyDisplayText, saveDisplay, type DisplayPanels } from "./panels/display.ts";
import { sendCtrlAltDel, sendKeys } from "./panels/keys.ts";
import { copySample, debugSample } from "./sample.ts";
import type { SerialTerminals } from "./serial.ts";

interface Surroundings {
  readonly extensionUri: vscode.Uri;
  readonly machines: Machines;
  readonly display: DisplayPanels;
  /** Panels by the command that opens them. */
  readonly panels: { readonly [command: string]: MachinePanels };
  readonly serial: SerialTerminals;
}

/** Commands that need a machine, in the order of the machine's menu. */
const machineCommands: readonly {
  readonly id: string;
  readonly label: string;
  readonly run: (machine: Machine, surroundings: Surroundings) => unknown;
}[] = [
  { id: "redzone.openDisplay", label: "$(vm) Open Display", run: (_, { display }) => display.open() },
  ...[
    { id: "redzone.openPageTables", label: "$(list-tree) Open Page Tables" },
    { id: "redzone.openRamLayout", label: "$(layout) Open RAM Layout" },
    { id: "redzone.openStack", label: "$(layers) Open Stack" },
    { id: "redzone.openMemory", label: "$(file-binary) Open Memory" },
  ].map(({ id, label }) => ({
    id,
    label,
    run: (_: Machine, { panels }: Surroundings) => panels[id]?.open(),
  })),
  {
    id: "redzone.openSerial",
    label: "$(terminal) Open Serial Console",
    run: (machine, { serial }) => serial.show(machine),
  },
  { id: "redzone.sendCtrlAltDel", label: "$(keyboard) Send Ctrl-Alt-Del", run: sendCtrlAltDel },
  { id: "redzone.sendKeys", label: "$(record-keys) Send Keys…", run: sendKeys },
  { id: "redzone.copyDisplayText", label: "$(clippy) Copy the Display's Text", run: copyDisplayText },
  { id: "redzone.saveDisplay", label: "$(device-camera) Save the Display as PNG…", run: saveDisplay },
  { id: "redzone.sendNmi", label: "$(zap) Send NMI", run: (machine) => machine.request("redzone/nmi") },
  {
    id: "redzone.pressPowerButton",
    label: "$(circle-slash) Press Power Button",
    run: (machine) => machine.request("redzone/powerButton"),
  },
  {
    id: "redzone.resetMachine",
    label: "$(debug-restart) Reset Machine",
    run: (machine) => machine.request("redzone/monitor", { command: "system_reset" }),
  },
];

async function debugFile(file: unknown): Promise<void> {
  const named = file instanceof vscode.Uri ? file : undefined;
  const uri = named ?? (await pickKernel());
  if (uri === undefined) return;
  if (uri.scheme !== "file") {
    throw new Error(`${uri.toString()} is not on a disk. Redzone reads kernels from a disk only.`);
  }
  const folder = vscode.workspace.getWorkspaceFolder(uri);
  await vscode.debug.startDebugging(folder, configurationFor(uri, folder));
}

export function registerCommands(surroundings: Surroundings): vscode.Disposable {
  const { machines, extensionUri, display, panels } = surroundings;
  const needsMachine = (run: (machine: Machine, surroundings: Surroundings) => unknown) => async () => {
    const machine = machines.active;
    if (machine === undefined) {
      await vscode.window.showInformationMessage("No machine is running. Start debugging with F5.");
      return;
    }
    await run(machine, surroundings);
  };
  const commands: { readonly [id: string]: (argument: unknown) => unknown } = {
    "redzone.debugFile": debugFile,
    "redzone.debugSample": () => debugSample(extensionUri),
    "redzone.copySample": () => copySample(extensionUri),
    "redzone.pickKernel": async () => (await pickKernel())?.fsPath,
    "redzone.machineMenu": needsMachine(async (machine) => {
      const choice = await vscode.window.showQuickPick(machineCommands, { title: machine.name });
      await choice?.run(machine, surroundings);
    }),
    ...Object.fromEntries(machineCommands.map(({ id, run }) => [id, needsMachine(run)])),
    // Panels open without a machine too, and then say what they are for.
    "redzone.openDisplay": () => display.open(),
    ...Object.fromEntries(Object.entries(panels).map(([id, panel]) => [id, () => panel.open()])),
  };
  return vscode.Disposable.from(
    ...Object.entries(commands).map(([id, run]) => vscode.commands.registerCommand(id, guarded(run))),
  );
}

/** A command that fails says so to the user, in the adapter's words. */
function guarded(run: (argument: unknown) => unknown) {
  return async (argument: unknown): Promise<unknown> => {
    try {
      return await run(argument);
    } catch (error) {
      await vscode.window.showErrorMessage(error instanceof Error ? error.message : String(error));
      return undefined;
    }
  };
}
