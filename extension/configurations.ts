/**
 * Launch configurations: what "create a launch.json" writes, what the Run view offers by itself, and what F5 does without any.
 *
 * Elsewhere: what the attributes mean and whether they are right is the adapter's business (`debug-adapter/launch.ts`).
 */
import path from "node:path";
import * as vscode from "vscode";
import { findKernels, type Kernel } from "./kernels.ts";
import { DEBUG_TYPE } from "./machines.ts";

const PLACEHOLDER = "${workspaceFolder}/build/kernel.elf";

/** A configuration that boots one file. */
export function configurationFor(
  file: vscode.Uri,
  folder?: vscode.WorkspaceFolder,
): vscode.DebugConfiguration {
  const relative = folder === undefined ? null : path.posix.relative(folder.uri.path, file.path);
  const kernel =
    relative === null || relative.startsWith("..") ? file.fsPath : `\${workspaceFolder}/${relative}`;
  return {
    type: DEBUG_TYPE,
    request: "launch",
    name: `Boot ${path.posix.basename(file.path)}`,
    kernel,
  };
}

/** Asks which kernel; without a choice to make it does not ask. Undefined if there is none or the user gave up. */
export async function pickKernel(folder?: vscode.WorkspaceFolder): Promise<vscode.Uri | undefined> {
  const kernels = await vscode.window.withProgress(
    { location: vscode.ProgressLocation.Window, title: "Looking for kernels" },
    () => findKernels(folder),
  );
  if (kernels.length === 1) return kernels[0]?.uri;
  if (kernels.length === 0) {
    const files = await vscode.window.showOpenDialog({ title: "The kernel to boot", openLabel: "Boot" });
    return files?.[0];
  }
  const item = (kernel: Kernel) => ({
    label: path.posix.basename(kernel.uri.path),
    description: `${kernel.kind} · ${vscode.workspace.asRelativePath(kernel.uri)}`,
    uri: kernel.uri,
  });
  const chosen = await vscode.window.showQuickPick(kernels.map(item), {
    title: "Redzone",
    placeHolder: "Which kernel shall boot?",
    matchOnDescription: true,
  });
  return chosen?.uri;
}

async function explainNothingToBoot(): Promise<void> {
  const sample = "Debug the Sample Kernel";
  const choose = "Choose a File…";
  const answer = await vscode.window.showInformationMessage(
    "Redzone found no kernel in this workspace. Build yours first, or name it in launch.json.",
    choose,
    sample,
  );
  if (answer === sample) await vscode.commands.executeCommand("redzone.debugSample");
  if (answer === choose) {
    const files = await vscode.window.showOpenDialog({ title: "The kernel to boot", openLabel: "Boot" });
    if (files?.[0] !== undefined) await vscode.debug.startDebugging(undefined, configurationFor(files[0]));
  }
}

class InitialConfigurations implements vscode.DebugConfigurationProvider {
  readonly #expectSession: () => void;

  constructor(expectSession: () => void) {
    this.#expectSession = expectSession;
  }

  async provideDebugConfigurations(folder?: vscode.WorkspaceFolder): Promise<vscode.DebugConfiguration[]> {
    const kernels = await findKernels(folder);
    if (kernels.length > 0) return kernels.slice(0, 3).map(({ uri }) => configurationFor(uri, folder));
    return [{ type: DEBUG_TYPE, request: "launch", name: "Boot the kernel", kernel: PLACEHOLDER }];
  }

  async resolveDebugConfiguration(
    folder: vscode.WorkspaceFolder | undefined,
    configuration: vscode.DebugConfiguration,
  ): Promise<vscode.DebugConfiguration | undefined> {
    this.#expectSession();
    if (
      configuration.type !== undefined &&
      configuration.type !== "" &&
      configuration.request !== undefined
    ) {
      return withDefaults(configuration, folder);
    }
    // F5 without a launch.json.
    const kernels = await findKernels(folder);
    if (kernels.length === 0) {
      await explainNothingToBoot();
      return undefined;
    }
    const file = await pickKernel(folder);
    return file === undefined ? undefined : withDefaults(configurationFor(file, folder), folder);
  }
}

function withDefaults(
  configuration: vscode.DebugConfiguration,
  folder: vscode.WorkspaceFolder | undefined,
): vscode.DebugConfiguration {
  const local = folder?.uri.scheme === "file" ? { cwd: folder.uri.fsPath } : {};
  // The serial console is what a session shows first; the Debug Console would open over it.
  return { internalConsoleOptions: "neverOpen", ...local, ...configuration };
}

const dynamicConfigurations: vscode.DebugConfigurationProvider = {
  provideDebugConfigurations: async (folder) =>
    (await findKernels(folder)).map(({ uri }) => configurationFor(uri, folder)),
};

/** @param expectSession called when a configuration is resolved: a session is about to begin, or the user gives up. */
export function registerConfigurations(expectSession: () => void): vscode.Disposable {
  const { Initial, Dynamic } = vscode.DebugConfigurationProviderTriggerKind;
  return vscode.Disposable.from(
    vscode.debug.registerDebugConfigurationProvider(
      DEBUG_TYPE,
      new InitialConfigurations(expectSession),
      Initial,
    ),
    vscode.debug.registerDebugConfigurationProvider(DEBUG_TYPE, dynamicConfigurations, Dynamic),
  );
}
