/**
 * Tables of a qcow2 image (L2 tables, refcount blocks) a cluster each, kept as they are in the file.
 *
 * Invariant: what is kept is what the file holds: a change goes to the file at once. Reading a table may throw `Pending`; a table that was read stays
 * until `trim`, so that an operation can read all it needs first and then be sure that nothing is late.
 */
import { BigEndian } from "../../big-endian.ts";
import type { Store } from "../store.ts";

/** Tables kept take about this much memory, but there are always some. */
const KEPT_BYTES = 2 ** 23;
const KEPT_LEAST = 16;

export class Metadata {
  readonly #store: Store;
  readonly #clusterBytes: number;
  readonly #limit: number;
  /** By offset, the least recently used first. */
  readonly #kept = new Map<number, BigEndian>();

  constructor(store: Store, clusterBytes: number) {
    this.#store = store;
    this.#clusterBytes = clusterBytes;
    this.#limit = Math.max(KEPT_BYTES / clusterBytes, KEPT_LEAST);
  }

  /** The table in the cluster at `offset`; to be read only. */
  table(offset: number): BigEndian {
    let table = this.#kept.get(offset);
    if (table === undefined) table = new BigEndian(this.#store.read(offset, this.#clusterBytes));
    else this.#kept.delete(offset);
    this.#kept.set(offset, table);
    return table;
  }

  /** Before an operation: forgets what was not used for long. */
  trim(): void {
    for (const offset of this.#kept.keys()) {
      if (this.#kept.size <= this.#limit) return;
      this.#kept.delete(offset);
    }
  }

  /** Writes part of a table. */
  update(offset: number, at: number, bytes: Uint8Array): void {
    const table = this.table(offset);
    this.#store.write(offset + at, bytes);
    table.bytes.set(bytes, at);
  }

  /** A cluster becomes a table with these contents. */
  create(offset: number, bytes: Uint8Array): void {
    this.#store.write(offset, bytes);
    this.#kept.set(offset, new BigEndian(bytes.slice()));
  }

  /** A cluster is no table any more. */
  forget(offset: number): void {
    this.#kept.delete(offset);
  }
}
