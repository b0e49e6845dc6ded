/**
 * A PS/2 keyboard (IBM PS/2 Technical Reference, keyboard section): commands, LEDs, scan code sets 2 and 1.
 *
 * Keys come from outside as set 2 scan codes; typematic repeat is the host's business, as in QEMU, so the rate is accepted and ignored. Set 3 is refused with
 * "resend", as by keyboards that lack it; the commands about its keys are acknowledged and change nothing. Unlike a real one it holds however much was typed.
 * Elsewhere: the translation to set 1 that PCs leave on is the controller's (`keyboard-controller.ts`).
 */
import type { Device, PlainData } from "./device.ts";
import type { Ps2Device } from "./ps2.ts";
import { BREAK, toSet1 } from "./scancode.ts";
import { copyOf } from "./state.ts";

const ACK = 0xfa;
const RESEND = 0xfe;
const SELF_TEST_PASSED = 0xaa;

type State = {
  queue: number[];
  /** The command that waits for its argument, 0 if none. */
  command: number;
  scanning: boolean;
  set: 1 | 2;
  /** Bit 0 scroll lock, 1 num lock, 2 caps lock. */
  leds: number;
  last: number;
  /** A break prefix of set 2 waits for its key (only while set 1 is chosen). */
  breaks: boolean;
};

const powerOn = (): State => ({
  queue: [],
  command: 0,
  scanning: true,
  set: 2,
  leds: 0,
  last: 0,
  breaks: false,
});

export class Keyboard implements Device, Ps2Device {
  readonly name = "ps2-kbd";
  readonly deadline = Infinity;
  /** Called when a byte became available. */
  onData: () => void = () => {};
  #state: State = powerOn();

  reset(): void {
    this.#state = powerOn();
  }

  tick(): void {}

  /** Keys from outside, as set 2 scan codes. */
  press(scancodes: readonly number[]): void {
    const state = this.#state;
    if (!state.scanning) return;
    for (const code of scancodes) {
      const sent = state.set === 2 ? code : this.#translate(code);
      if (sent >= 0) state.queue.push(sent);
    }
    this.onData();
  }

  get leds(): number {
    return this.#state.leds;
  }

  get hasByte(): boolean {
    return this.#state.queue.length > 0;
  }

  take(): number {
    const byte = this.#state.queue.shift() ?? 0;
    if (byte !== RESEND) this.#state.last = byte;
    return byte;
  }

  send(byte: number): void {
    const state = this.#state;
    const { command } = state;
    state.command = 0;
    if (command !== 0 && byte < 0x80) this.#argument(command, byte);
    else this.#command(byte);
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
    const { queue } = state;
    switch (byte) {
      case 0xed: // LEDs
      case 0xf0: // scan code set
      case 0xf3: // typematic rate
        state.command = byte;
        queue.push(ACK);
        return;
      case 0xee: // echo
        queue.push(0xee);
        return;
      case 0xf2: // identify: an MF2 keyboard
        queue.push(ACK, 0xab, 0x83);
        return;
      case 0xf7: // how the keys of set 3 repeat and are let go: of all keys
      case 0xf8:
      case 0xf9:
      case 0xfa:
        queue.push(ACK);
        return;
      case 0xfb: // of the keys that follow
      case 0xfc:
      case 0xfd:
        state.command = byte;
        queue.push(ACK);
        return;
      case 0xf4: // clear and enable
        state.queue = [ACK];
        state.scanning = true;
        return;
      case 0xf5: // defaults, stop scanning
      case 0xf6: // defaults
        state.queue = [ACK];
        state.set = 2;
        state.scanning = byte === 0xf6;
        return;
      case RESEND:
        queue.push(state.last);
        return;
      case 0xff:
        Object.assign(state, powerOn());
        state.queue.push(ACK, SELF_TEST_PASSED);
        return;
      default:
        queue.push(RESEND);
    }
  }

  #argument(command: number, byte: number): void {
    const state = this.#state;
    if (command === 0xed) state.leds = byte & 7;
    else if (command === 0xf0) {
      if (byte > 2) {
        state.queue.push(RESEND);
        return;
      }
      state.queue.push(ACK);
      if (byte === 0) state.queue.push(state.set);
      else state.set = byte as 1 | 2;
      return;
    } else if (command >= 0xfb) state.command = command; // a list that the next command ends
    state.queue.push(ACK);
  }

  #translate(code: number): number {
    const { breaks } = this.#state;
    this.#state.breaks = code === BREAK;
    return code === BREAK ? -1 : toSet1(code) | (breaks ? 0x80 : 0);
  }
}
