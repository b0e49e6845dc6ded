import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { vga } from "./vga-card.ts";

describe("the Bochs display interface", () => {
  /** A card with its frame buffer at 0xfd000000. */
  function dispi() {
    const card = vga();
    card.memoryOfGuest.system.add(card.device.frameBuffer, 0xfd000000, 1);
    const set = (index: number, value: number): void => {
      card.device.dispi.write(0, 2, index);
      card.device.dispi.write(1, 2, value);
    };
    const get = (index: number): number => {
      card.device.dispi.write(0, 2, index);
      return card.device.dispi.read(2, 2);
    };
    const mode = (width: number, height: number, bits: number, flags = 0): void => {
      set(4, 0);
      set(1, width);
      set(2, height);
      set(3, bits);
      set(4, 0x41 | flags);
    };
    const poke = (offset: number, ...values: number[]): void =>
      card.memoryOfGuest.writeBytes((0xfd000000 + offset) as never, Uint8Array.from(values));
    const pixel = (x: number, y: number): number[] => {
      const { width, pixels } = card.device.picture();
      return [...pixels.subarray((y * width + x) * 4, (y * width + x) * 4 + 4)];
    };
    return { ...card, set, get, mode, poke, pixel };
  }

  test("identifies itself, and takes the older ids", () => {
    const { get, set } = dispi();
    expect(get(0)).toBe(0xb0c5);
    set(0, 0xb0c0);
    expect(get(0)).toBe(0xb0c0);
    set(0, 0xb0c6);
    expect(get(0)).toBe(0xb0c0);
    expect(get(10)).toBe(256);
    expect(get(11)).toBe(0);
  });

  test("says what it can do when asked", () => {
    const { get, mode, set } = dispi();
    mode(800, 600, 32);
    set(4, 0x43);
    expect([get(1), get(2), get(3)]).toEqual([16000, 12000, 32]);
    set(4, 0x41);
    expect([get(1), get(2), get(3)]).toEqual([800, 600, 32]);
  });

  test("cuts a mode down to its memory, as QEMU does", () => {
    const { get, mode, set } = dispi();
    mode(2047, 5000, 32);
    expect([get(1), get(6), get(2), get(7)]).toEqual([2040, 2040, 2056, 2056]);
    mode(0, 0, 7);
    expect([get(1), get(2), get(3)]).toEqual([8, 1, 8]);
    mode(1024, 768, 32);
    set(6, 1500);
    expect([get(6), get(7)]).toEqual([1496, 2803]);
    set(9, 2000);
    expect(get(9)).toBe(2000);
    set(9, 2803);
    expect(get(9)).toBe(0);
  });

  test("clears its memory unless told to keep it", () => {
    const { mode, poke, pixel, set } = dispi();
    mode(640, 480, 32);
    poke(4, 1, 2, 3, 0);
    expect(pixel(1, 0)).toEqual([3, 2, 1, 255]);
    set(4, 0);
    mode(640, 480, 32, 0x80);
    expect(pixel(1, 0)).toEqual([3, 2, 1, 255]);
    mode(640, 480, 32);
    expect(pixel(1, 0)).toEqual([0, 0, 0, 255]);
  });

  test("stores through a mapping are seen, line by line", () => {
    const { device, mode, poke } = dispi();
    mode(1024, 768, 32);
    const { rowVersions } = device.picture();
    const before = device.version;
    expect(device.version).toBe(before);
    poke(4096 * 100, 0xff);
    expect(device.version).toBeGreaterThan(before);
    const changed = [...device.picture().rowVersions].flatMap((version, y) => (version > before ? [y] : []));
    expect(changed).toEqual([100]);
    expect(device.picture().rowVersions).toBe(rowVersions);
    poke(4096 * 768, 0xff); // below the picture
    expect(device.version).toBe(device.version);
    poke(4096 * 767 + 4092, 0xff);
    expect(Math.max(...device.picture().rowVersions)).toBe(device.picture().rowVersions[767]);
  });

  test("the byte order can be the other", () => {
    const { device, mode, poke, pixel } = dispi();
    mode(640, 480, 16);
    poke(0, 0xf8, 0x00);
    device.bigEndian = true;
    expect(pixel(0, 0)).toEqual([255, 0, 0, 255]);
    device.bigEndian = false;
    expect(pixel(0, 0)).toEqual([0, 28, 198, 255]);
  });

  test("modes of 4 bits are planar, with the map mask", () => {
    const { mode, indexed, memory, pixel, out, in: input } = dispi();
    input(0x3da);
    for (let i = 0; i < 16; i++) {
      out(0x3c0, i);
      out(0x3c0, i);
    }
    out(0x3c0, 0x20);
    indexed(0x3ce, 5, 0);
    indexed(0x3c4, 4, 6);
    mode(800, 600, 4);
    indexed(0x3c4, 2, 0x04);
    memory.out(100, 0x80);
    expect(pixel(0, 1)).toEqual([0xa8, 0, 0, 255]);
    expect(pixel(1, 1)).toEqual([0, 0, 0, 255]);
  });

  test("a chained window is the memory itself, bank by bank", () => {
    const { device, mode, set, memory, memoryOfGuest } = dispi();
    mode(640, 480, 8);
    set(5, 3);
    memory.out(5, 0x77);
    expect(memoryOfGuest.read((0xfd000000 + 0x30005) as never, 1)).toBe(0x77);
    const names = memoryOfGuest.system.subregions.map(({ name }) => name);
    expect(names).toContain("vga.chain4");
    const saved = device.save();
    set(4, 0);
    expect(memoryOfGuest.system.subregions.map(({ name }) => name)).not.toContain("vga.chain4");
    device.load(saved);
    expect(memory.in(5)).toBe(0x77);
  });

  test("goes on the same from a state saved at any instant", () => {
    const step = fc.oneof(
      fc.tuple(fc.constant("port"), fc.integer({ min: 0x3c0, max: 0x3cf }), fc.nat({ max: 255 })),
      fc.tuple(fc.constant("port"), fc.constantFrom(0x3d4, 0x3d5), fc.nat({ max: 255 })),
      fc.tuple(
        fc.constant("dispi"),
        fc.nat({ max: 10 }),
        fc.constantFrom(0, 1, 4, 8, 16, 32, 0x41, 0xc1, 320, 200),
      ),
      fc.tuple(fc.constant("window"), fc.nat({ max: 0x1ffff }), fc.nat({ max: 255 })),
    );
    const play = (
      card: ReturnType<typeof dispi>,
      [kind, at, value]: readonly [string, number, number],
    ): void => {
      if (kind === "port") card.out(at, value);
      else if (kind === "dispi") card.set(at, value);
      else {
        card.memory.in(at);
        card.memory.out(at ^ 1, value);
      }
    };
    fc.assert(
      fc.property(fc.array(step, { maxLength: 60 }), fc.array(step, { maxLength: 30 }), (first, then) => {
        const original = dispi();
        for (const one of first) play(original, one);
        original.device.picture();
        const copy = dispi();
        copy.memoryOfGuest.load(original.memoryOfGuest.save());
        copy.device.load(original.device.save());
        for (const card of [original, copy]) for (const one of then) play(card, one);
        expect(copy.device.save()).toEqual(original.device.save());
        const [ours, theirs] = [copy.device.picture(), original.device.picture()];
        expect([ours.width, ours.height]).toEqual([theirs.width, theirs.height]);
        // The one was drawn anew, the other piece by piece.
        expect(Buffer.compare(Buffer.from(ours.pixels.buffer), Buffer.from(theirs.pixels.buffer))).toBe(0);
      }),
      { seed: 20260731, numRuns: 60 },
    );
  });
});
