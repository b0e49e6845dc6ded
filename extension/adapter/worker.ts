/** The worker's entry: a debug adapter and its machine, on a thread of their own so that the extension host never waits for a guest. */
import { parentPort, workerData } from "node:worker_threads";
import { prepare, startWorker } from "../../debug-adapter/index.ts";

if (parentPort === null) throw new Error("adapter-worker.js is started by the extension, as a worker");
startWorker(parentPort);
// Started ahead of its session it has the time.
if ((workerData as { readonly isSpare?: unknown } | null)?.isSpare === true) void prepare();
