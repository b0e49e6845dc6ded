/** A VGA in mode 3 with memory of its own, and ways to reach it as software does. */
import { Vga } from "../../emulator/devices/vga.ts";
import { VGA_MODE_3 } from "../../emulator/machine/platform.ts";
import { Memory } from "../../emulator/memory/index.ts";
import { bytes } from "./recorder.ts";

export function vga() {
  const memoryOfGuest = new Memory(new WebAssembly.Memory({ initial: 160, maximum: 2048 }));
  const device = new Vga();
  device.attach(memoryOfGuest);
  memoryOfGuest.system.add(device.window, 0xa0000, 1);
  device.reset();
  device.setMode(VGA_MODE_3);
  const ports = Object.fromEntries(
    [0x3b4, 0x3ba, 0x3c0, 0x3d4, 0x3da].map((first) => [first, bytes(device.ports(first))]),
  );
  const at = (port: number): [ReturnType<typeof bytes>, number] => {
    const first = [0x3da, 0x3d4, 0x3c0, 0x3ba, 0x3b4].find((start) => port >= start)!;
    return [ports[first]!, port - first];
  };
  const out = (port: number, value: number): void => {
    const [ops, offset] = at(port);
    ops.out(offset, value);
  };
  const input = (port: number): number => {
    const [ops, offset] = at(port);
    return ops.in(offset);
  };
  const indexed = (port: number, index: number, value?: number): number => {
    out(port, index);
    if (value !== undefined) out(port + 1, value);
    return input(port + 1);
  };
  // As the processor reaches it: a chained window has no byte operations.
  const memory = {
    in: (offset: number) => memoryOfGuest.read((0xa0000 + offset) as never, 1),
    out: (offset: number, value: number) => memoryOfGuest.write((0xa0000 + offset) as never, 1, value),
  };
  const row = (number: number): string => {
    const { columns, cells } = device.screen();
    return Array.from({ length: columns }, (_, i) => String.fromCharCode(cells[(number * columns + i) * 2]!))
      .join("")
      .trimEnd();
  };
  const print = (address: number, text: string): void => {
    for (let i = 0; i < text.length; i++) {
      memory.out(address - 0xa0000 + i * 2, text.charCodeAt(i));
      memory.out(address - 0xa0000 + i * 2 + 1, 0x1f);
    }
  };
  return { device, out, in: input, indexed, memory, row, print, memoryOfGuest };
}
