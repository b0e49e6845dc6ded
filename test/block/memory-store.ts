/** A host file in memory. It can be late: `late` decides for each read whether the bytes are not here yet, and each is late only once. */
import { type ByteStore, Pending } from "../../emulator/block/index.ts";

export class MemoryStore implements ByteStore {
  readonly name: string;
  readonly readOnly: boolean;
  bytes: Uint8Array;
  flushes = 0;
  late: (offset: number) => boolean = () => false;
  #arrived = new Set<number>();

  constructor(bytes: Uint8Array, options: { readonly name?: string; readonly readOnly?: boolean } = {}) {
    this.bytes = bytes;
    this.name = options.name ?? "disk.img";
    this.readOnly = options.readOnly ?? false;
  }

  get sizeBytes(): number {
    return this.bytes.length;
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
    if (offset + bytes.length > this.bytes.length) {
      const grown = new Uint8Array(offset + bytes.length);
      grown.set(this.bytes);
      this.bytes = grown;
    }
    this.bytes.set(bytes, offset);
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
