/**
 * A debug adapter whose other end is a worker: the editor's messages go in, the worker's come out, both as plain objects.
 *
 * Invariant: the editor always hears the end. A worker that dies says why in the Debug Console and ends the session.
 */
import type { Worker } from "node:worker_threads";
import * as vscode from "vscode";
import type { StoppedBody } from "../../media/protocol.ts";

export class WorkerAdapter implements vscode.DebugAdapter {
  readonly #sent = new vscode.EventEmitter<vscode.DebugProtocolMessage>();
  readonly #worker: Worker;
  #disposed = false;

  readonly onDidSendMessage = this.#sent.event;

  constructor(worker: Worker) {
    this.#worker = worker;
    this.#worker.on("message", (message: vscode.DebugProtocolMessage) => this.#sent.fire(forEditor(message)));
    this.#worker.on("error", (error) => this.#end(error.stack ?? String(error)));
    this.#worker.on("exit", (code) => this.#end(`the adapter's worker ended with code ${code}`));
  }

  handleMessage(message: vscode.DebugProtocolMessage): void {
    this.#worker.postMessage(message);
  }

  dispose(): void {
    this.#disposed = true;
    void this.#worker.terminate();
    this.#sent.dispose();
  }

  #end(reason: string): void {
    if (this.#disposed) return;
    this.#disposed = true;
    const output = `Redzone's debug adapter stopped unexpectedly. This is a bug of Redzone's.\n${reason}\n`;
    this.#fireEvent("output", { category: "stderr", output });
    this.#fireEvent("terminated", {});
  }

  #fireEvent(event: string, body: object): void {
    const message = { type: "event", seq: 0, event, body };
    this.#sent.fire(message);
  }
}

interface Stopped {
  readonly type: "event";
  readonly event: "stopped";
  readonly body: StoppedBody & { readonly reason: string };
}

const isStopped = (message: object): message is Stopped => "event" in message && message.event === "stopped";

/**
 * The editor selects a frame without a source by itself, with its variables and instructions, for one reason only: whatever stopped the machine
 * there is told as that. The description, which people read, stays.
 */
function forEditor(message: vscode.DebugProtocolMessage): vscode.DebugProtocolMessage {
  if (!isStopped(message) || message.body.hasSource) return message;
  return { ...message, body: { ...message.body, reason: "instruction breakpoint" } } as Stopped;
}
