/** The second thread of `stall.ts`: plain JavaScript, since Node runs it as it is. */
import { writeSync } from "node:fs";
import { Session } from "node:inspector";
import { parentPort, workerData } from "node:worker_threads";

const { beats, seconds } = workerData;
const PERIOD_SECONDS = Math.min(1, seconds / 4);
const FRAMES = 12;
const STDERR = 2;
/** A thread that sleeps may do so for this many times as long. */
const SLEEPING = 4;

let test = "before the first test";
parentPort.on("message", (name) => {
  test = name;
});

function end(where) {
  writeSync(STDERR, `\nno sign of life for ${seconds} s of processor time, ended: ${test}\n${where}\n`);
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

const cpuSeconds = () => {
  const { user, system } = process.cpuUsage();
  return (user + system) / 1e6;
};

let last = -1;
let cpu = 0;
let wall = 0;
const timer = setInterval(() => {
  const beat = Atomics.load(beats, 0);
  if (beat !== last) {
    last = beat;
    cpu = cpuSeconds();
    wall = Date.now();
    return;
  }
  // Seconds of processor time: other work of the machine must not count. A thread that sleeps uses none.
  if (cpuSeconds() - cpu < seconds && Date.now() - wall < seconds * 1000 * SLEEPING) return;
  clearInterval(timer);
  accuse();
}, PERIOD_SECONDS * 1000);
