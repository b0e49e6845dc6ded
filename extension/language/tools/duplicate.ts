/** What two have said: an assembler and our own rules of one line, or two checks of one file that both include. */

/** As much of a diagnostic as is compared. */
export interface Said {
  readonly message: string;
  readonly range: { readonly start: { readonly line: number } };
  /** Less is more severe. */
  readonly severity: number;
}

/** Those of `found` that are not said twice, nor of lines of which `known` says something at least as severe. */
export function unsaid<Found extends Said>(
  found: readonly Found[],
  known: readonly Said[],
): readonly Found[] {
  const seen = new Set<string>();
  return found.filter(({ message, range, severity }) => {
    const { line } = range.start;
    const key = `${line} ${message}`;
    const isKnown = known.some((said) => said.range.start.line === line && said.severity <= severity);
    const isNew = !isKnown && !seen.has(key);
    seen.add(key);
    return isNew;
  });
}
