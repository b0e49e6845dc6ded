/**
 * The file system as the adapter sees it: synchronous, because symbols are read lazily wherever a question about them comes up, and because
 * the adapter has its own process or worker. Hosts implement it (`node-files.ts`), so that nothing else here knows where files come from.
 */
import type { ByteStore } from "../emulator/index.ts";
import type { Decompress, FileReader } from "./symbols/index.ts";

export interface Files {
  /** The whole file; throws the host's error if it cannot be read. */
  read(path: string): Uint8Array;
  /** A file that is read piece by piece; symbols of large kernels are never read whole. */
  open(path: string): FileReader;
  /** A file for a disk, read and written piece by piece; throws the host's error if it cannot be opened so. */
  store(path: string, readOnly: boolean): ByteStore;
  /** Makes a file of so many zeros, or makes an empty one as large; throws the host's error. */
  create(path: string, sizeBytes: number): void;
  exists(path: string): boolean;
  /** Names in a directory, those of directories with "/" at the end; empty if there is no such directory. */
  list(path: string): readonly string[];
  /** Absolute path of `path`, which is relative to `directory` or absolute; also normalises separators. */
  resolve(directory: string, path: string): string;
  /** Expands a compressed cluster of a disk image to `sizeBytes` bytes; "deflate" is without zlib's header. Throws if it is damaged. */
  inflate(kind: "deflate" | "zstd", bytes: Uint8Array, sizeBytes: number): Uint8Array;
  /** Inflates compressed debug sections. */
  readonly decompress: Decompress;
}

/** The directory of a path, without the separator at its end. */
export const directoryOf = (path: string): string =>
  path.slice(0, Math.max(path.lastIndexOf("/"), path.lastIndexOf("\\"), 0));

export const baseName = (path: string): string =>
  path.slice(Math.max(path.lastIndexOf("/"), path.lastIndexOf("\\")) + 1);
