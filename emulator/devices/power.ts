/**
 * The ACPI registers of the PIIX4 (ACPI 6.5 §4.8): the PM1a event and control blocks, the PM timer, general purpose events, and the SMI command port
 * through which an operating system takes over.
 *
 *     PM base (0x600 from firmware)
 *     +0 status (1 clears)   0 timer carry, 5 global lock, 8 power button, 10 RTC
 *     +2 enable, same bits   +4 control: 0 SCI on, 12:10 sleep type, 13 sleep        +8 timer, 24 bits at 3.579545 MHz
 *
 *     0xafe0 (GPE0, where QEMU has it)     +0 status, 16 bits (1 clears)    +2 enable
 *
 * Invariant: the system control interrupt is level-triggered: high while an event is both there and enabled and software has switched SCI on.
 * Sleep type 0 is soft-off on a PIIX4, and so is 2 (suspend to disk, which QEMU ends with a shutdown, too). Type 1 (suspend to RAM) is not implemented
 * and stops the machine by that name. Elsewhere: where the PM base is (`pci/power-management.ts`), the tables that lead a kernel here (`firmware/acpi`).
 */
import type { Nanoseconds } from "../numbers.ts";
import { PM_TIMER_HERTZ, ticksAt, timeOf } from "./clock.ts";
import type { Device, Line, PlainData, RegionOps } from "./device.ts";
import { copyOf } from "./state.ts";

const STATUS = { timer: 0x001, powerButton: 0x100 } as const;
const STATUS_MASK = 0x8531;
const ENABLE_MASK = 0x0521;
const CONTROL = { sci: 1, sleepType: 0x1c00, sleep: 0x2000 } as const;
/** The carry status is set each time bit 23 of the timer changes. */
const CARRY_TICKS = 1 << 23;
/** SMI commands with which SeaBIOS's ACPI tables switch SCI on and off. */
const ACPI_ENABLE = 0xf1;
const ACPI_DISABLE = 0xf0;

type State = {
  status: number;
  enable: number;
  control: number;
  gpeStatus: number;
  gpeEnable: number;
  smi: [number, number];
  now: number;
};

const powerOn = (now: number): State => ({
  status: 0,
  enable: 0,
  control: 0,
  gpeStatus: 0,
  gpeEnable: 0,
  smi: [0, 0],
  now,
});

export class Power implements Device {
  readonly name = "acpi";
  readonly #sci: Line;
  readonly #sleep: (type: number) => void;
  #state: State = powerOn(0);

  /** @param sleep called when the guest goes to sleep, with SLP_TYP */
  constructor(sci: Line, sleep: (type: number) => void) {
    this.#sci = sci;
    this.#sleep = sleep;
  }

  reset(): void {
    this.#state = powerOn(this.#state.now);
    this.#update();
  }

  get deadline(): number {
    const { status, enable, now } = this.#state;
    return enable & ~status & STATUS.timer ? nextCarry(now) : Infinity;
  }

  tick(now: Nanoseconds): void {
    const state = this.#state;
    if (now >= nextCarry(state.now)) state.status |= STATUS.timer;
    state.now = now;
    this.#update();
  }

  pressButton(): void {
    this.#state.status |= STATUS.powerButton;
    this.#update();
  }

  /** General purpose event `number` (0 … 15) has happened: what it means is for the DSDT to say. */
  raiseGpe(number: number): void {
    this.#state.gpeStatus |= 1 << number;
    this.#update();
  }

  readonly events: RegionOps = {
    read: (address, size) => readBytes([this.#state.status, this.#state.enable], address, size),
    write: (address, size, value) => {
      const state = this.#state;
      const merged = writeBytes([0, state.enable], address, size, value);
      state.status &= ~(merged[0] & STATUS_MASK);
      state.enable = merged[1] & ENABLE_MASK;
      this.#update();
    },
  };

  readonly controls: RegionOps = {
    read: (address, size) => readBytes([this.#state.control, 0], address, size),
    write: (address, size, value) => {
      const [merged] = writeBytes([this.#state.control, 0], address, size, value);
      this.#state.control = merged & ~CONTROL.sleep & 0xffff;
      this.#update();
      if (merged & CONTROL.sleep) this.#sleep((merged & CONTROL.sleepType) >> 10);
    },
  };

  readonly gpe: RegionOps = {
    read: (address, size) => readBytes([this.#state.gpeStatus, this.#state.gpeEnable], address, size),
    write: (address, size, value) => {
      const state = this.#state;
      const merged = writeBytes([0, state.gpeEnable], address, size, value);
      state.gpeStatus &= ~merged[0];
      state.gpeEnable = merged[1];
      this.#update();
    },
  };

  readonly timer: RegionOps = {
    read: (address, size) => {
      const ticks = ticksAt(this.#state.now, PM_TIMER_HERTZ) % 0x1000000;
      return readBytes([ticks & 0xffff, ticks >>> 16], address, size);
    },
    write: () => {},
  };

  /** Ports 0xb2 (command) and 0xb3 (status, a byte of scratch). There is no SMM behind it. */
  readonly smiCommand: RegionOps = {
    read: (address) => this.#state.smi[address & 1]!,
    write: (address, _size, value) => {
      const state = this.#state;
      state.smi[address & 1] = value & 0xff;
      if (address !== 0) return;
      if ((value & 0xff) === ACPI_ENABLE) state.control |= CONTROL.sci;
      if ((value & 0xff) === ACPI_DISABLE) state.control &= ~CONTROL.sci;
      this.#update();
    },
  };

  save(): PlainData {
    return copyOf(this.#state);
  }

  load(state: PlainData): void {
    this.#state = copyOf(state as State);
  }

  #update(): void {
    const { status, enable, control, gpeStatus, gpeEnable } = this.#state;
    const isPending = (status & enable) !== 0 || (gpeStatus & gpeEnable) !== 0;
    this.#sci((control & CONTROL.sci) !== 0 && isPending);
  }
}

function nextCarry(now: number): number {
  return timeOf((Math.floor(ticksAt(now, PM_TIMER_HERTZ) / CARRY_TICKS) + 1) * CARRY_TICKS, PM_TIMER_HERTZ);
}

/** Reads 1, 2 or 4 bytes out of two 16-bit registers that lie side by side. */
function readBytes(registers: readonly [number, number], address: number, size: 1 | 2 | 4): number {
  const both = (registers[0] | (registers[1] << 16)) >>> 0;
  const shifted = both >>> (8 * address);
  return size === 4 ? shifted : shifted & (size === 1 ? 0xff : 0xffff);
}

/** The two registers after a write of 1, 2 or 4 bytes. */
function writeBytes(
  registers: readonly [number, number],
  address: number,
  size: 1 | 2 | 4,
  value: number,
): [number, number] {
  const mask = (size === 4 ? 0xffffffff : size === 2 ? 0xffff : 0xff) << (8 * address);
  const both = (((registers[0] | (registers[1] << 16)) & ~mask) | ((value << (8 * address)) & mask)) >>> 0;
  return [both & 0xffff, both >>> 16];
}
