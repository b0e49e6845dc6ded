/**
 * Four texts of the monitor beside QEMU's on the same guest: `info mem`, `info tlb`, `info mtree -f`, `info ramblock`. The sample kernel, and separately Debian's Linux,
 * run in QEMU to some line of theirs; QEMU is stopped, and its RAM and registers are loaded into our machine.
 *
 * Layouts are compared under -nodefaults with the devices that both have; what is left out below is named and says why.
 */
import { spawnSync } from "node:child_process";
import { mkdirSync, writeFileSync } from "node:fs";
import path from "node:path";
import { fileURLToPath } from "node:url";
import { afterEach, describe, expect, test } from "vitest";
import { infoRegisters } from "../../debug-adapter/monitor/registers.ts";
import { Monitor } from "../../debug-adapter/index.ts";
import { NO_NAMES, PageTables, pagingOf } from "../../debug-adapter/paging/index.ts";
import type { Pc } from "../../emulator/index.ts";
import { sampleFor32BitLoaders } from "../boot/toolchain.ts";
import { linuxSystem } from "../linux/system.ts";
import { parseLine } from "../memory/mtree.ts";
import { hasQemu } from "../memory/qemu.ts";
import { StoppedQemu } from "./stopped.ts";

const OUT = fileURLToPath(new URL("../../.cache/monitor-qemu/", import.meta.url));
const MIB = 2 ** 20;
const LIMIT = 240_000;
/** What both machines have: VGA, two serial ports, the debug console on port 0xe9. 5-level paging is not in QEMU's `info mem`. */
const MACHINE = "-M pc -accel tcg -nodefaults -vga std -debugcon null -no-reboot -cpu max,la57=off".split(" "); // oxfmt-ignore

let qemu: StoppedQemu | null = null;
afterEach(() => {
  qemu?.end();
  qemu = null;
});

/** The first difference, with the lines around it; "" if there is none. */
function difference(ours: string, theirs: string): string {
  const a = ours.split("\n");
  const b = theirs.split("\n");
  const n = b.findIndex((line, i) => line !== a[i]);
  if (n < 0 && a.length === b.length) return "";
  return `line ${n}\nours:   ${a.slice(n, n + 3).join("\n        ")}\nQEMU's: ${b.slice(n, n + 3).join("\n        ")}`;
}

async function compareTables(machine: Pc, leastRanges: number): Promise<void> {
  const monitor = new Monitor({ machine, core: machine.cpus[0]! });
  for (const command of ["info mem", "info tlb"]) {
    const theirs = await qemu!.monitor(command);
    expect(theirs.split("\n").length).toBeGreaterThan(leastRanges);
    expect(`${command}: ${difference(monitor.run(command), theirs)}`).toBe(`${command}: `);
  }
}

describe.skipIf(!hasQemu)("stopped beside QEMU", () => {
  test("the sample kernel: all four, and the registers they depend on", { timeout: LIMIT }, async () => {
    qemu = await StoppedQemu.at([...MACHINE, "-m", "128", "-kernel", sampleFor32BitLoaders()], "tick 2");
    const machine = await qemu.copied(128 * MIB);
    const control = (text: string) => /^CR0=.*$/m.exec(text)?.[0];
    const theirs = await qemu.monitor("info registers");
    expect(control(infoRegisters(machine.cpus[0]!))).toBe(control(theirs));
    await compareTables(machine, 2);
    await compareLayouts(machine);
  });

  test("Debian's Linux at its first prompt: info mem and info tlb", { timeout: LIMIT }, async () => {
    const system = await linuxSystem("cloud");
    mkdirSync(OUT, { recursive: true });
    const initrd = path.join(OUT, "tiny.cpio.gz");
    writeFileSync(initrd, system.initrd);
    // Without tests of cryptography a boot is half as long.
    const append = "console=ttyS0 cryptomgr.notests";
    const kernel = ["-kernel", system.kernelPath, "-initrd", initrd, "-append", append];
    qemu = await StoppedQemu.at([...MACHINE, "-m", "256", ...kernel], "BOOT-OK");
    const machine = await qemu.copied(256 * MIB);
    await compareTables(machine, 100);
    // The model knows the same pages, and has read each table once. Of a Linux with 256 MiB there are about a hundred.
    const { tree, rows } = new PageTables(machine, () => NO_NAMES).view(pagingOf(machine.cpus[0]!)!, false);
    const pages = (await qemu.monitor("info tlb")).trimEnd().split("\n").length;
    expect(tree.whole.pages.reduce((sum, count) => sum + count, 0)).toBe(pages);
    expect(tree.visited).toBe(tree.tableCount);
    expect(tree.visited).toBeLessThan(200);
    expect(rows.answer({}).total).toBeLessThan(400);
  });
});

test.skipIf(hasQemu)("there is no QEMU 7.2 here: nothing is compared", () => {
  expect(spawnSync("qemu-system-x86_64", ["--version"]).status).not.toBe(0);
});

/** What QEMU has beside ours, and ours beside QEMU's; the command line has no way to take it out. */
const LEFT_OUT: ReadonlyMap<string, string> = new Map([
  ["dma-chan", "the two 8237 DMA controllers: the machine has none"],
  ["dma-cont", "the same"],
  ["dma-page", "the same"],
  ["fdc", "the floppy controller is there when a floppy is"],
  ["kvmvapic", "a helper of KVM for Windows XP"],
  ["vmport", "VMware's back door"],
  ["ioportF0", "clears FERR#, which the machine does not route"],
  ["acpi-pci-hotplug", "no PCI hot-plug"],
  ["acpi-cpu-hotplug", "no CPU hot-plug"],
  ["vga.mmio", "what answers between the registers of the VGA adapter's second BAR: nothing here"],
  ["bios-services", "where stubs of the built-in BIOS call it; QEMU runs SeaBIOS"],
  ["isa-debugcon", "QEMU has one where -debugcon says; ours is at 0xe9 and, for SeaBIOS, at 0x402"],
]);
/** In the order of addresses in that BAR, whose place firmware chooses. */
const IN_BAR: ReadonlySet<string> = new Set([
  "edid",
  "vga ioports remapped",
  "bochs dispi interface",
  "qemu extended regs",
]);
/** Where the firmware's option ROMs and tables are, and which of it can be written, is firmware's. */
const SHADOW = { first: 0xc0000, end: 0x100000 } as const;

/** Ranges of one flat view as lines that can be compared. */
function ranges(text: string, space: "memory" | "I/O"): readonly string[] {
  const view = text.split("\n\n").find((part) => part.includes(` AS "${space}"`)) ?? "";
  const parsed = view.split("\n").flatMap((line) => parseLine(line.replace(/ @[0-9a-f]{16}$/, "")) ?? []);
  const bar = parsed.find(({ name }) => name === "edid")?.start ?? 0n;
  return parsed.flatMap(({ name, start, end, type, priority }) => {
    // The background of the port space is cut differently by what is left out.
    if (LEFT_OUT.has(name) || name === "io") return [];
    if (name.startsWith("pc.") && start >= SHADOW.first && start < SHADOW.end) return [];
    const base = IN_BAR.has(name) ? bar : 0n;
    return `${(start - base).toString(16)}-${(end - base).toString(16)} prio ${priority} ${type} ${name}`;
  });
}

/** Rows of `info ramblock`, but for what firmware and fw_cfg have in blocks of their own. */
function blocks(text: string): readonly string[] {
  return text.split("\n").filter((row) => !/\/rom@|vga\.rom/.test(row));
}

async function compareLayouts(machine: Pc): Promise<void> {
  const monitor = new Monitor({ machine, core: machine.cpus[0]! });
  const theirs = await qemu!.monitor("info mtree -f");
  const ours = monitor.run("info mtree -f");
  for (const space of ["memory", "I/O"] as const) {
    expect(ranges(theirs, space).length).toBeGreaterThan(8);
    expect(ranges(ours, space)).toEqual(ranges(theirs, space));
  }
  expect(blocks(monitor.run("info ramblock"))).toEqual(blocks(await qemu!.monitor("info ramblock")));
}
