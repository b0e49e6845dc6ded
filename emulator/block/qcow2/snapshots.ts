/**
 * The table of a qcow2 image's internal snapshots.
 *
 *     0 L1 table (64 bits)   8 L1 entries   12 id length (16)   14 name length (16)   16 date: seconds, 20 nanoseconds
 *     24 VM clock (64)   32 VM state size   36 extra data size   40 extra data: VM state size (64), disk size (64)   then id, name; filled up to 8
 */
import { BigEndian } from "../../big-endian.ts";
import type { Store } from "../store.ts";
import { damaged, type Qcow2Header, utf8 } from "./header.ts";

const FIXED_BYTES = 40;
const MAXIMUM_EXTRA = 1024;

export interface Snapshot {
  readonly id: string;
  readonly name: string;
  readonly sizeBytes: number;
  /** Seconds since 1970. */
  readonly date: number;
  readonly l1: { readonly offset: number; readonly entries: number };
}

/** All snapshots, in the table's order. What is wrong with one is said when it is opened (`checkSnapshot`). */
export function readSnapshots(store: Store, header: Qcow2Header): readonly Snapshot[] {
  const snapshots: Snapshot[] = [];
  let at = header.snapshots.offset;
  for (let n = 0; n < header.snapshots.count; n++) {
    const fixed = new BigEndian(store.read(at, FIXED_BYTES));
    const idBytes = fixed.u16(12);
    const nameBytes = fixed.u16(14);
    const extraBytes = fixed.u32(36);
    if (extraBytes > MAXIMUM_EXTRA)
      throw damaged(store, "snapshot", at, `${extraBytes} bytes of extra data are too many`);
    const length = FIXED_BYTES + extraBytes + idBytes + nameBytes;
    if (at + length > store.sizeBytes)
      throw damaged(store, "snapshot", at, "lies beyond the end of the file");
    const all = new BigEndian(store.read(at, length));
    const idAt = FIXED_BYTES + extraBytes;
    snapshots.push({
      id: utf8(all.bytes.subarray(idAt, idAt + idBytes)),
      name: utf8(all.bytes.subarray(idAt + idBytes)),
      sizeBytes: extraBytes >= 16 ? all.u64(FIXED_BYTES + 8) : header.sizeBytes,
      date: fixed.u32(16),
      l1: { offset: fixed.u64(0), entries: fixed.u32(8) },
    });
    at += Math.ceil(length / 8) * 8;
  }
  return snapshots;
}

/** The header with the snapshot's disk in place of the active one. Throws `BlockError` if the snapshot makes no sense. */
export function withSnapshot(store: Store, header: Qcow2Header, snapshot: Snapshot): Qcow2Header {
  const { l1, sizeBytes } = snapshot;
  const perL2 = (header.clusterBytes / (header.extendedL2 ? 16 : 8)) * header.clusterBytes;
  const fits = l1.offset % header.clusterBytes === 0 && l1.offset < 2 ** 53 && l1.entries * 8 <= 2 ** 25;
  if (!fits || sizeBytes >= 2 ** 53 || l1.entries < Math.ceil(sizeBytes / perL2))
    throw damaged(
      store,
      `snapshot "${snapshot.name}"`,
      header.snapshots.offset,
      "its L1 table makes no sense",
    );
  return { ...header, l1, sizeBytes };
}
