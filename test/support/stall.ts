/**
 * Ends a test process whose thread does not come back. vitest's time limits are timers of that thread: a loop that runs a machine until something happens that
 * never does would keep them, and the whole run, waiting for ever.
 *
 * Set up in every test process (`vitest.config.ts`). A second thread looks whether the first still takes its timers; after STALL_SECONDS of processor time it says which test it
 * is and where it goes round, and kills the process. vitest reports the file as failed and goes on with the others.
 */
import { Worker } from "node:worker_threads";
import { beforeEach } from "vitest";

/** Seconds of processor time: more than any machine needs for the longest stretch without a pause; long tests boot kernels by the dozen. */
const STALL_SECONDS = Number(
  process.env["REDZONE_STALL_SECONDS"] ?? (process.env["REDZONE_LONG"] === "1" ? 3600 : 240),
);

const beats = new Int32Array(new SharedArrayBuffer(4));
setInterval(() => Atomics.add(beats, 0, 1), 500).unref();
const watcher = new Worker(new URL("stall-watcher.mjs", import.meta.url), {
  workerData: { beats, seconds: STALL_SECONDS },
  // The watcher does without what vitest loads into its processes.
  execArgv: [],
});
watcher.unref();

beforeEach(({ task }) => {
  watcher.postMessage(`${task.file.name}: ${task.name}`);
});
