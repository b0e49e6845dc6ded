/**
 * Runs a program as one step of `test/run.mjs`, and ends it, with all that it has started, when its time is over.
 *
 * A step is a process group of its own without a standard input, and its processes carry a word in their environment: browsers and servers leave the group, and
 * are found by that word (on Linux) when the step is over. Elsewhere: what counts as passed, and the steps themselves.
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

const mark = `${process.pid}-${Date.now()}`;
/** Process groups that have been started and not ended. */
const groups = new Set();

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

/** Processes of this run that are alive, with their command lines. */
function strays() {
  const found = [];
  let entries = [];
  try {
    entries = readdirSync("/proc").filter((name) => /^\d+$/u.test(name));
  } catch {
    return found;
  }
  for (const entry of entries) {
    try {
      if (!readFileSync(`/proc/${entry}/environ`, "latin1").includes(`${MARK}=${mark}\0`)) continue;
      const words = readFileSync(`/proc/${entry}/cmdline`, "latin1").split("\0");
      if (words[0] !== "") found.push({ id: Number(entry), command: words.join(" ").slice(0, 100) });
    } catch {
      // Another user's, or gone.
    }
  }
  return found;
}

/** Ends everything that was started and is still there. */
export async function endAll() {
  for (const name of ["SIGTERM", "SIGKILL"]) {
    const left = strays();
    if (groups.size === 0 && left.length === 0) return;
    for (const group of groups) signal(-group, name);
    for (const { id } of left) signal(id, name);
    await sleep(name === "SIGTERM" ? GRACE_MILLISECONDS : 0);
  }
}

/**
 * Runs a program to its end, or for `minutes`.
 *
 * @param options `cwd`, `environment` (added), `stdout` ("inherit" or "ignore"), `record`: where a run of tests says how far it is
 * @returns whether it passed, that in words, and seconds
 */
export async function execute(command, words, minutes, options = {}) {
  const { cwd, environment = {}, stdout = "inherit", record } = options;
  if (record !== undefined) rmSync(record, { force: true });
  const started = Date.now();
  const child = spawn(command, words, {
    cwd,
    detached: true,
    stdio: ["ignore", stdout, "inherit"],
    env: {
      ...process.env,
      ...environment,
      [MARK]: mark,
      ...(record === undefined ? {} : { REDZONE_RECORD: record }),
    },
  });
  if (child.pid !== undefined) groups.add(child.pid);
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
    void endAll();
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
  for (const { id, command: left } of strays()) console.log(`   left behind, ended: ${left} (${id})`);
  await endAll();
  const text = why ?? (status === 0 ? "passed" : "FAILED");
  return { passed: text === "passed", text, seconds: (Date.now() - started) / 1000 };
}
