/** INT 10h to 1Ah from a boot sector: the answers beside those of SeaBIOS and its VGA BIOS in QEMU, on the same disk. */
import { readFileSync } from "node:fs";
import { expect, test } from "vitest";
import { assemble, hasQemu, MemoryImage, runQemu, start } from "./machine.ts";

/** 20 cylinders of 16 heads and 63 sectors. */
const DISK_BYTES = 20 * 16 * 63 * 512;

/** Lines that differ on purpose. SeaBIOS keeps ACPI tables at the top of memory and a range that AMD's processors reserve. */
const DIFFERENCES = /^15\/e801|^ 0000 0010|^ 0000 07fe|^ 0000 0000 00fd/;

test.skipIf(!hasQemu)("services answer as SeaBIOS's do", () => {
  const path = assemble("services", DISK_BYTES);
  const guest = start([["disk", new MemoryImage(new Uint8Array(readFileSync(path)))]]);
  expect(guest.run()).toEqual({ kind: "debug-exit", code: 1 });
  expect(guest.log()).toBe("booting from drive 80h at 7c00h\n");
  const compared = (text: string): string[] => text.split("\n").filter((line) => !DIFFERENCES.test(line));
  const ours = compared(guest.text());
  expect(ours.length).toBeGreaterThan(40);
  expect(ours).toEqual(compared(runQemu(["-drive", `file=${path},format=raw,if=ide,snapshot=on`])));
});

test("the map of E820 and the sizes of E801 and 88h agree with the machine's memory", () => {
  const path = assemble("services", DISK_BYTES);
  const image = new Uint8Array(readFileSync(path));
  for (const mib of [16, 64, 4096]) {
    const guest = start([["disk", new MemoryImage(image.slice())]], { ramBytes: mib * 2 ** 20 });
    expect(guest.run()).toEqual({ kind: "debug-exit", code: 1 });
    const lines = guest.text().split("\n");
    const map = lines
      .slice(lines.indexOf("e820") + 1, lines.indexOf("end"))
      .map((line) => line.trim().split(" "))
      .map((words) => words.map((word) => Number.parseInt(word, 16)));
    const long = (words: readonly number[], at: number): number =>
      words[at]! + words[at + 1]! * 2 ** 16 + words[at + 2]! * 2 ** 32;
    const usable = map.filter((words) => words[8] === 1).reduce((sum, words) => sum + long(words, 4), 0);
    const hole = 0x100000 - 0x9fc00;
    expect(mib * 2 ** 20 - usable - hole).toBeLessThan(0x40000);
    const [low, high] = /15\/e801 - (\w+) (\w+)/
      .exec(guest.text())!
      .slice(1)
      .map((word) => Number.parseInt(word, 16));
    const top = map.map((words) => (words[8] === 1 && long(words, 0) === 0x100000 ? long(words, 4) : 0));
    expect(low! * 1024 + high! * 65536).toBe(Math.floor(Math.max(...top) / 65536) * 65536);
  }
});
