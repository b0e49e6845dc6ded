/**
 * The images of a machine's drives, opened on the host's files.
 *
 * Invariant: an image that the guest may not write, or whose writes stay in the machine, is opened for reading only. What is wrong with an image is an
 * error with its path; nothing of it is read but what is asked for.
 * Elsewhere: the formats (`emulator/block/`), where drives are plugged in (`cli/drive.ts`).
 */
import { openImage, type BlockImage, type ByteStore } from "../emulator/index.ts";
import type { DriveOption } from "./cli/options.ts";
import { AdapterError, cannotOpenImage, cannotReadFile } from "./errors.ts";
import { directoryOf, type Files } from "./files.ts";

/** By the drives' ids; a drive without a file is an empty tray and has none. Throws `cannotReadFile`, `cannotOpenImage`. */
export function openDrives(
  drives: readonly DriveOption[],
  cwd: string,
  files: Files,
): ReadonlyMap<string, BlockImage> {
  const images = new Map<string, BlockImage>();
  for (const { config, path, format } of drives) {
    if (path === null) continue;
    const file = files.resolve(cwd, path);
    images.set(
      config.id,
      openFile(file, format, config.media === "cdrom" ? 2048 : 512, config.writeThrough !== true, files),
    );
  }
  return images;
}

function openFile(
  path: string,
  format: DriveOption["format"],
  sectorBytes: 512 | 2048,
  readOnly: boolean,
  files: Files,
): BlockImage {
  const store = openStore(path, readOnly, files);
  try {
    return openImage(store, format, {
      sectorBytes,
      decompress: (kind, bytes, sizeBytes) => files.inflate(kind, bytes, sizeBytes),
      // A backing file's name is relative to the file that names it; it is never written.
      openBacking: (name, from) =>
        openStore(files.resolve(directoryOf(from.name), name.replace(/^file:/, "")), true, files),
    });
  } catch (cause) {
    if (cause instanceof AdapterError) throw cause;
    throw cannotOpenImage(path, cause);
  }
}

function openStore(path: string, readOnly: boolean, files: Files): ByteStore {
  try {
    return files.store(path, readOnly);
  } catch (cause) {
    throw cannotReadFile("disk image", path, cause);
  }
}
