/** The tree of machine `pc` beside QEMU's. */
import { readFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import {
  createPcMemory,
  infoMtree,
  infoRamblock,
  MemoryRegion,
  splitRam,
} from "../../emulator/memory/index.ts";
import { createMemory, GIB, MIB } from "./machine.ts";
import { parseLine } from "./mtree.ts";

const ops = { read: () => 0, write: () => {} };

function createPc(ramBytes: number, maxRamBelow4G?: number) {
  const { memory } = createMemory();
  const vgaLowmem = MemoryRegion.io("vga-lowmem", 0x20000, ops);
  const pc = createPcMemory(memory, {
    ramBytes,
    vgaLowmem,
    ...(maxRamBelow4G === undefined ? {} : { maxRamBelow4G }),
  });
  // Windows of devices that are not this module's.
  memory.system.add(MemoryRegion.io("ioapic", 0x1000, ops), 0xfec00000);
  memory.system.add(MemoryRegion.io("hpet", 0x400, ops), 0xfed00000);
  memory.system.add(MemoryRegion.io("apic-msi", 0x100000, ops), 0xfee00000, 4096);
  return { memory, pc };
}

const dump = (name: string) => readFileSync(new URL(`qemu-7.2/${name}.txt`, import.meta.url), "utf8");

/** The lines below a line of the dump, up to the next empty one. */
function section(text: string, command: string, heading: string): string[] {
  const lines = text.slice(text.indexOf(`### ${command}\n`)).split("\n");
  const from = lines.indexOf(heading);
  expect(from).toBeGreaterThan(0);
  return lines.slice(from + 1, lines.indexOf("", from)).filter((line) => line.startsWith("  "));
}

describe.each([
  ["pc-256m", 256 * MIB, undefined],
  ["pc-4g", 4 * GIB, undefined],
  ["pc-max-ram", 2560 * MIB, 2 * GIB],
] as const)("%s", (name, ramBytes, maxRamBelow4G) => {
  const { memory } = createPc(ramBytes, maxRamBelow4G);
  const spaces = [memory.addressSpace];

  it("has QEMU's tree, disabled windows included", () => {
    const ours = infoMtree(spaces, { disabled: true }).split("\n\n")[0]!.split("\n").slice(1);
    expect(ours).toEqual(section(dump(name), "info mtree -D", "address-space: memory"));
  });

  it("has QEMU's flat view", () => {
    const ours = infoMtree(spaces, { flat: true }).trimEnd().split("\n").slice(3);
    expect(ours).toEqual(section(dump(name), "info mtree -f", ' AS "memory", root: system'));
  });

  it("has QEMU's blocks as far as it has them", () => {
    const theirs = dump(name).split("\n");
    for (const row of infoRamblock(memory.ramList).trimEnd().split("\n")) expect(theirs).toContain(row);
  });
});

it("shows what the firmware has set through PAM", () => {
  const { memory, pc } = createPc(256 * MIB);
  // c0000…cbfff and others read-only from RAM as SeaBIOS leaves them; 16 KiB windows, so compare with what QEMU shows from ce000 on.
  for (let window = 0; window < 13; window++) pc.setPam(window, window === 11 || window === 12 ? 3 : 1);
  const ours = infoMtree([memory.addressSpace], { flat: true }).split("\n");
  const theirs = section(dump("pc-256m-booted"), "info mtree -f", ' AS "memory", root: system');
  for (const line of theirs.filter((row) => /^ {2}0{11}(e8|f0)000-/.test(row))) expect(ours).toContain(line);
  expect(ours).toContain("  00000000000c0000-00000000000e7fff (prio 0, rom): pc.ram @00000000000c0000");
  pc.setSmramOpen(true);
  expect(memory.addressSpace.find(0xa0000)?.region).toBe(pc.ram);
  pc.setSmramOpen(false);
  expect(memory.addressSpace.find(0xa0000)?.region.name).toBe("vga-lowmem");
});

it("prints owners", () => {
  const { memory, pc } = createPc(256 * MIB);
  pc.pci.add(
    MemoryRegion.io("bar", 0x1000, ops, { owner: { kind: "dev", path: "/machine/x", id: "card" } }),
    0xfeb00000,
  );
  const text = infoMtree([memory.addressSpace], { owner: true });
  expect(text).toContain("(prio -1, i/o): pci parent:{obj path=/machine/unattached}\n");
  expect(text).toContain(
    "alias pam-pci @pci 00000000000c0000-00000000000c3fff owner:{dev path=/machine/i440fx}\n",
  );
  expect(text).toContain("(prio 0, ram): pc.ram owner:{obj path=/objects/pc.ram}\n");
  expect(text).toContain("(prio 0, i/o): bar owner:{dev id=card}\n");
  expect(
    text
      .split("\n")
      .filter((line) => line.startsWith("  "))
      .every((line) => parseLine(line.replace(/ (owner|parent):.*/, "")) !== null),
  ).toBe(true);
});

it("splits RAM as pc_piix.c", () => {
  expect(splitRam(3.5 * GIB - 4096)).toEqual({ below4G: 3.5 * GIB - 4096, above4G: 0 });
  expect(splitRam(3.5 * GIB)).toEqual({ below4G: 3 * GIB, above4G: 0.5 * GIB });
  expect(splitRam(64 * GIB)).toEqual({ below4G: 3 * GIB, above4G: 61 * GIB });
  expect(splitRam(2 * GIB, 1 * GIB)).toEqual({ below4G: GIB, above4G: GIB });
  expect(splitRam(8 * GIB, 4 * GIB)).toEqual({ below4G: 3 * GIB, above4G: 5 * GIB });
});
