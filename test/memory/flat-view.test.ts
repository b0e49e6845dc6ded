/** Flat views: the example of QEMU's documentation, and random trees beside a resolver that looks up one byte at a time. */
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { AddressSpace, Transactions } from "../../emulator/memory/address-space.ts";
import { flatViewRoot, FlatView } from "../../emulator/memory/flat-view.ts";
import { MemoryRegion, RamBlock } from "../../emulator/memory/index.ts";
import { ramAddress } from "../../emulator/numbers.ts";

const ops = { read: () => 0, write: () => {} };
const newBlock = (bytes: number) => new RamBlock({ idstr: "block", usedLength: bytes }, ramAddress(0), 1);

const text = (view: FlatView) =>
  view.ranges.map(
    (range) =>
      `${range.start.toString(16)}+${range.size.toString(16)} ${range.region.name}@${range.offset.toString(16)}`,
  );

describe("docs/devel/memory.rst, overlapping regions", () => {
  // A (0x8000) holds B (container, 0x4000 at 0x2000, priority 2, with D and E) and C (MMIO, 0x6000 at 0, priority 1).
  const build = (bIsContainer: boolean) => {
    const a = MemoryRegion.container("A", 0x8000);
    const b = bIsContainer ? MemoryRegion.container("B", 0x4000) : MemoryRegion.io("B", 0x4000, ops);
    a.add(b, 0x2000, 2);
    a.add(MemoryRegion.io("C", 0x6000, ops), 0, 1);
    b.add(MemoryRegion.io("D", 0x1000, ops), 0);
    b.add(MemoryRegion.io("E", 0x1000, ops), 0x2000);
    return text(new FlatView(a));
  };

  it("C shows through the holes of a container", () => {
    expect(build(true)).toEqual([
      "0+2000 C@0",
      "2000+1000 D@0",
      "3000+1000 C@3000",
      "4000+1000 E@0",
      "5000+1000 C@5000",
    ]);
  });

  it("a B that answers fills its holes itself", () => {
    expect(build(false)).toEqual([
      "0+2000 C@0",
      "2000+1000 D@0",
      "3000+1000 B@1000",
      "4000+1000 E@0",
      "5000+1000 B@3000",
    ]);
  });
});

describe("flat view roots", () => {
  it("a window that covers everything is looked through", () => {
    const system = MemoryRegion.container("system", 0x10000);
    system.add(MemoryRegion.io("x", 0x10, ops), 0);
    system.add(MemoryRegion.io("y", 0x10, ops), 0x10);
    const busMaster = MemoryRegion.container("bus master container", 0x10000);
    const alias = MemoryRegion.alias("bus master", system, 0, 0x10000);
    alias.enabled = false;
    busMaster.add(alias, 0);
    expect(flatViewRoot(busMaster)).toBeNull();
    alias.enabled = true;
    expect(flatViewRoot(busMaster)).toBe(system);
  });
});

describe("address spaces", () => {
  it("follow changes through aliases and containers, transactions at their end", () => {
    const system = MemoryRegion.container("system", 0x10000);
    const inner = MemoryRegion.container("inner", 0x1000);
    const device = MemoryRegion.io("device", 0x10, ops);
    system.add(MemoryRegion.alias("window", inner, 0, 0x1000), 0x4000);
    const transactions = new Transactions();
    const space = new AddressSpace("memory", system, transactions);
    let changes = 0;
    space.onChange = () => changes++;
    inner.add(device, 0x20);
    expect(text(space.flatView)).toEqual(["4020+10 device@0"]);
    device.enabled = false;
    expect(space.find(0x4020)).toBeNull();
    device.enabled = true;
    device.address = 0x30;
    expect(space.find(0x4030)?.region).toBe(device);
    changes = 0;
    transactions.begin();
    device.address = 0x40;
    device.address = 0x50;
    expect(space.find(0x4030)?.region).toBe(device);
    transactions.commit();
    expect(changes).toBe(1);
    expect(text(space.flatView)).toEqual(["4050+10 device@0"]);
    transactions.begin();
    device.enabled = false;
    device.enabled = true;
    transactions.commit();
    expect(changes).toBe(1);
  });
});

/** A recipe for a region; aliases point at any container made before. */
interface Recipe {
  readonly kind: "container" | "io" | "ram" | "rom" | "alias";
  readonly parent: number;
  readonly address: number;
  readonly size: number;
  readonly priority: number;
  readonly enabled: boolean;
  readonly offset: number;
  readonly target: number;
  readonly readonly: boolean;
}

const recipe: fc.Arbitrary<Recipe> = fc.record({
  kind: fc.constantFrom("container", "io", "io", "ram", "rom", "alias", "alias"),
  parent: fc.nat(1000),
  address: fc.nat(0x20).map((n) => n * 0x80),
  size: fc.integer({ min: 1, max: 0x20 }).map((n) => n * 0x80),
  priority: fc.integer({ min: -2, max: 2 }),
  enabled: fc.integer({ min: 0, max: 9 }).map((n) => n > 0),
  offset: fc.nat(0x10).map((n) => n * 0x80),
  target: fc.nat(1000),
  readonly: fc.boolean(),
});

function buildTree(recipes: readonly Recipe[]): { root: MemoryRegion; all: MemoryRegion[] } {
  const root = MemoryRegion.container("root", 0x2000);
  const all = [root];
  // Regions go into parents made before them, aliases show regions outside their own ancestors: no cycles.
  for (const [i, r] of recipes.entries()) {
    const parents = all.filter((region) => region.alias === null);
    const parent = parents[r.parent % parents.length]!;
    const ancestors = new Set<MemoryRegion>();
    for (let up: MemoryRegion | null = parent; up !== null; up = up.container) ancestors.add(up);
    const shows = (region: MemoryRegion): boolean =>
      ancestors.has(region) ||
      region.subregions.some(shows) ||
      (region.alias !== null && shows(region.alias.target));
    const targets = all.filter((region) => !shows(region));
    const target = targets[r.target % Math.max(1, targets.length)];
    const name = `${r.kind}${i}`;
    const pages = Math.ceil(r.size / 0x1000) * 0x1000;
    const region =
      r.kind === "alias" && target !== undefined
        ? MemoryRegion.alias(name, target, r.offset, r.size, { readonly: r.readonly })
        : r.kind === "io"
          ? MemoryRegion.io(name, r.size, ops)
          : r.kind === "ram"
            ? MemoryRegion.ram(name, newBlock(pages))
            : r.kind === "rom"
              ? MemoryRegion.rom(name, newBlock(pages))
              : MemoryRegion.container(name, r.size);
    region.enabled = r.enabled;
    parent.add(region, r.address, r.priority);
    all.push(region);
  }
  return { root, all };
}

interface Answer {
  readonly region: MemoryRegion;
  readonly offset: number;
  readonly readonly: boolean;
}

/** What answers at one address, by the rules as the documentation states them. */
function resolve(region: MemoryRegion, offset: number, readonly: boolean): Answer | null {
  if (!region.enabled || offset < 0 || offset >= region.size) return null;
  const isReadonly = readonly || region.readonly;
  if (region.alias !== null) return resolve(region.alias.target, offset + region.alias.offset, isReadonly);
  const byPriority = region.subregions
    .map((sub, i) => ({ sub, i }))
    .sort((a, b) => b.sub.priority - a.sub.priority || a.i - b.i);
  for (const { sub } of byPriority) {
    const answer = resolve(sub, offset - sub.address, isReadonly);
    if (answer !== null) return answer;
  }
  return region.block !== null || region.ops !== null ? { region, offset, readonly: isReadonly } : null;
}

describe("random trees", () => {
  it("resolve as byte by byte", () => {
    let aliases = 0;
    let ranges = 0;
    const tree = fc.array(recipe, { minLength: 6, maxLength: 14, size: "max" });
    fc.assert(
      fc.property(tree, fc.array(fc.nat(13), { maxLength: 3 }), (recipes, toggled) => {
        const { root, all } = buildTree(recipes);
        for (const i of toggled) {
          const region = all[1 + (i % (all.length - 1))]!;
          region.enabled = !region.enabled;
        }
        const view = new FlatView(root);
        aliases += all.filter((region) => region.alias !== null).length;
        ranges += view.ranges.length;
        const shown = text(view).join();
        const overlap = view.ranges.some((range, i) => range.end > (view.ranges[i + 1]?.start ?? Infinity));
        if (overlap) throw new Error(`ranges overlap: ${shown}`);
        for (let address = 0; address < 0x2080; address += 0x40) {
          const range = view.find(address);
          const answer = resolve(root, address, false);
          const found = range && {
            region: range.region,
            offset: range.offset + address - range.start,
            readonly: range.readonly,
          };
          const same =
            found?.region === answer?.region &&
            found?.offset === answer?.offset &&
            found?.readonly === answer?.readonly;
          if (!same) throw new Error(`${address.toString(16)}: ${answer?.region.name} expected in ${shown}`);
        }
      }),
      { seed: 20260101, numRuns: 4000 },
    );
    expect(aliases).toBeGreaterThan(4000);
    expect(ranges).toBeGreaterThan(9000);
  });
});
