/**
 * Port 0x61, the PC's system control port B: gate and output of timer channel 2, the speaker, and the memory refresh bit.
 *
 *     0 gate of channel 2   1 speaker on   2, 3 parity and I/O checks (remembered)   4 refresh, toggles   5 output of channel 2   6, 7 errors (0)
 *
 * Refresh toggles every 18 ticks of the PIT's clock (15.086 µs), as channel 1 makes it do on a PC; delay loops count it. QEMU toggles it on each
 * read. The speaker makes no sound.
 */
import type { Nanoseconds } from "../numbers.ts";
import { PIT_HERTZ, ticksAt } from "./clock.ts";
import type { Device, PlainData, RegionOps } from "./device.ts";
import type { Pit } from "./pit.ts";
import { copyOf } from "./state.ts";

const REFRESH_TICKS = 18;

type State = { control: number; now: number };

export class Speaker implements Device, RegionOps {
  readonly name = "isa-pcspk";
  readonly deadline = Infinity;
  readonly #pit: Pit;
  #state: State = { control: 0, now: 0 };

  constructor(pit: Pit) {
    this.#pit = pit;
  }

  reset(): void {
    this.#state.control = 0;
  }

  tick(now: Nanoseconds): void {
    this.#state.now = now;
    this.#pit.tick(now);
  }

  read(_address: number, _size: 1 | 2 | 4): number {
    const refresh = Math.floor(ticksAt(this.#state.now, PIT_HERTZ) / REFRESH_TICKS) & 1;
    return this.#state.control | (this.#pit.gate2 ? 1 : 0) | (refresh << 4) | (this.#pit.out2 ? 0x20 : 0);
  }

  write(_address: number, _size: 1 | 2 | 4, value: number): void {
    this.#state.control = value & 0x0e;
    this.#pit.gate2 = (value & 1) !== 0;
  }

  save(): PlainData {
    return copyOf(this.#state);
  }

  load(state: PlainData): void {
    this.#state = copyOf(state as State);
  }
}
