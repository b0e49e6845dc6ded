/**
 * Paths as compilers record them: of any system, whatever system this runs on.
 */

const ABSOLUTE = /^(?:\/|[A-Za-z]:[\\/]|\\\\)/;

/** Joins from the last absolute part on and resolves `.` and `..`; separators stay as they were written. */
export function joinPath(...parts: readonly string[]): string {
  let path = "";
  for (const part of parts) {
    if (part === "") continue;
    if (path === "" || ABSOLUTE.test(part)) path = part;
    else
      path = /[\\/]$/.test(path)
        ? path + part
        : path + (path.includes("\\") && !path.includes("/") ? "\\" : "/") + part;
  }
  return normalise(path);
}

function normalise(path: string): string {
  if (!/(?:^|[\\/])\.{0,2}(?:[\\/]|$)/.test(path.slice(1))) return path;
  const root = ABSOLUTE.exec(path)?.[0] ?? "";
  const separator = path.includes("/") ? "/" : "\\";
  const kept: string[] = [];
  for (const part of path.slice(root.length).split(/[\\/]/)) {
    if (part === "" || part === ".") continue;
    if (part === ".." && kept.length > 0 && kept.at(-1) !== "..") kept.pop();
    else if (part !== ".." || root === "") kept.push(part);
  }
  return root + kept.join(separator);
}
