import { describe, expect, test } from "vitest";
import { Pic } from "../../emulator/devices/pic.ts";
import { bytes, recordLine } from "./recorder.ts";

/** A pair programmed as by a kernel: vectors 0x20 and 0x28, nothing masked. `icw4` as written to both. */
function pair(icw4 = 1) {
  const intr = recordLine();
  const pic = new Pic(intr.line);
  pic.reset();
  const first = bytes(pic.ports(0));
  const second = bytes(pic.ports(1));
  for (const [chip, base, wiring] of [
    [first, 0x20, 4],
    [second, 0x28, 2],
  ] as const) {
    chip.out(0, 0x11);
    chip.out(1, base);
    chip.out(1, wiring);
    chip.out(1, icw4);
    chip.out(1, 0);
  }
  const raise = (irq: number): void => {
    pic.setLine(irq, false);
    pic.setLine(irq, true);
  };
  const isr = (chip: typeof first): number => {
    chip.out(0, 0x0b);
    return chip.in(0);
  };
  const irr = (chip: typeof first): number => {
    chip.out(0, 0x0a);
    return chip.in(0);
  };
  return { pic, intr, first, second, raise, isr, irr };
}

describe("i8259", () => {
  test("serves by priority, and nothing of the same or lower priority until the EOI", () => {
    const { pic, intr, first, raise, isr } = pair();
    raise(4);
    raise(1);
    expect(pic.acknowledge()).toBe(0x21);
    expect(intr.level).toBe(false);
    raise(0);
    expect(intr.level).toBe(true);
    expect(pic.acknowledge()).toBe(0x20);
    expect(isr(first)).toBe(0x03);
    first.out(0, 0x20);
    expect(isr(first)).toBe(0x02);
    expect(intr.level).toBe(false);
    first.out(0, 0x20);
    expect(pic.acknowledge()).toBe(0x24);
  });

  test("the second chip's vectors come through line 2, and both want an EOI", () => {
    const { pic, intr, first, second, raise, isr } = pair();
    raise(12);
    expect(pic.acknowledge()).toBe(0x2c);
    expect([isr(first), isr(second)]).toEqual([4, 0x10]);
    raise(8);
    expect(intr.level).toBe(false); // line 2 is in service
    first.out(0, 0x20);
    expect(intr.level).toBe(true);
    expect(pic.acknowledge()).toBe(0x28);
  });

  test("special fully nested mode lets the second chip interrupt itself, but not lower lines of the first", () => {
    const { pic, intr, raise } = pair(0x11);
    raise(12);
    expect(pic.acknowledge()).toBe(0x2c);
    raise(3);
    expect(intr.level).toBe(false);
    raise(8);
    expect(intr.level).toBe(true);
    expect(pic.acknowledge()).toBe(0x28);
  });

  test("a line that falls before it is acknowledged leaves the spurious interrupt 7, not in service", () => {
    const { pic, first, isr } = pair();
    pic.setLine(4, true);
    pic.setLine(4, false);
    expect(pic.acknowledge()).toBe(0x27);
    expect(isr(first)).toBe(0);
  });

  test("an edge counts once; a level asks again for as long as it is up", () => {
    const { pic, intr, first, second, raise } = pair();
    raise(5);
    pic.acknowledge();
    first.out(0, 0x20);
    expect(intr.level).toBe(false);
    pic.setLine(5, true);
    expect(intr.level).toBe(false);

    bytes(pic.elcr(1)).out(0, 0xff);
    expect(bytes(pic.elcr(1)).in(0)).toBe(0xde); // 8 and 13 stay edge-triggered
    pic.setLine(11, true);
    expect(pic.acknowledge()).toBe(0x2b);
    second.out(0, 0x20);
    first.out(0, 0x20);
    expect(intr.level).toBe(true);
    pic.setLine(11, false);
    expect(intr.level).toBe(false);
  });

  test("masks hold a request back without losing it", () => {
    const { pic, intr, first, raise, irr } = pair();
    first.out(1, 0x02);
    raise(1);
    expect(intr.level).toBe(false);
    expect(irr(first)).toBe(2);
    first.out(1, 0);
    expect(intr.level).toBe(true);
    expect(pic.acknowledge()).toBe(0x21);
  });

  test("automatic EOI, with and without rotation", () => {
    const { pic, intr, first, raise, isr } = pair(3);
    raise(1);
    raise(6);
    expect(pic.acknowledge()).toBe(0x21);
    expect(isr(first)).toBe(0);
    expect(pic.acknowledge()).toBe(0x26);
    first.out(0, 0x80); // rotate on automatic EOI
    raise(3);
    expect(pic.acknowledge()).toBe(0x23);
    raise(3);
    raise(4);
    expect(pic.acknowledge()).toBe(0x24); // 3 has become the last
    expect(pic.acknowledge()).toBe(0x23);
    expect(intr.level).toBe(false);
  });

  test("specific EOI, rotation on EOI, and set priority", () => {
    const { pic, first, raise, isr } = pair();
    raise(3);
    pic.acknowledge();
    raise(1);
    pic.acknowledge();
    first.out(0, 0x63); // specific EOI of 3
    expect(isr(first)).toBe(2);
    first.out(0, 0xa0); // EOI of 1, which becomes the last
    expect(pic.chips[0].hprio).toBe(2);
    first.out(0, 0xc4); // 4 becomes the last
    raise(4);
    raise(5);
    expect(pic.acknowledge()).toBe(0x25);
    first.out(0, 0xe5);
    expect(pic.chips[0].hprio).toBe(6);
  });

  test("special mask mode lets lower lines in while a masked one is in service", () => {
    const { pic, intr, first, raise, isr } = pair();
    raise(1);
    pic.acknowledge();
    raise(4);
    expect(intr.level).toBe(false);
    first.out(1, 0x02);
    expect(intr.level).toBe(false);
    first.out(0, 0x68); // special mask mode
    expect(intr.level).toBe(true);
    expect(pic.acknowledge()).toBe(0x24);
    first.out(0, 0x20); // an unspecific EOI passes over the masked line
    expect(isr(first)).toBe(0x02);
    first.out(0, 0x48);
    expect(pic.chips[0].specialMask).toBe(false);
  });

  test("a poll is an acknowledge cycle without a vector", () => {
    const { first, raise, isr } = pair();
    raise(5);
    first.out(0, 0x0c);
    expect(first.in(0)).toBe(0x85);
    expect(isr(first)).toBe(0x20);
    first.out(0, 0x0c);
    expect(first.in(0)).toBe(0);
  });

  test("ICW1 forgets edges and the mask", () => {
    const { pic, intr, first, raise, irr } = pair();
    first.out(1, 0xff);
    raise(4);
    first.out(0, 0x11);
    first.out(1, 0x40);
    first.out(1, 4);
    first.out(1, 1);
    expect(first.in(1)).toBe(0);
    expect(irr(first)).toBe(0);
    expect(intr.level).toBe(false);
    raise(4);
    expect(pic.acknowledge()).toBe(0x44);
  });

  test("says which lines could get through", () => {
    const { pic, first, second, raise } = pair();
    second.out(1, 0x01);
    expect([pic.admits(0), pic.admits(8), pic.admits(9)]).toEqual([true, false, true]);
    raise(1);
    pic.acknowledge();
    expect([pic.admits(0), pic.admits(3), pic.admits(9)]).toEqual([true, false, false]);
    first.out(0, 0x20);
    expect(pic.admits(9)).toBe(true);
  });

  test("a saved pair goes on the same and drives its output again", () => {
    const { pic, raise, second } = pair();
    raise(3);
    raise(9);
    pic.acknowledge();
    second.out(1, 0x10);
    const intr = recordLine();
    const copy = new Pic(intr.line);
    copy.load(pic.save());
    expect(copy.save()).toEqual(pic.save());
    expect(intr.level).toBe(pic.output);
    bytes(copy.ports(0)).out(0, 0x20);
    expect(pic.save()).not.toEqual(copy.save());
  });
});
