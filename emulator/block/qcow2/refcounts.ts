/**
 * Reference counts of a qcow2 image's clusters, and from them which are free. A table of 64-bit offsets leads to blocks of counts; counts have
 * 1, 2, 4 … 64 bits.
 *
 * Invariant: a cluster is counted before anything refers to it, and is no longer referred to before its count falls: an image that is left at any
 * moment has at worst clusters that are lost. All reads of an operation come before its first write.
 */
import { BigEndian } from "../../big-endian.ts";
import type { Store } from "../store.ts";
import { damaged, type Qcow2Header } from "./header.ts";
import type { Metadata } from "./metadata.ts";

const TABLE_OFFSET_FIELD = 48;
/** Clusters counted beyond the end of the file are few, unless the counts are damaged. */
const BEYOND_END = 0x10000;

export class Refcounts {
  readonly #store: Store;
  readonly #metadata: Metadata;
  readonly #clusterBytes: number;
  readonly #bits: number;
  readonly #perBlock: number;
  #table: BigEndian;
  #tableOffset: number;
  /** No cluster before this one is free. */
  #firstFree = 0;

  constructor(store: Store, header: Qcow2Header, metadata: Metadata) {
    this.#store = store;
    this.#metadata = metadata;
    this.#clusterBytes = header.clusterBytes;
    this.#bits = 2 ** header.refcountOrder;
    this.#perBlock = (header.clusterBytes * 8) / this.#bits;
    this.#tableOffset = header.refcountTable.offset;
    this.#table = new BigEndian(
      store.read(this.#tableOffset, header.refcountTable.clusters * header.clusterBytes),
    );
  }

  /** Offset and length of the table, for those who must not write over it. */
  get tableRange(): { readonly offset: number; readonly length: number } {
    return { offset: this.#tableOffset, length: this.#table.bytes.length };
  }

  get(cluster: number): number {
    const block = this.#block(Math.floor(cluster / this.#perBlock));
    return block === 0 ? 0 : this.#read(this.#metadata.table(block), cluster % this.#perBlock);
  }

  /** Takes a free cluster; returns its offset. Its contents are not defined. */
  allocate(): number {
    const end = Math.ceil(this.#store.sizeBytes / this.#clusterBytes) + BEYOND_END;
    for (let cluster = this.#firstFree; ; cluster++) {
      if (cluster > end)
        throw damaged(this.#store, "refcount table", this.#tableOffset, "counts clusters that do not exist");
      const number = Math.floor(cluster / this.#perBlock);
      if (this.#block(number) === 0) {
        // The first cluster of the range that has no block yet becomes the block, and counts itself.
        cluster = this.#addBlock(number) - 1;
        continue;
      }
      if (this.get(cluster) !== 0) continue;
      this.#set(cluster, 1);
      this.#firstFree = cluster + 1;
      return cluster * this.#clusterBytes;
    }
  }

  /** One reference less to the cluster at `offset`. */
  release(offset: number): void {
    const cluster = Math.floor(offset / this.#clusterBytes);
    const count = this.get(cluster);
    if (count === 0) throw damaged(this.#store, "refcount", offset, "a cluster in use is counted as free");
    this.#set(cluster, count - 1);
    if (count > 1) return;
    this.#firstFree = Math.min(this.#firstFree, cluster);
    this.#metadata.forget(cluster * this.#clusterBytes);
  }

  /** Offset of a refcount block; 0 if there is none. */
  #block(number: number): number {
    if (number * 8 >= this.#table.bytes.length) return 0;
    const offset = this.#table.u64(number * 8);
    if (offset % this.#clusterBytes !== 0 || offset >= 2 ** 53)
      throw damaged(
        this.#store,
        "refcount table",
        this.#tableOffset + number * 8,
        `${offset} is not a cluster's offset`,
      );
    return offset;
  }

  #read(block: BigEndian, index: number): number {
    const bits = this.#bits;
    if (bits < 8) return (block.bytes[(index * bits) >>> 3]! >>> ((index * bits) & 7)) & (2 ** bits - 1);
    if (bits === 8) return block.bytes[index]!;
    return bits === 16 ? block.u16(2 * index) : bits === 32 ? block.u32(4 * index) : block.u64(8 * index);
  }

  #set(cluster: number, count: number): void {
    const offset = this.#block(Math.floor(cluster / this.#perBlock));
    const index = cluster % this.#perBlock;
    const at = Math.floor((index * this.#bits) / 8);
    const field = new BigEndian(
      this.#metadata.table(offset).bytes.slice(at, at + Math.max(this.#bits / 8, 1)),
    );
    put(field, this.#bits, index, count);
    this.#metadata.update(offset, at, field.bytes);
  }

  /** Makes a block for a range of clusters that has none; returns the first cluster that is free in it. */
  #addBlock(number: number): number {
    if (number * 8 >= this.#table.bytes.length) return this.#growTable(number);
    const first = number * this.#perBlock;
    const offset = first * this.#clusterBytes;
    this.#metadata.create(offset, this.#newBlock(1));
    this.#setTable(number, offset);
    return first + 1;
  }

  /** The table is full: a larger one is put behind all that is counted, together with the block that counts it. */
  #growTable(number: number): number {
    const clusterBytes = this.#clusterBytes;
    const entries = Math.ceil(((number + 1) * 1.5 * 8) / clusterBytes) * (clusterBytes / 8);
    const tableClusters = (entries * 8) / clusterBytes;
    // With clusters of 512 bytes one block may not be enough to count blocks and table.
    let blocks = 1;
    while (blocks * this.#perBlock < blocks + tableClusters) blocks++;
    const first = number * this.#perBlock;
    const table = new BigEndian(new Uint8Array(entries * 8));
    table.bytes.set(this.#table.bytes);
    for (let n = 0; n < blocks; n++) {
      const offset = (first + n) * clusterBytes;
      const counted = Math.min(Math.max(blocks + tableClusters - n * this.#perBlock, 0), this.#perBlock);
      this.#metadata.create(offset, this.#newBlock(counted));
      table.setU64((number + n) * 8, offset);
    }
    const offset = (first + blocks) * clusterBytes;
    this.#store.write(offset, table.bytes);
    const field = new BigEndian(new Uint8Array(12));
    field.setU64(0, offset);
    field.setU32(8, tableClusters);
    this.#store.write(TABLE_OFFSET_FIELD, field.bytes);
    const old = { offset: this.#tableOffset, length: this.#table.bytes.length };
    this.#table = table;
    this.#tableOffset = offset;
    for (let at = 0; at < old.length; at += clusterBytes) this.release(old.offset + at);
    return first + blocks + tableClusters;
  }

  #newBlock(counted: number): Uint8Array {
    const block = new BigEndian(new Uint8Array(this.#clusterBytes));
    for (let index = 0; index < counted; index++) {
      const at = Math.floor((index * this.#bits) / 8);
      put(new BigEndian(block.bytes.subarray(at, at + Math.max(this.#bits / 8, 1))), this.#bits, index, 1);
    }
    return block.bytes;
  }

  #setTable(number: number, offset: number): void {
    const entry = new BigEndian(new Uint8Array(8));
    entry.setU64(0, offset);
    this.#store.write(this.#tableOffset + number * 8, entry.bytes);
    this.#table.setU64(number * 8, offset);
  }
}

/** Puts a count of `bits` into the bytes that hold it and, if it is smaller than a byte, its neighbours. */
function put(field: BigEndian, bits: number, index: number, count: number): void {
  if (bits < 8) {
    const shift = (index * bits) & 7;
    field.bytes[0] = (field.bytes[0]! & ~((2 ** bits - 1) << shift)) | (count << shift);
  } else if (bits === 8) field.bytes[0] = count;
  else if (bits === 16) field.setU16(0, count);
  else if (bits === 32) field.setU32(0, count);
  else field.setU64(0, count);
}
