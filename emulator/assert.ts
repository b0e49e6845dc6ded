/** A broken invariant of the emulator itself (never something a guest can cause) ends here, with the values that broke it. */
export function assert(
  condition: boolean,
  message: string,
  ...values: readonly unknown[]
): asserts condition {
  if (!condition)
    throw new Error(
      `assertion failed: ${message}${values.length > 0 ? ` (${values.map(String).join(", ")})` : ""}`,
    );
}
