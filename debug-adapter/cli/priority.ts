/**
 * Which of the process's threads come first when there are more of them than processors: the one that the guest runs on.
 *
 * V8 compiles on four threads, however few processors there are. On two they take a tenth of the guest's time where much is new, as at the beginning of a boot.
 */
import { readdirSync } from "node:fs";
import { constants, setPriority } from "node:os";

/** Of Linux, where each thread has a priority of its own. */
const THREADS = "/proc/self/task";

/** The threads that there are give way to this one, and to those that start later. Elsewhere than on Linux nothing happens. Only for a process that is ours alone. */
export function favourThisThread(): void {
  if (process.platform !== "linux") return;
  for (const name of threads()) {
    const thread = Number(name);
    // The first thread has the number of the process.
    if (thread !== process.pid) lower(thread);
  }
}

function threads(): readonly string[] {
  try {
    return readdirSync(THREADS);
  } catch {
    return [];
  }
}

function lower(thread: number): void {
  try {
    setPriority(thread, constants.priority.PRIORITY_BELOW_NORMAL);
  } catch {
    // It has ended, or may not be asked to: then it runs as before.
  }
}
