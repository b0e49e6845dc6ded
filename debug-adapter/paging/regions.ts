/**
 * Stretches of the linear address space that have names: Linux's documented memory map for x86-64 (Documentation/arch/x86/x86_64/mm.rst), the two halves and the hole
 * of any other kernel, and mappings of the tables into themselves.
 *
 * Where Linux has chosen bases at random (CONFIG_RANDOMIZE_MEMORY) they are read from the kernel's variables, and only believed if they look like bases.
 */
import { KIND, kindOf, targetOf } from "./entry.ts";
import { linearPage, type ModeShape } from "./mode.ts";
import type { PageTree } from "./tree.ts";
import type { Region } from "./view.ts";

/** What is known of a Linux kernel's own variables: the 8 bytes at a symbol, by its name; null: unknown. */
export type ReadVariable = (name: string) => bigint | null;

type Row = readonly [first: bigint, last: bigint, name: string];

/** Regions whose base may be random, in their order: the variable, the documented base and size. */
interface Layout {
  readonly user: bigint;
  readonly fixed: readonly Row[];
  readonly direct: readonly [base: bigint, bytes: bigint];
  readonly vmalloc: readonly [base: bigint, bytes: bigint];
  readonly vmemmap: readonly [base: bigint, bytes: bigint];
}

const GIB = 1n << 30n;
const TIB = 1n << 40n;
const PIB = 1n << 50n;

const FOUR_LEVELS: Layout = {
  user: 0x7fff_ffff_ffffn,
  fixed: [
    [0xffff_8000_0000_0000n, 0xffff_87ff_ffff_ffffn, "guard hole, for hypervisors"],
    [0xffff_8800_0000_0000n, 0xffff_887f_ffff_ffffn, "LDT remap (KPTI)"],
  ],
  direct: [0xffff_8880_0000_0000n, 64n * TIB],
  vmalloc: [0xffff_c900_0000_0000n, 32n * TIB],
  vmemmap: [0xffff_ea00_0000_0000n, TIB],
};
const FIVE_LEVELS: Layout = {
  user: 0xff_ffff_ffff_ffffn,
  fixed: [
    [0xff00_0000_0000_0000n, 0xff0f_ffff_ffff_ffffn, "guard hole, for hypervisors"],
    [0xff10_0000_0000_0000n, 0xff10_ffff_ffff_ffffn, "LDT remap (KPTI)"],
  ],
  direct: [0xff11_0000_0000_0000n, 32n * PIB],
  vmalloc: [0xffa0_0000_0000_0000n, (25n * PIB) / 2n],
  vmemmap: [0xffd4_0000_0000_0000n, PIB / 2n],
};
/** The same with four and five levels. */
const UPPER: readonly Row[] = [
  [0xffff_fe00_0000_0000n, 0xffff_fe7f_ffff_ffffn, "cpu_entry_area"],
  [0xffff_ff00_0000_0000n, 0xffff_ff7f_ffff_ffffn, "ESPFIX stacks"],
  [0xffff_ffef_0000_0000n, 0xffff_fffe_ffff_ffffn, "EFI runtime"],
];
const KERNEL_TEXT = 0xffff_ffff_8000_0000n;
const MODULES_END = 0xffff_ffff_feff_ffffn;
const FIXMAP: Row = [0xffff_ffff_ff00_0000n, 0xffff_ffff_ff5f_ffffn, "fixmap"];
const VSYSCALL: Row = [0xffff_ffff_ff60_0000n, 0xffff_ffff_ff60_0fffn, "vsyscall"];

/** Null: it does not look like one. */
function base(value: bigint | null, shape: ModeShape): bigint | null {
  return value !== null && value % GIB === 0n && value >> 63n === 1n && linearPage(shape, value) !== null
    ? value
    : null;
}

/** Linux's regions; empty for modes that its x86-64 map does not describe. */
function linuxRows(shape: ModeShape, variable: ReadVariable): readonly Row[] {
  if (shape.linearBits < 48) return [];
  const layout = shape.linearBits === 48 ? FOUR_LEVELS : FIVE_LEVELS;
  const hasVariables = variable("page_offset_base") !== null;
  const place = (name: string, [documented, bytes]: readonly [bigint, bigint]) => ({
    start: base(variable(name), shape) ?? documented,
    bytes,
  });
  const direct = place("page_offset_base", layout.direct);
  const vmalloc = place("vmalloc_base", layout.vmalloc);
  const vmemmap = place("vmemmap_base", layout.vmemmap);
  const least = (a: bigint, b: bigint): bigint => (a < b ? a : b);
  const until = (start: bigint, bytes: bigint, next: bigint): bigint =>
    (next > start ? least(start + bytes, next) : start + bytes) - 1n;
  // With a kernel that may be moved (CONFIG_RANDOMIZE_BASE) its image may take 1 GiB, else 512 MiB.
  const modules = KERNEL_TEXT + (hasVariables ? GIB : GIB / 2n);
  return [
    [0n, layout.user, "user"],
    // Bases that are random may lie where the fixed regions end.
    ...layout.fixed.filter(([first, last]) => last < direct.start || first > direct.start + direct.bytes),
    [direct.start, until(direct.start, direct.bytes, vmalloc.start), "direct map"],
    [vmalloc.start, until(vmalloc.start, vmalloc.bytes, vmemmap.start), "vmalloc, ioremap"],
    [vmemmap.start, until(vmemmap.start, vmemmap.bytes, UPPER[0]![0]), "vmemmap (struct page)"],
    ...UPPER,
    [KERNEL_TEXT, modules - 1n, "kernel image"],
    [modules, MODULES_END, "modules"],
    FIXMAP,
    VSYSCALL,
  ];
}

/** Regions of the linear address space in the order of addresses, by page numbers. */
export function linearRegions(tree: PageTree, isLinux: boolean, variable: ReadVariable): readonly Region[] {
  const { shape } = tree.paging;
  const regions: Region[] = [];
  const rows = isLinux ? linuxRows(shape, variable) : [];
  for (const [first, last, name] of rows) {
    const start = linearPage(shape, first);
    const end = linearPage(shape, last);
    if (start !== null && end !== null) regions.push({ first: start, last: end, name, hole: false });
  }
  if (!isLinux) regions.push(...recursive(tree));
  return regions.toSorted((a, b) => a.first - b.first);
}

/** Root entries that point to the root: all tables are mapped there. */
function recursive(tree: PageTree): Region[] {
  const { root, shape } = tree.paging;
  const words = tree.words(root);
  const { entries, pages } = tree.level(shape.top);
  const format = tree.format(shape.top);
  const found: Region[] = [];
  if (words === null) return found;
  for (let index = 0; index < entries; index++) {
    const { lo, hi } = tree.entry(words, shape.top, index);
    if (kindOf(format, lo, hi) === KIND.table && targetOf(format, lo, hi, false) === root)
      found.push({
        first: index * pages,
        last: (index + 1) * pages - 1,
        name: "recursive mapping (the page tables)",
        hole: false,
      });
  }
  return found;
}

/** The addresses in the middle that are not canonical, as bytes; null where there are none. */
export function hole({ linearBits }: ModeShape): { readonly start: bigint; readonly last: bigint } | null {
  if (linearBits === 32) return null;
  const half = 1n << BigInt(linearBits - 1);
  return { start: half, last: (1n << 64n) - half - 1n };
}
