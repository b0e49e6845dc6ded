/**
 * The extension's entry: makes the parts and connects them.
 *
 * Invariant: only this layer imports `vscode`, and it emulates nothing: the machine lives in the adapter's worker, one for each session.
 */
import * as vscode from "vscode";
import { WorkerAdapter } from "./adapter/bridge.ts";
import { Workers } from "./adapter/workers.ts";
import { registerAnalysis } from "./analysis/index.ts";
import { registerCommands } from "./commands.ts";
import { registerConfigurations } from "./configurations.ts";
import { registerExpressions } from "./expressions.ts";
import { registerLanguage } from "./language/index.ts";
import { MemoryInspector } from "./memory-inspector.ts";
import { DEBUG_TYPE, Machines } from "./machines.ts";
import { DisplayPanels } from "./panels/display.ts";
import { addressLinks } from "./panels/links.ts";
import { Navigation } from "./panels/navigation.ts";
import { pageTables } from "./panels/page-tables.ts";
import { memory } from "./panels/memory.ts";
import { ramLayout } from "./panels/ram-layout.ts";
import { stack } from "./panels/stack.ts";
import { watchRebuilds } from "./rebuild.ts";
import { SerialTerminals } from "./serial.ts";
import { statusItem } from "./status.ts";

export function activate(context: vscode.ExtensionContext): void {
  const { subscriptions, extensionUri, extensionPath } = context;
  const workers = new Workers(extensionPath);
  const machines = new Machines();
  const display = new DisplayPanels(extensionUri, machines);
  const navigation = new Navigation(machines);
  const panels = {
    "redzone.openPageTables": pageTables(extensionUri, machines, navigation),
    "redzone.openStack": stack(extensionUri, machines, navigation),
    "redzone.openRamLayout": ramLayout(extensionUri, machines, navigation),
    "redzone.openMemory": memory(extensionUri, machines, navigation),
  };
  const serial = new SerialTerminals(machines);
  subscriptions.push(
    workers,
    machines,
    display,
    navigation,
    ...Object.values(panels),
    serial,
    vscode.debug.registerDebugAdapterDescriptorFactory(DEBUG_TYPE, {
      createDebugAdapterDescriptor: () =>
        new vscode.DebugAdapterInlineImplementation(new WorkerAdapter(workers.take())),
    }),
    registerConfigurations(() => workers.prepare()),
    registerCommands({ extensionUri, machines, display, panels, serial }),
    registerExpressions(),
    addressLinks(machines, serial, navigation),
    new MemoryInspector(machines, navigation),
    statusItem(machines),
    watchRebuilds(machines),
    registerAnalysis(extensionPath, machines),
    registerLanguage(context, machines),
  );
}
