/** A guest that maps memory as an IncludeOS start does: 2560 large pages, from tables at known places. The model says exactly that. */
import { execFileSync, spawnSync } from "node:child_process";
import { readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { beforeAll, describe, expect, test } from "vitest";
import { boot } from "../../emulator/boot/index.ts";
import { createMachine, type Pc } from "../../emulator/index.ts";
import { Monitor } from "../../debug-adapter/index.ts";
import { NO_NAMES, overview, PageTables, pagingOf, reverse, tableEntries, translate, type Looked } from "../../debug-adapter/paging/index.ts"; // oxfmt-ignore
import { made } from "../support/made.ts";

const OUT = fileURLToPath(new URL("../../.cache/guests/", import.meta.url));
const hasNasm = spawnSync("nasm", ["-v"]).status === 0;

/** Runs until it has halted for good. */
function started(): Pc {
  const source = fileURLToPath(new URL("includeos.asm", import.meta.url));
  const file = made(`${OUT}includeos.bin`, (out) => execFileSync("nasm", ["-f", "bin", "-o", out, source]));
  const machine = createMachine({ ramBytes: 64 << 20 });
  const booted = boot(machine, {
    kernel: new Uint8Array(readFileSync(file)),
    kernelName: "includeos",
    append: "",
    modules: [],
  });
  expect(booted.kind).toBe("plan");
  expect(machine.run({ instants: 1e6 }).kind).toBe("dead");
  return machine;
}

describe.runIf(hasNasm)("P4 at 0x1000, P3 at 0x2000, P2 at 0x100000, 2560 large pages", () => {
  let machine: Pc;
  let tables: PageTables;
  let view: Looked;
  beforeAll(() => {
    machine = started();
    tables = new PageTables(machine, () => NO_NAMES);
    view = tables.view(pagingOf(machine.cpus[0]!)!, false);
  }, 60_000);

  test("the overview", () => {
    const body = overview(NO_NAMES, machine.cpus[0]!, view, machine.cpus);
    expect(body).toMatchObject({
      mode: "4-level",
      cr3: "0x1000",
      root: "0x1000",
      levels: ["PML4E", "PDPTE", "PDE", "PTE"],
      linearBits: 48,
      tables: 7,
      pages: [{ bytes: 0x20_0000, count: 2560 }],
      mappedBytes: 2560 * 0x20_0000,
      malformed: 0,
    });
    expect(body.roots).toEqual([{ root: "0x1000", mode: "4-level", label: "CPU 0", cpu: 0 }]);
  });

  test("the tree, a row for five tables and a row for the 512 pages of each", () => {
    const root = tableEntries(view, 0, 4, {})!;
    expect(root.entries).toHaveLength(1);
    expect(root.entries[0]).toMatchObject({
      index: 0, count: 1, level: "PML4E", linear: "0x0", address: "0x1000", target: "0x2000", pageBytes: 0,
      pages: [{ bytes: 0x20_0000, count: 2560 }], flags: ["P", "R/W", "A"], effective: { user: "---", supervisor: "rwx" },
    }); // oxfmt-ignore
    const p3 = tableEntries(view, 0, 3, {})!;
    expect(p3).toMatchObject({ table: "0x2000", level: "PDPTE" });
    expect(p3.entries.map(({ index, count, target, fold, contiguous, pages }) => [index, count, target, fold, contiguous, pages])).toEqual([
      [0, 5, "0x100000", "contiguous", "0x0", [{ bytes: 0x20_0000, count: 2560 }]],
    ]); // oxfmt-ignore
    const p2 = tableEntries(view, 4 * 0x40000, 2, {})!;
    expect(p2).toMatchObject({ table: "0x104000", level: "PDE", linear: "0x100000000" });
    expect(p2.entries).toHaveLength(1);
    expect(p2.entries[0]).toMatchObject({
      index: 0, count: 512, fold: "contiguous", linear: "0x100000000", last: "0x13fffffff", address: "0x104000", target: "0x100000000",
      pageBytes: 0x20_0000, pages: [{ bytes: 0x20_0000, count: 512 }], flags: ["P", "R/W", "PS"],
    }); // oxfmt-ignore
    expect(p2.entries[0]!.notes.map((note) => note.kind)).toEqual(["identity", "hole"]);
    const unfolded = tableEntries(view, 4 * 0x40000, 2, { only: { index: 10, count: 3 } })!;
    expect(unfolded.entries.map(({ index, count, target }) => [index, count, target])).toEqual([
      [10, 1, "0x101400000"],
      [11, 1, "0x101600000"],
      [12, 1, "0x101800000"],
    ]);
  });

  test("one range, mapped to itself", () => {
    const { ranges, total, bytes } = view.rows.answer({});
    expect([total, bytes]).toEqual([1, 5 * 2 ** 30]);
    expect(ranges[0]).toMatchObject({
      start: "0x0", last: "0x13fffffff", bytes: 5 * 2 ** 30, times: 1, physical: "0x0", samePage: false,
      effective: { user: "---", supervisor: "rwx" }, pages: [{ bytes: 0x20_0000, count: 2560 }], name: "identity map",
    }); // oxfmt-ignore
    expect(view.rows.answer({ filters: ["write+execute"] }).total).toBe(1);
    expect(view.rows.answer({ filters: ["user"] }).total).toBe(0);
    expect(view.rows.answer({ filters: ["not-accessed"] }).bytes).toBe(5 * 2 ** 30 - 0x20_0000);
  });

  test("an address with every step, one that is not there, and the way back", () => {
    const asked = { machine, naming: NO_NAMES };
    const there = translate(view, asked, 0x20_1234n, machine.cpus[0]!);
    expect(there.steps.map(({ level, index, entry, target }) => [level, index, entry, target])).toEqual([
      ["PML4E", 0, "0x1000", "0x2000"],
      ["PDPTE", 0, "0x2000", "0x100000"],
      ["PDE", 1, "0x100008", "0x200000"],
    ]);
    expect(there).toMatchObject({
      physical: "0x201234",
      region: { name: "pc.ram", type: "ram", offset: "0x201234" },
      block: { idstr: "pc.ram", offset: "0x201234", ramAddress: "0x201234" },
    });
    const nowhere = translate(view, asked, 0x1_4000_0000n, null);
    expect(nowhere.physical).toBeNull();
    expect(nowhere.verdicts[3]).toMatchObject({ access: "read", by: "supervisor", level: "PDPTE", bit: "P", errorCode: 0 });
    expect(reverse(view, NO_NAMES, 0x7654321, 10)).toMatchObject({
      total: 1,
      mappings: [{ linear: "0x7654321", level: "PDE", entry: "0x1001d8" }],
    });
  }); // oxfmt-ignore

  test("in the Debug Console", () => {
    const monitor = new Monitor({ machine, core: machine.cpus[0]! });
    expect(monitor.run("pages")).toBe(
      "0000000000000000-000000013fffffff     5 GiB u:--- s:rwx  2560 × 2 MiB     → 0x0  identity map\n1 range, 5 GiB\n",
    );
    expect(monitor.run("page 0x201234")).toMatch(/PDE +\[1\] .*at 0x100008 = .*2 MiB page 0x200000/);
    expect(monitor.run("info mem")).toBe("0000000000000000-0000000140000000 0000000140000000 -rw\n");
  });
});
