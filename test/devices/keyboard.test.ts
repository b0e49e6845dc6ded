import { describe, expect, test } from "vitest";
import { KeyboardController } from "../../emulator/devices/keyboard-controller.ts";
import { Keyboard } from "../../emulator/devices/keyboard.ts";
import { Mouse } from "../../emulator/devices/mouse.ts";
import { bytes, ns, recordLine } from "./recorder.ts";

function controller() {
  const irq1 = recordLine();
  const irq12 = recordLine();
  const keyboard = new Keyboard();
  const mouse = new Mouse();
  let resets = 0;
  const device = new KeyboardController(irq1.line, irq12.line, keyboard, mouse, () => resets++);
  device.reset();
  const data = bytes(device.dataPort);
  const command = bytes(device.commandPort);
  let now = 0;
  /** Reads all bytes there are, letting time pass between them. */
  const drain = (): number[] => {
    const read: number[] = [];
    for (;;) {
      now += 20_000;
      device.tick(ns(now));
      if ((command.in(0) & 1) === 0) return read;
      read.push(data.in(0));
    }
  };
  const mode = (value: number): void => {
    command.out(0, 0x60);
    data.out(0, value);
  };
  return { device, keyboard, mouse, irq1, irq12, data, command, drain, mode, resets: () => resets };
}

describe("i8042", () => {
  test("self-test, connector tests and the mode byte", () => {
    const { command, drain, mode } = controller();
    command.out(0, 0xaa);
    expect(drain()).toEqual([0x55]);
    expect(command.in(0) & 4).toBe(4);
    command.out(0, 0xab);
    command.out(0, 0xa9);
    expect(drain()).toEqual([0, 0]);
    mode(0x47);
    command.out(0, 0x20);
    expect(drain()).toEqual([0x47]);
  });

  test("a key arrives translated, with IRQ 1, one byte at a time", () => {
    const { keyboard, data, command, drain, mode, irq1 } = controller();
    mode(0x45);
    keyboard.press([0x1c, 0xf0, 0x1c, 0xe0, 0x75]); // a down, a up, cursor up
    expect(irq1.rises).toBe(1);
    expect(command.in(0) & 1).toBe(1);
    expect(data.in(0)).toBe(0x1e);
    expect(data.in(0)).toBe(0x1e); // the buffer keeps its byte
    expect(command.in(0) & 1).toBe(0);
    expect(drain()).toEqual([0x9e, 0xe0, 0x48]);
    expect(irq1.rises).toBe(4);
  });

  test("without translation scan codes are those of set 2; of set 1 if the keyboard is told so", () => {
    const { keyboard, data, drain, mode } = controller();
    mode(0x05);
    keyboard.press([0x1c, 0xf0, 0x1c]);
    expect(drain()).toEqual([0x1c, 0xf0, 0x1c]);
    data.out(0, 0xf0);
    data.out(0, 0x01);
    expect(drain()).toEqual([0xfa, 0xfa]);
    keyboard.press([0x1c, 0xf0, 0x1c]);
    expect(drain()).toEqual([0x1e, 0x9e]);
  });

  test("keyboard commands: reset, identify, LEDs, echo, what it does not know", () => {
    const { keyboard, data, drain, mode } = controller();
    mode(0x05);
    const send = (...sent: number[]): number[] => {
      for (const byte of sent) data.out(0, byte);
      return drain();
    };
    expect(send(0xff)).toEqual([0xfa, 0xaa]);
    expect(send(0xf2)).toEqual([0xfa, 0xab, 0x83]);
    expect(send(0xed, 0x02)).toEqual([0xfa, 0xfa]);
    expect(keyboard.leds).toBe(2);
    expect(send(0xee)).toEqual([0xee]);
    expect(send(0xf3, 0x20)).toEqual([0xfa, 0xfa]);
    expect(send(0xf0, 0x00)).toEqual([0xfa, 0xfa, 0x02]);
    expect(send(0xf0, 0x03)).toEqual([0xfa, 0xfe]);
    expect(send(0x12)).toEqual([0xfe]);
    expect(send(0xf5)).toEqual([0xfa]);
    keyboard.press([0x1c]);
    expect(drain()).toEqual([]);
    expect(send(0xf4)).toEqual([0xfa]);
    keyboard.press([0x1c]);
    expect(drain()).toEqual([0x1c]);
  });

  test("a keyboard that is switched off keeps its bytes", () => {
    const { keyboard, command, drain, mode } = controller();
    mode(0x05);
    command.out(0, 0xad);
    keyboard.press([0x1c]);
    expect(drain()).toEqual([]);
    command.out(0, 0xae);
    expect(drain()).toEqual([0x1c]);
  });

  test("the mouse answers on its own line", () => {
    const { command, data, drain, mode, irq1, irq12 } = controller();
    mode(0x07);
    command.out(0, 0xd4);
    data.out(0, 0xff);
    expect(command.in(0) & 0x21).toBe(0x21);
    expect([irq1.level, irq12.level]).toEqual([false, true]);
    expect(drain()).toEqual([0xfa, 0xaa, 0x00]);
    command.out(0, 0xd4);
    data.out(0, 0xe9);
    expect(drain()).toEqual([0xfa, 0x00, 0x02, 100]);
  });

  test("keyboard commands about the keys of set 3 are acknowledged", () => {
    const { data, drain, mode } = controller();
    mode(0x05);
    for (const byte of [0xfa, 0xfc, 0x1c, 0x1b, 0xf4]) data.out(0, byte);
    expect(drain()).toEqual([0xfa, 0xfa]); // 0xf4 clears what waits in the keyboard
    for (const byte of [0xf8, 0xfb, 0x1c]) data.out(0, byte);
    expect(drain()).toEqual([0xfa, 0xfa, 0xfa]);
  });

  test("bytes put into the output buffer by command", () => {
    const { command, data, drain, mode, irq12 } = controller();
    mode(0x03);
    command.out(0, 0xd2);
    data.out(0, 0x77);
    expect(drain()).toEqual([0x77]);
    command.out(0, 0xd3);
    data.out(0, 0x66);
    expect(irq12.level).toBe(true);
    expect(drain()).toEqual([0x66]);
  });

  test("output port: A20 is remembered, bit 0 and the pulse reset the machine", () => {
    const { command, data, drain, resets } = controller();
    command.out(0, 0xdd);
    command.out(0, 0xd0);
    expect(drain()[0]! & 2).toBe(0);
    command.out(0, 0xdf);
    command.out(0, 0xd0);
    expect(drain()[0]! & 3).toBe(3);
    expect(resets()).toBe(0);
    command.out(0, 0xfe);
    expect(resets()).toBe(1);
    command.out(0, 0xff);
    expect(resets()).toBe(1);
    command.out(0, 0xd1);
    data.out(0, 0x02);
    expect(resets()).toBe(2);
  });

  test("goes on the same from a saved state", () => {
    const original = controller();
    original.mode(0x45);
    original.keyboard.press([0x1c, 0xf0]);
    original.data.in(0);
    original.data.out(0, 0xed);
    const copy = controller();
    copy.device.load(original.device.save());
    copy.keyboard.load(original.keyboard.save());
    copy.mouse.load(original.mouse.save());
    for (const target of [original, copy]) {
      target.data.out(0, 7);
      target.keyboard.press([0x1c]);
    }
    expect(copy.drain()).toEqual(original.drain());
    expect(copy.device.save()).toEqual(original.device.save());
    expect(copy.keyboard.save()).toEqual(original.keyboard.save());
  });
});
