/**
 * Bus master registers of one IDE channel (SFF-8038i; Intel 290550 §2.7), and its table of memory regions.
 *
 *     +0 command   0 start, 3 to memory        +2 status   0 active, 1 error, 2 interrupt (1 clears both), 6:5 drives can do it
 *     +4 table     of 8-byte entries: 31:1 address, 47:32 bytes (0: 64 KiB), 63 last
 *
 * Invariant: `active` stays set after a transfer that was shorter than its table, which is how a driver learns of it.
 * Elsewhere: when a transfer begins and who moves the bytes (`channel.ts`).
 */
import type { GuestMemory } from "../../memory/guest-memory.ts";
import { physical } from "../../numbers.ts";

const COMMAND = { start: 1, toMemory: 8 } as const;
const BM_STATUS = { active: 1, error: 2, interrupt: 4, drives: 0x60 } as const;
const ENTRY_BYTES = 8;
/** A table fills a page at most. */
const MAXIMUM_ENTRIES = 512;
const REGISTER = { command: 0, status: 2, table: 4 } as const;

/** Plain data. */
export type BusMasterState = { command: number; status: number; table: number };

export interface MemoryPiece {
  readonly address: number;
  readonly bytes: number;
}

export class BusMaster {
  #state: BusMasterState = { command: 0, status: 0, table: 0 };

  get isActive(): boolean {
    return (this.#state.status & BM_STATUS.active) !== 0;
  }

  reset(): void {
    this.#state = { command: 0, status: 0, table: 0 };
  }

  /** The drive's interrupt rose. */
  interrupted(): void {
    this.#state.status |= BM_STATUS.interrupt;
  }

  finished(): void {
    this.#state.status &= ~BM_STATUS.active;
  }

  /** A byte of the eight registers. */
  read(address: number): number {
    const { command, status, table } = this.#state;
    if (address === REGISTER.command) return command;
    if (address === REGISTER.status) return status;
    return address < REGISTER.table ? 0xff : (table >>> (8 * (address - REGISTER.table))) & 0xff;
  }

  /** Returns what a write of the command register asks for. */
  write(address: number, value: number): "start" | "stop" | null {
    const state = this.#state;
    if (address === REGISTER.status) {
      const { active, error, interrupt, drives } = BM_STATUS;
      const kept = state.status & active;
      state.status = (value & drives) | kept | (state.status & ~value & (error | interrupt));
    } else if (address >= REGISTER.table) {
      const shift = 8 * (address - REGISTER.table);
      state.table = (((state.table & ~(0xff << shift)) | (value << shift)) & ~3) >>> 0;
    } else if (address === REGISTER.command) {
      const changed = (value ^ state.command) & COMMAND.start;
      state.command = value & (COMMAND.start | COMMAND.toMemory);
      if (changed === 0) return null;
      if ((value & COMMAND.start) === 0) {
        state.status &= ~BM_STATUS.active;
        return "stop";
      }
      state.status |= BM_STATUS.active;
      return "start";
    }
    return null;
  }

  /**
   * The pieces of memory that the first `bytes` of a transfer go to or come from, and whether the table goes on after them.
   *
   * @param memory null: the function may not master the bus. What it fetches is then zeros, and what it stores is lost, as in QEMU.
   */
  pieces(
    memory: GuestMemory | null,
    bytes: number,
  ): { pieces: MemoryPiece[]; bytes: number; goesOn: boolean } {
    const pieces: MemoryPiece[] = [];
    let total = 0;
    for (let n = 0; n < MAXIMUM_ENTRIES; n++) {
      const at = this.#state.table + ENTRY_BYTES * n;
      const address = memory === null ? 0 : memory.read(physical(at), 4) & ~1;
      const flags = memory === null ? 0 : memory.read(physical(at + 4), 4);
      const size = flags & 0xfffe || 0x10000;
      const isLast = flags >>> 31 === 1;
      const piece = Math.min(size, bytes - total);
      pieces.push({ address: address >>> 0, bytes: piece });
      total += piece;
      if (total === bytes) return { pieces, bytes: total, goesOn: piece < size || !isLast };
      if (isLast) break;
    }
    return { pieces, bytes: total, goesOn: false };
  }

  save(): BusMasterState {
    return { ...this.#state };
  }

  load(state: BusMasterState): void {
    this.#state = { ...state };
  }
}
