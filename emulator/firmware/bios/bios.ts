/**
 * The built-in BIOS: services for real-mode software, written here instead of as machine code. A stub in segment F000 (`rom.ts`) writes to SERVICE_PORT;
 * before its next instruction the service has run on the processor's registers and on guest memory.
 *
 * Invariant: a service runs between two instructions, at one instant, and what it remembers is plain data: in the BIOS data area as on a PC, or in
 * `BiosState`. It reaches devices through their ports, as a BIOS does, disks through their images. If an image's bytes are not here yet, nothing has been
 * changed and the service runs again, at the same instant, when they are.
 * Elsewhere: one file per interrupt beside this one.
 */
import type { Core } from "../../cpu/core.ts";
import { SEG } from "../../cpu/layout.ts";
import type { Device, Now, PlainData, RegionOps } from "../../devices/device.ts";
import { copyOf } from "../../devices/state.ts";
import type { Nanoseconds } from "../../numbers.ts";
import { boot, bootNext, post } from "./boot.ts";
import { Call } from "./call.ts";
import { clockInterrupt, timeOfDay, timer } from "./clock.ts";
import type { BiosContext, BiosState, Service } from "./context.ts";
import { disk } from "./disk.ts";
import { equipment, memorySize, printer } from "./equipment.ts";
import { key, keyboard } from "./keyboard.ts";
import { mouseByte, mouseReply, noMouse } from "./mouse.ts";
import { BIOS_BASE, type ServiceName, serviceEndingAt } from "./rom.ts";
import { serial } from "./serial.ts";
import { eventWait, system } from "./system.ts";
import { video } from "./video.ts";

/** What the BIOS asks of the machine. */
export interface BiosEnvironment extends Pick<BiosContext, "drives" | "bootOrder" | "memoryMap" | "log"> {
  readonly now: Now;
  readonly rescheduled: (deadline: number) => void;
  /** The CPU whose access is under way, and all of them. */
  readonly currentCpu: () => number;
  readonly core: (cpu: number) => Core;
}

const SERVICES: { readonly [name in ServiceName]: Service } = {
  post,
  boot,
  eventWait,
  timer,
  key,
  clockInterrupt,
  mouseByte,
  mouseReply,
  int10: video,
  int11: equipment,
  int12: memorySize,
  int13: disk,
  int14: serial,
  int15: system,
  int16: keyboard,
  int17: printer,
  int18: bootNext,
  int1a: timeOfDay,
};

export class Bios implements Device {
  readonly name = "bios";
  readonly #environment: BiosEnvironment;
  #state: BiosState = powerOn();
  #due = Infinity;

  constructor(environment: BiosEnvironment) {
    this.#environment = environment;
  }

  /** SERVICE_PORT. Software that writes there by itself reaches nothing. */
  readonly port: RegionOps = {
    read: () => 0xff,
    write: () => {
      this.#state.pending = this.#environment.currentCpu();
      this.#due = this.#environment.now();
      this.#environment.rescheduled(this.#due);
    },
  };

  get deadline(): number {
    return this.#due;
  }

  /** Runs the service that was asked for: which one says the address behind the OUT. Throws `Pending`. */
  tick(now: Nanoseconds): void {
    const { pending } = this.#state;
    if (pending === null) return;
    const core = this.#environment.core(pending);
    const service = serviceEndingAt(Number(core.segmentBase(SEG.cs) + core.rip) - BIOS_BASE);
    const call = new Call(core);
    const { drives, bootOrder, memoryMap, log } = this.#environment;
    if (service !== null)
      SERVICES[service](call, { state: this.#state, now, drives, bootOrder, memoryMap, log });
    this.#state.pending = null;
    this.#due = Infinity;
  }

  reset(): void {
    this.#state = powerOn();
    this.#due = Infinity;
  }

  save(): PlainData {
    return { ...copyOf(this.#state), due: this.#due === Infinity ? null : this.#due };
  }

  load(saved: PlainData): void {
    const { due, ...state } = saved as BiosState & { due: number | null };
    this.#state = copyOf(state);
    this.#due = due ?? Infinity;
  }
}

const powerOn = (): BiosState => ({
  pending: null,
  candidate: 0,
  emulation: null,
  waitingSince: null,
  mouse: noMouse(),
});
