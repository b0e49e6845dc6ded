/**
 * The extension's entry: makes the parts and connects them.
 *
 * Invariant: only this layer imports `vscode`, and it emulates nothing: the machine lives in the adapter's worker, one for each session.
 */
import * as vscode from "vscode";
import { adapterFactory } from "./adapter/bridge.ts";
import { registerCommands } from "./commands.ts";
import { registerConfigurations } from "./configurations.ts";
import { registerExpressions } from "./expressions.ts";
import { DEBUG_TYPE, Machines } from "./machines.ts";
import { DisplayPanels } from "./panels/display.ts";
import { watchRebuilds } from "./rebuild.ts";
import { SerialTerminals } from "./serial.ts";
import { statusItem } from "./status.ts";

export function activate({ subscriptions, extensionUri, extensionPath }: vscode.ExtensionContext): void {
  const machines = new Machines();
  const display = new DisplayPanels(extensionUri, machines);
  const serial = new SerialTerminals(machines);
  subscriptions.push(
    machines,
    display,
    serial,
    vscode.debug.registerDebugAdapterDescriptorFactory(DEBUG_TYPE, adapterFactory(extensionPath)),
    registerConfigurations(),
    registerCommands({ extensionUri, machines, display, serial }),
    registerExpressions(),
    statusItem(machines),
    watchRebuilds(machines),
  );
}
