/**
 * The i8042 keyboard controller of a PS/2-type PC, with a keyboard and a mouse port.
 *
 *     port 0x60  r: output buffer   w: to the keyboard, or the argument of a command
 *     port 0x64  r: status  0 output full, 1 input full (never), 2 self-test passed, 3 last write was a command, 4 not locked, 5 output is the mouse's
 *                w: command
 *     mode byte  0 IRQ 1 on, 1 IRQ 12 on, 2 system flag, 4 keyboard off, 5 mouse off, 6 translate to set 1
 *     output port  0 not reset, 1 A20, 4 keyboard buffer full, 5 mouse buffer full
 *
 * Time: answers come at once. After a byte was read the next one arrives a little later, so that a handler may read the buffer twice. The A20 bit
 * is remembered, but the gate is always open: address bit 20 is never masked.
 */
import type { Nanoseconds } from "../numbers.ts";
import type { Device, Line, PlainData, RegionOps } from "./device.ts";
import type { Ps2Device } from "./ps2.ts";
import { BREAK, toSet1 } from "./scancode.ts";
import { copyOf } from "./state.ts";

const STATUS = { outputFull: 1, selfTest: 4, command: 8, unlocked: 0x10, mouse: 0x20 } as const;
const MODE = { irq1: 1, irq12: 2, system: 4, keyboardOff: 0x10, mouseOff: 0x20, translate: 0x40 } as const;
const OUTPUT_PORT_IDLE = 0xcf;
/** From reading a byte to the arrival of the next one. A real keyboard takes a millisecond. */
const BYTE_NANOSECONDS = 10_000;

type Reply = { byte: number; mouse: boolean };
type State = {
  mode: number;
  outputPort: number;
  /** The output buffer keeps its byte after it was read. */
  data: number;
  full: boolean;
  fromMouse: boolean;
  /** Status bits 2 and 3. */
  flags: number;
  /** The command whose argument is next on port 0x60, 0 if none. */
  command: number;
  replies: Reply[];
  /** A break code of set 2 is being translated. */
  breaks: boolean;
  now: number;
  readyAt: number;
};

export class KeyboardController implements Device {
  readonly name = "i8042";
  readonly #irq1: Line;
  readonly #irq12: Line;
  readonly #keyboard: Ps2Device;
  readonly #mouse: Ps2Device;
  readonly #resetMachine: () => void;
  #state: State = powerOn();

  constructor(irq1: Line, irq12: Line, keyboard: Ps2Device, mouse: Ps2Device, resetMachine: () => void) {
    this.#irq1 = irq1;
    this.#irq12 = irq12;
    this.#keyboard = keyboard;
    this.#mouse = mouse;
    this.#resetMachine = resetMachine;
    keyboard.onData = () => this.#fetch();
    mouse.onData = () => this.#fetch();
  }

  get deadline(): number {
    return !this.#state.full && this.#waiting ? this.#state.readyAt : Infinity;
  }

  tick(now: Nanoseconds): void {
    this.#state.now = now;
    this.#fetch();
  }

  reset(): void {
    const { now } = this.#state;
    this.#state = { ...powerOn(), now };
    this.#update();
  }

  /** Puts the controller in the state firmware leaves: tested, translating, interrupts from the keyboard on. */
  handOver(mode: number): void {
    Object.assign(this.#state, { mode, flags: STATUS.selfTest | STATUS.command, data: 0xfa });
  }

  readonly dataPort: RegionOps = {
    read: () => {
      const state = this.#state;
      if (state.full) {
        state.full = false;
        state.readyAt = state.now + BYTE_NANOSECONDS;
        this.#update();
        if (state.replies.length > 0) this.#fetch();
      }
      return state.data;
    },
    write: (_address, _size, value) => {
      const { command } = this.#state;
      this.#state.flags &= ~STATUS.command;
      this.#state.command = 0;
      if (command === 0) this.#sendKeyboard(value & 0xff);
      else this.#argument(command, value & 0xff);
      this.#fetch();
    },
  };

  readonly commandPort: RegionOps = {
    read: () => {
      const { full, fromMouse, flags } = this.#state;
      return (
        STATUS.unlocked | flags | (full ? STATUS.outputFull : 0) | (full && fromMouse ? STATUS.mouse : 0)
      );
    },
    write: (_address, _size, value) => {
      this.#state.flags |= STATUS.command;
      this.#command(value & 0xff);
      this.#fetch();
    },
  };

  save(): PlainData {
    return copyOf(this.#state);
  }

  load(state: PlainData): void {
    this.#state = copyOf(state as State);
  }

  #command(byte: number): void {
    const state = this.#state;
    if ((byte & 0xe0) === 0x20) return this.#reply((byte & 0x1f) === 0 ? state.mode : 0);
    if ((byte & 0xe0) === 0x60) {
      state.command = byte;
      return;
    }
    switch (byte) {
      case 0xa7:
        state.mode |= MODE.mouseOff;
        return;
      case 0xa8:
        state.mode &= ~MODE.mouseOff;
        return;
      case 0xa9: // test the mouse's connector: nothing wrong
      case 0xab: // test the keyboard's
        return this.#reply(0);
      case 0xaa:
        state.flags |= STATUS.selfTest;
        return this.#reply(0x55);
      case 0xad:
        state.mode |= MODE.keyboardOff;
        return;
      case 0xae:
        state.mode &= ~MODE.keyboardOff;
        return;
      case 0xc0: // input port: not locked
        return this.#reply(0x80);
      case 0xd0:
        return this.#reply(state.outputPort | (state.full ? (state.fromMouse ? 0x20 : 0x10) : 0));
      case 0xd1:
      case 0xd2:
      case 0xd3:
      case 0xd4:
        state.command = byte;
        return;
      case 0xdd:
        state.outputPort &= ~2;
        return;
      case 0xdf:
        state.outputPort |= 2;
        return;
      case 0xe0: // test inputs: clock and data lines are idle
        return this.#reply(0);
      default:
        // 0xf0…0xff pulse output port lines that are 0 in the command; line 0 resets the machine. Others do nothing, as on the chip.
        if (byte >= 0xf0 && (byte & 1) === 0) this.#resetMachine();
    }
  }

  #argument(command: number, byte: number): void {
    const state = this.#state;
    switch (command) {
      case 0xd1:
        state.outputPort = byte & OUTPUT_PORT_IDLE;
        if ((byte & 1) === 0) this.#resetMachine();
        return;
      case 0xd2:
        return this.#reply(byte);
      case 0xd3:
        state.replies.push({ byte, mouse: true });
        return;
      case 0xd4:
        state.mode &= ~MODE.mouseOff;
        this.#mouse.send(byte);
        return;
      default:
        // 0x60…0x7f write the chip's memory; only byte 0, the mode, means anything here.
        if (command !== 0x60) return;
        state.mode = byte;
        state.flags = (state.flags & ~STATUS.selfTest) | (byte & MODE.system);
        this.#update();
    }
  }

  /** Writing to the keyboard turns its clock on again. */
  #sendKeyboard(byte: number): void {
    this.#state.mode &= ~MODE.keyboardOff;
    this.#keyboard.send(byte);
  }

  #reply(byte: number): void {
    this.#state.replies.push({ byte, mouse: false });
  }

  get #keyboardReady(): boolean {
    return (this.#state.mode & MODE.keyboardOff) === 0 && this.#keyboard.hasByte;
  }
  get #mouseReady(): boolean {
    return (this.#state.mode & MODE.mouseOff) === 0 && this.#mouse.hasByte;
  }
  get #waiting(): boolean {
    return this.#keyboardReady || this.#mouseReady;
  }

  /** Fills an empty output buffer: the controller's own answers first, then the keyboard's bytes, then the mouse's. */
  #fetch(): void {
    const state = this.#state;
    while (!state.full) {
      const reply = state.replies.shift();
      if (reply) this.#put(reply.byte, reply.mouse);
      else if (state.now < state.readyAt) return;
      else if (this.#keyboardReady) this.#fromKeyboard(this.#keyboard.take());
      else if (this.#mouseReady) this.#put(this.#mouse.take(), true);
      else return;
    }
  }

  #fromKeyboard(byte: number): void {
    const state = this.#state;
    if ((state.mode & MODE.translate) === 0) return this.#put(byte, false);
    const { breaks } = state;
    state.breaks = byte === BREAK;
    if (byte !== BREAK) this.#put(toSet1(byte) | (breaks ? 0x80 : 0), false);
  }

  #put(byte: number, mouse: boolean): void {
    Object.assign(this.#state, { data: byte, full: true, fromMouse: mouse });
    this.#update();
  }

  #update(): void {
    const { full, fromMouse, mode } = this.#state;
    this.#irq1(full && !fromMouse && (mode & MODE.irq1) !== 0);
    this.#irq12(full && fromMouse && (mode & MODE.irq12) !== 0);
  }
}

function powerOn(): State {
  return {
    mode: MODE.irq1 | MODE.irq12,
    outputPort: OUTPUT_PORT_IDLE,
    data: 0,
    full: false,
    fromMouse: false,
    flags: 0,
    command: 0,
    replies: [],
    breaks: false,
    now: 0,
    readyAt: 0,
  };
}
