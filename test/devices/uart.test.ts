import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { Uart } from "../../emulator/devices/uart.ts";
import { bytes, ns, recordLine } from "./recorder.ts";

function uart() {
  const irq = recordLine();
  const sent: number[] = [];
  const device = new Uart("isa-serial.0", irq.line, (byte) => sent.push(byte));
  device.reset();
  return { device, irq, sent, port: bytes(device) };
}

const [RBR, IER, IIR, LCR, MCR, LSR, MSR, SCR] = [0, 1, 2, 3, 4, 5, 6, 7];

describe("16550A", () => {
  test("sends what is written, at once, and is empty again", () => {
    const { port, sent } = uart();
    for (const byte of [0x48, 0x69]) {
      expect(port.in(LSR) & 0x20).toBe(0x20);
      port.out(RBR, byte);
    }
    expect(sent).toEqual([0x48, 0x69]);
    expect(port.in(LSR)).toBe(0x60);
  });

  test("registers after reset are those QEMU leaves", () => {
    const { port } = uart();
    expect([IER, IIR, LCR, MCR, LSR, MSR, SCR].map((at) => port.in(at))).toEqual([0, 1, 0, 8, 0x60, 0xb0, 0]);
  });

  test("divisor latch shares addresses with the data and interrupt registers", () => {
    const { port } = uart();
    port.out(LCR, 0x83);
    port.out(RBR, 0x01);
    port.out(IER, 0x02);
    expect([port.in(RBR), port.in(IER)]).toEqual([1, 2]);
    port.out(LCR, 0x03);
    expect(port.in(IER)).toBe(0);
  });

  test("transmitter-empty interrupt: after enabling, after each byte, until IIR says so", () => {
    const { port, irq } = uart();
    port.out(IER, 2);
    expect(irq.level).toBe(true);
    expect(port.in(IIR)).toBe(2);
    expect(irq.level).toBe(false);
    expect(port.in(IIR)).toBe(1);
    port.out(RBR, 0x41);
    expect(irq.level).toBe(true);
    port.out(IER, 0);
    expect(irq.level).toBe(false);
  });

  test("OUT2 is the gate of the interrupt line", () => {
    const { port, irq } = uart();
    port.out(MCR, 3);
    port.out(IER, 2);
    expect(irq.level).toBe(false);
    port.out(MCR, 0x0b);
    expect(irq.level).toBe(true);
  });

  test("FIFO: interrupt at the trigger level, time-out four characters later", () => {
    const { device, port, irq } = uart();
    port.out(LCR, 0x80);
    port.out(RBR, 1); // 115,200 baud
    port.out(IER, 0);
    port.out(LCR, 0x03);
    port.out(2, 0x47); // FIFO on and cleared, trigger 4
    port.out(IER, 1);
    device.tick(ns(1000));
    device.receive(Uint8Array.of(1, 2, 3));
    expect(irq.level).toBe(false);
    expect(port.in(IIR)).toBe(0xc1);
    const character = Math.ceil((10 * 1e9) / 115_200);
    expect(device.deadline).toBe(1000 + 4 * character);
    device.tick(ns(device.deadline));
    expect(irq.level).toBe(true);
    expect(port.in(IIR)).toBe(0xcc);
    expect(port.in(RBR)).toBe(1);
    expect(port.in(IIR)).toBe(0xc1);
    device.receive(Uint8Array.of(4, 5));
    expect(port.in(IIR)).toBe(0xc4);
    for (const byte of [2, 3, 4, 5]) expect(port.in(RBR)).toBe(byte);
    expect(port.in(LSR) & 1).toBe(0);
    expect(irq.level).toBe(false);
  });

  test("the cable holds what the receiver has no room for", () => {
    const { device, port } = uart();
    const bytesIn = Uint8Array.from({ length: 100 }, (_, i) => i);
    device.receive(bytesIn);
    const read: number[] = [];
    while (port.in(LSR) & 1) read.push(port.in(RBR));
    expect(read).toEqual([...bytesIn]);
  });

  test("loopback: bytes and modem lines come back, nothing leaves", () => {
    const { port, sent } = uart();
    port.out(MCR, 0x1a); // loop, RTS, OUT2: QEMU's and every driver's probe
    expect(port.in(MSR) & 0xf0).toBe(0x90);
    port.out(RBR, 0xae);
    expect(port.in(LSR) & 1).toBe(1);
    expect(port.in(RBR)).toBe(0xae);
    expect(sent).toEqual([]);
    port.out(RBR, 1);
    port.out(RBR, 2);
    expect(port.in(LSR) & 2).toBe(2); // overrun
    expect(port.in(LSR) & 2).toBe(0);
    expect(port.in(RBR)).toBe(2);
  });

  test("modem status changes are noted once, RI at its end only", () => {
    const { port, irq } = uart();
    port.out(IER, 8);
    port.out(MCR, 0x1c); // loop, OUT1 (RI), OUT2 (DCD)
    expect(port.in(MSR)).toBe(0xc3); // CTS and DSR went, DCD stayed, RI came without a delta
    port.out(MCR, 0x18);
    expect(irq.level).toBe(true);
    expect(port.in(IIR)).toBe(0);
    expect(port.in(MSR)).toBe(0x84);
    expect(irq.level).toBe(false);
  });

  test("scratch register", () => {
    const { port } = uart();
    port.out(SCR, 0x5a);
    expect(port.in(SCR)).toBe(0x5a);
  });

  test("from a saved state everything goes on the same", () => {
    const access = fc.record({
      port: fc.integer({ min: 0, max: 7 }),
      value: fc.integer({ min: 0, max: 255 }),
      kind: fc.constantFrom("in", "out", "receive", "tick"),
    });
    fc.assert(
      fc.property(
        fc.array(access, { maxLength: 60 }),
        fc.integer({ min: 0, max: 59 }),
        (accesses, saveAt) => {
          const original = uart();
          let copy: ReturnType<typeof uart> | null = null;
          let time = 0;
          for (const [index, each] of accesses.entries()) {
            if (index === saveAt) {
              copy = uart();
              copy.device.load(original.device.save());
            }
            const run = (target: ReturnType<typeof uart>): unknown => {
              if (each.kind === "in") return target.port.in(each.port);
              if (each.kind === "out") return target.port.out(each.port, each.value);
              if (each.kind === "receive") return target.device.receive(Uint8Array.of(each.value));
              return target.device.tick(ns(time));
            };
            time += each.value * 1000;
            const result = run(original);
            if (!copy) continue;
            expect(run(copy)).toEqual(result);
            expect(copy.device.save()).toEqual(original.device.save());
          }
        },
      ),
      { seed: 16550, numRuns: 300 },
    );
  });
});
