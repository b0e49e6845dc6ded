/**
 * Opens a disk image: finds its format, and what lies behind it.
 *
 * Errors are `BlockError`s that name the file, the field and its offset. `Pending` may be thrown, too: opening is then done again.
 */
import { PROBE_BYTES, probeFormat } from "./format.ts";
import { BlockError, type BlockImage, type ByteStore } from "./image.ts";
import { Qcow2Image } from "./qcow2/image.ts";
import { RawImage } from "./raw.ts";

/** A chain of backing files is at most this long. */
const MAXIMUM_DEPTH = 64;

export interface OpenOptions {
  /**
   * Opens the file that an image names as its backing file, read only; `name` may be relative to `from`. Throws what is to be said if it cannot.
   * Absent: images with a backing file are refused.
   */
  readonly openBacking?: (name: string, from: ByteStore) => ByteStore;
  /**
   * Expands compressed bytes to `size` bytes ("deflate": raw, without zlib's header; what follows the end of the stream is to be ignored). Throws if they
   * are damaged or if it does not know the kind. Absent: compressed clusters are refused when they are read.
   */
  readonly decompress?: (kind: "deflate" | "zstd", bytes: Uint8Array, size: number) => Uint8Array;
  /** Opens this internal snapshot (its id, or its name), read only. */
  readonly snapshot?: string;
  /** 2048 for a CD. Default 512. */
  readonly sectorBytes?: 512 | 2048;
}

/** @param format "probe" looks at the first bytes, as QEMU does when no format is given */
export function openImage(
  store: ByteStore,
  format: "raw" | "qcow2" | "probe",
  options: OpenOptions = {},
): BlockImage {
  return open(store, format, options, []);
}

function open(store: ByteStore, format: string, options: OpenOptions, above: readonly string[]): BlockImage {
  if (above.includes(store.name)) throw new BlockError(`${store.name}: is its own backing file`);
  if (above.length > MAXIMUM_DEPTH)
    throw new BlockError(`${store.name}: more than ${MAXIMUM_DEPTH} backing files lie upon it`);
  const actual = format === "probe" ? probeFormat(store.read(0, PROBE_BYTES)) : format;
  if (actual === "raw") {
    if (options.snapshot !== undefined) throw new BlockError(`${store.name}: a raw image has no snapshots`);
    return new RawImage(store, options.sectorBytes);
  }
  if (actual === "qcow2") {
    const { snapshot, decompress, sectorBytes } = options;
    return new Qcow2Image(store, {
      openBacking: (name, backingFormat) => openBacking(name, backingFormat, store, options, above),
      ...(snapshot === undefined ? {} : { snapshot }),
      ...(decompress === undefined ? {} : { decompress }),
      ...(sectorBytes === undefined ? {} : { sectorBytes }),
    });
  }
  throw new BlockError(
    `${store.name}: images of format ${actual} are not implemented; qemu-img convert makes a raw or qcow2 image of it`,
  );
}

function openBacking(
  name: string,
  format: string | null,
  from: ByteStore,
  { openBacking: openFile, decompress }: OpenOptions,
  above: readonly string[],
): BlockImage {
  if (openFile === undefined)
    throw new BlockError(`${from.name}: its backing file "${name}" cannot be opened here`);
  const store = openFile(name, from);
  const options =
    decompress === undefined ? { openBacking: openFile } : { openBacking: openFile, decompress };
  return open(store, format ?? "probe", options, [...above, from.name]);
}
