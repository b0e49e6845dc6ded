/** What lies in a stretch of linear addresses, from the merged ranges: rights in the order in which they come, and names. */
import type { MappedRange } from "../../protocol/paging.ts";
import { rightsClass, rightsOf } from "./rights.ts";

interface Extent {
  readonly start: bigint;
  readonly last: bigint;
  /** Last byte of this and all before it: what is mapped again and again may reach over others. */
  readonly reach: bigint;
  readonly rights: string;
  readonly name: string | null;
}

export interface Named {
  readonly start: bigint;
  readonly last: bigint;
  readonly name: string;
}

export class Contents {
  readonly #extents: readonly Extent[];

  constructor(ranges: readonly MappedRange[]) {
    let reach = -1n;
    this.#extents = ranges
      .map(({ start, last, times, stride, effective, name }) => ({
        start: BigInt(start),
        last: BigInt(last) + BigInt(stride) * BigInt(times - 1),
        rights: rightsClass(rightsOf(effective)),
        name,
      }))
      .sort((a, b) => (a.start < b.start ? -1 : a.start > b.start ? 1 : 0))
      .map((extent) => {
        if (extent.last > reach) reach = extent.last;
        return { ...extent, reach };
      });
  }

  /** Classes of rights between two addresses, neighbours that are alike once, at most `most` of them. */
  rights(start: bigint, last: bigint, most: number): readonly string[] {
    const found: string[] = [];
    for (const { rights } of this.#between(start, last)) {
      if (found.at(-1) !== rights) found.push(rights);
      if (found.length === most) break;
    }
    return found;
  }

  /** Names between two addresses, at most `most` of them. */
  names(start: bigint, last: bigint, most: number): readonly Named[] {
    const found: Named[] = [];
    for (const { start: from, last: to, name } of this.#between(start, last)) {
      if (name === null) continue;
      const before = found.at(-1);
      if (before?.name === name) found[found.length - 1] = { ...before, last: to };
      else if (found.length === most) break;
      else found.push({ start: from, last: to, name });
    }
    return found;
  }

  *#between(start: bigint, last: bigint): Iterable<Extent> {
    let low = 0;
    let high = this.#extents.length;
    while (low < high) {
      const middle = (low + high) >> 1;
      if (this.#extents[middle]!.reach < start) low = middle + 1;
      else high = middle;
    }
    for (let index = low; index < this.#extents.length; index++) {
      const extent = this.#extents[index]!;
      if (extent.start > last) return;
      if (extent.last >= start) yield extent;
    }
  }
}
