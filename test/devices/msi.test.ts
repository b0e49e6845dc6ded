import { expect, test } from "vitest";
import { type MessageFunction, Msi } from "../../emulator/devices/pci/msi.ts";

const AT = 0x50;

function setUp(vectors: number) {
  const config = new DataView(new ArrayBuffer(256));
  const writable = new DataView(new ArrayBuffer(256));
  const sent: string[] = [];
  const put = (view: DataView, offset: number, size: 1 | 2 | 4, value: number): void => {
    if (size === 4) view.setUint32(offset, value, true);
    else if (size === 2) view.setUint16(offset, value, true);
    else view.setUint8(offset, value);
  };
  const fn: MessageFunction = {
    get: (offset, size) =>
      size === 4
        ? config.getUint32(offset, true)
        : size === 2
          ? config.getUint16(offset, true)
          : config.getUint8(offset),
    put: (offset, size, value) => put(config, offset, size, value),
    allow: (offset, size, bits) => put(writable, offset, size, bits),
    send: (address, data) => sent.push(`${address.toString(16)}=${data.toString(16)}`),
  };
  const msi = new Msi(fn, AT, vectors);
  fn.put(AT + 4, 4, 0xfee01000);
  fn.put(AT + 12, 2, 0x4041);
  const control = (value: number): void => {
    fn.put(AT + 2, 2, (fn.get(AT + 2, 2) & ~0x71) | value);
    msi.configChanged();
  };
  return { fn, msi, sent, control, writable };
}

test("MSI: off, nothing is sent; on, the vector is in the data's low bits", () => {
  const { fn, msi, sent, control, writable } = setUp(4);
  expect(fn.get(AT + 2, 2)).toBe(0x184);
  expect(writable.getUint16(AT + 2, true)).toBe(0x71);
  expect(writable.getUint32(AT + 16, true)).toBe(0xf);
  msi.notify(1);
  expect(sent).toEqual([]);
  control(0x21);
  msi.notify(0);
  msi.notify(3);
  expect(sent).toEqual(["fee01000=4040", "fee01000=4043"]);
  // Of four vectors the guest uses one.
  control(0x01);
  msi.notify(3);
  expect(sent.at(-1)).toBe("fee01000=4041");
});

test("MSI: a masked vector is pending until it is unmasked", () => {
  const { fn, msi, sent, control } = setUp(32);
  control(0x51);
  fn.put(AT + 16, 4, 0x80000001);
  msi.notify(31);
  msi.notify(0);
  msi.notify(0);
  expect(sent).toEqual([]);
  expect(fn.get(AT + 20, 4)).toBe(0x80000001);
  fn.put(AT + 16, 4, 1);
  msi.configChanged();
  expect(sent).toEqual(["fee01000=405f"]);
  expect(fn.get(AT + 20, 4)).toBe(1);
  // Switched off it stays pending, and is sent when it is on and unmasked.
  control(0);
  fn.put(AT + 16, 4, 0);
  msi.configChanged();
  expect(sent.length).toBe(1);
  control(0x51);
  expect(sent).toEqual(["fee01000=405f", "fee01000=4040"]);
});
