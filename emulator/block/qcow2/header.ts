/**
 * The header of a qcow2 image (QEMU's docs/interop/qcow2.txt), big-endian, and the extensions behind it.
 *
 *     0 magic, version   8 backing file: offset (64 bits), 16 length   20 cluster bits   24 size (64)   32 encryption
 *     36 L1 entries   40 L1 table (64)   48 refcount table (64)   56 its clusters   60 snapshots   64 snapshot table (64)
 *     version 3:  72 incompatible features (64)   80 compatible (64)   88 autoclear (64)   96 refcount order   100 header length   104 compression
 *     extension:  type, length (32 bits each), data, filled up to a multiple of 8
 *
 * Invariant: what a parsed header says can be relied on: sizes are within QEMU's limits, tables are aligned and cover the disk. Anything else is a
 * `BlockError` that names the field and where it is.
 */
import { BigEndian } from "../../big-endian.ts";
import { BlockError } from "../image.ts";
import type { Store } from "../store.ts";

const V2_BYTES = 72;
const V3_BYTES = 104;
const MAXIMUM_L1_BYTES = 2 ** 25;
const MAXIMUM_REFCOUNT_TABLE_BYTES = 2 ** 23;
const MAXIMUM_SNAPSHOTS = 65_536;
const MAXIMUM_BACKING_NAME = 1023;
/** Offsets have 56 bits; ours must be exact numbers, too. */
const MAXIMUM_OFFSET = 2 ** 53;

const INCOMPATIBLE = { dirty: 1, corrupt: 2, dataFile: 4, compression: 8, extendedL2: 16 } as const;
const KNOWN_INCOMPATIBLE = 31;
const EXTENSION = {
  end: 0,
  backingFormat: 0xe2792aca,
  featureNames: 0x6803f857,
  encryption: 0x0537be77,
} as const;
const SUBCLUSTERED_BITS = 14;
const AUTOCLEAR_OFFSET = 88;

export interface Qcow2Header {
  readonly version: 2 | 3;
  readonly clusterBits: number;
  readonly clusterBytes: number;
  readonly sizeBytes: number;
  readonly l1: { readonly offset: number; readonly entries: number };
  readonly refcountTable: { readonly offset: number; readonly clusters: number };
  /** log2 of a refcount's bits. */
  readonly refcountOrder: number;
  readonly snapshots: { readonly offset: number; readonly count: number };
  readonly backing: { readonly name: string; readonly format: string | null } | null;
  readonly dirty: boolean;
  readonly corrupt: boolean;
  readonly compression: "deflate" | "zstd";
  /** L2 entries of 16 bytes, with a bit for each 32nd of a cluster. */
  readonly extendedL2: boolean;
  /** Bits that who does not know them clears when it writes. */
  readonly autoclear: boolean;
}

/** Says what is wrong with a field of an image. */
export function damaged(store: Store, field: string, offset: number, text: string): BlockError {
  return new BlockError(`${store.name}: qcow2 ${field} at offset ${offset}: ${text}`);
}

export function readHeader(store: Store): Qcow2Header {
  const fail = (field: string, offset: number, text: string): never => {
    throw damaged(store, field, offset, text);
  };
  const bytes = new BigEndian(store.read(0, V3_BYTES + 8));
  const version = bytes.u32(4);
  if (bytes.u32(0) !== 0x514649fb) fail("magic", 0, "not a qcow2 image");
  if (version !== 2 && version !== 3)
    return fail("version", 4, `${version} is not implemented, only 2 and 3`);
  const least = version === 2 ? V2_BYTES : V3_BYTES;
  if (store.sizeBytes < least) fail("header", 0, `the file ends after ${store.sizeBytes} of ${least} bytes`);

  const clusterBits = bytes.u32(20);
  if (clusterBits < 9 || clusterBits > 21) fail("cluster_bits", 20, `${clusterBits} is not between 9 and 21`);
  const clusterBytes = 2 ** clusterBits;
  const encryption = bytes.u32(32);
  if (encryption !== 0) {
    const method = encryption === 1 ? "AES" : encryption === 2 ? "LUKS" : `method ${encryption}`;
    fail("crypt_method", 32, `encrypted images (${method}) are not implemented`);
  }

  const v3 = version === 3;
  const incompatible = v3 ? bytes.u32(76) : 0;
  const unknown = v3 && (bytes.u32(72) !== 0 || (incompatible & ~KNOWN_INCOMPATIBLE) !== 0);
  if (unknown) fail("incompatible_features", 72, "the image uses features that are not implemented");
  if (incompatible & INCOMPATIBLE.dataFile)
    fail("incompatible_features", 72, "an external data file is not implemented");
  const extendedL2 = (incompatible & INCOMPATIBLE.extendedL2) !== 0;
  if (extendedL2 && clusterBits < SUBCLUSTERED_BITS)
    fail("cluster_bits", 20, `subclusters need clusters of 16 KiB, not of ${clusterBytes} bytes`);
  const headerBytes = v3 ? bytes.u32(100) : V2_BYTES;
  if (headerBytes < least || headerBytes > clusterBytes || headerBytes % 8 !== 0)
    fail("header_length", 100, `${headerBytes} bytes`);
  const refcountOrder = v3 ? bytes.u32(96) : 4;
  if (refcountOrder > 6) fail("refcount_order", 96, `${refcountOrder} is more than 6`);
  const compressionType = v3 && headerBytes > V3_BYTES ? bytes.bytes[V3_BYTES]! : 0;
  if (compressionType > 1) fail("compression_type", V3_BYTES, `${compressionType} is not implemented`);
  if ((compressionType !== 0) !== ((incompatible & INCOMPATIBLE.compression) !== 0))
    fail("compression_type", V3_BYTES, "does not agree with the feature bit");

  /** A table's place: aligned, and of no more bytes than it may have. */
  const table = (field: string, at: number, entries: number, entryBytes: number, limit: number): number => {
    const offset = bytes.u64(at);
    if (entries * entryBytes > limit) fail(field, at, `${entries} entries are too many`);
    if (offset % clusterBytes !== 0 || offset >= MAXIMUM_OFFSET)
      fail(field, at, `${offset} is not a cluster's offset`);
    if (offset === 0 && entries > 0) fail(field, at, "is missing");
    return offset;
  };
  const sizeBytes = bytes.u64(24);
  const l1Entries = bytes.u32(36);
  const l1Offset = table("l1_table_offset", 40, l1Entries, 8, MAXIMUM_L1_BYTES);
  const perL2 = (clusterBytes / (extendedL2 ? 16 : 8)) * clusterBytes;
  if (sizeBytes >= MAXIMUM_OFFSET) fail("size", 24, `${sizeBytes} bytes are too many`);
  if (l1Entries < Math.ceil(sizeBytes / perL2))
    fail("l1_size", 36, `${l1Entries} entries do not cover ${sizeBytes} bytes`);
  const refcountClusters = bytes.u32(56);
  if (refcountClusters === 0) fail("refcount_table_clusters", 56, "there is no refcount table");
  const refcountOffset = table(
    "refcount_table_offset",
    48,
    refcountClusters,
    clusterBytes,
    MAXIMUM_REFCOUNT_TABLE_BYTES,
  );
  const snapshots = bytes.u32(60);
  const snapshotsOffset = table("snapshots_offset", 64, snapshots, 1, MAXIMUM_SNAPSHOTS);

  const backingOffset = bytes.u64(8);
  const backingBytes = bytes.u32(16);
  if (
    backingOffset !== 0 &&
    (backingBytes > MAXIMUM_BACKING_NAME || backingOffset + backingBytes > clusterBytes)
  )
    fail("backing_file_offset", 8, `${backingBytes} bytes at ${backingOffset} are not in the first cluster`);
  const extensionsEnd = backingOffset === 0 ? clusterBytes : backingOffset;
  const format = backingFormat(store, headerBytes, extensionsEnd);
  const name = backingOffset === 0 ? "" : utf8(store.read(backingOffset, backingBytes));
  return {
    version,
    clusterBits,
    clusterBytes,
    sizeBytes,
    l1: { offset: l1Offset, entries: l1Entries },
    refcountTable: { offset: refcountOffset, clusters: refcountClusters },
    refcountOrder,
    snapshots: { offset: snapshotsOffset, count: snapshots },
    backing: name === "" ? null : { name, format },
    dirty: (incompatible & INCOMPATIBLE.dirty) !== 0,
    corrupt: (incompatible & INCOMPATIBLE.corrupt) !== 0,
    compression: compressionType === 1 ? "zstd" : "deflate",
    extendedL2,
    autoclear: v3 && (bytes.u32(AUTOCLEAR_OFFSET) !== 0 || bytes.u32(AUTOCLEAR_OFFSET + 4) !== 0),
  };
}

/** Takes back what the autoclear bits promise: bitmaps do not know of what is about to be written. */
export function clearAutoclear(store: Store): void {
  store.write(AUTOCLEAR_OFFSET, new Uint8Array(8));
}

/** Goes through the extensions up to `end`; returns what the one for the backing file's format says. */
function backingFormat(store: Store, start: number, end: number): string | null {
  const bytes = new BigEndian(store.read(0, end));
  let format: string | null = null;
  for (let at = start; at + 8 <= end;) {
    const type = bytes.u32(at);
    const length = bytes.u32(at + 4);
    if (type === EXTENSION.end) break;
    if (length > end - at - 8) throw damaged(store, "header extension", at, `${length} bytes do not fit`);
    if (type === EXTENSION.encryption)
      throw damaged(store, "header extension", at, "encrypted images are not implemented");
    if (type === EXTENSION.backingFormat) format = utf8(bytes.bytes.subarray(at + 8, at + 8 + length));
    at += 8 + Math.ceil(length / 8) * 8;
  }
  return format;
}

/** UTF-8; what is not valid becomes a replacement character. The emulator has no TextDecoder. */
export function utf8(bytes: Uint8Array): string {
  let text = "";
  for (let at = 0; at < bytes.length;) {
    const first = bytes[at++]!;
    const more =
      first < 0x80 ? 0 : first >= 0xf0 && first < 0xf8 ? 3 : first >= 0xe0 ? 2 : first >= 0xc0 ? 1 : -1;
    if (more < 0 || first >= 0xf8) {
      text += "\ufffd";
      continue;
    }
    let code = more === 0 ? first : first & (0x3f >> more);
    let left = more;
    while (left > 0 && ((bytes[at] ?? 0) & 0xc0) === 0x80) {
      code = (code << 6) | (bytes[at++]! & 0x3f);
      left--;
    }
    text += left > 0 || code > 0x10ffff ? "\ufffd" : String.fromCodePoint(code);
  }
  return text;
}
