/** The I/O space is QEMU's `pc` after its firmware: every range has QEMU's name and place, but for what QEMU would have on other command lines. */
import { readFileSync } from "node:fs";
import { expect, test } from "vitest";
import { infoMtree } from "../../emulator/index.ts";
import { emptyGuest } from "./guest.ts";

const DUMP = new URL("../memory/qemu-7.2/pc-256m-booted.txt", import.meta.url);
/** `-serial` twice, `-debugcon`, `-device isa-debug-exit`, one of ours (`firmware/bios/`), and `-nic none`: without a network card the bus master is first. */
const OTHERS = [
  "00000000000000b8-00000000000000b8 bios-services",
  "00000000000000e9-00000000000000e9 isa-debugcon",
  "00000000000000f4-00000000000000f7 isa-debug-exit",
  "00000000000002f8-00000000000002ff serial",
  "0000000000000402-0000000000000402 isa-debugcon",
  "000000000000c000-000000000000c003 piix-bmdma",
  "000000000000c004-000000000000c007 bmdma",
  "000000000000c008-000000000000c00b piix-bmdma",
  "000000000000c00c-000000000000c00f bmdma",
];

/** Ranges of a flat view of the I/O space that devices answer: `from-to name`. */
const ranges = (text: string): string[] =>
  [...text.matchAll(/^ {2}([0-9a-f]{16}-[0-9a-f]{16}) \(prio \S+, i\/o\): (\S+)/gm)]
    .map(([, range, name]) => `${range} ${name}`)
    .filter((line) => !line.endsWith(" io"));

test("devices answer the ports they answer in QEMU", () => {
  const views = readFileSync(DUMP, "latin1").split("FlatView #");
  const theirs = new Set(ranges(views.find((view) => view.includes('AS "I/O"'))!));
  const { memory } = emptyGuest().machine;
  const view = infoMtree(memory.addressSpaces, { flat: true })
    .split("FlatView #")
    .find((text) => text.includes('AS "I/O"'))!;
  const ours = ranges(view);
  expect(ours.length).toBeGreaterThan(30);
  expect(ours.filter((line) => !theirs.has(line))).toEqual(OTHERS);
});
