/**
 * The 82441FX (i440FX) host bridge (Intel 290549): what a processor's access below 1 MiB meets.
 *
 *     0x57  memory in units of 8 MiB, for firmware (QEMU's own)
 *     0x59 … 0x5f  PAM0 … PAM6, two windows a byte: 0x59 high half 0xf0000 … 0xfffff, then 16 KiB each from 0xc0000; bit 0 read, 1 write RAM
 *     0x72  SMRAMC: 6 D_OPEN, RAM is seen at 0xa0000 instead of VGA
 *
 * There is no system management mode, so the other bits of SMRAMC are remembered and mean nothing; D_LCK locks nothing, as in QEMU.
 */
import { type PciEnvironment, PciFunction } from "./function.ts";

const RAM_SIZE = 0x57;
const PAM0 = 0x59;
const PAM_REGISTERS = 7;
const SMRAMC = 0x72;
const SMRAMC_RESET = 2;
const D_OPEN = 0x40;
const MIB = 2 ** 20;

/** The windows that the bridge moves: `createPcMemory` has them. */
export interface HostBridgeWindows {
  setPam(window: number, attributes: number): void;
  setSmramOpen(open: boolean): void;
}

export class HostBridge extends PciFunction {
  readonly name = "i440FX";
  readonly #windows: HostBridgeWindows;

  constructor(environment: PciEnvironment, windows: HostBridgeWindows, ramBytes: number) {
    super(environment, { vendorId: 0x8086, deviceId: 0x1237, revision: 2, classCode: 0x060000 });
    this.#windows = windows;
    this.allowDeviceRegisters();
    this.put(RAM_SIZE, 1, Math.min(Math.floor(ramBytes / (8 * MIB)), 0xff));
    this.put(SMRAMC, 1, SMRAMC_RESET);
  }

  override reset(): void {
    super.reset();
    this.#update();
  }

  protected override configChanged(offset: number, size: number): void {
    const touches = (first: number, count: number): boolean =>
      offset < first + count && offset + size > first;
    if (touches(PAM0, PAM_REGISTERS) || touches(SMRAMC, 1)) this.#update();
  }

  #update(): void {
    this.environment.transaction(() => {
      for (let window = 0; window <= 12; window++) {
        const half = window + 1;
        const register = this.get(PAM0 + (half >> 1), 1);
        this.#windows.setPam(window, (half & 1 ? register >> 4 : register) & 3);
      }
      this.#windows.setSmramOpen((this.get(SMRAMC, 1) & D_OPEN) !== 0);
    });
  }
}
