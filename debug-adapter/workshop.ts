/**
 * The thread that makes code of what is hot while the guest runs; `translator-worker.ts` is its program. All machines of a process share it, each by a port of its own.
 *
 * It starts when the first code is hot, so that a guest that is done soon does without. Nothing waits for it: it keeps no process alive.
 */
import { existsSync } from "node:fs";
import path from "node:path";
import { setFlagsFromString } from "node:v8";
import { MessageChannel, Worker, receiveMessageOnPort, type MessagePort } from "node:worker_threads";
import type { Order, Product, Workshop } from "../emulator/index.ts";

/** What comes back: first that the thread is ready, then products. */
export type Answer = "ready" | Product;

/**
 * Has V8 read branch hints, which are part of WebAssembly, in modules made from now on. It does so unasked from 13.7 on. Before that only Node is asked to: an
 * editor's flags may be frozen.
 */
function readBranchHints(): void {
  const [major = 0, minor = 0] = process.versions.v8.split(".").map(Number);
  const isAsked = process.versions["electron"] === undefined && (major < 13 || (major === 13 && minor < 7));
  if (isAsked) setFlagsFromString("--experimental-wasm-branch-hinting");
}

interface Thread {
  readonly program: string;
  readonly worker: Worker;
  failed: boolean;
}
let thread: Thread | null = null;

/** The thread of a program, started if need be; null: the host lets nobody start threads. */
function running(program: string): Thread | null {
  if (thread?.program === program && !thread.failed) return thread;
  try {
    const worker = new Worker(program, { name: "redzone translator" });
    const started: Thread = { program, worker, failed: false };
    const fail = (): void => {
      started.failed = true;
    };
    worker.on("error", fail).on("exit", fail).unref();
    return (thread = started);
  } catch {
    return null;
  }
}

export class ThreadWorkshop implements Workshop {
  readonly #program: string;
  #thread: Thread | null = null;
  #port: MessagePort | null = null;
  #isReady = false;
  #isRefused = false;

  /** @param program path of the built `translator-worker.js` */
  constructor(program: string) {
    this.#program = program;
  }

  get failed(): boolean {
    return this.#isRefused || this.#thread?.failed === true;
  }

  prepare(): void {
    if (this.#port !== null || this.failed) return;
    this.#thread = running(this.#program);
    if (this.#thread === null) {
      this.#isRefused = true;
      return;
    }
    const { port1, port2 } = new MessageChannel();
    this.#thread.worker.postMessage(port2, [port2]);
    port1.unref();
    this.#port = port1;
  }

  order(order: Order): boolean {
    if (!this.#isReady) this.#isReady = this.#receive() === "ready";
    if (!this.#isReady || this.failed) return false;
    this.#port!.postMessage(order);
    return true;
  }

  take(): Product | null {
    const answer = this.#receive();
    return answer === "ready" ? null : answer;
  }

  #receive(): Answer | null {
    if (this.#port === null) return null;
    const received = receiveMessageOnPort(this.#port) as { readonly message: Answer } | undefined;
    return received?.message ?? null;
  }
}

/** For one machine; null where the program has not been built: code is made between two runs then, as it is until the thread is ready. */
export function openWorkshop(): Workshop | null {
  readBranchHints();
  const program = path.join(__dirname, "translator-worker.js");
  return existsSync(program) ? new ThreadWorkshop(program) : null;
}
