/**
 * Two more ways to reset a PC.
 *
 *     port 0x92   0 reset pulse, 1 A20 (remembered; the gate is always open)
 *     port 0xcf9  1 hard reset, 2 reset now (PIIX3's reset control register)
 */
import type { Device, PlainData, RegionOps } from "./device.ts";
import { copyOf } from "./state.ts";

type State = { value: number };

export class Port92 implements Device, RegionOps {
  readonly name = "port92";
  readonly deadline = Infinity;
  readonly #resetMachine: () => void;
  #state: State = { value: 0 };

  constructor(resetMachine: () => void) {
    this.#resetMachine = resetMachine;
  }

  reset(): void {
    this.#state.value = 0;
  }

  tick(): void {}

  read(): number {
    return this.#state.value;
  }

  write(_address: number, _size: 1 | 2 | 4, value: number): void {
    const rises = value & ~this.#state.value & 1;
    this.#state.value = value & 0xff;
    if (rises) this.#resetMachine();
  }

  save(): PlainData {
    return copyOf(this.#state);
  }

  load(state: PlainData): void {
    this.#state = copyOf(state as State);
  }
}

export class ResetControl implements Device, RegionOps {
  readonly name = "piix3-reset-control";
  readonly deadline = Infinity;
  readonly #resetMachine: () => void;
  #state: State = { value: 0 };

  constructor(resetMachine: () => void) {
    this.#resetMachine = resetMachine;
  }

  reset(): void {
    this.#state.value = 0;
  }

  tick(): void {}

  read(): number {
    return this.#state.value;
  }

  write(_address: number, _size: 1 | 2 | 4, value: number): void {
    this.#state.value = value & 2;
    if (value & 4) this.#resetMachine();
  }

  save(): PlainData {
    return copyOf(this.#state);
  }

  load(state: PlainData): void {
    this.#state = copyOf(state as State);
  }
}
