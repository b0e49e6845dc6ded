/**
 * A host's store as the formats use it: within bounds, and what the host throws becomes a `BlockError` that names the store.
 *
 * Invariant: `Pending` passes through untouched.
 */
import { assert } from "../assert.ts";
import { BlockError, type ByteStore, Pending } from "./image.ts";

export class Store {
  readonly name: string;
  readonly readOnly: boolean;
  readonly #store: ByteStore;

  constructor(store: ByteStore) {
    this.#store = store;
    this.name = store.name;
    this.readOnly = store.readOnly;
  }

  get sizeBytes(): number {
    return this.#store.sizeBytes;
  }

  read(offset: number, length: number): Uint8Array {
    const bytes = this.#guard(() => this.#store.read(offset, length));
    assert(
      bytes.length === length,
      "a store gives the bytes asked for",
      this.name,
      offset,
      length,
      bytes.length,
    );
    return bytes;
  }

  write(offset: number, bytes: Uint8Array): void {
    assert(!this.readOnly, "a store that is read-only is not written", this.name);
    this.#guard(() => this.#store.write(offset, bytes));
  }

  flush(): void {
    if (!this.readOnly) this.#guard(() => this.#store.flush());
  }

  #guard<T>(access: () => T): T {
    try {
      return access();
    } catch (error) {
      if (error instanceof Pending || error instanceof BlockError) throw error;
      throw new BlockError(`${this.name}: ${error instanceof Error ? error.message : String(error)}`);
    }
  }
}
