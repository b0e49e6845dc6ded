/** A host file in memory. It can be late: `late` decides for each read whether the bytes are not here yet, and each is late only once. */
import { type ByteStore, Pending } from "../../emulator/block/index.ts";

export class MemoryStore implements ByteStore {
  readonly name: string;
  readonly readOnly: boolean;
  #buffer: Uint8Array;
  #size: number;
  flushes = 0;
  late: (offset: number) => boolean = () => false;
  #arrived = new Set<number>();

  constructor(bytes: Uint8Array, options: { readonly name?: string; readonly readOnly?: boolean } = {}) {
    this.#buffer = bytes;
    this.#size = bytes.length;
    this.name = options.name ?? "disk.img";
    this.readOnly = options.readOnly ?? false;
  }

  get sizeBytes(): number {
    return this.#size;
  }
  /** The file as it is now. */
  get bytes(): Uint8Array {
    return this.#buffer.subarray(0, this.#size);
  }
  read(offset: number, length: number): Uint8Array {
    if (!this.#arrived.has(offset) && this.late(offset)) {
      this.#arrived.add(offset);
      throw new Pending(Promise.resolve());
    }
    const bytes = new Uint8Array(length);
    bytes.set(this.bytes.subarray(offset, offset + length));
    return bytes;
  }
  write(offset: number, bytes: Uint8Array): void {
    const end = offset + bytes.length;
    if (end > this.#buffer.length) {
      const grown = new Uint8Array(2 * end);
      grown.set(this.bytes);
      this.#buffer = grown;
    }
    this.#size = Math.max(this.#size, end);
    this.#buffer.set(bytes, offset);
  }
  flush(): void {
    this.flushes++;
  }
}

/** Does something again until nothing is late any more. */
export function retry<T>(action: () => T): T {
  for (;;) {
    try {
      return action();
    } catch (error) {
      if (!(error instanceof Pending)) throw error;
    }
  }
}
