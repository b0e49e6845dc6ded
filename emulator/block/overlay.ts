/**
 * A copy-on-write layer over an image: where a guest's writes go unless it was asked otherwise. It is part of the machine's state.
 *
 * Invariant: bytes that a saved state refers to never change. `save` shares with the state before it every group of clusters that was not written in
 * between; a cluster that a state holds is copied before it is written again.
 *
 *     state: { sizeBytes, groups: { group number: null (all discarded) | { cluster in the group: null (discarded) | its 4096 bytes } } }
 */
import { assert } from "../assert.ts";
import type { PlainData } from "../devices/device.ts";
import type { BlockImage } from "./image.ts";

const CLUSTER_BYTES = 4096;
/** Clusters of a group: 2 MiB. */
const GROUP_CLUSTERS = 512;
const GROUP_BYTES = CLUSTER_BYTES * GROUP_CLUSTERS;

type SavedGroup = { readonly [cluster: string]: Uint8Array | null } | null;

/** undefined: as in the base; null: zeros. */
type Cluster = Uint8Array | null | undefined;

interface Group {
  readonly clusters: Cluster[];
  /** Clusters that no saved state holds. */
  readonly owned: Set<number>;
  /** What the last state says of this group; undefined if it has changed since. */
  saved: SavedGroup | undefined;
}

export class Overlay implements BlockImage {
  readonly format = "overlay";
  readonly name: string;
  readonly sizeBytes: number;
  readonly readOnly = false;
  readonly #base: BlockImage;
  #groups = new Map<number, Group>();
  #state: PlainData | undefined;

  constructor(base: BlockImage) {
    this.#base = base;
    this.name = base.name;
    this.sizeBytes = base.sizeBytes;
  }

  /** Bytes that the overlay holds, discarded ones not counted. */
  get dirtyBytes(): number {
    let count = 0;
    for (const { clusters } of this.#groups.values())
      for (const cluster of clusters) if (cluster instanceof Uint8Array) count++;
    return count * CLUSTER_BYTES;
  }

  read(offset: number, length: number): Uint8Array {
    assert(
      offset >= 0 && length >= 0 && offset + length <= this.sizeBytes,
      "inside the image",
      offset,
      length,
    );
    const bytes = new Uint8Array(length);
    for (let done = 0; done < length;) {
      const at = offset + done;
      const within = at % CLUSTER_BYTES;
      const cluster = this.#cluster(at);
      let count = Math.min(CLUSTER_BYTES - within, length - done);
      if (cluster === undefined) {
        // What follows and is in the base, too, is read with it.
        while (done + count < length && this.#cluster(at + count) === undefined)
          count = Math.min(count + CLUSTER_BYTES, length - done);
        bytes.set(this.#base.read(at, count), done);
      } else if (cluster !== null) bytes.set(cluster.subarray(within, within + count), done);
      done += count;
    }
    return bytes;
  }

  write(offset: number, bytes: Uint8Array): void {
    const end = offset + bytes.length;
    assert(offset >= 0 && end <= this.sizeBytes, "inside the image", offset, bytes.length);
    // Before anything changes, what is written in part is fetched: the host may say `Pending`.
    const head = this.#partial(offset, end);
    const tail = this.#partial(end, end);
    for (let done = 0; done < bytes.length;) {
      const at = offset + done;
      const within = at % CLUSTER_BYTES;
      const piece = bytes.subarray(done, done + CLUSTER_BYTES - within);
      const start = at - within;
      const before = head?.start === start ? head.bytes : tail?.start === start ? tail.bytes : null;
      this.#own(start, before).set(piece, within);
      done += piece.length;
    }
  }

  discard(offset: number, length: number): void {
    const end = offset + length;
    assert(offset >= 0 && length >= 0 && end <= this.sizeBytes, "inside the image", offset, length);
    // The image's last cluster may be a short one: whole all the same.
    const first = Math.min(Math.ceil(offset / CLUSTER_BYTES) * CLUSTER_BYTES, end);
    const last =
      end === this.sizeBytes ? end : Math.max(Math.floor(end / CLUSTER_BYTES) * CLUSTER_BYTES, first);
    this.#state = undefined;
    this.#clear(offset, Math.min(first, end));
    for (let at = first; at < last;) {
      const group = this.#group(at);
      group.saved = undefined;
      if (at % GROUP_BYTES === 0 && at + GROUP_BYTES <= last) {
        group.clusters.fill(null);
        group.owned.clear();
        group.saved = null;
        at += GROUP_BYTES;
      } else {
        const index = clusterIndex(at);
        group.clusters[index] = null;
        group.owned.delete(index);
        at += CLUSTER_BYTES;
      }
    }
    if (last < end) this.#clear(last, end);
  }

  flush(): void {}

  save(): PlainData {
    this.#state ??= {
      sizeBytes: this.sizeBytes,
      groups: Object.fromEntries([...this.#groups].map(([index, group]) => [index, saveGroup(group)])),
    };
    return this.#state;
  }

  load(state: PlainData): void {
    const { sizeBytes, groups } = state as { sizeBytes: number; groups: { [index: string]: SavedGroup } };
    assert(
      sizeBytes === this.sizeBytes,
      "the image has the size that it had when the state was saved",
      this.name,
      sizeBytes,
    );
    this.#groups = new Map(
      Object.entries(groups).map(([index, saved]) => {
        const current = this.#groups.get(Number(index));
        return [Number(index), current?.saved === saved && saved !== undefined ? current : loadGroup(saved)];
      }),
    );
    this.#state = state;
  }

  #cluster(offset: number): Cluster {
    return this.#groups.get(Math.floor(offset / GROUP_BYTES))?.clusters[clusterIndex(offset)];
  }

  #group(offset: number): Group {
    const index = Math.floor(offset / GROUP_BYTES);
    let group = this.#groups.get(index);
    if (group === undefined) {
      const clusters = Array.from<Cluster>({ length: GROUP_CLUSTERS }).fill(undefined);
      group = { clusters, owned: new Set(), saved: undefined };
      this.#groups.set(index, group);
    }
    return group;
  }

  /** The cluster around `offset` as it is now, if a write up to `end` that begins or ends there does not cover it. */
  #partial(offset: number, end: number): { readonly start: number; readonly bytes: Uint8Array } | null {
    const start = offset - (offset % CLUSTER_BYTES);
    const limit = Math.min(start + CLUSTER_BYTES, this.sizeBytes);
    if (offset === start && (end >= limit || offset === end)) return null;
    return { start, bytes: this.read(start, limit - start) };
  }

  /** The cluster that starts at `start`, to be written; `before` are its bytes if not all of them are about to be. */
  #own(start: number, before: Uint8Array | null): Uint8Array {
    const group = this.#group(start);
    const index = clusterIndex(start);
    group.saved = undefined;
    this.#state = undefined;
    const existing = group.clusters[index];
    if (existing instanceof Uint8Array && group.owned.has(index)) return existing;
    const bytes = new Uint8Array(CLUSTER_BYTES);
    if (before !== null) bytes.set(before);
    group.clusters[index] = bytes;
    group.owned.add(index);
    return bytes;
  }

  /** Zeros within one cluster. */
  #clear(offset: number, end: number): void {
    if (offset >= end) return;
    if (this.#cluster(offset) !== null) this.write(offset, new Uint8Array(end - offset));
  }
}

function clusterIndex(offset: number): number {
  return Math.floor((offset % GROUP_BYTES) / CLUSTER_BYTES);
}

function saveGroup(group: Group): SavedGroup {
  if (group.saved === undefined) {
    const saved: { [cluster: string]: Uint8Array | null } = {};
    for (const [index, cluster] of group.clusters.entries())
      if (cluster !== undefined) saved[index] = cluster;
    group.saved = group.clusters.every((cluster) => cluster === null) ? null : saved;
    group.owned.clear();
  }
  return group.saved;
}

function loadGroup(saved: SavedGroup): Group {
  const clusters = Array.from<Cluster>({ length: GROUP_CLUSTERS }).fill(saved === null ? null : undefined);
  for (const [index, cluster] of Object.entries(saved ?? {})) clusters[Number(index)] = cluster;
  return { clusters, owned: new Set(), saved };
}
