/**
 * Whether a name a person wrote means a qualified name: `open`, `Socket::open` and `net::Socket::open(int)` all mean
 * `net::Socket::open`.
 */

/** `open` of `net::Socket<A::B>::open`. */
export function lastComponent(name: string): string {
  let depth = 0;
  for (let i = name.length - 1; i > 0; i--) {
    const char = name[i];
    if (char === ">") depth++;
    else if (char === "<") depth--;
    else if (char === ":" && name[i - 1] === ":" && depth <= 0) return name.slice(i + 1);
  }
  return name;
}

/** Whether `query` is `full` or ends it at a `::`. */
export function isSuffix(full: string, query: string): boolean {
  return full === query || full.endsWith(`::${query}`);
}

export function withoutParameters(name: string): string {
  const at = name.indexOf("(", name.startsWith("(") ? 1 : 0);
  return at > 0 && !name.includes("operator()") ? name.slice(0, at) : name;
}
