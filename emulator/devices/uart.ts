/**
 * A 16550A UART (National PC16550D data sheet) at the other end of whose cable sits a host that is always there: CTS, DSR and DCD are up.
 *
 *     0  RBR/THR, DLAB: DLL    1  IER, DLAB: DLM    2  r: IIR  w: FCR    3  LCR    4  MCR    5  LSR    6  MSR    7  SCR
 *
 * Time: as in QEMU a byte written is sent at once, THR and shift register are empty again before the next instruction, and the "transmitter
 * empty" interrupt follows each byte. (At real speed a polling driver would spend 87,000 instructions on each byte of a boot log at
 * 115,200 baud.) Bytes from outside wait in `incoming` and enter the receiver when it has room, so a host cannot overrun it; only loopback can. The
 * receiver's time-out interrupt comes after four character times of virtual time, as programmed.
 *
 * Invariant: the interrupt line is a function of the registers, worked out again after every change. As on a PC it passes through a gate that MCR.OUT2
 * opens (it is open after reset, as firmware leaves it). Breaks, parity and framing errors do not occur.
 */
import type { Nanoseconds } from "../numbers.ts";
import type { Device, Line, PlainData, RegionOps } from "./device.ts";
import { copyOf } from "./state.ts";

const IER = { received: 1, transmitterEmpty: 2, lineStatus: 4, modemStatus: 8 } as const;
const IIR = {
  none: 1,
  modemStatus: 0,
  transmitterEmpty: 2,
  received: 4,
  lineStatus: 6,
  timeout: 0x0c,
  fifos: 0xc0,
} as const;
const LCR_DLAB = 0x80;
const MCR = { dtr: 1, rts: 2, out1: 4, out2: 8, loop: 0x10 } as const;
const LSR = { dataReady: 1, overrun: 2, thrEmpty: 0x20, transmitterIdle: 0x40 } as const;
const MSR = { cts: 0x10, dsr: 0x20, ri: 0x40, dcd: 0x80 } as const;
const FIFO_BYTES = 16;
const TRIGGERS = [1, 4, 8, 14] as const;
/** The UART's clock (1.8432 MHz) after its division by 16. */
const BAUD_CLOCK = 115_200;

type State = {
  divisor: number;
  ier: number;
  fcr: number;
  lcr: number;
  mcr: number;
  msr: number;
  scr: number;
  overrun: boolean;
  /** The transmitter-empty interrupt is pending: set by a byte sent, cleared by reading IIR or writing THR. */
  transmitterEmpty: boolean;
  timedOut: boolean;
  /** What the receiver holds: up to 16 bytes, or one without FIFO. */
  received: number[];
  /** What is on the cable. */
  incoming: number[];
  now: number;
  /** When the receiver's time-out is due, −1 if it does not run. */
  timeoutAt: number;
};

export class Uart implements Device, RegionOps {
  readonly name: string;
  readonly #irq: Line;
  readonly #send: (byte: number) => void;
  #state: State = powerOn();

  /** @param send receives each byte the guest transmits (not in loopback) */
  constructor(name: string, irq: Line, send: (byte: number) => void) {
    this.name = name;
    this.#irq = irq;
    this.#send = send;
  }

  get deadline(): number {
    return this.#state.timeoutAt < 0 ? Infinity : this.#state.timeoutAt;
  }

  reset(): void {
    const { now, incoming } = this.#state;
    this.#state = { ...powerOn(), now, incoming };
    this.#fill();
  }

  tick(now: Nanoseconds): void {
    const state = this.#state;
    state.now = now;
    if (state.timeoutAt < 0 || now < state.timeoutAt) return;
    state.timeoutAt = -1;
    state.timedOut = true;
    this.#update();
  }

  /** Bytes from outside. */
  receive(bytes: Uint8Array): void {
    this.#state.incoming.push(...bytes);
    this.#fill();
  }

  read(address: number, _size: 1 | 2 | 4): number {
    const state = this.#state;
    switch (address) {
      case 0: {
        if (state.lcr & LCR_DLAB) return state.divisor & 0xff;
        const byte = state.received.shift() ?? 0;
        state.timedOut = false;
        state.timeoutAt = -1;
        this.#fill();
        return byte;
      }
      case 1:
        return state.lcr & LCR_DLAB ? state.divisor >> 8 : state.ier;
      case 2: {
        const source = this.#interrupt();
        if (source === IIR.transmitterEmpty) {
          state.transmitterEmpty = false;
          this.#update();
        }
        return source | (state.fcr & 1 ? IIR.fifos : 0);
      }
      case 3:
        return state.lcr;
      case 4:
        return state.mcr;
      case 5: {
        const status = this.#lineStatus();
        state.overrun = false;
        this.#update();
        return status;
      }
      case 6: {
        const status = state.msr;
        state.msr &= 0xf0;
        this.#update();
        return status;
      }
      default:
        return state.scr;
    }
  }

  write(address: number, _size: 1 | 2 | 4, value: number): void {
    const state = this.#state;
    const byte = value & 0xff;
    switch (address) {
      case 0:
        if (state.lcr & LCR_DLAB) state.divisor = (state.divisor & 0xff00) | byte;
        else this.#transmit(byte);
        break;
      case 1:
        if (state.lcr & LCR_DLAB) state.divisor = (byte << 8) | (state.divisor & 0xff);
        else {
          // Enabling the interrupt while the transmitter is empty, which it always is, raises it at once.
          if (byte & ~state.ier & IER.transmitterEmpty) state.transmitterEmpty = true;
          state.ier = byte & 0x0f;
        }
        break;
      case 2:
        this.#control(byte);
        break;
      case 3:
        state.lcr = byte;
        break;
      case 4:
        state.mcr = byte & 0x1f;
        this.#modemLines();
        break;
      case 7:
        state.scr = byte;
        break;
      default: // LSR and MSR are read-only
    }
    this.#fill();
  }

  save(): PlainData {
    return copyOf(this.#state);
  }

  load(state: PlainData): void {
    this.#state = copyOf(state as State);
  }

  #transmit(byte: number): void {
    const state = this.#state;
    state.transmitterEmpty = true;
    if ((state.mcr & MCR.loop) === 0) this.#send(byte);
    else if (this.#hasRoom()) this.#accept(byte);
    else {
      state.overrun = true;
      // Without FIFO the receiver buffer is overwritten; with it the new byte is lost.
      if ((state.fcr & 1) === 0) state.received[0] = byte;
    }
  }

  #control(value: number): void {
    const state = this.#state;
    const toggled = ((value ^ state.fcr) & 1) !== 0;
    if (toggled || (value & 1 && value & 2)) {
      state.received = [];
      state.timedOut = false;
      state.timeoutAt = -1;
    }
    // Without bit 0 the other bits are not programmed.
    state.fcr = value & 1 ? value & 0xc9 : 0;
  }

  #hasRoom(): boolean {
    return this.#state.received.length < (this.#state.fcr & 1 ? FIFO_BYTES : 1);
  }

  #accept(byte: number): void {
    const state = this.#state;
    state.received.push(byte);
    state.timeoutAt = -1; // each character starts the time-out anew
  }

  /** Takes from the cable what the receiver has room for, then brings time-out and interrupt line up to date. */
  #fill(): void {
    const state = this.#state;
    while (state.incoming.length > 0 && (state.mcr & MCR.loop) === 0 && this.#hasRoom())
      this.#accept(state.incoming.shift()!);
    if ((state.fcr & 1) !== 0 && state.received.length > 0 && !state.timedOut && state.timeoutAt < 0) {
      state.timeoutAt = state.now + 4 * this.#characterNanoseconds();
    }
    this.#update();
  }

  #characterNanoseconds(): number {
    const { lcr, divisor } = this.#state;
    const bits = 1 + 5 + (lcr & 3) + (lcr & 8 ? 1 : 0) + (lcr & 4 ? 2 : 1);
    return Math.ceil((bits * (divisor || 0x10000) * 1_000_000_000) / BAUD_CLOCK);
  }

  #lineStatus(): number {
    const { received, overrun } = this.#state;
    return (
      LSR.thrEmpty |
      LSR.transmitterIdle |
      (received.length > 0 ? LSR.dataReady : 0) |
      (overrun ? LSR.overrun : 0)
    );
  }

  /** The modem's inputs, or in loopback the four outputs turned round: DTR → DSR, RTS → CTS, OUT1 → RI, OUT2 → DCD. */
  #modemLines(): void {
    const state = this.#state;
    const { mcr } = state;
    const lines =
      (mcr & MCR.loop) === 0
        ? MSR.cts | MSR.dsr | MSR.dcd
        : (mcr & MCR.rts ? MSR.cts : 0) |
          (mcr & MCR.dtr ? MSR.dsr : 0) |
          (mcr & MCR.out1 ? MSR.ri : 0) |
          (mcr & MCR.out2 ? MSR.dcd : 0);
    const changed = (lines ^ state.msr) & 0xf0;
    // The delta bit of RI marks its trailing edge only.
    const delta = changed & ~(lines & MSR.ri);
    state.msr = lines | (state.msr & 0x0f) | (delta >> 4);
  }

  /** The pending interrupt of highest priority, as IIR names it. */
  #interrupt(): number {
    const { ier, fcr, received, overrun, timedOut, transmitterEmpty, msr } = this.#state;
    if (ier & IER.lineStatus && overrun) return IIR.lineStatus;
    if (ier & IER.received && timedOut) return IIR.timeout;
    const trigger = fcr & 1 ? TRIGGERS[(fcr >> 6) as 0 | 1 | 2 | 3] : 1;
    if (ier & IER.received && received.length >= trigger) return IIR.received;
    if (ier & IER.transmitterEmpty && transmitterEmpty) return IIR.transmitterEmpty;
    if (ier & IER.modemStatus && msr & 0x0f) return IIR.modemStatus;
    return IIR.none;
  }

  #update(): void {
    this.#irq(this.#interrupt() !== IIR.none && (this.#state.mcr & MCR.out2) !== 0);
  }
}

function powerOn(): State {
  return {
    divisor: 12, // 9600 baud, as QEMU's
    ier: 0,
    fcr: 0,
    lcr: 0,
    mcr: MCR.out2,
    msr: MSR.cts | MSR.dsr | MSR.dcd,
    scr: 0,
    overrun: false,
    transmitterEmpty: false,
    timedOut: false,
    received: [],
    incoming: [],
    now: 0,
    timeoutAt: -1,
  };
}
