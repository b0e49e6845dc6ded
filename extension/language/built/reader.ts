/** The worker that reads built programs: started for the first question, ended when there has been nothing to do for a while. */
import path from "node:path";
import { Worker } from "node:worker_threads";
import type { BuiltUpdate } from "../server/built.ts";
import type { Answer, LinesQuestion, Question, Target } from "./question.ts";

const HEAP_MEGABYTES = 2048;
const IDLE_MILLISECONDS = 20_000;

export class BuiltReader {
  readonly #program: string;
  readonly #send: (update: BuiltUpdate) => void;
  readonly #asked = new Map<number, (isRead: boolean) => void>();
  #worker: Worker | null = null;
  #timer: NodeJS.Timeout | undefined;
  #id = 0;

  constructor(extensionPath: string, send: (update: BuiltUpdate) => void) {
    this.#program = path.join(extensionPath, "dist", "built-worker.js");
    this.#send = send;
  }

  /** Hands on what it finds. False: that is no program. */
  read(target: Target, isNew: boolean, files: readonly LinesQuestion[]): Promise<boolean> {
    clearTimeout(this.#timer);
    this.#id += 1;
    const question: Question = { id: this.#id, target, isNew, files };
    const worker = (this.#worker ??= this.#start());
    return new Promise((resolve) => {
      this.#asked.set(question.id, resolve);
      worker.postMessage(question);
    });
  }

  dispose(): void {
    clearTimeout(this.#timer);
    this.#end();
  }

  #start(): Worker {
    const worker = new Worker(this.#program, {
      name: "redzone-built",
      resourceLimits: { maxOldGenerationSizeMb: HEAP_MEGABYTES },
    });
    worker.on("message", (answer: Answer) => {
      if (answer.kind === "update") this.#send(answer.update);
      else this.#answered(answer.id, answer.kind === "done");
    });
    worker.on("error", () => this.#end());
    return worker;
  }

  #answered(id: number, isRead: boolean): void {
    this.#asked.get(id)?.(isRead);
    this.#asked.delete(id);
    if (this.#asked.size === 0) this.#timer = setTimeout(() => this.#end(), IDLE_MILLISECONDS);
  }

  #end(): void {
    void this.#worker?.terminate();
    this.#worker = null;
    for (const resolve of this.#asked.values()) resolve(false);
    this.#asked.clear();
  }
}
