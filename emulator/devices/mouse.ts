/**
 * A PS/2 mouse that lies still: it answers every command of the standard three-button mouse (IBM PS/2 Technical Reference, mouse section), so that
 * drivers find it, and never moves, since there is no such input yet.
 */
import type { Device, PlainData } from "./device.ts";
import type { Ps2Device } from "./ps2.ts";
import { copyOf } from "./state.ts";

const ACK = 0xfa;
const RESEND = 0xfe;
/** A packet: bit 3 always set, no buttons, no movement. */
const STILL = [0x08, 0, 0] as const;

type State = {
  queue: number[];
  command: number;
  reporting: boolean;
  remote: boolean;
  wrap: boolean;
  scale2: boolean;
  resolution: number;
  rate: number;
};

const powerOn = (): State => ({
  queue: [],
  command: 0,
  reporting: false,
  remote: false,
  wrap: false,
  scale2: false,
  resolution: 2,
  rate: 100,
});

export class Mouse implements Device, Ps2Device {
  readonly name = "ps2-mouse";
  readonly deadline = Infinity;
  onData: () => void = () => {};
  #state: State = powerOn();

  reset(): void {
    this.#state = powerOn();
  }

  tick(): void {}

  get hasByte(): boolean {
    return this.#state.queue.length > 0;
  }

  take(): number {
    return this.#state.queue.shift() ?? 0;
  }

  send(byte: number): void {
    const state = this.#state;
    const { command } = state;
    state.command = 0;
    if (state.wrap && byte !== 0xec && byte !== 0xff) state.queue.push(byte);
    else if (command === 0xe8) {
      state.resolution = byte & 3;
      state.queue.push(ACK);
    } else if (command === 0xf3) {
      state.rate = byte;
      state.queue.push(ACK);
    } else this.#command(byte);
    this.onData();
  }

  save(): PlainData {
    return copyOf(this.#state);
  }

  load(state: PlainData): void {
    this.#state = copyOf(state as State);
  }

  #command(byte: number): void {
    const state = this.#state;
    state.queue = [ACK];
    switch (byte) {
      case 0xe6:
      case 0xe7:
        state.scale2 = byte === 0xe7;
        return;
      case 0xe8: // resolution
      case 0xf3: // sample rate
        state.command = byte;
        return;
      case 0xe9: // status
        state.queue.push(
          (state.remote ? 0x40 : 0) | (state.reporting ? 0x20 : 0) | (state.scale2 ? 0x10 : 0),
          state.resolution,
          state.rate,
        );
        return;
      case 0xea:
        state.remote = false;
        return;
      case 0xeb: // read data
        state.queue.push(...STILL);
        return;
      case 0xec:
      case 0xee:
        state.wrap = byte === 0xee;
        return;
      case 0xf0:
        state.remote = true;
        return;
      case 0xf2: // identify: a standard mouse
        state.queue.push(0);
        return;
      case 0xf4:
      case 0xf5:
        state.reporting = byte === 0xf4;
        return;
      case 0xf6:
        this.#state = { ...powerOn(), queue: state.queue };
        return;
      case 0xff:
        this.#state = { ...powerOn(), queue: [ACK, 0xaa, 0] };
        return;
      default:
        state.queue = [RESEND];
    }
  }
}
