/**
 * `info ramblock`, `info mtree` and `info mtree -f` in the form QEMU 7.2 prints them.
 *
 * Where QEMU's order is that of a hash table (address spaces, flat views), ours is the order of creation.
 */
import type { AddressSpace } from "./address-space.ts";
import type { FlatRange } from "./flat-view.ts";
import type { RamList } from "./ram-block.ts";
import type { MemoryRegion } from "./region.ts";

export interface MtreeOptions {
  /** -f: the flat views instead of the trees. */
  readonly flat?: boolean;
  /** -o: owners. */
  readonly owner?: boolean;
  /** -D: disabled regions, too. */
  readonly disabled?: boolean;
}

export function infoRamblock(list: RamList): string {
  const row = (name: string, pageSize: string, offset: string, used: string, total: string) =>
    `${name.padStart(24)} ${pageSize.padStart(8)}  ${offset.padStart(18)} ${used.padStart(18)} ${total.padStart(18)}\n`;
  const rows = list.blocks.map((block) =>
    row(
      block.isRegistered ? block.idstr : "",
      `${block.pageSize / 1024} KiB`,
      `0x${hex16(block.offset)}`,
      `0x${hex16(block.usedLength)}`,
      `0x${hex16(block.maxLength)}`,
    ),
  );
  return row("Block Name", "PSize", "Offset", "Used", "Total") + rows.join("");
}

export function infoMtree(spaces: readonly AddressSpace[], options: MtreeOptions = {}): string {
  return options.flat === true ? flatViews(spaces, options) : trees(spaces, options);
}

function trees(spaces: readonly AddressSpace[], options: MtreeOptions): string {
  const lines: string[] = [];
  const aliased: MemoryRegion[] = [];
  for (const [root, sharing] of groupBy(spaces, (space) => space.root)) {
    for (const name of sharing.map((space) => space.name).sort()) lines.push(`address-space: ${name}`);
    treeLines(lines, root, 1, 0n, aliased, options);
    lines.push("");
  }
  // Printing an aliased region may find further ones: the list grows while it is walked.
  for (const region of aliased) {
    lines.push(`memory-region: ${region.name}`);
    treeLines(lines, region, 1, 0n, aliased, options);
    lines.push("");
  }
  return lines.map((line) => `${line}\n`).join("");
}

function treeLines(
  lines: string[],
  region: MemoryRegion,
  level: number,
  base: bigint,
  aliased: MemoryRegion[],
  options: MtreeOptions,
): void {
  const start = base + BigInt(region.address);
  const alias = region.alias;
  if (alias !== null && !aliased.includes(alias.target)) aliased.push(alias.target);
  if (region.enabled || options.disabled === true) {
    const target =
      alias === null ? "" : ` @${alias.target.name} ${rangeText(BigInt(alias.offset), region.size)}`;
    lines.push(
      `${"  ".repeat(level)}${rangeText(start, region.size)} (prio ${region.priority}, ${region.type}): ` +
        `${alias === null ? "" : "alias "}${region.name}${target}${region.enabled ? "" : " [disabled]"}${ownerText(region, options)}`,
    );
  }
  // By address; at one address by falling priority, which is the order they are kept in.
  const subregions = region.subregions.toSorted((a, b) => a.address - b.address || b.priority - a.priority);
  for (const sub of subregions) treeLines(lines, sub, level + 1, start, aliased, options);
}

function flatViews(spaces: readonly AddressSpace[], options: MtreeOptions): string {
  const lines: string[] = [];
  let index = 0;
  for (const [root, sharing] of groupBy(spaces, (space) => space.flatView.root)) {
    lines.push(`FlatView #${index++}`);
    for (const space of sharing) {
      const alias = space.root.alias === null ? "" : `, alias ${space.root.alias.target.name}`;
      lines.push(` AS "${space.name}", root: ${space.root.name}${alias}`);
    }
    lines.push(` Root memory region: ${root === null ? "(none)" : root.name}`);
    const ranges = sharing[0]!.flatView.ranges;
    if (ranges.length === 0) lines.push("  No rendered FlatView");
    for (const range of ranges) lines.push(flatLine(range, options));
    lines.push("");
  }
  return lines.map((line) => `${line}\n`).join("");
}

function flatLine(range: FlatRange, options: MtreeOptions): string {
  const { region } = range;
  const type = range.readonly ? "rom" : region.type;
  const offset = range.offset === 0 ? "" : ` @${hex16(range.offset)}`;
  return (
    `  ${rangeText(BigInt(range.start), range.size)} (prio ${region.priority}, ${type}): ` +
    `${region.name}${offset}${ownerText(region, options)}`
  );
}

function ownerText(region: MemoryRegion, options: MtreeOptions): string {
  if (options.owner !== true) return "";
  const { owner } = region;
  if (owner === null) return " parent:{obj path=/machine/unattached}";
  return ` owner:{${owner.kind} ${owner.id === undefined ? `path=${owner.path}` : `id=${owner.id}`}}`;
}

/** First and last address. A region of 2^64 bytes at 0 ends at 0xffffffffffffffff, which no double holds. */
function rangeText(start: bigint, size: number): string {
  return `${hex16(start)}-${hex16(BigInt.asUintN(64, start + BigInt(size) - 1n))}`;
}

const hex16 = (value: number | bigint): string => value.toString(16).padStart(16, "0");

function groupBy<K, V>(values: readonly V[], key: (value: V) => K): Map<K, V[]> {
  const groups = new Map<K, V[]>();
  for (const value of values) {
    const group = groups.get(key(value));
    if (group === undefined) groups.set(key(value), [value]);
    else group.push(value);
  }
  return groups;
}
