/**
 * From the guest's clusters to those of the file: L1 table, then L2 tables. Reads, and changes one entry at a time.
 *
 * Invariant: an entry is changed only in a table that belongs to the active disk alone; a table shared with a snapshot is copied first.
 */
import { BigEndian } from "../../big-endian.ts";
import type { Store } from "../store.ts";
import { decodeEntry, encodeEntry, type Mapping, reference } from "./entry.ts";
import { damaged, type Qcow2Header } from "./header.ts";
import type { Metadata } from "./metadata.ts";
import type { Refcounts } from "./refcounts.ts";

export class ClusterMap {
  readonly #store: Store;
  readonly #header: Qcow2Header;
  readonly #metadata: Metadata;
  readonly #l1: BigEndian;
  readonly #entryBytes: number;
  readonly #perTable: number;

  constructor(store: Store, header: Qcow2Header, metadata: Metadata) {
    this.#store = store;
    this.#header = header;
    this.#metadata = metadata;
    this.#l1 = new BigEndian(store.read(header.l1.offset, header.l1.entries * 8));
    this.#entryBytes = header.extendedL2 ? 16 : 8;
    this.#perTable = header.clusterBytes / this.#entryBytes;
  }

  /** Where a cluster of the guest is. */
  get(cluster: number): Mapping {
    const { host } = this.#table(cluster);
    if (host === 0) return { kind: "unallocated" };
    const { clusterBits, clusterBytes, extendedL2, version } = this.#header;
    const at = this.#at(cluster);
    const mapping = decodeEntry(this.#metadata.table(host), at, clusterBits, extendedL2, version);
    if (mapping.kind === "unallocated") return mapping;
    if (mapping.kind === "compressed") {
      if (mapping.host >= 2 ** 53) throw damaged(this.#store, "L2 entry", host + at, "leads beyond any file");
    } else if (mapping.host % clusterBytes !== 0) {
      throw damaged(this.#store, "L2 entry", host + at, `${mapping.host} is not a cluster's offset`);
    }
    return mapping;
  }

  /** Makes sure that the table of a cluster may be changed, and that changing it will not have to wait. */
  prepare(cluster: number, refcounts: Refcounts): void {
    const { host, copied } = this.#table(cluster);
    if (host !== 0) {
      this.#metadata.table(host);
      if (copied) return;
      refcounts.get(Math.floor(host / this.#header.clusterBytes));
    }
    const { clusterBytes } = this.#header;
    const contents = host === 0 ? new Uint8Array(clusterBytes) : this.#metadata.table(host).bytes.slice();
    const table = refcounts.allocate();
    this.#metadata.create(table, contents);
    const index = Math.floor(cluster / this.#perTable);
    const entry = encodeEntry(table, false, false);
    this.#store.write(this.#header.l1.offset + 8 * index, entry);
    this.#l1.bytes.set(entry, 8 * index);
    if (host !== 0) refcounts.release(host);
  }

  /** After `prepare`: the cluster is at `host` and its own; 0: it reads as zeros (`zero`), or is not allocated. */
  set(cluster: number, host: number, zero = false): void {
    const table = this.#table(cluster).host;
    this.#metadata.update(table, this.#at(cluster), encodeEntry(host, zero, this.#header.extendedL2));
  }

  #at(cluster: number): number {
    return (cluster % this.#perTable) * this.#entryBytes;
  }

  #table(cluster: number): { readonly host: number; readonly copied: boolean } {
    const at = 8 * Math.floor(cluster / this.#perTable);
    const table = reference(this.#l1, at);
    if (table.host % this.#header.clusterBytes !== 0 || table.host >= 2 ** 53)
      throw damaged(
        this.#store,
        "L1 entry",
        this.#header.l1.offset + at,
        `${table.host} is not a cluster's offset`,
      );
    return table;
  }
}
