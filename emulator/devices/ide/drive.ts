/**
 * A drive on an ATA channel: its registers, the data that passes through the data port, and the request that is under way. What commands mean is for
 * the two kinds of drives to say (`disk.ts`, `cdrom.ts`).
 *
 *                 command                      `due` reached: `perform`
 *     idle ──────────────────► busy ─────────────────────────────────────► data in or out by the data port (DRQ), or idle
 *       └─────► waiting for the bus master ──► busy ───────────────────► idle
 *
 * Invariant: a drive is busy exactly while `due` is set, until the virtual time `due`. What needs the medium happens then, and may throw `Pending`: nothing
 * has changed by then, and the same is tried again at the same instant.
 */
import { assert } from "../../assert.ts";
import { BlockError } from "../../block/index.ts";
import type { Nanoseconds } from "../../numbers.ts";
import type { PlainData } from "../device.ts";
import { copyOf } from "../state.ts";
import { DEVICE, DIAGNOSTIC_PASSED, DONE, ERROR, REGISTER, STATUS } from "./registers.ts";

/** A request takes this long, in nanoseconds of virtual time: about what a solid-state disk needs. */
const REQUEST_DELAY = 100_000;
/** The next block of a command that transfers by the data port is in the drive's cache. */
const NEXT_BLOCK_DELAY = 10_000;

/** What a drive tells its channel. */
export interface DriveHost {
  now(): Nanoseconds;
  /** The drive raises its interrupt, or raises it again. */
  interrupted(): void;
  /** The interrupt was acknowledged, or the time of the next event has changed. */
  changed(): void;
}

/** Plain data. */
export type DriveState = {
  /** Two bytes deep each: the low byte was written last. */
  features: number;
  count: number;
  lbaLow: number;
  lbaMid: number;
  lbaHigh: number;
  device: number;
  status: number;
  error: number;
  /** INTRQ, as far as the drive is concerned. */
  interrupt: boolean;
  /** The command under way or done last. */
  command: number;
  /** The data port's block, and how much of it has passed. */
  buffer: Uint8Array;
  position: number;
  transfer: "none" | "in" | "out";
  /** A transfer that waits for the bus master or goes through it. */
  dma: "none" | "in" | "out";
  due: number | null;
};

const REGISTERS = ["features", "features", "count", "lbaLow", "lbaMid", "lbaHigh"] as const;
const EMPTY = new Uint8Array(0);

export abstract class IdeDrive {
  protected readonly host: DriveHost;
  protected registers: DriveState;

  constructor(host: DriveHost) {
    this.host = host;
    this.registers = {
      features: 0,
      count: 1,
      lbaLow: 1,
      lbaMid: 0,
      lbaHigh: 0,
      device: DEVICE.always,
      status: DONE,
      error: 0,
      interrupt: false,
      command: 0,
      buffer: EMPTY,
      position: 0,
      transfer: "none",
      dma: "none",
      due: null,
    };
  }

  /** By which software tells a packet device: LBA mid and high after a reset. */
  protected abstract readonly signature: readonly [mid: number, high: number];
  /** What the status register shows after a reset, when there is no error. */
  protected abstract readonly resetStatus: number;
  /** A command was written, and the drive is free to take it. */
  protected abstract execute(command: number): void;
  /** The host has taken or given the whole block of the data port. */
  protected abstract blockPassed(): void;
  /** The request is due. May throw `Pending` or `BlockError`, both before anything changed. */
  protected abstract perform(): void;
  /** A host's error: the guest learns that the medium cannot be read or written. */
  protected abstract mediumFailed(): void;

  /** Bytes that the transfer through the bus master is about, and what moves them; both may throw like `perform`. */
  abstract readonly dmaBytes: number;
  /** Null and false: the drive refuses. */
  abstract dmaRead(): Uint8Array | null;
  abstract dmaWrite(bytes: Uint8Array): boolean;
  protected abstract dmaDone(): void;

  /** Back to power-on. */
  reset(): void {
    this.softReset();
    Object.assign(this.registers, { status: DONE, error: 0, features: 0 });
  }

  /** SRST, DEVICE RESET and EXECUTE DEVICE DIAGNOSTIC: what was under way is gone, and the drive shows its signature. */
  softReset(): void {
    Object.assign(this.registers, {
      ...idle,
      buffer: EMPTY,
      interrupt: false,
      status: this.resetStatus,
      error: DIAGNOSTIC_PASSED,
      device: DEVICE.always,
    });
    this.showSignature();
    this.host.changed();
  }

  /** EXECUTE DEVICE DIAGNOSTIC has ended. */
  diagnosed(): void {
    this.interruptHost();
  }

  protected showSignature(): void {
    const [lbaMid, lbaHigh] = this.signature;
    Object.assign(this.registers, { count: 1, lbaLow: 1, lbaMid, lbaHigh });
    this.registers.device &= ~DEVICE.head;
  }

  // --- registers --------------------------------------------------------------------------------------------------------------------------

  get status(): number {
    return this.registers.status;
  }

  get interrupt(): boolean {
    return this.registers.interrupt;
  }

  /** Reading the status register ends the interrupt. */
  acknowledge(): void {
    if (!this.registers.interrupt) return;
    this.registers.interrupt = false;
    this.host.changed();
  }

  /** Registers 1 … 6. */
  readRegister(index: number, highOrder: boolean): number {
    const { registers } = this;
    if (index === REGISTER.device) return registers.device;
    if (index === REGISTER.error && !highOrder) return registers.error;
    const value = registers[REGISTERS[index]!];
    return highOrder ? value >>> 8 : value & 0xff;
  }

  writeRegister(index: number, value: number): void {
    const { registers } = this;
    if (index === REGISTER.device) registers.device = value | DEVICE.always;
    else {
      const name = REGISTERS[index]!;
      registers[name] = ((registers[name] << 8) | value) & 0xffff;
    }
  }

  writeCommand(command: number): void {
    const { registers } = this;
    const isOccupied = (registers.status & (STATUS.busy | STATUS.request)) !== 0;
    if (isOccupied && !this.interrupts(command)) return;
    Object.assign(registers, { command, error: 0, interrupt: false });
    this.host.changed();
    this.execute(command);
  }

  /** Whether a command is taken although another is under way. */
  protected interrupts(_command: number): boolean {
    return false;
  }

  // --- data port --------------------------------------------------------------------------------------------------------------------------

  readData(size: 1 | 2 | 4): number {
    const { registers } = this;
    if (registers.transfer !== "in") return 0;
    const { buffer, position } = registers;
    let value = 0;
    for (let n = size - 1; n >= 0; n--) value = value * 256 + (buffer[position + n] ?? 0);
    this.#advance(size);
    return value;
  }

  writeData(size: 1 | 2 | 4, value: number): void {
    const { registers } = this;
    if (registers.transfer !== "out") return;
    const { buffer, position } = registers;
    for (let n = 0; n < size && position + n < buffer.length; n++)
      buffer[position + n] = (value >>> (8 * n)) & 0xff;
    this.#advance(size);
  }

  /** The port is 16 bits wide: a byte takes a word. */
  #advance(size: 1 | 2 | 4): void {
    const { registers } = this;
    registers.position += Math.max(size, 2);
    if (registers.position < registers.buffer.length) return;
    registers.transfer = "none";
    registers.status &= ~STATUS.request;
    this.blockPassed();
  }

  // --- requests ---------------------------------------------------------------------------------------------------------------------------

  get deadline(): number {
    return this.registers.due ?? Infinity;
  }

  /** Does what is due by the data port or without data; a transfer through the bus master is the channel's to move. */
  tick(now: Nanoseconds): void {
    const { due, dma } = this.registers;
    if (due === null || now < due) return;
    assert(dma === "none", "the channel moves what goes through the bus master");
    this.attempt(() => {
      this.perform();
    });
  }

  /** Runs what may throw `BlockError`, which the guest then sees as a failing medium. `Pending` passes, with the request as it was. */
  attempt(request: () => void): void {
    try {
      request();
    } catch (error) {
      if (!(error instanceof BlockError)) throw error;
      this.mediumFailed();
    }
  }

  /** The transfer that waits for the bus master; "none" also while it is under way. */
  get dmaWaiting(): "none" | "in" | "out" {
    return this.registers.due === null ? this.registers.dma : "none";
  }
  /** The direction of the transfer that goes through the bus master, if one does. */
  get dmaDirection(): "none" | "in" | "out" {
    return this.registers.dma;
  }

  /** The bus master is ready: the transfer begins. */
  startDma(): void {
    this.#busyFor(REQUEST_DELAY);
  }

  /** The bus master was stopped: the transfer waits for it again. */
  suspendDma(): void {
    const { registers } = this;
    if (registers.dma === "none") return;
    registers.due = null;
    this.waitForDma(registers.dma);
    this.host.changed();
  }

  /**
   * The bus master has moved everything, or the drive refused it, or the bus master's table was too short: then nothing has been done, and as in QEMU the
   * drive is ready and says nothing.
   */
  finishDma(result: "complete" | "refused" | "short"): void {
    if (result === "refused") this.abort();
    else if (result === "complete") this.dmaDone();
    else Object.assign(this.registers, { ...idle, status: DONE });
    this.host.changed();
  }

  protected request(): void {
    this.#busyFor(REQUEST_DELAY);
  }
  protected requestNext(): void {
    this.#busyFor(NEXT_BLOCK_DELAY);
  }
  #busyFor(delay: number): void {
    const { registers } = this;
    registers.status = STATUS.ready | STATUS.busy;
    registers.due = this.host.now() + delay;
    this.host.changed();
  }

  /** The data port has a block for the host, or waits for one. */
  protected offerBlock(transfer: "in" | "out", buffer: Uint8Array): void {
    Object.assign(this.registers, { ...idle, transfer, buffer, status: DONE | STATUS.request });
    this.host.changed();
  }

  protected waitForDma(dma: "in" | "out"): void {
    Object.assign(this.registers, { ...idle, dma, status: DONE | STATUS.request });
  }

  /** The command has ended. */
  protected finish(): void {
    Object.assign(this.registers, { ...idle, buffer: EMPTY, status: DONE });
    this.interruptHost();
  }

  protected fail(error: number): void {
    Object.assign(this.registers, { ...idle, buffer: EMPTY, status: STATUS.ready | STATUS.error, error });
    this.interruptHost();
  }

  protected abort(): void {
    this.fail(ERROR.abort);
  }

  protected interruptHost(): void {
    this.registers.interrupt = true;
    this.host.interrupted();
  }

  // --- state ------------------------------------------------------------------------------------------------------------------------------

  save(): PlainData {
    return copyOf(this.registers);
  }

  load(state: PlainData): void {
    this.registers = copyOf(state as DriveState);
  }
}

/** Nothing is under way. */
const idle = { position: 0, transfer: "none", dma: "none", due: null } as const;
