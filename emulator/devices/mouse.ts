/**
 * A PS/2 wheel mouse (IBM PS/2 Technical Reference, mouse section; Microsoft's IntelliMouse and its five-button successor): it is a three-button mouse until the host
 * sets the sample rates 200, 100, 80, then id 3 with a wheel; after 200, 200, 80 id 4.
 *
 *     byte 0  0 left, 1 right, 2 middle, 3 always set, 4 x negative, 5 y negative     bytes 1, 2  x right, y up     byte 3  wheel, ids 3 and 4 only
 *
 * Invariant: movement is never lost: what does not fit into a packet, or comes while the host does not fetch, is in the packets that follow. Deliberate differences:
 * a report is sent when something happens, whatever the sample rate; counts come as they are, whatever the resolution; id 4 has no more than three buttons.
 */
import type { Device, PlainData } from "./device.ts";
import type { Ps2Device } from "./ps2.ts";
import { copyOf } from "./state.ts";

const ACK = 0xfa;
const RESEND = 0xfe;
const SELF_TEST_PASSED = 0xaa;
/** What a real mouse holds back for a host that does not fetch. */
const QUEUE_BYTES = 16;
const MOST = 127;
/** The wheel of id 4 has four bits. */
const MOST_WHEEL = 7;

/** Sample rates whose sequence turns the wheel on, and the id that the mouse has then. */
const KNOCKS = [
  { rates: [200, 100, 80], id: 3 },
  { rates: [200, 200, 80], id: 4 },
] as const;

/** Scaling 2:1 of small counts; larger ones are doubled. */
const SCALED = [0, 1, 1, 3, 6, 9] as const;

type State = {
  queue: number[];
  /** The command that waits for its argument, 0 if none. */
  command: number;
  reporting: boolean;
  remote: boolean;
  wrap: boolean;
  scale2: boolean;
  resolution: number;
  rate: number;
  /** The last three sample rates. */
  rates: number[];
  id: 0 | 3 | 4;
  buttons: number;
  /** Not yet reported: movement right, up and of the wheel, and whether a button changed. */
  x: number;
  y: number;
  z: number;
  clicked: boolean;
};

const DEFAULTS = {
  reporting: false,
  remote: false,
  wrap: false,
  scale2: false,
  resolution: 2,
  rate: 100,
} as const;
const STILL = { x: 0, y: 0, z: 0, clicked: false } as const;

const powerOn = (buttons: number): State => ({
  queue: [],
  command: 0,
  ...DEFAULTS,
  rates: [],
  id: 0,
  buttons,
  ...STILL,
});

export class Mouse implements Device, Ps2Device {
  readonly name = "ps2-mouse";
  readonly deadline = Infinity;
  onData: () => void = () => {};
  #state: State = powerOn(0);

  reset(): void {
    this.#state = powerOn(this.#state.buttons);
  }

  tick(): void {}

  /** Movement from outside: x right, y down, z wheel towards the user; buttons: bit 0 left, 1 right, 2 middle. */
  move(dx: number, dy: number, dz: number, buttons: number): void {
    const state = this.#state;
    const clicked = state.buttons !== (buttons & 7);
    state.buttons = buttons & 7;
    if (!state.reporting && !state.remote) return;
    state.x += dx;
    state.y -= dy;
    state.z += dz;
    state.clicked ||= clicked;
    this.#report();
    this.onData();
  }

  get hasByte(): boolean {
    return this.#state.queue.length > 0;
  }

  take(): number {
    const byte = this.#state.queue.shift() ?? 0;
    this.#report();
    return byte;
  }

  send(byte: number): void {
    const state = this.#state;
    const { command } = state;
    state.command = 0;
    if (state.wrap && byte !== 0xec && byte !== 0xff) state.queue.push(byte);
    else if (command === 0xe8) {
      state.resolution = byte & 3;
      state.queue.push(ACK);
    } else if (command === 0xf3) this.#setRate(byte);
    else this.#command(byte);
    this.onData();
  }

  save(): PlainData {
    return copyOf(this.#state);
  }

  load(state: PlainData): void {
    this.#state = copyOf(state as State);
  }

  #setRate(rate: number): void {
    const state = this.#state;
    state.rate = rate;
    state.rates = [...state.rates.slice(-2), rate];
    const knock = KNOCKS.find(({ rates }) => rates.every((wanted, i) => state.rates[i] === wanted));
    if (knock !== undefined) state.id = knock.id;
    state.queue.push(ACK);
  }

  /** Sends packets for what has not been reported, as far as there is room. */
  #report(): void {
    const state = this.#state;
    if (!state.reporting || state.remote || state.wrap) return;
    const bytes = state.id === 0 ? 3 : 4;
    const isPending = (): boolean =>
      state.clicked || state.x !== 0 || state.y !== 0 || (state.z !== 0 && state.id !== 0);
    while (isPending() && state.queue.length + bytes <= QUEUE_BYTES) {
      state.queue.push(...this.#packet(state.scale2));
    }
  }

  /** As much of what has not been reported as fits into a packet. */
  #packet(scaled: boolean): number[] {
    const state = this.#state;
    const within = (value: number, most: number): number => Math.min(Math.max(value, -most), most);
    // Doubled, it has to fit, too.
    const most = scaled ? Math.floor(MOST / 2) : MOST;
    const x = within(state.x, most);
    const y = within(state.y, most);
    const z = within(state.z, state.id === 4 ? MOST_WHEEL : MOST);
    state.x -= x;
    state.y -= y;
    state.z = state.id === 0 ? 0 : state.z - z;
    state.clicked = false;
    const count = (value: number): number => {
      const size = Math.abs(value);
      return scaled ? Math.sign(value) * (SCALED[size] ?? size * 2) : value;
    };
    const packet = [
      0x08 | state.buttons | (x < 0 ? 0x10 : 0) | (y < 0 ? 0x20 : 0),
      count(x) & 0xff,
      count(y) & 0xff,
    ];
    if (state.id === 3) packet.push(z & 0xff);
    if (state.id === 4) packet.push(z & 0x0f);
    return packet;
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
      case 0xe9: {
        // Status: the buttons are left, middle, right from bit 2 down.
        const buttons = ((state.buttons & 1) << 2) | ((state.buttons & 4) >> 1) | ((state.buttons & 2) >> 1);
        const modes = (state.remote ? 0x40 : 0) | (state.reporting ? 0x20 : 0) | (state.scale2 ? 0x10 : 0);
        state.queue.push(modes | buttons, state.resolution, state.rate);
        return;
      }
      case 0xea:
        state.remote = false;
        return;
      case 0xeb: // read data; scaling is for stream mode only
        state.queue.push(...this.#packet(false));
        return;
      case 0xec:
      case 0xee:
        state.wrap = byte === 0xee;
        return;
      case 0xf0:
        state.remote = true;
        return;
      case 0xf2: // identify
        state.queue.push(state.id);
        return;
      case 0xf4:
      case 0xf5:
        state.reporting = byte === 0xf4;
        Object.assign(state, STILL);
        return;
      case 0xf6:
        Object.assign(state, DEFAULTS, STILL);
        return;
      case 0xff:
        this.#state = { ...powerOn(state.buttons), queue: [ACK, SELF_TEST_PASSED, 0] };
        return;
      default:
        state.queue = [RESEND];
    }
  }
}
