/**
 * Analyses files, one after the other, in a worker that is started for the first and ended when there has been nothing to do for a while.
 *
 * Invariant: a file that has not changed is not analysed again while the window is open.
 */
import { stat } from "node:fs/promises";
import path from "node:path";
import { Worker } from "node:worker_threads";
import * as vscode from "vscode";
import type { FileAnalysisBody } from "../../media/protocol.ts";
import type { Answer, Question } from "./question.ts";

const HEAP_MEGABYTES = 4096;
const IDLE_MILLISECONDS = 20_000;

export interface Analysed {
  readonly body: FileAnalysisBody;
  /** For a person, as `redzone analyse --all` prints it. */
  readonly text: string;
}

interface Kept {
  readonly stamp: string;
  readonly analysed: Analysed;
}

export class Analyser implements vscode.Disposable {
  readonly #program: string;
  readonly #kept = new Map<string, Kept>();
  #worker: Worker | null = null;
  #queue: Promise<unknown> = Promise.resolve();
  #timer: NodeJS.Timeout | undefined;

  constructor(extensionPath: string) {
    this.#program = path.join(extensionPath, "dist", "analysis-worker.js");
  }

  /** Analyses a file when those before it are done. Undefined if it was cancelled; rejects with a sentence for the user. */
  analyse(
    question: Question,
    progress?: (fraction: number) => void,
    token?: vscode.CancellationToken,
  ): Promise<Analysed | undefined> {
    const result = this.#queue.then(() => this.#next(question, progress, token));
    this.#queue = result.catch(() => undefined);
    return result;
  }

  dispose(): void {
    clearTimeout(this.#timer);
    void this.#worker?.terminate();
    this.#worker = null;
  }

  async #next(
    question: Question,
    progress?: (fraction: number) => void,
    token?: vscode.CancellationToken,
  ): Promise<Analysed | undefined> {
    if (token?.isCancellationRequested === true) return undefined;
    const { mtimeMs, size } = await stat(question.path);
    const stamp = JSON.stringify([mtimeMs, size, question]);
    const known = this.#kept.get(question.path);
    if (known?.stamp === stamp) return known.analysed;
    const analysed = await this.#ask(question, progress, token);
    if (analysed !== undefined) this.#kept.set(question.path, { stamp, analysed });
    return analysed;
  }

  #ask(
    question: Question,
    progress?: (fraction: number) => void,
    token?: vscode.CancellationToken,
  ): Promise<Analysed | undefined> {
    clearTimeout(this.#timer);
    const worker = (this.#worker ??= this.#start());
    return new Promise<Analysed | undefined>((resolve, reject) => {
      const cancelling = token?.onCancellationRequested(() => {
        this.#drop(worker);
        end();
        resolve(undefined);
      });
      const end = (): void => {
        cancelling?.dispose();
        worker.removeAllListeners();
        this.#timer = setTimeout(() => this.#drop(worker), IDLE_MILLISECONDS);
      };
      worker.on("message", (answer: Answer) => {
        if (answer.kind === "progress") {
          progress?.(answer.fraction);
          return;
        }
        end();
        if (answer.kind === "done") resolve({ body: answer.body, text: answer.text });
        else reject(new Error(answer.message));
      });
      worker.on("error", (error) => {
        this.#drop(worker);
        end();
        reject(error);
      });
      worker.postMessage(question);
    });
  }

  #start(): Worker {
    return new Worker(this.#program, {
      name: "redzone-analysis",
      resourceLimits: { maxOldGenerationSizeMb: HEAP_MEGABYTES },
    });
  }

  #drop(worker: Worker): void {
    if (this.#worker === worker) this.#worker = null;
    void worker.terminate();
  }
}
