/**
 * Where a function is in a source that may have been edited since the kernel was built: the line that the debug information says if the name stands there, or the
 * nearest with the name. Knows no editor.
 */
const REACH = 200;

/** @param line from 1. Returns a line from 0. */
export function anchorLine(
  lineAt: (line: number) => string,
  count: number,
  line: number,
  name: string,
): number {
  const recorded = Math.min(Math.max(line - 1, 0), Math.max(count - 1, 0));
  const word = name
    .split("::")
    .at(-1)!
    .replaceAll(/[^\w$]/g, "");
  if (word === "") return recorded;
  const pattern = new RegExp(`(?<![\\w$])${word.replaceAll("$", String.raw`\$`)}(?![\\w$])\\s*(?:\\(|<|:|$)`);
  for (let distance = 0; distance < REACH; distance++) {
    for (const at of [recorded - distance, recorded + distance]) {
      if (at < 0 || at >= count) continue;
      const text = lineAt(at);
      // A call ends with a semicolon, a definition does not.
      if (pattern.test(text) && !/;\s*$/.test(text)) return at;
    }
  }
  return recorded;
}
