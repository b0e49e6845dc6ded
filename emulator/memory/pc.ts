/**
 * The memory tree of QEMU's machine `pc` (i440FX, PIIX3), without devices: RAM below and above 4 GiB, ROMs, the PCI hole, the PAM and SMRAM
 * windows of the host bridge.
 *
 * Invariant: names, priorities and order are those that `info mtree` of QEMU 7.2 shows.
 * Elsewhere: VGA, IOAPIC, HPET and APIC windows, which their devices add.
 */
import { assert } from "../assert.ts";
import type { Memory } from "./memory.ts";
import { ALL_BYTES, MemoryRegion } from "./region.ts";

const KIB = 2 ** 10;
const GIB = 2 ** 30;
const FOUR_GIB = 4 * GIB;
/** Of the firmware's ROM, if nothing else is asked for. */
const BIOS_BYTES = 256 * KIB;
const OPTION_ROM_BASE = 0xc0000;
const OPTION_ROM_BYTES = 128 * KIB;
/** Where PC firmware is seen below 1 MiB: the last 128 KiB of it. */
const ISA_BIOS_BYTES = 128 * KIB;
const SMRAM_BASE = 0xa0000;
const SMRAM_BYTES = 128 * KIB;

export interface RamSplit {
  readonly below4G: number;
  readonly above4G: number;
}

/**
 * How `pc` divides RAM (hw/i386/pc_piix.c): all of it below 3.5 GiB if it fits, else 3 GiB below 4 GiB and the rest above.
 * `maxRamBelow4G` is `-machine max-ram-below-4g=`; sizes in bytes.
 */
export function splitRam(ramBytes: number, maxRamBelow4G = 3.5 * GIB): RamSplit {
  assert(maxRamBelow4G > 0 && maxRamBelow4G <= FOUR_GIB, "max-ram-below-4g is at most 4 GiB", maxRamBelow4G);
  if (ramBytes < maxRamBelow4G) return { below4G: ramBytes, above4G: 0 };
  const below4G = Math.min(maxRamBelow4G, 3 * GIB);
  return { below4G, above4G: ramBytes - below4G };
}

export interface PcMemoryConfig {
  /** A multiple of 4096. */
  readonly ramBytes: number;
  readonly maxRamBelow4G?: number;
  /** The VGA window at 0xa0000, 128 KiB. */
  readonly vgaLowmem: MemoryRegion;
  /** Size of the firmware's ROM: a multiple of 64 KiB. */
  readonly biosBytes?: number;
  /** `-machine memory-backend=`: RAM that has been made already; default: a block "pc.ram" of its own. */
  readonly ram?: MemoryRegion;
}

/** What the host bridge and other devices go on with. */
export interface PcMemory {
  readonly split: RamSplit;
  readonly ram: MemoryRegion;
  /** What RAM and chipset windows leave free: PCI devices' memory lives here. */
  readonly pci: MemoryRegion;
  /** Option ROMs, 0xc0000 … 0xdffff. */
  readonly rom: MemoryRegion;
  /** Firmware, up to 4 GiB; its end also below 1 MiB. */
  readonly bios: MemoryRegion;
  /**
   * Sets one of the 13 programmable attribute map windows: 0 is 0xf0000 … 0xfffff, 1 … 12 are 16 KiB each from 0xc0000. Bit 0: reads come from
   * RAM, bit 1: writes go to RAM; else they go to PCI.
   */
  setPam(window: number, attributes: number): void;
  /** SMRAMC.D_OPEN: 0xa0000 … 0xbffff shows RAM instead of VGA. */
  setSmramOpen(open: boolean): void;
}

export function createPcMemory(memory: Memory, config: PcMemoryConfig): PcMemory {
  const split = splitRam(config.ramBytes, config.maxRamBelow4G);
  const { system } = memory;
  const biosBytes = config.biosBytes ?? BIOS_BYTES;
  const isaBiosBytes = Math.min(biosBytes, ISA_BIOS_BYTES);
  const hostBridge = { owner: { kind: "dev", path: "/machine/unattached/device[2]" } } as const;

  return memory.transaction(() => {
    // Blocks in the order in which QEMU makes them: it decides their offsets.
    const ram =
      config.ram ??
      MemoryRegion.ram("pc.ram", memory.allocate({ idstr: "pc.ram", usedLength: config.ramBytes }), {
        owner: { kind: "obj", path: "/objects/pc.ram" },
      });
    const bios = MemoryRegion.rom("pc.bios", memory.allocate({ idstr: "pc.bios", usedLength: biosBytes }));
    const rom = MemoryRegion.rom(
      "pc.rom",
      memory.allocate({ idstr: "pc.rom", usedLength: OPTION_ROM_BYTES }),
    );

    system.add(MemoryRegion.alias("ram-below-4g", ram, 0, split.below4G), 0);
    if (split.above4G > 0) {
      system.add(MemoryRegion.alias("ram-above-4g", ram, split.below4G, split.above4G), FOUR_GIB);
    }

    const pci = MemoryRegion.container("pci", ALL_BYTES);
    const isaBios = MemoryRegion.alias("isa-bios", bios, biosBytes - isaBiosBytes, isaBiosBytes, {
      readonly: true,
    });
    pci.add(config.vgaLowmem, SMRAM_BASE, 1);
    pci.add(rom, OPTION_ROM_BASE, 1);
    pci.add(isaBios, 0x100000 - isaBiosBytes, 1);
    pci.add(bios, FOUR_GIB - biosBytes);
    system.add(pci, 0, -1);

    const smramRegion = MemoryRegion.alias("smram-region", pci, SMRAM_BASE, SMRAM_BYTES, hostBridge);
    system.add(smramRegion, SMRAM_BASE, 1);

    const windows = Array.from({ length: 13 }, (_, i) => createPam(system, ram, pci, i));
    return {
      split,
      ram,
      pci,
      rom,
      bios,
      setPam: (window, attributes) => {
        const aliases = windows[window];
        assert(aliases !== undefined, "PAM window", window);
        memory.transaction(() => {
          for (let mode = 0; mode < 4; mode++) aliases[mode]!.enabled = mode === (attributes & 3);
        });
      },
      setSmramOpen: (open) => {
        smramRegion.enabled = !open;
      },
    };
  });
}

/** The four views of one PAM window by its attribute bits, the one for reset (all PCI) enabled. */
function createPam(
  system: MemoryRegion,
  ram: MemoryRegion,
  pci: MemoryRegion,
  window: number,
): MemoryRegion[] {
  const owner = { kind: "dev", path: "/machine/i440fx" } as const;
  const base = window === 0 ? 0xf0000 : OPTION_ROM_BASE + (window - 1) * 16 * KIB;
  const size = window === 0 ? 64 * KIB : 16 * KIB;
  // Write-only RAM (mode 2) shows RAM for reads, too, in QEMU; its alias is called pam-pci there.
  const aliases = [
    MemoryRegion.alias("pam-pci", pci, base, size, { owner }),
    MemoryRegion.alias("pam-rom", ram, base, size, { owner, readonly: true }),
    MemoryRegion.alias("pam-pci", ram, base, size, { owner }),
    MemoryRegion.alias("pam-ram", ram, base, size, { owner }),
  ];
  for (const [mode, alias] of aliases.entries()) {
    alias.enabled = mode === 0;
    system.add(alias, base, 1);
  }
  return aliases;
}
