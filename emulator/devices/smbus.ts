/**
 * The SMBus host controller of a PIIX4 (Intel 290562 §7.3) with nothing on the bus: every transaction ends at once with a device error, which is how software
 * that looks for memory modules' descriptions finds that there are none.
 *
 *     +0 status (1 clears): 0 busy, 1 done, 2 device error, 3 collision, 4 killed      +2 control: 1 kill, 4:2 protocol, 6 start
 *     +3 command, +4 address, +5 +6 data, +7 block data: remembered
 *
 * It raises no interrupt, as in QEMU; drivers of this controller poll.
 */
import type { Device, PlainData, RegionOps } from "./device.ts";
import { copyOf } from "./state.ts";

const STATUS = { done: 2, deviceError: 4, failed: 0x10, clearable: 0x1e } as const;
const CONTROL = { kill: 2, start: 0x40 } as const;
const STATUS_PORT = 0;
const CONTROL_PORT = 2;
const REGISTERS = 8;

type State = { registers: Uint8Array };

export class Smbus implements Device, RegionOps {
  readonly name = "pm-smbus";
  readonly deadline = Infinity;
  #state: State = { registers: new Uint8Array(REGISTERS) };

  reset(): void {
    this.#state.registers.fill(0);
  }

  tick(): void {}

  read(address: number): number {
    return this.#state.registers[address] ?? 0;
  }

  write(address: number, _size: 1 | 2 | 4, value: number): void {
    const { registers } = this.#state;
    if (address === STATUS_PORT) registers[STATUS_PORT]! &= ~(value & STATUS.clearable);
    else if (address === CONTROL_PORT) {
      registers[CONTROL_PORT] = value & ~(CONTROL.start | CONTROL.kill);
      if (value & CONTROL.kill) registers[STATUS_PORT]! |= STATUS.failed;
      else if (value & CONTROL.start) registers[STATUS_PORT]! |= STATUS.done | STATUS.deviceError;
    } else if (address < REGISTERS) registers[address] = value;
  }

  save(): PlainData {
    return copyOf(this.#state);
  }

  load(state: PlainData): void {
    this.#state = copyOf(state as State);
  }
}
