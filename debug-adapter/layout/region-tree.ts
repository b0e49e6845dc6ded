/** The tree of memory regions, the flat views and the RAMBlocks as JSON: what `info mtree`, `info mtree -f` and `info ramblock` print, with names for everything. */
import {
  RAM_FLAG,
  type AddressSpace,
  type FlatRange,
  type Machine,
  type MemoryRegion,
  type RamBlock,
} from "../../emulator/index.ts";
import type {
  BlockWindow,
  FlatRangeBody,
  RamBlockBody,
  RegionBody,
  RegionsBody,
} from "../../media/protocol.ts";
import { pathOf, regionKind, resolve } from "./resolution.ts";

export const hex = (value: number | bigint): string => `0x${value.toString(16)}`;
/** Of the last byte; of a region of 2^64 bytes that is no double. */
const endOf = (start: bigint, size: number): string => hex(BigInt.asUintN(64, start + BigInt(size) - 1n));

export function rangeBody(range: FlatRange, root: MemoryRegion): FlatRangeBody {
  const { region, block } = range;
  const kind = regionKind(region);
  const { winner } = resolve(root, range.start);
  return {
    start: hex(range.start),
    size: hex(BigInt(range.size)),
    region: region.name,
    kind: kind === "ram" && range.readonly ? "rom" : (kind as FlatRangeBody["kind"]),
    priority: region.priority,
    readonly: range.readonly,
    offset: hex(range.offset),
    block: block?.idstr ?? null,
    ramAddress: block === null ? null : hex(block.offset + range.offset),
    path: winner === null ? [region.name] : pathOf(winner),
  };
}

const rangesOf = ({ flatView, root }: AddressSpace): FlatRangeBody[] =>
  flatView.ranges.map((range) => rangeBody(range, root));

/** The ranges of the memory space. */
export const memoryRanges = (machine: Machine): FlatRangeBody[] => rangesOf(machine.addressSpaces.memory);

/** What the machine knows of the memory behind a block, beyond the block itself. */
export interface Backing {
  readonly backend: RamBlockBody["backend"];
  readonly dimm: RamBlockBody["dimm"];
}

export function blockBodies(
  machine: Machine,
  ranges: readonly FlatRangeBody[],
  backing: (block: RamBlock) => Backing,
): RamBlockBody[] {
  return machine.memory.ramList.blocks.map((block) => ({
    idstr: block.idstr,
    pageBytes: block.pageSize,
    offset: hex(block.offset),
    used: hex(block.usedLength),
    total: hex(block.maxLength),
    flags: Object.entries(RAM_FLAG).flatMap(([name, bit]) => ((block.flags & bit) === 0 ? [] : [name])),
    ...backing(block),
    windows: ranges
      .filter((range) => range.block === block.idstr)
      .map((range): BlockWindow => ({
        start: range.start,
        size: range.size,
        blockOffset: range.offset,
        readonly: range.readonly,
        path: range.path,
      })),
  }));
}

/** All regions that own a block directly. */
export function blockRegion(root: MemoryRegion, block: RamBlock): MemoryRegion | null {
  const seen = new Set<MemoryRegion>();
  const find = (region: MemoryRegion): MemoryRegion | null => {
    if (region.block === block) return region;
    if (seen.has(region)) return null;
    seen.add(region);
    for (const next of region.alias === null ? region.subregions : [region.alias.target]) {
      const found = find(next);
      if (found !== null) return found;
    }
    return null;
  };
  return find(root);
}

export function regionsBody(spaces: readonly AddressSpace[]): RegionsBody {
  const aliased: MemoryRegion[] = [];
  let nextId = 0;
  const body = (region: MemoryRegion, base: bigint): RegionBody => {
    const start = base + BigInt(region.address);
    const { alias, owner } = region;
    if (alias !== null && !aliased.includes(alias.target)) aliased.push(alias.target);
    return {
      id: nextId++,
      name: region.name,
      kind: regionKind(region),
      start: hex(BigInt.asUintN(64, start)),
      end: endOf(start, region.size),
      priority: region.priority,
      enabled: region.enabled,
      readonly: region.readonly,
      owner: owner === null ? null : (owner.id ?? owner.path),
      block: region.block?.idstr ?? null,
      alias:
        alias === null
          ? null
          : { region: alias.target.name, kind: regionKind(alias.target), offset: hex(alias.offset) },
      children: region.subregions
        .toSorted((a, b) => a.address - b.address || b.priority - a.priority)
        .map((sub) => body(sub, start)),
    };
  };
  const trees = grouped(spaces, (space) => space.root).map(([root, sharing]) => ({
    names: sharing.map((space) => space.name),
    root: body(root, 0n),
  }));
  // A region that an alias leads to may hold further aliases: the list grows while it is walked.
  const others: RegionBody[] = [];
  for (const region of aliased) others.push(body(region, 0n));
  return {
    spaces: trees,
    aliased: others,
    flat: grouped(spaces, (space) => space.flatView.root).map(([root, sharing]) => ({
      spaces: sharing.map((space) => space.name),
      root: root?.name ?? null,
      ranges: rangesOf(sharing[0]!),
    })),
  };
}

function grouped<K, V>(values: readonly V[], key: (value: V) => K): [K, V[]][] {
  const groups = new Map<K, V[]>();
  for (const value of values) {
    const group = groups.get(key(value));
    if (group === undefined) groups.set(key(value), [value]);
    else group.push(value);
  }
  return [...groups];
}
