/**
 * The paging modes as tables of levels, and a CPU's paging as a value: mode, root, and the control bits that decide what rights mean (SDM 3A 4.1.1, 4.6).
 *
 * Linear and physical addresses are numbers of 4 KiB pages here, without sign extension: both fit a double, and most fit 32 bits. A level's number is its height:
 * 1 is the PTE.
 */
import { CR0, CR4, EFER, FLAG, pagingMode, STATE, type Core } from "../../emulator/index.ts";
import type { Hex, TableLevel, TableMode } from "../../media/protocol.ts";

/** Physical address bits of the processor (CPUID 80000008h). */
export const PHYSICAL_BITS = 40;
/** The first page number that no physical address has. */
export const PHYSICAL_PAGES = 2 ** (PHYSICAL_BITS - 12);

export interface Level {
  /** 1 is the PTE, 5 the PML5E. */
  readonly height: number;
  readonly name: TableLevel;
  readonly entries: number;
  /** 4 KiB pages that one entry maps. */
  readonly pages: number;
  /** Lowest linear address bit of the index. */
  readonly shift: number;
}

export interface ModeShape {
  readonly mode: TableMode;
  readonly entryBytes: 4 | 8;
  /** Width of a linear address. */
  readonly linearBits: number;
  /** By height; [0] is not there. */
  readonly levels: readonly (Level | undefined)[];
  readonly top: number;
}

function shape(
  mode: TableMode,
  linearBits: number,
  entryBytes: 4 | 8,
  entries: readonly number[],
): ModeShape {
  const names: readonly TableLevel[] = ["PTE", "PDE", "PDPTE", "PML4E", "PML5E"];
  const levels: (Level | undefined)[] = [undefined];
  let pages = 1;
  for (const [i, count] of entries.entries()) {
    levels.push({ height: i + 1, name: names[i]!, entries: count, pages, shift: 12 + Math.log2(pages) });
    pages *= count;
  }
  return { mode, entryBytes, linearBits, levels, top: entries.length };
}

export const SHAPES: Readonly<Record<TableMode, ModeShape>> = {
  "32-bit paging": shape("32-bit paging", 32, 4, [1024, 1024]),
  PAE: shape("PAE", 32, 8, [512, 512, 4]),
  "4-level": shape("4-level", 48, 8, [512, 512, 512, 512]),
  "5-level": shape("5-level", 57, 8, [512, 512, 512, 512, 512]),
};

export const isTableMode = (text: string): text is TableMode => Object.hasOwn(SHAPES, text);

/** The level of that height. */
export function levelOf({ levels }: ModeShape, height: number): Level {
  return levels[height]!;
}

/** Control bits that decide what an entry means. */
export interface Controls {
  readonly wp: boolean;
  readonly nxe: boolean;
  readonly smep: boolean;
  readonly smap: boolean;
  readonly pge: boolean;
  readonly pse: boolean;
  readonly pcide: boolean;
  /** RFLAGS.AC */
  readonly ac: boolean;
  /** 1 GiB pages. */
  readonly hugePages: boolean;
  /** Memory types by PAT index: IA32_PAT (SDM 3A 12.12). */
  readonly pat: readonly MemoryType[];
}
export type MemoryType = "UC" | "WC" | "WT" | "WP" | "WB" | "UC-" | "?";
const MEMORY_TYPES: readonly MemoryType[] = ["UC", "WC", "?", "?", "WT", "WP", "WB", "UC-"];

/** One set of page tables and how they are read. */
export interface Paging {
  readonly shape: ModeShape;
  /** Physical page number of the root table; in PAE mode the table begins `rootOffset` bytes into it. */
  readonly root: number;
  readonly rootOffset: number;
  readonly controls: Controls;
}

export function controlsOf(core: Core): Controls {
  const { cr0, cr4, efer } = core;
  const pat = core.quad(STATE.pat);
  return {
    wp: (cr0 & CR0.WP) !== 0,
    nxe: (efer & EFER.NXE) !== 0,
    smep: (cr4 & CR4.SMEP) !== 0,
    smap: (cr4 & CR4.SMAP) !== 0,
    pge: (cr4 & CR4.PGE) !== 0,
    pse: (cr4 & CR4.PSE) !== 0,
    pcide: (cr4 & CR4.PCIDE) !== 0,
    ac: core.systemFlag(FLAG.AC),
    hugePages: core.has("pdpe1gb"),
    pat: Array.from({ length: 8 }, (_, i) => MEMORY_TYPES[Number((pat >> BigInt(i * 8)) & 7n)]!),
  };
}

const MODES: Record<ReturnType<typeof pagingMode>, TableMode | null> = {
  off: null,
  "32-bit": "32-bit paging",
  PAE: "PAE",
  "4-level": "4-level",
  "5-level": "5-level",
};
export const tableMode = (core: Core): TableMode | null => MODES[pagingMode(core)];

/** The tables of a CPU, or those under another CR3 or read in another mode. Null: paging is off, and no mode was given. */
export function pagingOf(core: Core, cr3?: bigint, mode?: TableMode): Paging | null {
  const chosen = mode ?? tableMode(core) ?? (cr3 === undefined ? null : "4-level");
  if (chosen === null) return null;
  return under(cr3 ?? core.cr3, chosen, controlsOf(core));
}

/** A CR3 in a mode. Bits that are no address are left out. */
export function under(cr3: bigint, mode: TableMode, controls: Controls): Paging {
  const bits = mode === "4-level" || mode === "5-level" ? 52n : 32n;
  return {
    shape: SHAPES[mode],
    root: Number((cr3 & ((1n << bits) - 1n)) >> 12n),
    rootOffset: mode === "PAE" ? Number(cr3 & 0xfe0n) : 0,
    controls,
  };
}

/** A canonical linear address from a page number and an offset in the page. */
export function linearAddress({ linearBits }: ModeShape, page: number, offset = 0): bigint {
  const address = (BigInt(page) << 12n) | BigInt(offset);
  return linearBits === 32 ? address : BigInt.asUintN(64, BigInt.asIntN(linearBits, address));
}

/** The page number of a linear address, without its sign extension; null if the address is not canonical in that mode. */
export function linearPage(paging: ModeShape, address: bigint): number | null {
  const bits = paging.linearBits;
  const page = Number(BigInt.asUintN(bits, address) >> 12n);
  const isCanonical =
    bits === 32 ? address >> 32n === 0n : BigInt.asUintN(64, BigInt.asIntN(bits, address)) === address;
  return isCanonical ? page : null;
}

export const hex = (value: number | bigint): Hex => `0x${value.toString(16)}`;
export const hexPage = (page: number, offset = 0): Hex => hex(page * 4096 + offset);
export const hexLinear = (mode: ModeShape, page: number, offset = 0): Hex =>
  hex(linearAddress(mode, page, offset));
