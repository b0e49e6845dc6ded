/**
 * Matching source paths: the ones compilers recorded with the ones an editor has, which may be of another machine, directory or system.
 *
 * Paths are compared by components from the end; `\` and `/` are the same, and case does not count where there is a drive letter.
 */

export function baseName(path: string): string {
  return path.slice(Math.max(path.lastIndexOf("/"), path.lastIndexOf("\\")) + 1);
}

function components(path: string, foldCase: boolean): string[] {
  const parts = (foldCase ? path.toLowerCase() : path)
    .split(/[\\/]+/)
    .filter((part) => part !== "" && part !== ".");
  return parts;
}

const hasDrive = (path: string): boolean => /^[A-Za-z]:[\\/]/.test(path);
const isAbsolute = (path: string): boolean => /^[\\/]/.test(path) || hasDrive(path);

/** How many components, from the end, two paths share. */
export function sharedComponents(a: string, b: string): number {
  const foldCase = hasDrive(a) || hasDrive(b);
  const left = components(a, foldCase);
  const right = components(b, foldCase);
  let shared = 0;
  while (shared < left.length && shared < right.length && left.at(-1 - shared) === right.at(-1 - shared))
    shared++;
  return shared;
}

/**
 * Those of `recorded` that `path` can mean. All of which it is the end, if it is relative. Otherwise the ones that share the most
 * components with it, which is all of them for equal paths; a file name alone is enough if nothing better is there.
 */
export function bestMatches(path: string, recorded: Iterable<string>): string[] {
  const foldCase = hasDrive(path);
  const wanted = components(path, foldCase);
  const isWhole = isAbsolute(path);
  let best = 0;
  let matches: string[] = [];
  for (const candidate of recorded) {
    const shared = sharedComponents(path, candidate);
    if (shared === 0) continue;
    const isSuffix = shared === wanted.length;
    // Of a relative path every component must agree, or every component of a shorter recorded one.
    const isCovered = shared === components(candidate, foldCase).length && !isAbsolute(candidate);
    if (!isWhole && !isSuffix && !isCovered) continue;
    const score = isWhole ? shared : isSuffix ? wanted.length : shared;
    if (score > best) {
      best = score;
      matches = [];
    }
    if (score === best) matches.push(candidate);
  }
  return matches;
}

/** A rule of a source map: paths that start with `from` are found under `to`. */
export interface SourceMapping {
  readonly from: string;
  readonly to: string;
}

/** `path` under the first rule that applies, the longest `from` first; unchanged if none does. */
export function mapSource(path: string, mappings: readonly SourceMapping[]): string {
  for (const { from, to } of [...mappings].sort((a, b) => b.from.length - a.from.length)) {
    const prefix = from.replace(/[\\/]+$/, "");
    const foldCase = hasDrive(from);
    const fold = (text: string): string => (foldCase ? text.toLowerCase() : text).replaceAll("\\", "/");
    if (!fold(path).startsWith(fold(prefix))) continue;
    const rest = path.slice(prefix.length);
    if (rest !== "" && !/^[\\/]/.test(rest)) continue;
    return to.replace(/[\\/]+$/, "") + rest;
  }
  return path;
}

/**
 * Finds the file on disk that a recorded path means: the mapped path itself if it exists, else the only best match by suffix among
 * `candidates`, files below the folders the user works in. Null if there is none, or several that fit equally well.
 */
export function findSource(
  recorded: string,
  mappings: readonly SourceMapping[],
  host: { exists(path: string): boolean; candidates(name: string): readonly string[] },
): string | null {
  const mapped = mapSource(recorded, mappings);
  if (isAbsolute(mapped) && host.exists(mapped)) return mapped;
  const found = host.candidates(baseName(recorded));
  const scored = found
    .map((path) => ({ path, shared: sharedComponents(path, recorded) }))
    .sort((a, b) => b.shared - a.shared);
  const [first, second] = scored;
  if (!first || first.shared === 0) return null;
  return second && second.shared === first.shared ? null : first.path;
}
