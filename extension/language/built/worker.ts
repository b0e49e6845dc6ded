/** The entry of the worker that reads built programs: questions in, updates for the language server out. */
import { parentPort } from "node:worker_threads";
import { nodeFiles } from "../../../debug-adapter/node-files.ts";
import { Program } from "./program.ts";
import type { Answer, Question, Target } from "./question.ts";

if (parentPort === null) throw new Error("built-worker.js is started by the extension, as a worker");
const port = parentPort;
const answer = (message: Answer): void => port.postMessage(message);

const programs = new Map<string, { readonly target: Target; readonly program: Program }>();

function programOf(target: Target): Program {
  const known = programs.get(target.path);
  if (known && JSON.stringify(known.target) === JSON.stringify(target)) return known.program;
  const program = new Program(target, nodeFiles);
  programs.set(target.path, { target, program });
  return program;
}

/** Between steps other questions have their turn. */
const turn = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

async function reply({ id, target, isNew, files }: Question): Promise<void> {
  try {
    if (isNew) programs.delete(target.path);
    const program = programOf(target);
    if (isNew) answer({ kind: "update", id, update: program.facts() });
    for (const file of files) answer({ kind: "update", id, update: program.lines(file) });
    if (isNew) {
      const steps = program.sources();
      let step = steps.next();
      for (; step.done !== true; step = steps.next()) await turn();
      answer({ kind: "update", id, update: step.value });
    }
    answer({ kind: "done", id });
  } catch (error) {
    programs.delete(target.path);
    answer({ kind: "failed", id, message: error instanceof Error ? error.message : String(error) });
  }
}

port.on("message", (question: Question) => void reply(question));
