/**
 * The display adapter on the PCI bus, as QEMU's "stdvga" (docs/specs/standard-vga.txt): function 1234:1111 with the frame buffer in BAR 0, registers in BAR 2 and, if
 * there is one, the VGA BIOS as its expansion ROM.
 *
 *     BAR 2, 4 KiB   0x000 EDID of the monitor   0x400 ports 0x3c0 … 0x3df   0x500 DISPI registers, of 16 bits   0x600 QEMU's own: size, byte order
 *
 * Invariant: it has no state beyond configuration space; everything else is the VGA's (`devices/vga.ts`), which answers its ISA addresses whatever the command
 * register says, as in QEMU.
 */
import { type Memory, MemoryRegion } from "../../memory/index.ts";
import type { RegionOps } from "../device.ts";
import { monitorEdid } from "../vga-edid.ts";
import { type Vga, VGA_PORTS } from "../vga.ts";
import { type PciEnvironment, PciFunction } from "./function.ts";

const REGISTERS_BYTES = 0x1000;
const EDID_BYTES = 0x180;
const PORTS_OFFSET = 0x400;
const PORTS_BYTES = 0x20;
const PORTS_BASE = 0x3c0;
const DISPI_OFFSET = 0x500;
const DISPI_BYTES = 22;
const EXTENDED_OFFSET = 0x600;
const EXTENDED_BYTES = 8;
const ROM_BYTES = 0x10000;

/** QEMU's extended registers: their size, and the byte order of the frame buffer. */
const EXTENDED = { size: 0, byteOrder: 4 } as const;
const LITTLE_ENDIAN = 0x1e1e1e1e;
const BIG_ENDIAN = 0xbebebebe;

export class DisplayFunction extends PciFunction {
  readonly name = "VGA-pci";

  /** @param rom the VGA BIOS, up to 64 KiB. */
  constructor(environment: PciEnvironment, memory: Memory, vga: Vga, rom: Uint8Array | null) {
    super(environment, { vendorId: 0x1234, deviceId: 0x1111, revision: 2, classCode: 0x030000 });
    this.addBar(0, "memory", vga.frameBuffer, true);
    this.addBar(2, "memory", registers(vga));
    if (rom === null) return;
    const block = memory.allocate({ idstr: "0000:00:02.0/vga.rom", usedLength: ROM_BYTES });
    memory.writeBlock(block, 0, rom.subarray(0, ROM_BYTES));
    this.addBar("rom", "rom", MemoryRegion.rom("vga.rom", block));
  }
}

function registers(vga: Vga): MemoryRegion {
  const region = MemoryRegion.container("vga.mmio", REGISTERS_BYTES);
  const edid = monitorEdid();
  const edidOps: RegionOps = { read: (address) => edid[address] ?? 0, write: () => {} };
  region.add(MemoryRegion.io("edid", EDID_BYTES, edidOps, { access: { impl: { max: 1 } } }), 0);
  region.add(
    MemoryRegion.io("vga ioports remapped", PORTS_BYTES, remappedPorts(vga), {
      access: { impl: { max: 1 } },
    }),
    PORTS_OFFSET,
  );
  region.add(
    MemoryRegion.io("bochs dispi interface", DISPI_BYTES, vga.dispiRegisters, {
      access: { valid: { min: 1 }, impl: { min: 2, max: 2 } },
    }),
    DISPI_OFFSET,
  );
  region.add(MemoryRegion.io("qemu extended regs", EXTENDED_BYTES, extendedRegisters(vga)), EXTENDED_OFFSET);
  return region;
}

function remappedPorts(vga: Vga): RegionOps {
  const blocks = VGA_PORTS.map(([first, size]) => ({ first, end: first + size, ops: vga.ports(first) }));
  const find = (port: number) => blocks.find(({ first, end }) => port >= first && port < end);
  return {
    read: (address, size) => {
      const block = find(PORTS_BASE + address);
      return block === undefined ? 0xff : block.ops.read(PORTS_BASE + address - block.first, size);
    },
    write: (address, size, value) => {
      const block = find(PORTS_BASE + address);
      block?.ops.write(PORTS_BASE + address - block.first, size, value);
    },
  };
}

function extendedRegisters(vga: Vga): RegionOps {
  return {
    read: (address) => {
      if (address === EXTENDED.size) return EXTENDED_BYTES;
      if (address === EXTENDED.byteOrder) return vga.bigEndian ? BIG_ENDIAN : LITTLE_ENDIAN;
      return 0;
    },
    write: (address, _size, value) => {
      if (address !== EXTENDED.byteOrder) return;
      if (value >>> 0 === BIG_ENDIAN) vga.bigEndian = true;
      if (value >>> 0 === LITTLE_ENDIAN) vga.bigEndian = false;
    },
  };
}
