/** The worker's entry: a debug adapter and its machine, on a thread of their own so that the extension host never waits for a guest. */
import { parentPort } from "node:worker_threads";
import { startWorker } from "../../debug-adapter/index.ts";

if (parentPort === null) throw new Error("adapter-worker.js is started by the extension, as a worker");
startWorker(parentPort);
