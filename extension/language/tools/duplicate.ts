/** What two have said: an assembler and our own rules of one line, or two checks of one file that both include. */

/** As much of a diagnostic as is compared. */
export interface Said {
  readonly message: string;
  readonly range: { readonly start: { readonly line: number } };
}

/** Those of `found` that are not said twice, nor of lines of which `known` speaks. */
export function unsaid<Found extends Said>(
  found: readonly Found[],
  known: readonly Said[],
): readonly Found[] {
  const lines = new Set(known.map(({ range }) => range.start.line));
  const seen = new Set<string>();
  return found.filter(({ message, range }) => {
    const key = `${range.start.line} ${message}`;
    const isNew = !lines.has(range.start.line) && !seen.has(key);
    seen.add(key);
    return isNew;
  });
}
