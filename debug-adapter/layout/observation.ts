/** What the debugger remembers of a machine's memory from stop to stop: moments, maps, and the pages that somebody has looked at. */
import { PAGE_BYTES, type Machine } from "../../emulator/index.ts";
import { DirtyMaps } from "./dirty-maps.ts";
import { Shown } from "./window.ts";

export class Observation {
  readonly maps: DirtyMaps;
  readonly shown = new Shown();
  readonly #machine: Machine;
  #stops = 0;
  #instant = -1;

  constructor(machine: Machine) {
    this.#machine = machine;
    this.maps = new DirtyMaps(machine);
  }

  /** How many times the machine has stopped somewhere else than before. */
  get stops(): number {
    return this.#stops;
  }

  /** The machine has stopped for its user. */
  stopped(): void {
    if (this.#machine.instant === this.#instant) return;
    this.#instant = this.#machine.instant;
    this.#stops++;
    this.maps.stopped();
  }

  /** Whether a guest-physical page has been written since the stop before. */
  isWritten(page: number, isRunning: boolean): boolean {
    const { memory } = this.#machine;
    const range = memory.addressSpace.find(page * PAGE_BYTES);
    if (page < 0 || range === null || range.block === null) return false;
    const first = Math.floor((page * PAGE_BYTES - range.start + range.offset) / PAGE_BYTES);
    const cells = { first, count: 1, pagesPerCell: 1 };
    return memory.dirty.countChanged(range.block, this.maps.before(isRunning).epoch, cells)[0] === 1;
  }
}
