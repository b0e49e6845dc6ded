/** Hand-over: what a kernel finds in the devices and in low memory, beside what SeaBIOS leaves under QEMU. */
import { expect, test } from "vitest";
import { hasQemu, runQemu, startGuest } from "./guest.ts";

/** Bytes of each line by its label. */
function parse(text: string): Map<string, string[]> {
  const lines = text.split("\n").filter((line) => line !== "");
  return new Map(
    lines.map((line) => {
      const label = /^[a-z0-9]+/.exec(line)![0];
      return [label, line.slice(label.length).trim().split(" ")];
    }),
  );
}

const range = (from: number, to: number): number[] => Array.from({ length: to - from }, (_, i) => from + i);

/** Bytes that differ on purpose, by line and index, with the reason. */
const DIFFERENCES: {
  readonly [label: string]: readonly (readonly [why: string, indices: readonly number[]])[];
} = {
  pic: [["SeaBIOS leaves the serial port's request pending", [2]]],
  pit: [
    ["QEMU's output in mode 2 is low between ticks, ours is high as the chip's", [0]],
    ["output of a mode 3 channel with its gate low: high on the chip", [1, 2]],
    ["counts depend on when they are read", [3, 4]],
  ],
  ports: [["refresh and output 2 depend on when they are read", [0, 1]]],
  pm1: [["the timer has carried while SeaBIOS waited", [0]]],
  crtc: [["SeaBIOS has printed: the cursor", [0x0e, 0x0f]]],
  palette: [["QEMU has no palette mask", [0]]],
  cmos: [
    ["seconds and minutes of the boot", [0, 2]],
    ["no floppy drive", [0x10, 0x14]],
  ],
  low: [
    ["vectors lead into our handlers", range(0, 0x400)],
    ["no floppy drive", [0x410, 0x48f]],
    ["SeaBIOS has printed: the cursor", [0x450, 0x451]],
    ["ticks since the boot", range(0x46c, 0x470)],
    ["fixed disks and parallel ports that are not there", [0x408, 0x411, 0x476, 0x478]],
    ["the VGA BIOS's own variables", range(0x4a8, 0x4c0)],
  ],
};

test.skipIf(!hasQemu)("the platform at hand-over is QEMU's, but for the differences listed", () => {
  const guest = startGuest("platform");
  expect(guest.run()).toEqual({ kind: "debug-exit", code: 1 });
  const ours = parse(guest.text());
  const theirs = parse(runQemu("platform"));
  expect([...ours.keys()]).toEqual([...theirs.keys()]);
  expect(ours.size).toBeGreaterThan(12);
  const unexpected: string[] = [];
  for (const [label, bytes] of theirs) {
    const known = new Set((DIFFERENCES[label] ?? []).flatMap(([, indices]) => indices));
    for (const [index, byte] of bytes.entries()) {
      const own = ours.get(label)![index];
      if (own !== byte && !known.has(index))
        unexpected.push(`${label}[0x${index.toString(16)}] is ${own}, in QEMU ${byte}`);
    }
  }
  expect(unexpected).toEqual([]);
});

/** Vectors that hold the address of a font. */
const FONTS: readonly number[] = [0x1f, 0x43];

test("interrupt vectors lead to code in segment F000, or nowhere", () => {
  const { machine } = startGuest("platform");
  const table = new DataView(machine.memory.readBytes(0 as never, 1024).buffer);
  for (let vector = 0; vector < 256; vector++) {
    const offset = table.getUint16(vector * 4, true);
    const segment = table.getUint16(vector * 4 + 2, true);
    if (vector >= 0x60 && vector <= 0x66) expect([segment, offset]).toEqual([0, 0]);
    else if (FONTS.includes(vector)) expect(segment).toBe(0xc000);
    else {
      expect(segment).toBe(0xf000);
      expect(machine.memory.readBytes((0xf0000 + offset) as never, 1)[0]).not.toBe(0);
    }
  }
});
