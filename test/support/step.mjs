/**
 * Runs a program as one step of `test/run.mjs`, and ends it, with all that it has started, when its time is over.
 *
 * A step is a process group of its own without a standard input, and its processes carry a word in their environment: browsers and servers leave the group, and
 * are found by that word (on Linux) when the step is over. Each step has its own word, so that one may run beside another; what it prints is then collected.
 * Elsewhere: what counts as passed, and the steps themselves.
 */
import { spawn } from "node:child_process";
import { readdirSync, readFileSync, rmSync } from "node:fs";
import { setTimeout as sleep } from "node:timers/promises";

const MARK = "REDZONE_STEP";
const MINUTE = 60_000;
const LOOK_MILLISECONDS = 2000;
/** For a run of tests whose last test is over, to leave. */
const LEAVE_MILLISECONDS = 60_000;
const GRACE_MILLISECONDS = 3000;

/** Steps carry this word, a dot and their number. */
const run = `${process.pid}-${Date.now()}`;
let steps = 0;
/** Process groups that have been started and not ended, and the words of their steps. */
const groups = new Map();

/** What a run of tests has said of itself (`progress.ts`); without a file nothing has been. */
export function readRecord(file) {
  try {
    return JSON.parse(readFileSync(file, "utf8"));
  } catch {
    return { passed: 0, failed: 0, skipped: 0, failures: [], running: [], ended: false };
  }
}

function signal(target, name) {
  try {
    process.kill(target, name);
  } catch {
    // It has ended by itself.
  }
}

/** Processes that are alive and whose word begins so, with their command lines. */
function strays(word) {
  const found = [];
  let entries = [];
  try {
    entries = readdirSync("/proc").filter((name) => /^\d+$/u.test(name));
  } catch {
    return found;
  }
  for (const entry of entries) {
    try {
      if (!readFileSync(`/proc/${entry}/environ`, "latin1").includes(`${MARK}=${word}`)) continue;
      const words = readFileSync(`/proc/${entry}/cmdline`, "latin1").split("\0");
      if (words[0] !== "") found.push({ id: Number(entry), command: words.join(" ").slice(0, 100) });
    } catch {
      // Another user's, or gone.
    }
  }
  return found;
}

async function end(word) {
  for (const name of ["SIGTERM", "SIGKILL"]) {
    const left = strays(word);
    const own = [...groups].filter(([, of]) => `${of}\0`.startsWith(word));
    if (own.length === 0 && left.length === 0) return;
    for (const [group] of own) signal(-group, name);
    for (const { id } of left) signal(id, name);
    await sleep(name === "SIGTERM" ? GRACE_MILLISECONDS : 0);
  }
}

/** Ends everything that was started and is still there. */
export const endAll = () => end(`${run}.`);

/**
 * Runs a program to its end, or for `minutes`.
 *
 * @param options `cwd`, `environment` (added), `stdout` ("inherit", "ignore", or "collect", which holds for the errors as well), `record`: where a run of tests
 *   says how far it is
 * @returns whether it passed, that in words, seconds, and what was collected
 */
export async function execute(command, words, minutes, options = {}) {
  const { cwd, environment = {}, stdout = "inherit", record } = options;
  if (record !== undefined) rmSync(record, { force: true });
  const step = `${run}.${++steps}`;
  // Number 1 is not the beginning of number 10.
  const word = `${step}\0`;
  const started = Date.now();
  const child = spawn(command, words, {
    cwd,
    detached: true,
    stdio: stdout === "collect" ? ["ignore", "pipe", "pipe"] : ["ignore", stdout, "inherit"],
    env: {
      ...process.env,
      ...environment,
      [MARK]: step,
      ...(record === undefined ? {} : { REDZONE_RECORD: record }),
    },
  });
  if (child.pid !== undefined) groups.set(child.pid, step);
  let output = "";
  for (const stream of [child.stdout, child.stderr])
    stream?.setEncoding("utf8").on("data", (text) => (output += text));
  const closed = new Promise((resolve) => {
    child.once("close", resolve);
  });
  let why = null;
  let endedAt = null;
  const timer = setInterval(() => {
    const now = Date.now();
    if (record !== undefined && readRecord(record).ended) endedAt ??= now;
    if (now - started > minutes * MINUTE) why ??= `FAILED: ended after ${minutes} minutes`;
    else if (endedAt !== null && now - endedAt > LEAVE_MILLISECONDS)
      why ??= "FAILED: all tests were over and it did not end";
    if (why === null) return;
    clearInterval(timer);
    void end(word);
  }, LOOK_MILLISECONDS);
  const status = await new Promise((resolve) => {
    child.once("error", (error) => {
      why ??= `FAILED: ${error.message}`;
      resolve(null);
    });
    child.once("exit", resolve);
  });
  clearInterval(timer);
  groups.delete(child.pid);
  const left = strays(word)
    .map(({ id, command: words }) => `   left behind, ended: ${words} (${id})\n`)
    .join("");
  await end(word);
  if (stdout === "collect") {
    // What it has written before it ended is still on its way.
    await Promise.race([closed, sleep(GRACE_MILLISECONDS, undefined, { ref: false })]);
    output += left;
  } else process.stdout.write(left);
  const text = why ?? (status === 0 ? "passed" : "FAILED");
  return { passed: text === "passed", text, seconds: (Date.now() - started) / 1000, output };
}
