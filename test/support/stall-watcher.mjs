/** The second thread of `stall.ts`: plain JavaScript, since Node runs it as it is. */
import { writeSync } from "node:fs";
import { Session } from "node:inspector";
import { parentPort, workerData } from "node:worker_threads";

const { beats, seconds } = workerData;
const PERIOD_SECONDS = Math.min(1, seconds / 4);
const FRAMES = 12;
const STDERR = 2;

let test = "before the first test";
parentPort.on("message", (name) => {
  test = name;
});

function end(where) {
  writeSync(STDERR, `\nstalled for ${seconds} s, ended: ${test}\n${where}\n`);
  process.kill(process.pid, "SIGKILL");
}

/** Stops the first thread as a debugger would, which it notices in a loop, though not in a system call. */
function accuse() {
  setTimeout(() => end("    in a system call, or waiting for a child process"), 5000);
  const session = new Session();
  session.connectToMainThread();
  const scripts = new Map();
  session.on("Debugger.scriptParsed", ({ params }) => scripts.set(params.scriptId, params.url));
  session.on("Debugger.paused", ({ params }) => {
    const frames = params.callFrames
      .map(({ functionName, location: { scriptId, lineNumber } }) => {
        // Lines are those of what vitest made of the file: types are gone, the rest is about where it was.
        return `    at ${functionName || "(anonymous)"} (${scripts.get(scriptId)}, about line ${lineNumber + 1})`;
      })
      .filter((line) => !line.includes("node_modules"));
    end(frames.slice(0, FRAMES).join("\n"));
  });
  session.post("Debugger.enable");
  session.post("Debugger.pause");
}

let last = -1;
let same = 0;
const timer = setInterval(() => {
  const now = Atomics.load(beats, 0);
  same = now === last ? same + PERIOD_SECONDS : 0;
  last = now;
  if (same < seconds) return;
  clearInterval(timer);
  accuse();
}, PERIOD_SECONDS * 1000);
