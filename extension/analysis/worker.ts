/** The analysis worker's entry: files in, what was found in them out. On a thread of its own, so that the editor never waits for a large kernel. */
import { parentPort } from "node:worker_threads";
import { analyseFile, analysisText } from "../../debug-adapter/analysis/index.ts";
import { nodeFiles } from "../../debug-adapter/node-files.ts";
import type { Answer, Question } from "./question.ts";

const PROGRESS_MILLISECONDS = 250;

if (parentPort === null) throw new Error("analysis-worker.js is started by the extension, as a worker");
const port = parentPort;
const answer = (message: Answer): void => port.postMessage(message);

port.on("message", ({ path, roots, sourceMap, archives }: Question) => {
  try {
    const steps = analyseFile(path, nodeFiles, { roots, sourceMap: new Map(sourceMap), archives });
    let told = performance.now();
    let step = steps.next();
    for (; step.done !== true; step = steps.next()) {
      const now = performance.now();
      if (now - told < PROGRESS_MILLISECONDS) continue;
      told = now;
      answer({ kind: "progress", fraction: step.value });
    }
    answer({ kind: "done", body: step.value, text: analysisText(step.value, true) });
  } catch (error) {
    answer({ kind: "failed", message: error instanceof Error ? error.message : String(error) });
  }
});
