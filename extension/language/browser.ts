/**
 * The extension in a browser without a server behind it: the language of boot code, and nothing that needs a machine.
 *
 * Invariant: no module of Node is reached from here. What is missing says so by its name when it is asked for.
 */
import * as vscode from "vscode";
import {
  BrowserMessageReader,
  BrowserMessageWriter,
  LanguageClient,
  type MessageTransports,
} from "vscode-languageclient/browser";
import { clientId, clientName, startClient } from "./client.ts";
import { whenNeeded } from "./need.ts";

/** What of the browser's workers is used here. */
interface BrowserWorker {
  postMessage(message: unknown): void;
  terminate(): void;
  addEventListener(
    type: string,
    listener: (event: { readonly data?: unknown; readonly message?: string }) => void,
  ): void;
  removeEventListener(type: string, listener: (event: never) => void): void;
}
type Port = ConstructorParameters<typeof BrowserMessageReader>[0];

export function activate({ extension, extensionUri, subscriptions }: vscode.ExtensionContext): void {
  subscriptions.push(
    ...machineCommands(extension.packageJSON),
    vscode.debug.registerDebugConfigurationProvider("redzone", {
      resolveDebugConfiguration() {
        void sayMissing("Debugging a kernel");
        return undefined;
      },
    }),
    whenNeeded(async () => {
      const { disposable } = await startClient(
        (options) => new LanguageClient(clientId, clientName, () => startWorker(extensionUri), options),
      );
      return disposable;
    }),
  );
}

async function startWorker(extensionUri: vscode.Uri): Promise<MessageTransports> {
  const file = (name: string): vscode.Uri => vscode.Uri.joinPath(extensionUri, "dist", name);
  const [program, disassembler] = await Promise.all(
    ["web/language-server.js", "iced_x86_bg.wasm"].map((name) => vscode.workspace.fs.readFile(file(name))),
  );
  const { Worker } = globalThis as unknown as { Worker: new (url: string) => BrowserWorker };
  // The editor starts no worker from where it keeps extensions of a server: the program is read, and started from memory.
  const url = URL.createObjectURL(
    new Blob([program as Uint8Array<ArrayBuffer>], { type: "text/javascript" }),
  );
  const worker = new Worker(url);
  await new Promise<void>((resolve, reject) => {
    const listener = (): void => {
      worker.removeEventListener("message", listener);
      resolve();
    };
    worker.addEventListener("message", listener);
    worker.addEventListener("error", ({ message }) =>
      reject(new Error(message ?? "the worker did not start")),
    );
    worker.postMessage(disassembler);
  });
  URL.revokeObjectURL(url);
  // The editor's own class of workers is not the browser's, by which the client would know one.
  const port = worker as unknown as Port;
  const writer = new BrowserMessageWriter(port);
  writer.end = () => worker.terminate();
  return { reader: new BrowserMessageReader(port), writer };
}

/** Commands that the client itself registers, here as elsewhere. */
const commandsOfLanguage: ReadonlySet<string> = new Set(["redzone.explainRule", "redzone.language.restart"]);

interface Manifest {
  readonly contributes: {
    readonly commands: readonly { readonly command: string; readonly title: string }[];
  };
}

function machineCommands(manifest: unknown): readonly vscode.Disposable[] {
  const { commands } = (manifest as Manifest).contributes;
  const ofMachine = commands.filter(({ command }) => !commandsOfLanguage.has(command));
  return ofMachine.map(({ command, title }) =>
    vscode.commands.registerCommand(command, () => sayMissing(`“${title}”`)),
  );
}

async function sayMissing(what: string): Promise<void> {
  await vscode.window.showInformationMessage(
    `${what} needs VS Code on a desktop or connected to a server: the machine does not run in a browser. Editing assembly and linker scripts works here.`,
  );
}
