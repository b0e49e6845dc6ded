/**
 * The language client where there is Node: the server is a worker of the extension host, and knows of built programs.
 *
 * Invariant: a worker that ends, whatever ended it, ends the connection, so that the client starts another.
 */
import path from "node:path";
import { Worker } from "node:worker_threads";
import * as vscode from "vscode";
import {
  AbstractMessageReader,
  AbstractMessageWriter,
  LanguageClient,
  type DataCallback,
  type Message,
  type MessageReader,
  type MessageTransports,
  type MessageWriter,
} from "vscode-languageclient/node";
import type { Machines } from "../machines.ts";
import { followBuilt } from "./built/index.ts";
import { clientId, clientName, startClient } from "./client.ts";
import { debuggingMiddleware, registerDebugging } from "./debugging.ts";
import { isOurs } from "./identifier.ts";
import { onRestart } from "./restart.ts";
import { tell } from "./server/dialect.ts";
import { methods } from "./server/protocol.ts";
import type { Language } from "./server/syntax.ts";
import { Tools } from "./tools/index.ts";

export async function startLanguage(
  { extensionPath }: vscode.ExtensionContext,
  machines: Machines,
): Promise<vscode.Disposable> {
  const program = path.join(extensionPath, "dist/language-server.js");
  const { client, disposable } = await startClient(
    (options) =>
      new LanguageClient(clientId, clientName, () => Promise.resolve(transports(program)), {
        ...options,
        middleware: { ...options.middleware, ...debuggingMiddleware(machines) },
      }),
  );
  const fail = (error: unknown): void => client.outputChannel.error(String(error));
  return vscode.Disposable.from(
    registerDebugging(client, machines),
    followBuilt({
      extensionPath,
      machines,
      send: (update) => {
        client.sendNotification(methods.built, update).catch(fail);
      },
      languageOf,
      onRestart: (again) => onRestart(client, again),
    }),
    new Tools(
      async (uri) => ({
        isIncluded: await client.sendRequest<boolean | null>(methods.isIncluded, uri.toString()),
      }),
      (text) => client.outputChannel.info(text),
    ),
    disposable,
  );
}

function languageOf(document: vscode.TextDocument): Language | null {
  const told = isOurs(document)
    ? tell(document.uri.toString(), document.languageId, document.getText())
    : null;
  return told && told.foreign === null ? told.language : null;
}

function transports(program: string): MessageTransports {
  const worker = new Worker(program);
  return { reader: new WorkerReader(worker), writer: new WorkerWriter(worker) };
}

class WorkerReader extends AbstractMessageReader implements MessageReader {
  readonly #worker: Worker;

  constructor(worker: Worker) {
    super();
    this.#worker = worker;
    worker.on("error", (error) => this.fireError(error));
    worker.on("exit", () => this.fireClose());
  }

  listen(callback: DataCallback): vscode.Disposable {
    const listener = (message: Message): void => callback(message);
    this.#worker.on("message", listener);
    return new vscode.Disposable(() => this.#worker.off("message", listener));
  }
}

class WorkerWriter extends AbstractMessageWriter implements MessageWriter {
  readonly #worker: Worker;

  constructor(worker: Worker) {
    super();
    this.#worker = worker;
    worker.on("exit", () => this.fireClose());
  }

  write(message: Message): Promise<void> {
    this.#worker.postMessage(message);
    return Promise.resolve();
  }

  end(): void {
    void this.#worker.terminate();
  }
}
