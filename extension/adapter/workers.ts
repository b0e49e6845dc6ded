/**
 * The adapter's workers: one for each session, started a little before the session that will use it.
 *
 * Between F5 and the first message to the adapter the editor saves files, asks for tasks and opens views. Loading the adapter and preparing its first machine takes
 * place meanwhile. A worker that nobody has come for is ended again.
 */
import path from "node:path";
import { Worker } from "node:worker_threads";
import type * as vscode from "vscode";

/** Symbols of a large kernel are kept on the worker's heap; guest memory is not on it. */
const HEAP_MEGABYTES = 4096;
const PATIENCE_MILLISECONDS = 60_000;

export class Workers implements vscode.Disposable {
  readonly #program: string;
  #spare: Worker | null = null;
  #timer: NodeJS.Timeout | undefined;

  constructor(extensionPath: string) {
    this.#program = path.join(extensionPath, "dist", "adapter-worker.js");
  }

  /** A session is likely to begin soon. */
  prepare(): void {
    clearTimeout(this.#timer);
    this.#timer = setTimeout(() => this.#drop(), PATIENCE_MILLISECONDS);
    if (this.#spare !== null) return;
    const worker = this.#start(true);
    // Whatever is wrong with it is told when a session starts and meets the same.
    worker.on("error", () => this.#forget(worker));
    worker.on("exit", () => this.#forget(worker));
    this.#spare = worker;
  }

  /** The worker of a new session. */
  take(): Worker {
    clearTimeout(this.#timer);
    const worker = this.#spare ?? this.#start(false);
    this.#spare = null;
    worker.removeAllListeners();
    return worker;
  }

  dispose(): void {
    clearTimeout(this.#timer);
    this.#drop();
  }

  #start(isSpare: boolean): Worker {
    return new Worker(this.#program, {
      name: "redzone",
      resourceLimits: { maxOldGenerationSizeMb: HEAP_MEGABYTES },
      workerData: { isSpare },
    });
  }

  #drop(): void {
    void this.#spare?.terminate();
    this.#spare = null;
  }

  #forget(worker: Worker): void {
    if (this.#spare === worker) this.#spare = null;
  }
}
