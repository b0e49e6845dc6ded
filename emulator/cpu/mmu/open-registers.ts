/**
 * Registers of one device that guests reach without asking it: in linear memory, where emitted code looks when a page has no frame.
 *
 * Invariant: an access that is answered there does what the device would do; the device opens a register only while that holds.
 * Elsewhere: the device (`devices/hpet.ts`), where its registers are in memory (`machine/board.ts`), the emitted code (`open-access.ts`).
 */
import type { OpenRegisters, Reach } from "../../devices/device.ts";
import { OPEN_REGISTERS, REACH } from "../layout.ts";
import { Views } from "../views.ts";

export class LinearRegisters implements OpenRegisters {
  readonly #views: Views;

  constructor(memory: WebAssembly.Memory) {
    this.#views = new Views(memory);
    this.place(null);
  }

  /** The registers begin with a guest-physical page; null: guests do not reach them. */
  place(page: number | null): void {
    this.#views.setWord(OPEN_REGISTERS.page, page ?? OPEN_REGISTERS.nowhere);
  }

  get(offset: number): number {
    return this.#views.word(OPEN_REGISTERS.values + offset);
  }
  set(offset: number, value: number): void {
    this.#views.setWord(OPEN_REGISTERS.values + offset, value);
  }
  open(register: number, reach: Reach): void {
    this.#views.u8[OPEN_REGISTERS.reach + register / OPEN_REGISTERS.registerBytes] = REACH[reach];
  }
  count(nanoseconds: number): void {
    this.#views.setWord(OPEN_REGISTERS.period, nanoseconds);
  }
}
