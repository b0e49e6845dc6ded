/**
 * Entries of L2 tables: where a guest's cluster is.
 *
 *     standard:    63 copied (refcount is 1)   62 compressed   55:9 offset of the cluster   0 reads as zeros (version 3)
 *     compressed:  62 compressed   61:x sectors of 512 bytes that the data goes on for   x−1:0 offset of the data      x = 70 − cluster bits
 *     extended:    a second word: 63:32 subclusters that read as zeros   31:0 those that are allocated
 */
import type { BigEndian } from "../../big-endian.ts";

export type Mapping =
  | { readonly kind: "unallocated" }
  /** `host` is a cluster set aside for it; 0: none. */
  | { readonly kind: "zero"; readonly host: number; readonly copied: boolean }
  | { readonly kind: "data"; readonly host: number; readonly copied: boolean }
  | { readonly kind: "compressed"; readonly host: number; readonly bytes: number }
  /** Differs among the 32 parts of the cluster. */
  | {
      readonly kind: "parts";
      readonly host: number;
      readonly copied: boolean;
      readonly allocated: number;
      readonly zero: number;
    };

export const SUBCLUSTERS = 32;
const COPIED = 0x80000000;
const COMPRESSED = 0x40000000;
const OFFSET_HIGH = 0x00ffffff;
const OFFSET_LOW = 0xfffffe00;
const ZERO = 1;
const ALL = 0xffffffff;

/** The offset of an L1 or L2 entry, and whether the cluster there belongs to this entry alone. */
export function reference(table: BigEndian, at: number): { readonly host: number; readonly copied: boolean } {
  const high = table.u32(at);
  return { host: hostOffset(high, table.u32(at + 4)), copied: (high & COPIED) !== 0 };
}

function hostOffset(high: number, low: number): number {
  return (high & OFFSET_HIGH) * 2 ** 32 + ((low & OFFSET_LOW) >>> 0);
}

export function decodeEntry(
  table: BigEndian,
  at: number,
  clusterBits: number,
  extended: boolean,
  version: 2 | 3,
): Mapping {
  const high = table.u32(at);
  const low = table.u32(at + 4);
  if (high & COMPRESSED) {
    const shift = 70 - clusterBits - 32;
    const host = (high & (2 ** shift - 1)) * 2 ** 32 + low;
    const sectors = (high & 0x3fffffff) >>> shift;
    return { kind: "compressed", host, bytes: (sectors + 1) * 512 - (host % 512) };
  }
  const host = hostOffset(high, low);
  const copied = (high & COPIED) !== 0;
  if (!extended) {
    if (version === 3 && (low & ZERO) !== 0) return { kind: "zero", host, copied };
    return host === 0 ? { kind: "unallocated" } : { kind: "data", host, copied };
  }
  const zero = table.u32(at + 8);
  const allocated = host === 0 ? 0 : table.u32(at + 12);
  if (zero === ALL) return { kind: "zero", host, copied };
  if (zero === 0 && allocated === ALL) return { kind: "data", host, copied };
  if (zero === 0 && host === 0) return { kind: "unallocated" };
  return { kind: "parts", host, copied, allocated, zero };
}

/** What an entry has to be for a cluster of data at `host` that is its own; 0: one that reads as zeros (`zero`) or is not allocated. */
export function encodeEntry(host: number, zero: boolean, extended: boolean): Uint8Array {
  const bytes = new Uint8Array(extended ? 16 : 8);
  const view = new DataView(bytes.buffer);
  if (host !== 0) {
    view.setUint32(0, (Math.floor(host / 2 ** 32) | COPIED) >>> 0);
    view.setUint32(4, host % 2 ** 32);
  }
  if (extended) view.setUint32(zero ? 8 : 12, zero || host !== 0 ? ALL : 0);
  else if (zero) view.setUint32(4, (host % 2 ** 32) | ZERO);
  return bytes;
}
