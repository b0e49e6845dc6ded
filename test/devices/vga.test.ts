import { describe, expect, test } from "vitest";
import { cursorBox } from "../../emulator/devices/vga-text.ts";
import { statePage } from "../../emulator/memory/index.ts";
import { ns } from "./recorder.ts";
import { vga } from "./vga-card.ts";

describe("VGA", () => {
  test("shows text written to 0xb8000", () => {
    const { device, print, row, memory } = vga();
    const before = device.version;
    print(0xb8000 + 160 * 2 + 10, "Hello");
    expect(device.version).toBeGreaterThan(before);
    const screen = device.screen();
    expect([screen.columns, screen.rows, screen.cursor]).toEqual([80, 25, 0]);
    expect(row(2)).toBe("     Hello");
    expect(screen.cells[(2 * 80 + 5) * 2 + 1]).toBe(0x1f);
    expect(memory.in(0x18000 + 160 * 2 + 10)).toBe(0x48);
    expect(memory.in(0x18000)).toBe(0x20);
  });

  test("a read changes no version", () => {
    const { device, memory } = vga();
    const before = device.version;
    memory.in(0x18000);
    device.screen();
    expect(device.version).toBe(before);
  });

  test("start address and cursor", () => {
    const { device, indexed, print, row } = vga();
    print(0xb8000 + 160, "second");
    indexed(0x3d4, 0x0d, 80);
    expect(row(0)).toBe("second");
    indexed(0x3d4, 0x0f, 80 + 83);
    expect(device.screen().cursor).toBe(83);
    indexed(0x3d4, 0x0a, 0x2d);
    expect(device.screen().cursor).toBeNull();
  });

  test("80×50 by an 8-line font", () => {
    const { device, indexed } = vga();
    indexed(0x3d4, 0x09, 0x47);
    expect(device.screen().rows).toBe(50);
  });

  test("CRTC registers 0…7 are write-protected by bit 7 of 0x11", () => {
    const { indexed } = vga();
    expect(indexed(0x3d4, 0x01, 0x27)).toBe(0x4f);
    indexed(0x3d4, 0x11, 0x0e);
    expect(indexed(0x3d4, 0x01, 0x27)).toBe(0x27);
  });

  test("the monochrome addresses answer only when selected", () => {
    const { out, in: input } = vga();
    expect(input(0x3b5)).toBe(0xff);
    out(0x3c2, 0x66);
    expect(input(0x3d5)).toBe(0xff);
    out(0x3b4, 0x01);
    expect(input(0x3b5)).toBe(0x4f);
  });

  test("attribute controller: index and data take turns, status resets that", () => {
    const { out, in: input } = vga();
    input(0x3da);
    out(0x3c0, 0x01);
    out(0x3c0, 0x3a);
    input(0x3da);
    out(0x3c0, 0x21);
    expect(input(0x3c1)).toBe(0x3a);
  });

  test("palette: three bytes per colour, index advances", () => {
    const { out, in: input } = vga();
    out(0x3c8, 10);
    for (const value of [1, 2, 0xff, 4, 5, 6]) out(0x3c9, value);
    out(0x3c7, 10);
    expect(Array.from({ length: 6 }, () => input(0x3c9))).toEqual([1, 2, 0x3f, 4, 5, 6]);
    out(0x3c7, 6);
    expect(Array.from({ length: 3 }, () => input(0x3c9))).toEqual([0x2a, 0x2a, 0]);
  });

  test("retrace follows time: 70 frames a second", () => {
    const { device, in: input } = vga();
    let rises = 0;
    let last = 0;
    for (let time = 0; time < 1e9; time += 20_000) {
      device.tick(ns(time));
      const retrace = input(0x3da) & 8;
      if (retrace > last) rises++;
      last = retrace;
    }
    expect(rises).toBe(70);
  });

  /** Planar access at 0xa0000, as in the 16-colour modes. */
  function planar() {
    const card = vga();
    card.indexed(0x3c4, 4, 0x06);
    card.indexed(0x3ce, 5, 0x00);
    card.indexed(0x3ce, 6, 0x05);
    return card;
  }

  test("write mode 0: map mask, set/reset, functions, bit mask", () => {
    const { indexed, memory } = planar();
    const plane = (n: number): number => {
      indexed(0x3ce, 4, n);
      return memory.in(0x100);
    };
    indexed(0x3c4, 2, 0x0f);
    memory.out(0x100, 0xf0);
    expect([0, 1, 2, 3].map(plane)).toEqual([0xf0, 0xf0, 0xf0, 0xf0]);
    indexed(0x3c4, 2, 0x05);
    indexed(0x3ce, 8, 0x0f);
    memory.in(0x100);
    memory.out(0x100, 0xff);
    expect([0, 1, 2, 3].map(plane)).toEqual([0xff, 0xf0, 0xff, 0xf0]);
    indexed(0x3c4, 2, 0x0f);
    indexed(0x3ce, 8, 0xff);
    indexed(0x3ce, 1, 0x0f); // set/reset for all planes
    indexed(0x3ce, 0, 0x02);
    memory.out(0x100, 0);
    expect([0, 1, 2, 3].map(plane)).toEqual([0, 0xff, 0, 0]);
    indexed(0x3ce, 1, 0);
    indexed(0x3ce, 3, 0x18 | 4); // XOR after rotation by 4
    memory.in(0x100);
    memory.out(0x100, 0x0f);
    expect([0, 1, 2, 3].map(plane)).toEqual([0xf0, 0x0f, 0xf0, 0xf0]);
  });

  test("write modes 1 to 3 and read mode 1", () => {
    const { indexed, memory } = planar();
    const planes = (offset: number): number[] =>
      [0, 1, 2, 3].map((n) => {
        indexed(0x3ce, 4, n);
        return memory.in(offset);
      });
    indexed(0x3c4, 2, 0x0f);
    indexed(0x3ce, 5, 2);
    memory.out(0, 0x05);
    expect(planes(0)).toEqual([0xff, 0, 0xff, 0]);
    indexed(0x3ce, 5, 1);
    memory.in(0);
    memory.out(7, 0x99);
    expect(planes(7)).toEqual([0xff, 0, 0xff, 0]);
    indexed(0x3ce, 5, 3);
    indexed(0x3ce, 0, 0x0a);
    memory.in(7);
    memory.out(7, 0x0f);
    expect(planes(7)).toEqual([0xf0, 0x0f, 0xf0, 0x0f]);
    indexed(0x3ce, 5, 0x08);
    indexed(0x3ce, 7, 0x0f);
    indexed(0x3ce, 2, 0x05);
    expect(memory.in(7)).toBe(0xf0);
  });

  test("chain-4: one byte a pixel", () => {
    const { device, indexed, memory } = planar();
    indexed(0x3c4, 4, 0x0e);
    indexed(0x3c4, 2, 0x0f);
    for (let i = 0; i < 320; i++) memory.out(i, i & 0xff);
    expect(memory.in(319)).toBe(319 & 0xff);
    expect(device.screen().columns).toBe(0); // no text in graphics modes
  });

  test("registers and memory go on the same from a saved state", () => {
    const { device, print, indexed, memoryOfGuest } = vga();
    print(0xb8000, "kept");
    indexed(0x3d4, 0x0f, 4);
    const saved = device.save();
    const pages = memoryOfGuest.save();
    print(0xb8000, "gone");
    const copy = vga();
    copy.memoryOfGuest.load(pages);
    copy.device.load(saved);
    expect(copy.row(0)).toBe("kept");
    expect(copy.device.screen().cursor).toBe(4);
    expect(copy.device.save()).toEqual(saved);
    copy.print(0xb8000, "else");
    expect(String.fromCharCode(statePage(pages.blocks["0000:00:02.0/vga.vram"]!, 0)![0]!)).toBe("k");
  });
});

describe("the picture of a text screen", () => {
  test("is black while the palette is written, and the cells' otherwise", () => {
    const { device, print, out, in: input } = vga();
    print(0xb8000, "\xdb");
    const colour = () => [...device.picture().pixels.subarray(0, 4)];
    expect(colour()).toEqual([255, 255, 255, 255]);
    input(0x3da);
    out(0x3c0, 0x00);
    expect(colour()).toEqual([0, 0, 0, 255]);
    expect(device.display().kind).toBe("pixels");
    out(0x3c0, 0x20);
    expect(device.display().kind).toBe("pixels"); // that was data
    out(0x3c0, 0x20);
    expect(colour()).toEqual([255, 255, 255, 255]);
  });

  test("only the lines of a row that changed have a new version", () => {
    const { device, print } = vga();
    device.picture();
    const before = device.version;
    print(0xb8000 + 160 * 3, "A");
    const changed = [...device.picture().rowVersions].flatMap((version, y) => (version > before ? [y] : []));
    expect(changed.every((y) => y >= 48 && y < 64)).toBe(true);
    expect(changed.length).toBeGreaterThan(8);
  });

  test("says where the cursor is", () => {
    const { device, indexed } = vga();
    indexed(0x3d4, 0x0f, 82);
    const display = device.display();
    expect(display).toMatchObject({
      kind: "text",
      cellWidth: 9,
      cellHeight: 16,
      cursor: { index: 82, start: 13, end: 14, visible: true },
    });
    expect(display.kind === "text" && cursorBox(display)).toEqual({
      x: 18,
      y: 29,
      width: 9,
      height: 2,
      colour: [0xa8, 0xa8, 0xa8],
    });
  });
});
