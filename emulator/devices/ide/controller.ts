/**
 * The IDE function of a PIIX3 (Intel 290550 §2.3): two channels at the ports and interrupts of the AT, and bus master registers where BAR 4 says.
 *
 *     0x40, 0x42  timing of the two channels; bit 15 decodes the channel's ports, which QEMU and this always do
 *
 * Elsewhere: the channels (`channel.ts`), the drives (`disk.ts`, `cdrom.ts`).
 */
import { MemoryRegion } from "../../memory/index.ts";
import type { Nanoseconds } from "../../numbers.ts";
import type { Line, PlainData, RegionOps } from "../device.ts";
import { type PciEnvironment, PciFunction } from "../pci/function.ts";
import { IdeChannel } from "./channel.ts";
import type { DriveHost, IdeDrive } from "./drive.ts";

const BUS_MASTER_BAR = 4;
const BUS_MASTER_BYTES = 16;
/** Of one channel. */
const CHANNEL_BYTES = 8;

/** Makes the drive of a position; null: nothing is plugged in there. */
export type MakeDrive = ((host: DriveHost) => IdeDrive) | null;

export class IdeController extends PciFunction {
  readonly name = "piix3-ide";
  readonly channels: readonly [IdeChannel, IdeChannel];

  /**
   * @param irqs of the two channels: ISA's 14 and 15
   * @param drives primary master, primary slave, secondary master, secondary slave
   */
  constructor(
    environment: PciEnvironment,
    irqs: readonly [Line, Line],
    drives: readonly [MakeDrive, MakeDrive, MakeDrive, MakeDrive],
  ) {
    super(environment, { vendorId: 0x8086, deviceId: 0x7010, classCode: 0x010180 });
    this.put(0x06, 2, 0x0280); // DEVSEL# timing: medium; fast back-to-back
    this.allowDeviceRegisters();
    const channel = (index: 0 | 1): IdeChannel =>
      new IdeChannel(
        {
          now: environment.now,
          rescheduled: () => environment.rescheduled(this.deadline),
          irq: irqs[index],
          dma: () => (this.isMaster ? environment.dma : null),
        },
        [drives[2 * index]!, drives[2 * index + 1]!],
      );
    this.channels = [channel(0), channel(1)];
    this.addBar(BUS_MASTER_BAR, "io", this.#busMasterRegion());
  }

  override get deadline(): number {
    // Channels report changes while the second is still being made.
    const [first, second] = this.channels ?? [];
    return Math.min(first?.deadline ?? Infinity, second?.deadline ?? Infinity);
  }

  /** Does what is due. May throw `Pending`. */
  override tick(now: Nanoseconds): void {
    for (const channel of this.channels) channel.tick(now);
  }

  override reset(): void {
    super.reset();
    for (const channel of this.channels) channel.reset();
  }

  override save(): PlainData {
    return { function: super.save(), channels: this.channels.map((channel) => channel.save()) };
  }

  override load(state: PlainData): void {
    const saved = state as { function: PlainData; channels: readonly PlainData[] };
    super.load(saved.function);
    for (const [index, channel] of this.channels.entries()) channel.load(saved.channels[index]!);
  }

  /** Named and divided as QEMU's: command and status, then the table, of each channel. */
  #busMasterRegion(): MemoryRegion {
    const container = MemoryRegion.container("piix-bmdma-container", BUS_MASTER_BYTES);
    for (const base of [0, 4, 8, 12]) {
      const channel = (): IdeChannel => this.channels[base < CHANNEL_BYTES ? 0 : 1];
      const first = base % CHANNEL_BYTES;
      const ops: RegionOps = {
        read: (address) => channel().readBusMaster(first + address),
        write: (address, _size, value) => channel().writeBusMaster(first + address, value & 0xff),
      };
      const name = first === 0 ? "piix-bmdma" : "bmdma";
      container.add(MemoryRegion.io(name, 4, ops, { access: { impl: { max: 1 } } }), base);
    }
    return container;
  }
}
