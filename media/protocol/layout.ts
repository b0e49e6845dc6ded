/**
 * What the RAM Layout panel asks: RAMBlocks, the region tree, flat views, who answers at an address, what an address is in the other spaces, and
 * what has been written.
 *
 * Numbers of 64 bits are strings "0x…"; counts of pages and cells are numbers. A page is 4096 bytes.
 */
import type { Place } from "./place.ts";

/** Kinds of `MemoryRegion`, in QEMU's terms; `mmio` has registers of a device, in memory or I/O space. */
export type RegionKind = "container" | "ram" | "rom" | "rom device" | "mmio" | "alias";

/** A stretch of guest-physical addresses at which a block is seen. */
export interface BlockWindow {
  readonly start: string;
  readonly size: string;
  /** Of the window's first byte in the block. */
  readonly blockOffset: string;
  readonly readonly: boolean;
  /** Names of the regions on the way from the address space to the block, outermost first. */
  readonly path: readonly string[];
}

export interface RamBlockBody {
  readonly idstr: string;
  readonly pageBytes: number;
  /** In the `ram_addr_t` space. */
  readonly offset: string;
  readonly used: string;
  readonly total: string;
  /** RAM_… flags without their prefix, in lower case: "shared", "resizeable". */
  readonly flags: readonly string[];
  /** The memory backend that gave the memory: its id, and its QOM type if known. */
  readonly backend: { readonly id: string; readonly type: string } | null;
  /** The DIMM that the block is, and its slot. */
  readonly dimm: { readonly id: string; readonly slot: number } | null;
  /** Where it is seen in the memory space, by address. Empty: nowhere. */
  readonly windows: readonly BlockWindow[];
}

/** A range of a flat view. Ranges do not overlap and are in the order of addresses. */
export interface FlatRangeBody {
  readonly start: string;
  readonly size: string;
  readonly region: string;
  readonly kind: Exclude<RegionKind, "alias" | "container">;
  readonly priority: number;
  readonly readonly: boolean;
  /** Of the range's first byte in the region. */
  readonly offset: string;
  /** Null for devices. */
  readonly block: string | null;
  readonly ramAddress: string | null;
  readonly path: readonly string[];
}

/** Response of `redzone/ramLayout`. */
export interface RamLayoutBody {
  /** Largest first, as QEMU lists them. */
  readonly blocks: readonly RamBlockBody[];
  /** The flat view of the memory space. */
  readonly ranges: readonly FlatRangeBody[];
  readonly ramBytes: string;
  readonly below4G: string;
  readonly above4G: string;
  /** Bits of a guest-physical address of this processor. */
  readonly addressBits: number;
}

export interface RegionBody {
  /** Good within one response. */
  readonly id: number;
  readonly name: string;
  readonly kind: RegionKind;
  /** In the address space, or in the aliased region's own when listed there. */
  readonly start: string;
  /** Of the last byte. */
  readonly end: string;
  readonly priority: number;
  readonly enabled: boolean;
  readonly readonly: boolean;
  /** QOM path or id of the device or object it belongs to. */
  readonly owner: string | null;
  readonly block: string | null;
  /** Where an alias leads: the region, and the offset in it. */
  readonly alias: { readonly region: string; readonly kind: RegionKind; readonly offset: string } | null;
  /** By address. */
  readonly children: readonly RegionBody[];
}

/** Response of `redzone/ramLayoutRegions`. */
export interface RegionsBody {
  readonly spaces: readonly { readonly names: readonly string[]; readonly root: RegionBody }[];
  /** Regions that aliases lead to, as `info mtree` lists them after the spaces. */
  readonly aliased: readonly RegionBody[];
  readonly flat: readonly {
    readonly spaces: readonly string[];
    readonly root: string | null;
    readonly ranges: readonly FlatRangeBody[];
  }[];
}

/** Request `redzone/ramLayoutWhy`: who answers at an address, and who does not. */
export interface WhyArguments {
  readonly space: "physical" | "io";
  readonly address: string;
}

/**
 * What became of a region that covers the address:
 * `answers` it is the one; `passes` a container or alias through which the one is reached; `loses` another goes before it; `empty` a container or
 * alias without anything there, through which others show; `disabled`; `outside` it reaches beyond its parent or the alias's window, and the
 * address is in the part that is cut off.
 */
export type Verdict = "answers" | "passes" | "loses" | "empty" | "disabled" | "outside";

export interface CandidateBody {
  readonly name: string;
  readonly kind: RegionKind;
  readonly start: string;
  readonly end: string;
  readonly priority: number;
  readonly depth: number;
  readonly verdict: Verdict;
  /** A sentence. */
  readonly why: string;
}

export interface WhyBody {
  readonly space: WhyArguments["space"];
  readonly address: string;
  /** A sentence: who answers and with what. */
  readonly summary: string;
  /** In the order in which they are asked, first come first served. */
  readonly candidates: readonly CandidateBody[];
  /** Of the flat view; null: nobody answers. */
  readonly range: FlatRangeBody | null;
}

/** Request `redzone/ramLayoutConvert`: an address, symbol, `block+offset` or expression in all spaces. */
export interface ConvertArguments {
  /** "0x100001000", "p:0x1000", "r:0xc0001000", "kmain+4", "pc.ram+0x1000", "$rsp", "port 0x60" */
  readonly text: string;
}

export interface ConversionBody {
  /** What the text was taken for, in words: "linear", "symbol". */
  readonly reading: string;
  readonly kind: "linear" | "physical" | "ram" | "block" | "region" | "symbol" | "io";
  /** Linear addresses that lead there with the current CPU's page tables, with their symbols; at most a few, `more` if there are others. */
  readonly linear: readonly { readonly address: string; readonly symbol: string | null }[];
  readonly more: boolean;
  /** All guest-physical addresses of the byte; the one that was asked for or led to first. */
  readonly physical: readonly string[];
  readonly ram: string | null;
  readonly block: { readonly idstr: string; readonly offset: string } | null;
  /** The region that answers. */
  readonly region: { readonly name: string; readonly offset: string; readonly kind: RegionKind } | null;
  /** Why a conversion goes no further, in words; null: it is complete. */
  readonly note: string | null;
  /** What to open in other views. */
  readonly place: Place;
}

export interface ConvertBody {
  /** Most likely first; a bare number has several. Empty: `note` says why. */
  readonly readings: readonly ConversionBody[];
  readonly note: string | null;
}

export type DirtyMap = "vga" | "code" | "migration" | "changed";

/** Request `redzone/ramLayoutDirty`: how much of a block is dirty, as cells of equally many pages. */
export interface DirtyArguments {
  readonly map: DirtyMap;
  readonly block: string;
  /** At most so many cells; each has a power of two of pages. */
  readonly cells: number;
  /** Pages of the block to look at; absent: all. */
  readonly first?: number;
  readonly count?: number;
  /** For `changed`: id of a moment; absent: the last stop but this one. */
  readonly moment?: number;
}

/** `length` cells with `pages` dirty pages each. */
export type DirtyRun = readonly [length: number, pages: number];

export interface DirtyBody {
  readonly map: DirtyMap;
  readonly block: string;
  readonly enabled: boolean;
  /** Since when, in words: "since it was cleared at instant 1,000,000". */
  readonly since: string;
  readonly first: number;
  readonly count: number;
  readonly pagesPerCell: number;
  readonly runs: readonly DirtyRun[];
  /** Of all cells together. */
  readonly dirtyPages: number;
  /** For `code`: the same of pages that hold translated code, which are the clean ones. */
  readonly code: readonly DirtyRun[] | null;
  readonly codePages: number;
}

/** Request `redzone/ramLayoutDirtyControl`: enables, disables or clears one map, which no other and no device notices. */
export interface DirtyControlArguments {
  readonly map: Exclude<DirtyMap, "changed">;
  readonly action: "enable" | "disable" | "clear";
}

export interface MomentBody {
  readonly id: number;
  readonly kind: "start" | "stop" | "mark";
  readonly name: string;
  readonly instant: number;
}

/** Response of `redzone/ramLayoutMoments`; oldest first. */
export interface MomentsBody {
  readonly moments: readonly MomentBody[];
  readonly maps: readonly {
    readonly map: DirtyControlArguments["map"];
    readonly enabled: boolean;
    readonly since: string;
  }[];
}

/** Request `redzone/ramLayoutMark`: makes now a moment to compare with. */
export interface MarkArguments {
  readonly name?: string;
}

export interface MemoryBackendBody {
  readonly id: string;
  /** "memory-backend-ram", "memory-backend-file" */
  readonly type: string;
  readonly size: string;
  /** Of a file. */
  readonly path: string | null;
  /** Something uses it: the machine, or a DIMM. */
  readonly mapped: boolean;
}

export interface DimmBody {
  /** Null: it was given none, so it cannot be unplugged. */
  readonly id: string | null;
  readonly slot: number;
  readonly address: string;
  readonly size: string;
  readonly memdev: string;
  readonly hotplugged: boolean;
  /** It was asked back, and the guest has not given it yet. */
  readonly removing: boolean;
  /** What the guest said of its slot last, in words; null: nothing. */
  readonly report: string | null;
}

/** Response of `redzone/ramLayoutDevices`: what `info memory-devices` and `info memdev` print. Changes are commands of the monitor. */
export interface MemoryDevicesBody {
  /** 0: the machine was started without `-m …,slots=N,maxmem=M`. */
  readonly slots: number;
  /** Where memory devices are mapped; null: nowhere. */
  readonly window: { readonly start: string; readonly size: string } | null;
  /** What all of them together may have, and have. */
  readonly totalBytes: string;
  readonly pluggedBytes: string;
  readonly dimms: readonly DimmBody[];
  readonly backends: readonly MemoryBackendBody[];
}

export interface LayoutRequests {
  "redzone/ramLayoutDevices": { readonly arguments: undefined; readonly body: MemoryDevicesBody };
  "redzone/ramLayout": { readonly arguments: undefined; readonly body: RamLayoutBody };
  "redzone/ramLayoutRegions": { readonly arguments: undefined; readonly body: RegionsBody };
  "redzone/ramLayoutWhy": { readonly arguments: WhyArguments; readonly body: WhyBody };
  "redzone/ramLayoutConvert": { readonly arguments: ConvertArguments; readonly body: ConvertBody };
  "redzone/ramLayoutDirty": { readonly arguments: DirtyArguments; readonly body: DirtyBody };
  "redzone/ramLayoutDirtyControl": { readonly arguments: DirtyControlArguments; readonly body: MomentsBody };
  "redzone/ramLayoutMoments": { readonly arguments: undefined; readonly body: MomentsBody };
  "redzone/ramLayoutMark": { readonly arguments: MarkArguments; readonly body: MomentsBody };
}
