/**
 * The file system as the adapter sees it: synchronous, because symbols are read lazily wherever a question about them comes up, and because
 * the adapter has its own process or worker. Hosts implement it (`node-files.ts`), so that nothing else here knows where files come from.
 */
import type { Decompress, FileReader } from "./symbols/index.ts";

export interface Files {
  /** The whole file; throws the host's error if it cannot be read. */
  read(path: string): Uint8Array;
  /** A file that is read piece by piece; symbols of large kernels are never read whole. */
  open(path: string): FileReader;
  exists(path: string): boolean;
  /** Names in a directory, those of directories with "/" at the end; empty if there is no such directory. */
  list(path: string): readonly string[];
  /** Absolute path of `path`, which is relative to `directory` or absolute; also normalises separators. */
  resolve(directory: string, path: string): string;
  /** Inflates compressed debug sections. */
  readonly decompress: Decompress;
}

/** The directory of a path, without the separator at its end. */
export const directoryOf = (path: string): string =>
  path.slice(0, Math.max(path.lastIndexOf("/"), path.lastIndexOf("\\"), 0));

export const baseName = (path: string): string =>
  path.slice(Math.max(path.lastIndexOf("/"), path.lastIndexOf("\\")) + 1);
