/**
 * Entries of page tables taken apart.
 *
 * Source: Intel SDM volume 3A, 4.3 "32-Bit Paging", 4.4 "PAE Paging", 4.5 "4-Level Paging and 5-Level Paging".
 */
import { fieldsFrom, namesIn, type Field } from "./field.ts";

/** Of which table the entry is, where a name says so: 1 page table, 2 directory, 3 directory-pointer table, 4 PML4, 5 PML5. */
export type Level = 1 | 2 | 3 | 4 | 5;

const common = [
  "0 P present",
  "1 R/W writable",
  "2 U/S level 3 may use it",
  "3 PWT written through",
  "4 PCD not cached",
  "5 A accessed",
];
const ends = ["63 NX not executable"];

const table = fieldsFrom([...common, ...ends]);
const large = fieldsFrom(
  [...common, "6 D dirty", "7 PS a large page", "8 G global", "12 PAT", ...ends].map(padded),
);
const small = fieldsFrom([...common, "6 D dirty", "7 PAT", "8 G global", ...ends].map(padded));

function padded(row: string): string {
  return row.split(" ").length > 2 ? row : `${row} memory type`;
}

export interface PageEntry {
  /** "2 MiB page", "page directory" … what the entry leads to. */
  readonly target: string;
  readonly flags: readonly string[];
  readonly fields: readonly Field[];
  readonly address: bigint;
  readonly isPresent: boolean;
}

/** `width`: bytes of the entry. In tables of 4 bytes large pages are 4 MiB. */
export function pageEntryOf(value: bigint, width: 4 | 8, level: Level | undefined): PageEntry {
  const hasSize = (value & 0x80n) !== 0n;
  const isLarge = hasSize && level !== 1 && level !== 4 && level !== 5;
  const fields = isLarge ? large : level === 1 ? small : table;
  const shift = isLarge ? largeShift(width, level) : 12;
  const mask = width === 4 ? 0xffff_ffffn : 0x000f_ffff_ffff_ffffn;
  return {
    target: targetOf(isLarge, width, level),
    flags: namesIn(fields, value).toReversed(),
    fields,
    address: ((value & mask) >> BigInt(shift)) << BigInt(shift),
    isPresent: (value & 1n) !== 0n,
  };
}

function largeShift(width: 4 | 8, level: Level | undefined): number {
  return width === 4 ? 22 : level === 3 ? 30 : 21;
}

function targetOf(isLarge: boolean, width: 4 | 8, level: Level | undefined): string {
  if (isLarge) {
    return width === 4
      ? "4 MiB page"
      : level === 3
        ? "1 GiB page"
        : level === 2
          ? "2 MiB page"
          : "large page";
  }
  switch (level) {
    case 1:
      return "4 KiB page";
    case 2:
      return "page table";
    case 3:
      return "page directory";
    case 4:
      return "page-directory-pointer table";
    case 5:
      return "PML4";
    case undefined:
      return "table or page";
  }
}

/** Names that people give their tables. */
const names: readonly (readonly [RegExp, Level])[] = [
  [/(?:^|_)(?:pml5|p5|pgd5)(?:_|\d*$)/i, 5],
  [/(?:^|_)(?:pml4t?|p4|level4|l4)(?:_|\d*$)/i, 4],
  [/(?:^|_)(?:pdpt?e?|pdp|p3|pud|level3|l3|page_?dir\w*_?(?:ptr|pointer)\w*)(?:_|\d*$)/i, 3],
  [/(?:^|_)(?:pd|pde|pdt|p2|pmd|page_?dir\w*|level2)(?:_|\d*$)/i, 2],
  [/(?:^|_)(?:pt|pte|p1|level1)(?:_|\d*$)/i, 1],
];
const someTable = /(?:^|_)(?:pgd|pg_?dir|pgt\w*|page_?tables?|paging|pagetab\w*)(?:_|\d*$)/i;

/** "PML4" → 4; null where a name says page table and not which; undefined where it says nothing of the kind. */
export function levelNamed(name: string): Level | null | undefined {
  // Names in the order of what they say: "pml4_table" is no page table.
  const found = names.find(([pattern]) => pattern.test(name));
  return found ? found[1] : someTable.test(name) ? null : undefined;
}
