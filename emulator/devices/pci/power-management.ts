/**
 * The PIIX4's power management function (Intel 290562 §7): where the ACPI registers and the SMBus host controller are in I/O space.
 *
 *     0x40  PMBASE, bits 15:6      0x80 PMREGMISC: 0 decode it
 *     0x90  SMBBASE, bits 15:4     0xd2 SMBHSTCFG: 0 decode it, 3:1 its interrupt (QEMU: always IRQ 9)
 *     0x5b  bit 1: writes to the SMI command port raise an SMI. Reads 1 from the start, by which firmware sees that there is nothing to set up, as QEMU
 *           tells it with `-machine smm=off`
 *
 * Elsewhere: the ACPI registers (`power.ts`), general purpose events at 0xafe0, which do not move, the SMBus (`smbus.ts`).
 */
import { MemoryRegion } from "../../memory/index.ts";
import { type PciEnvironment, PciFunction } from "./function.ts";

const PMBASE = 0x40;
const PMREGMISC = 0x80;
const SMBBASE = 0x90;
const SMBHSTCFG = 0xd2;
const PM_BYTES = 64;
const BASE_MASK = 0xffc0;

/** Power-on values beyond the header, as QEMU's PIIX4 has them on a PC with two serial ports and no parallel port. */
const DEFAULTS: readonly (readonly [offset: number, value: number])[] = [
  [0x40, 0x01],
  [0x5b, 0x02], // DEVACTB: see above
  [0x5f, 0x10], // DEVRESD: no LPT1
  [0x63, 0x60], // DEVRESG
  [0x67, 0x98], // DEVRESH: COM1, COM2
  [0x90, 0x01],
  [0x91, 0xb1],
  [0xd2, 0x09],
];

interface Window {
  readonly base: number;
  readonly switch: number;
  readonly region: MemoryRegion;
  address: number | null;
}

export class PowerManagement extends PciFunction {
  readonly name = "PIIX4_PM";
  readonly #windows: readonly Window[];

  /** @param pm the ACPI registers: `pmRegion` */
  constructor(environment: PciEnvironment, pm: MemoryRegion, smbus: MemoryRegion) {
    super(environment, {
      vendorId: 0x8086,
      deviceId: 0x7113,
      revision: 3,
      classCode: 0x068000,
      interruptPin: 1,
    });
    this.put(0x06, 2, 0x0280); // DEVSEL# timing: medium; fast back-to-back
    this.allowDeviceRegisters();
    for (const [offset, value] of DEFAULTS) this.put(offset, 1, value);
    this.#windows = [
      { base: PMBASE, switch: PMREGMISC, region: pm, address: null },
      { base: SMBBASE, switch: SMBHSTCFG, region: smbus, address: null },
    ];
  }

  override reset(): void {
    super.reset();
    this.#move();
  }

  protected override configChanged(): void {
    this.#move();
  }

  /** Where the ACPI registers are in I/O space, or null. */
  get pmBase(): number | null {
    return this.#windows[0]!.address;
  }

  #move(): void {
    const { io, transaction } = this.environment;
    transaction(() => {
      for (const window of this.#windows) {
        const isDecoded = (this.get(window.switch, 1) & 1) !== 0;
        const address = isDecoded ? this.get(window.base, 2) & BASE_MASK : null;
        if (address === window.address) continue;
        if (window.address !== null) io.remove(window.region);
        window.address = address;
        if (address !== null) io.add(window.region, address);
      }
    });
  }
}

/** The container of the ACPI registers. */
export function pmRegion(blocks: readonly (readonly [offset: number, region: MemoryRegion])[]): MemoryRegion {
  const region = MemoryRegion.container("piix4-pm", PM_BYTES);
  for (const [offset, block] of blocks) region.add(block, offset);
  return region;
}
