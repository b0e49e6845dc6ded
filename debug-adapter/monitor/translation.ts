/**
 * `info mem` and `info tlb` as QEMU 7.2 prints them: byte for byte the same on the same guest state, in every paging mode.
 *
 * So they read tables as QEMU's monitor does, which knows less than the processor: reserved bits, EFER.NXE and the width of physical addresses are not looked at, and
 * of a page it prints what a mask leaves of the entry. What tables mean to the processor is the model's to say (`paging/`).
 * Invariant: reads memory only; never sets accessed or dirty bits and never consults the TLB.
 */
import { PAGE_BYTES, pagingMode, STATE, type Core } from "../../emulator/index.ts";
import { GuestSpace } from "../memory/space.ts";

/** Lines at most. Linux maps the page of its ESPFIX stacks 65,536 times, and QEMU prints them all; tables that map themselves can have any number. */
const MAX_LINES = 250_000;

interface Level {
  readonly entries: number;
  /** 4 KiB pages that an entry maps. */
  readonly pages: number;
  /** What of a page's entry is printed as its address, high and low half; null: it never is a page. */
  readonly mask: readonly [high: number, low: number] | null;
  /** The last level: bit 7 is PAT, which is printed as no P. */
  readonly isLast: boolean;
}
const level = (entries: number, pages: number, mask: Level["mask"]): Level => ({
  entries,
  pages,
  mask,
  isLast: pages === 1,
});

interface Shape {
  readonly width: number;
  readonly entryBytes: 4 | 8;
  /** From the root down. */
  readonly levels: readonly Level[];
}

/** Bits 49:12, which QEMU takes for the address of a table. */
const TABLE_HIGH = 0x3ffff;
const LONG: readonly Level[] = [
  level(512, 2 ** 27, null),
  level(512, 2 ** 18, [TABLE_HIGH, 0xc000_0000]),
  level(512, 512, [TABLE_HIGH, 0xffe0_0000]),
  level(512, 1, [TABLE_HIGH, 0xffff_f000]),
];
const SHAPES: Readonly<Record<Exclude<ReturnType<typeof pagingMode>, "off">, Shape>> = {
  "32-bit": {
    width: 32,
    entryBytes: 4,
    levels: [level(1024, 1024, [0, 0xffe0_0000]), level(1024, 1, [0, 0xffff_f000])],
  },
  // Nothing is masked at the top: the no-execute bit is printed as part of the address.
  PAE: {
    width: 32,
    entryBytes: 8,
    levels: [level(4, 2 ** 18, null), level(512, 512, [-1, 0xfff0_0000]), level(512, 1, [-1, 0xffff_f000])],
  },
  "4-level": { width: 48, entryBytes: 8, levels: LONG },
  "5-level": { width: 57, entryBytes: 8, levels: [level(512, 2 ** 36, null), ...LONG] },
};

/** Bits of an entry's low half. */
const P = 1;
const RW = 2;
const US = 4;
const PS = 0x80;

/** A page: where it begins, as a number of 4 KiB pages without sign extension, its entry, and R/W and U/S of all levels. */
type Visit = (page: number, entryLevel: Level, lo: number, hi: number, rights: number) => boolean;

/** Visits every page in the order of addresses, until `visit` says that it is enough. */
function visitPages(core: Core, { entryBytes, levels }: Shape, visit: Visit): void {
  const space = new GuestSpace(core);
  const isWide = entryBytes === 8;
  const isPae = levels.length === 3;
  const mayBeLarge = isWide || (core.cr4 & 0x10) !== 0;
  const known = new Map<number, Int32Array>();
  const table = (page: number): Int32Array => {
    let words = known.get(page);
    if (words === undefined) {
      const bytes = space.readTable(page * PAGE_BYTES, PAGE_BYTES);
      words = new Int32Array(bytes.buffer, bytes.byteOffset, PAGE_BYTES / 4);
      known.set(page, words);
    }
    return words;
  };
  const descend = (page: number, first: number, depth: number, base: number, rights: number): boolean => {
    const current = levels[depth]!;
    const words = table(page);
    for (let index = 0, at = first; index < current.entries; index++, at += isWide ? 2 : 1) {
      const lo = words[at]!;
      if ((lo & P) === 0) continue;
      const hi = isWide ? words[at + 1]! : 0;
      const here = base + index * current.pages;
      // The PDPTEs of PAE paging have no rights.
      const left = isPae && depth === 0 ? rights : rights & lo;
      const isPage = current.isLast || (current.mask !== null && mayBeLarge && (lo & PS) !== 0);
      const goesOn = isPage
        ? visit(here, current, lo, hi, left)
        : descend((hi & TABLE_HIGH) * 0x10_0000 + (lo >>> 12), 0, depth + 1, here, left);
      if (!goesOn) return false;
    }
    return true;
  };
  const cr3 = core.quad(STATE.cr3);
  const root = Number((isWide && !isPae ? cr3 & 0x3_ffff_ffff_f000n : cr3 & 0xffff_f000n) >> 12n);
  descend(root, isPae ? Number(cr3 & 0xfe0n) / 4 : 0, 0, 0, RW | US);
}

/** An address of a page as QEMU prints it: made canonical only now, bit by bit, so that the end of the address space has no sign. */
function address(page: number, width: number): string {
  const isHigh = width > 32 && Math.floor(page / 2 ** (width - 13)) % 2 === 1;
  return `${(isHigh ? page + 2 ** 52 - 2 ** (width - 12) : page).toString(16).padStart(13, "0")}000`;
}

export function infoMem(core: Core): string {
  const paging = pagingMode(core);
  if (paging === "off") return "PG disabled\n";
  const shape = SHAPES[paging];
  const { width } = shape;
  const lines: string[] = [];
  let start = 0;
  let end = 0;
  let rights = -1;
  const flush = (): void => {
    if (rights < 0) return;
    const letters = `${(rights & US) !== 0 ? "u" : "-"}r${(rights & RW) !== 0 ? "w" : "-"}`;
    lines.push(`${address(start, width)}-${address(end, width)} ${address(end - start, width)} ${letters}\n`);
  };
  visitPages(core, shape, (page, { pages }, _lo, _hi, left) => {
    if (left !== rights || page !== end) {
      flush();
      start = page;
      rights = left;
    }
    end = page + pages;
    return lines.length < MAX_LINES;
  });
  flush();
  return ended(lines);
}

export function infoTlb(core: Core): string {
  const paging = pagingMode(core);
  if (paging === "off") return "PG disabled\n";
  const shape = SHAPES[paging];
  const lines: string[] = [];
  visitPages(core, shape, (page, { mask, isLast }, lo, hi) => {
    const [high, low] = mask!;
    const physical = half(hi & high) + half(lo & low);
    lines.push(`${address(page, shape.width)}: ${physical} ${letters(lo, hi, isLast)}\n`);
    return lines.length < MAX_LINES;
  });
  return ended(lines);
}

const half = (word: number): string => (word >>> 0).toString(16).padStart(8, "0");

const LETTERS = [
  ["G", 0x100],
  ["P", PS],
  ["D", 0x40],
  ["A", 0x20],
  ["C", 0x10],
  ["T", 8],
  ["U", US],
  ["W", RW],
] as const;

function letters(lo: number, hi: number, isLast: boolean): string {
  const bits = isLast ? lo & ~PS : lo;
  return `${hi >>> 31 !== 0 ? "X" : "-"}${LETTERS.map(([letter, mask]) => ((bits & mask) !== 0 ? letter : "-")).join("")}`;
}

function ended(lines: readonly string[]): string {
  const rest =
    lines.length >= MAX_LINES
      ? `… more than ${MAX_LINES} lines; the page tables map themselves or very much\n`
      : "";
  return lines.join("") + rest;
}
