/**
 * The language of boot code in the editor: a language server for assembly and linker scripts. This file is the folder's boundary.
 *
 * Invariant: nothing of it is loaded before a document of its languages is open; the client is a program of its own beside the extension's.
 * Elsewhere: the client (`client.ts`), on a desktop or a server (`desktop.ts`) and in a browser (`browser.ts`); the server (`server/`).
 */
import * as vscode from "vscode";
import type { Machines } from "../machines.ts";
import { whenNeeded } from "./need.ts";

export function registerLanguage(context: vscode.ExtensionContext, machines: Machines): vscode.Disposable {
  return whenNeeded(async () => {
    const { startLanguage } = await import("./desktop.ts");
    return startLanguage(context, machines);
  });
}
