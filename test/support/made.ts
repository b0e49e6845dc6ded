/**
 * Files that tests make under `.cache/`. Two test files may make the same at once, in two processes: a file takes its name when it is whole, so that nobody
 * reads half of one.
 */
import { mkdirSync, renameSync } from "node:fs";
import { dirname } from "node:path";

/** Makes `file`, whose folder need not be there, and gives its path. `make` writes the file that it is given the name of. */
export function made(file: string, make: (out: string) => void): string {
  mkdirSync(dirname(file), { recursive: true });
  const out = `${file}.${process.pid}`;
  make(out);
  renameSync(out, file);
  return file;
}
