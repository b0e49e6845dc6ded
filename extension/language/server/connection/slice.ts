/**
 * Long work in slices, between which messages are answered.
 *
 * Invariant: a slice ends soon after `SLICE_MILLISECONDS`, wherever the work has a place to pause at; whether it goes on is asked before each.
 */

const SLICE_MILLISECONDS = 8;

/** Lets everything else have its turn. */
export function pause(): Promise<void> {
  return new Promise((resolve) => {
    setTimeout(resolve, 0);
  });
}

/** Runs a generator, whose every `yield` is a place to pause at. @returns undefined where it was not to go on */
export async function inSlices<Value>(
  work: Iterator<unknown, Value>,
  isWanted: () => boolean = () => true,
): Promise<{ readonly value: Value } | undefined> {
  let start = performance.now();
  for (;;) {
    const step = work.next();
    if (step.done) {
      return { value: step.value };
    }
    if (performance.now() - start >= SLICE_MILLISECONDS) {
      await pause();
      if (!isWanted()) {
        return undefined;
      }
      start = performance.now();
    }
  }
}
