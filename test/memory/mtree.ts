/** Makes a tree of regions from what QEMU's `info mtree -D` says about one. */
import { AddressSpace, FlatView, MemoryRegion, RamList } from "../../emulator/memory/index.ts";
import { Transactions } from "../../emulator/memory/address-space.ts";

/** One line of QEMU's tree. */
interface Line {
  readonly level: number;
  readonly start: bigint;
  readonly end: bigint;
  readonly priority: number;
  readonly type: string;
  readonly name: string;
  readonly alias: { readonly target: string; readonly offset: bigint } | null;
  readonly disabled: boolean;
}

const LINE =
  /^( +)([0-9a-f]{16})-([0-9a-f]{16}) \(prio (-?\d+), ([a-z/]+)\): (alias )?(.+?)(?: @(\S+) ([0-9a-f]{16})-[0-9a-f]{16})?( \[disabled\])?$/;

export function parseLine(text: string): Line | null {
  const match = LINE.exec(text);
  if (match === null) return null;
  const [, indent, start, end, priority, type, alias, name, target, offset, disabled] = match;
  return {
    level: indent!.length / 2,
    start: BigInt(`0x${start}`),
    end: BigInt(`0x${end}`),
    priority: Number(priority),
    type: type!,
    name: name!,
    alias: alias === undefined ? null : { target: target!, offset: BigInt(`0x${offset}`) },
    disabled: disabled !== undefined,
  };
}

/** Blocks of `info mtree`: headings ("address-space: x") and the lines below. */
export function parseGroups(text: string): { readonly headings: string[]; readonly lines: Line[] }[] {
  const groups: { headings: string[]; lines: Line[] }[] = [];
  for (const part of text.trimEnd().split("\n\n")) {
    const rows = part.split("\n");
    const lines = rows.flatMap((row) => parseLine(row) ?? []);
    const headings = rows.filter((row) => row !== "" && !row.startsWith(" "));
    if (headings.length > 0) groups.push({ headings, lines });
  }
  return groups;
}

/**
 * Address spaces with the trees that `text` (`info mtree -D`) shows. `terminating` names i/o regions with subregions that answer
 * themselves: the text does not tell them from containers.
 */
export function buildSpaces(text: string, terminating: ReadonlySet<string>): AddressSpace[] {
  const groups = parseGroups(text);
  const byRegion = new Map<string, MemoryRegion>();
  const list = new RamList();
  const aliasedLines = new Map<string, Line[]>();
  for (const { headings, lines } of groups) {
    const name = /^memory-region: (.*)$/.exec(headings[0]!)?.[1];
    if (name !== undefined) aliasedLines.set(name, lines);
  }

  const size = (line: Line) => Number(line.end - line.start + 1n);
  const make = (line: Line, children: readonly Line[]): MemoryRegion => {
    if (line.alias !== null) {
      const { target, offset } = line.alias;
      return MemoryRegion.alias(line.name, named(target), Number(offset), size(line), {
        readonly: line.name === "pam-rom" || line.name === "isa-bios",
      });
    }
    if (line.type === "ram" || line.type === "rom") {
      const block = list.add({ idstr: `${line.name} ${list.blocks.length}`, usedLength: size(line) }, 1);
      return MemoryRegion[line.type](line.name, block);
    }
    const ops = { read: () => 0, write: () => {} };
    const isContainer = (children.length > 0 || size(line) > 2 ** 32) && !terminating.has(line.name);
    return isContainer
      ? MemoryRegion.container(line.name, size(line))
      : MemoryRegion.io(line.name, size(line), ops);
  };
  // A region that is also printed on its own is one object, wherever it is seen.
  const named = (name: string): MemoryRegion => {
    const existing = byRegion.get(name);
    if (existing !== undefined) return existing;
    return build(aliasedLines.get(name)!);
  };
  const build = (lines: readonly Line[]): MemoryRegion => {
    const line = lines[0]!;
    const children = lines.slice(1);
    const existing = aliasedLines.has(line.name) ? byRegion.get(line.name) : undefined;
    if (existing !== undefined && line.alias === null) return existing;
    const region = make(line, children);
    region.enabled = !line.disabled;
    // Registered before its children: they may be aliases of what lies above them.
    if (line.alias === null && aliasedLines.has(line.name)) byRegion.set(line.name, region);
    const subtrees: Line[][] = [];
    for (const child of children) {
      if (child.level === line.level + 1) subtrees.push([child]);
      else subtrees.at(-1)!.push(child);
    }
    // Of equals the last added comes first.
    for (const subtree of subtrees.reverse()) {
      const child = subtree[0]!;
      const sub = build(subtree);
      if (sub.container === null) region.add(sub, Number(child.start - line.start), child.priority);
    }
    return region;
  };

  const transactions = new Transactions();
  const spaces: AddressSpace[] = [];
  for (const { headings, lines } of groups) {
    const names = headings.flatMap((heading) => /^address-space: (.*)$/.exec(heading)?.[1] ?? []);
    if (names.length === 0) continue;
    const root = build(lines);
    for (const name of names) spaces.push(new AddressSpace(name, root, transactions));
  }
  return spaces;
}

/** The names of i/o regions that appear in a flat view. */
export function terminatingRegions(flat: string): Set<string> {
  const names = new Set<string>();
  for (const row of flat.split("\n")) {
    const line = parseLine(row.replace(/ @[0-9a-f]{16}$/, ""));
    if (line !== null) names.add(line.name);
  }
  return names;
}

/** Flat views without their numbers, in an order of their own: QEMU's is that of a hash table. */
export function canonicalFlat(text: string): string {
  const views = text
    .trimEnd()
    .split("\n\n")
    .map((view) => {
      const rows = view.split("\n").slice(1);
      const spaces = rows.filter((row) => row.startsWith(" AS ")).sort();
      return [...spaces, ...rows.filter((row) => !row.startsWith(" AS "))].join("\n");
    });
  return views.sort().join("\n\n");
}

/** The same for `info mtree`. */
export function canonicalTree(text: string): string {
  return text
    .trimEnd()
    .split("\n\n")
    .map((group) => group.trim())
    .sort()
    .join("\n\n");
}

export type { FlatView };
