/**
 * A qcow2 image, versions 2 and 3: read and written, with backing file, compressed clusters, subclusters, and its internal snapshots for reading.
 *
 * Invariant: a write goes to clusters that belong to the active disk alone: what a snapshot, another entry or compressed data shares is copied first. Each
 * cluster's write reads all it needs before it changes anything, so it can be made again after `Pending`. Counts stay exact, also where the
 * image allows them to be lazy.
 * Deliberately not: bitmaps (kept, but no longer valid after a write), external data files, encryption, repair of an image that was not closed.
 */
import { assert } from "../../assert.ts";
import { BlockError, type BlockImage, type ByteStore } from "../image.ts";
import { Store } from "../store.ts";
import { type Mapping, SUBCLUSTERS } from "./entry.ts";
import { clearAutoclear, damaged, type Qcow2Header, readHeader } from "./header.ts";
import { ClusterMap } from "./mapping.ts";
import { Metadata } from "./metadata.ts";
import { Refcounts } from "./refcounts.ts";
import { readSnapshots, type Snapshot, withSnapshot } from "./snapshots.ts";
import { zstdFrameBytes } from "./zstd-frame.ts";

export interface Qcow2Options {
  /** Opens the backing file; `format` is what the image says it is, or null. */
  readonly openBacking: (name: string, format: string | null) => BlockImage;
  readonly decompress?: (kind: "deflate" | "zstd", bytes: Uint8Array, size: number) => Uint8Array;
  readonly snapshot?: string;
  readonly sectorBytes?: number;
}

/** Where a stretch of the guest's bytes comes from; it lies within one cluster, or for "data" in clusters that follow one another. */
type Source =
  | { readonly kind: "zero" | "backing" }
  | { readonly kind: "data"; readonly host: number }
  | { readonly kind: "compressed"; readonly host: number; readonly bytes: number };

/** Expanded clusters are kept up to this many bytes, but always one. */
const EXPANDED_BYTES = 2 ** 21;

export class Qcow2Image implements BlockImage {
  readonly format = "qcow2";
  readonly name: string;
  readonly sizeBytes: number;
  readonly readOnly: boolean;
  readonly snapshots: readonly Snapshot[];
  readonly #store: Store;
  readonly #header: Qcow2Header;
  readonly #metadata: Metadata;
  readonly #map: ClusterMap;
  readonly #backing: BlockImage | null;
  readonly #decompress: Qcow2Options["decompress"];
  /** By offset of the compressed data. */
  readonly #expanded = new Map<number, Uint8Array>();
  /** Made when the image is first written. */
  #refcounts: Refcounts | null = null;

  /** Throws `BlockError` and `Pending`. */
  constructor(store: ByteStore, options: Qcow2Options) {
    this.#store = new Store(store);
    this.name = store.name;
    const header = readHeader(this.#store);
    this.snapshots = readSnapshots(this.#store, header);
    this.#header = options.snapshot === undefined ? header : this.#at(header, options.snapshot);
    this.readOnly = store.readOnly || options.snapshot !== undefined;
    if (!this.readOnly && (header.dirty || header.corrupt)) {
      const what = header.corrupt ? "is marked as damaged" : "was not closed properly";
      throw damaged(
        this.#store,
        "incompatible_features",
        72,
        `the image ${what}; qemu-img check -r all repairs it`,
      );
    }
    const sectorBytes = options.sectorBytes ?? 512;
    this.sizeBytes = Math.ceil(this.#header.sizeBytes / sectorBytes) * sectorBytes;
    this.#decompress = options.decompress;
    this.#metadata = new Metadata(this.#store, header.clusterBytes);
    this.#map = new ClusterMap(this.#store, this.#header, this.#metadata);
    const { backing } = header;
    this.#backing = backing === null ? null : options.openBacking(backing.name, backing.format);
  }

  read(offset: number, length: number): Uint8Array {
    assert(
      offset >= 0 && length >= 0 && offset + length <= this.sizeBytes,
      "inside the image",
      offset,
      length,
    );
    const bytes = new Uint8Array(length);
    const end = Math.min(length, this.#header.sizeBytes - offset);
    for (let done = 0; done < end;) {
      this.#metadata.trim();
      const { source, count } = this.#extent(offset + done, end - done);
      this.#copy(source, offset + done, bytes.subarray(done, done + count));
      done += count;
    }
    return bytes;
  }

  write(offset: number, bytes: Uint8Array): void {
    assert(!this.readOnly, "an image that is read-only is not written", this.name);
    assert(offset >= 0 && offset + bytes.length <= this.sizeBytes, "inside the image", offset, bytes.length);
    const kept = Math.min(bytes.length, this.#header.sizeBytes - offset);
    this.#eachCluster(offset, kept, (cluster, within, done, count) =>
      this.#writeCluster(cluster, within, bytes.subarray(done, done + count)),
    );
  }

  discard(offset: number, length: number): void {
    assert(!this.readOnly, "an image that is read-only is not written", this.name);
    assert(
      offset >= 0 && length >= 0 && offset + length <= this.sizeBytes,
      "inside the image",
      offset,
      length,
    );
    const { clusterBytes, sizeBytes } = this.#header;
    this.#eachCluster(offset, Math.min(length, sizeBytes - offset), (cluster, within, _done, count) => {
      const whole = within === 0 && (count === clusterBytes || cluster * clusterBytes + count === sizeBytes);
      if (this.#isZero(this.#map.get(cluster))) return;
      // Version 2 cannot say that a cluster hides what the backing file has.
      if (whole && (this.#header.version === 3 || this.#backing === null)) this.#discardCluster(cluster);
      else this.#writeCluster(cluster, within, new Uint8Array(count));
    });
  }

  flush(): void {
    this.#store.flush();
  }

  #at(header: Qcow2Header, name: string): Qcow2Header {
    const found =
      this.snapshots.find(({ id }) => id === name) ?? this.snapshots.find((other) => other.name === name);
    if (found !== undefined) return withSnapshot(this.#store, header, found);
    const names = this.snapshots.map((snapshot) => `"${snapshot.name}"`).join(", ");
    throw new BlockError(`${this.name}: has no snapshot "${name}"${names === "" ? "" : `, only ${names}`}`);
  }

  #isZero(mapping: Mapping): boolean {
    return mapping.kind === "zero" || (mapping.kind === "unallocated" && this.#backing === null);
  }

  #eachCluster(
    offset: number,
    length: number,
    each: (cluster: number, within: number, done: number, count: number) => void,
  ): void {
    const { clusterBytes } = this.#header;
    for (let done = 0; done < length;) {
      const within = (offset + done) % clusterBytes;
      const count = Math.min(clusterBytes - within, length - done);
      each(Math.floor((offset + done) / clusterBytes), within, done, count);
      done += count;
    }
  }

  // Reading

  /** Where the bytes from `offset` on come from, and for how many of `most` that holds. */
  #extent(offset: number, most: number): { readonly source: Source; readonly count: number } {
    const { clusterBytes } = this.#header;
    let { source, count } = this.#piece(offset);
    // Clusters that lie behind one another are read at once.
    while (count < most && source.kind !== "compressed" && (offset + count) % clusterBytes === 0) {
      const next = this.#piece(offset + count);
      const follows =
        source.kind === "data" && next.source.kind === "data" && next.source.host === source.host + count;
      if (!follows && (source.kind === "data" || next.source.kind !== source.kind)) break;
      count += next.count;
    }
    return { source, count: Math.min(count, most) };
  }

  /** The same within a cluster, or a part of one. */
  #piece(offset: number): { source: Source; count: number } {
    const { clusterBytes } = this.#header;
    const within = offset % clusterBytes;
    const mapping = this.#map.get(Math.floor(offset / clusterBytes));
    const count = clusterBytes - within;
    switch (mapping.kind) {
      case "unallocated":
        return { source: { kind: "backing" }, count };
      case "zero":
        return { source: { kind: "zero" }, count };
      case "data":
        return { source: { kind: "data", host: mapping.host + within }, count };
      case "compressed":
        return { source: { kind: "compressed", host: mapping.host, bytes: mapping.bytes }, count };
      case "parts": {
        const partBytes = clusterBytes / SUBCLUSTERS;
        const part = Math.floor(within / partBytes);
        const left = partBytes - (within % partBytes);
        if ((mapping.allocated >>> part) & 1)
          return { source: { kind: "data", host: mapping.host + within }, count: left };
        return { source: { kind: (mapping.zero >>> part) & 1 ? "zero" : "backing" }, count: left };
      }
    }
  }

  #copy(source: Source, offset: number, into: Uint8Array): void {
    switch (source.kind) {
      case "zero":
        return;
      case "backing": {
        const available = Math.min(into.length, (this.#backing?.sizeBytes ?? 0) - offset);
        if (available > 0) into.set(this.#backing!.read(offset, available));
        return;
      }
      case "data":
        into.set(this.#store.read(source.host, into.length));
        return;
      case "compressed": {
        const within = offset % this.#header.clusterBytes;
        into.set(this.#expand(source.host, source.bytes).subarray(within, within + into.length));
        return;
      }
    }
  }

  #expand(host: number, length: number): Uint8Array {
    const kept = this.#expanded.get(host);
    if (kept !== undefined) return kept;
    const { compression, clusterBytes } = this.#header;
    if (this.#decompress === undefined)
      throw damaged(
        this.#store,
        "compressed cluster",
        host,
        `clusters compressed with ${compression} cannot be read here`,
      );
    let bytes = this.#store.read(host, length);
    if (compression === "zstd") bytes = bytes.subarray(0, zstdFrameBytes(bytes));
    let expanded: Uint8Array;
    try {
      expanded = this.#decompress(compression, bytes, clusterBytes);
    } catch (error) {
      throw damaged(
        this.#store,
        "compressed cluster",
        host,
        error instanceof Error ? error.message : String(error),
      );
    }
    if (expanded.length !== clusterBytes)
      throw damaged(
        this.#store,
        "compressed cluster",
        host,
        `${expanded.length} bytes instead of ${clusterBytes}`,
      );
    if (this.#expanded.size * clusterBytes >= EXPANDED_BYTES)
      this.#expanded.delete(this.#expanded.keys().next().value!);
    this.#expanded.set(host, expanded);
    return expanded;
  }

  // Writing

  /** The counts; from here on the image changes. */
  #forWriting(): Refcounts {
    if (this.#refcounts === null) {
      const refcounts = new Refcounts(this.#store, this.#header, this.#metadata);
      if (this.#header.autoclear) clearAutoclear(this.#store);
      this.#refcounts = refcounts;
    }
    return this.#refcounts;
  }

  #writeCluster(cluster: number, within: number, bytes: Uint8Array): void {
    const refcounts = this.#forWriting();
    this.#metadata.trim();
    const mapping = this.#map.get(cluster);
    if (mapping.kind === "data" && mapping.copied) {
      this.#store.write(this.#writable(mapping.host) + within, bytes);
      return;
    }
    const { clusterBytes } = this.#header;
    let contents = bytes;
    if (bytes.length < clusterBytes) {
      contents = new Uint8Array(clusterBytes);
      const start = cluster * clusterBytes;
      const length = Math.min(clusterBytes, this.#header.sizeBytes - start);
      // Written whole up to the disk's end: what was there does not matter.
      if (within > 0 || bytes.length < length) contents.set(this.read(start, length));
      contents.set(bytes, within);
    }
    this.#prepareRelease(mapping, refcounts);
    this.#map.prepare(cluster, refcounts);
    const reused = (mapping.kind === "zero" || mapping.kind === "parts") && mapping.copied ? mapping.host : 0;
    const host = reused === 0 ? refcounts.allocate() : this.#writable(reused);
    this.#store.write(host, contents);
    this.#map.set(cluster, host);
    if (reused === 0) this.#release(mapping, refcounts);
  }

  #discardCluster(cluster: number): void {
    const refcounts = this.#forWriting();
    this.#metadata.trim();
    const mapping = this.#map.get(cluster);
    this.#prepareRelease(mapping, refcounts);
    this.#map.prepare(cluster, refcounts);
    this.#map.set(cluster, 0, this.#backing !== null);
    this.#release(mapping, refcounts);
  }

  /** An entry does not refer to its clusters any more. */
  #release(mapping: Mapping, refcounts: Refcounts): void {
    if (mapping.kind === "compressed") this.#expanded.delete(mapping.host);
    for (const cluster of this.#clustersOf(mapping)) refcounts.release(cluster * this.#header.clusterBytes);
  }

  /** Reads the counts that `#release` will change: it comes when it is too late to wait. */
  #prepareRelease(mapping: Mapping, refcounts: Refcounts): void {
    for (const cluster of this.#clustersOf(mapping)) refcounts.get(cluster);
  }

  /** Numbers of the clusters in the file that an entry refers to. */
  #clustersOf(mapping: Mapping): readonly number[] {
    const { clusterBytes } = this.#header;
    if (mapping.kind === "unallocated" || mapping.host === 0) return [];
    const first = Math.floor(mapping.host / clusterBytes);
    if (mapping.kind !== "compressed") return [first];
    const last = Math.floor((mapping.host + mapping.bytes - 1) / clusterBytes);
    return Array.from({ length: last - first + 1 }, (_, n) => first + n);
  }

  /** A cluster of data that is to be written in place must not be one of the image's own tables. */
  #writable(host: number): number {
    const { l1, clusterBytes, snapshots } = this.#header;
    const { tableRange } = this.#forWriting();
    const inside = (offset: number, length: number): boolean =>
      host < offset + length && offset < host + clusterBytes;
    if (
      inside(0, clusterBytes) ||
      inside(l1.offset, l1.entries * 8) ||
      inside(tableRange.offset, tableRange.length) ||
      (snapshots.count > 0 && inside(snapshots.offset, 1))
    )
      throw damaged(this.#store, "L2 entry", host, "leads to the image's own tables");
    return host;
  }
}
