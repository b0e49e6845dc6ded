/**
 * A device: one chip, one file, the same verbs. Its state is plain data, so a checkpoint is a copy.
 *
 * Invariant: a device learns the time only from `tick` and the `now` it is handed, and tells the outside only through the lines and
 * channels given to it when it was made. Nothing here asks a clock or chance.
 */
import type { Nanoseconds } from "../numbers.ts";

/** JSON-like plain data; byte arrays allowed. */
export type PlainData =
  | null
  | boolean
  | number
  | string
  | Uint8Array
  | readonly PlainData[]
  | { readonly [key: string]: PlainData };

export interface Device {
  /** Name in saved states and in messages, as QEMU spells it where QEMU has one ("isa-serial", "i8254"). */
  readonly name: string;
  /** Back to the state after power-on. */
  reset(): void;
  /** Virtual time at which `tick` must be called next; Infinity if nothing is scheduled. */
  readonly deadline: number;
  /** Brings the device to `now`; called at its deadline, and before any access when it keeps time. */
  tick(now: Nanoseconds): void;
  save(): PlainData;
  load(state: PlainData): void;
}

/** A range of I/O ports or of memory that a device answers. `address` is relative to the range's start. */
export interface RegionOps {
  read(address: number, size: 1 | 2 | 4): number;
  write(address: number, size: 1 | 2 | 4, value: number): void;
}

/**
 * What a guest's aligned access of 4 or 8 bytes to an open register does: asks the device; reads or writes memory; or reads memory as a counter, which has the value it
 * had at virtual time 0 and is now as much further as time has gone on.
 */
export type Reach = "device" | "memory" | "counter";

/**
 * Registers of 64 bits that a device keeps where guests may reach them without asking it. `offset` is that of a half, a multiple of 4, below 1024; `register`
 * that of a register. All of them are 0 and the device's at first.
 */
export interface OpenRegisters {
  /** Unsigned. */
  get(offset: number): number;
  set(offset: number, value: number): void;
  open(register: number, reach: Reach): void;
  /** Counters go on by one in so many nanoseconds of virtual time. */
  count(nanoseconds: number): void;
}

/** An interrupt or other signal line. */
export type Line = (level: boolean) => void;

/** Asks for the current virtual time; only the machine implements it. */
export type Now = () => Nanoseconds;
