/**
 * Who wrote the entries of one table last: a few bytes an entry, and none for a table that was only read.
 */
import { PAGE_BYTES, physical, type Instant } from "../numbers.ts";
import type { TableWrite } from "../cpu/stale.ts";

const WRITERS = ["instruction", "other"] as const satisfies readonly TableWrite["by"][];
/** Bits of a writer: bit 7 there is one, bit 6 the value is not known, bit 0 the index in WRITERS. */
const WRITTEN = 0x80;
const UNKNOWN_VALUE = 0x40;

export class TableWrites {
  readonly #rip: BigUint64Array;
  readonly #before: BigUint64Array;
  readonly #after: BigUint64Array;
  readonly #instant: Float64Array;
  readonly #cpu: Uint8Array;
  readonly #writer: Uint8Array;

  constructor(entries: number) {
    this.#rip = new BigUint64Array(entries);
    this.#before = new BigUint64Array(entries);
    this.#after = new BigUint64Array(entries);
    this.#instant = new Float64Array(entries);
    this.#cpu = new Uint8Array(entries);
    this.#writer = new Uint8Array(entries);
  }

  put(index: number, write: TableWrite): void {
    this.#rip[index] = write.rip;
    this.#before[index] = write.before;
    this.#after[index] = write.after ?? 0n;
    this.#instant[index] = write.instant;
    this.#cpu[index] = write.cpu;
    this.#writer[index] = WRITTEN | (write.after === null ? UNKNOWN_VALUE : 0) | WRITERS.indexOf(write.by);
  }

  /** The last write of an entry of the table at a guest-physical page, or null. */
  get(page: number, index: number): TableWrite | null {
    const writer = this.#writer[index] ?? 0;
    if ((writer & WRITTEN) === 0) return null;
    return {
      address: physical(page * PAGE_BYTES + index * (PAGE_BYTES / this.#writer.length)),
      by: WRITERS[writer & 1]!,
      cpu: this.#cpu[index]!,
      rip: this.#rip[index]!,
      instant: this.#instant[index] as Instant,
      before: this.#before[index]!,
      after: (writer & UNKNOWN_VALUE) !== 0 ? null : this.#after[index]!,
    };
  }
}
