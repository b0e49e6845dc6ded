/** A raw image: the disk's bytes as they are. A size that is no multiple of the sector is filled up with zeros, as QEMU does. */
import { assert } from "../assert.ts";
import type { BlockImage, ByteStore } from "./image.ts";
import { Store } from "./store.ts";

const ZERO_BYTES = 0x10000;

export class RawImage implements BlockImage {
  readonly name: string;
  readonly format = "raw";
  readonly sizeBytes: number;
  readonly readOnly: boolean;
  readonly #store: Store;

  /** @param sectorBytes 512 for a disk, 2048 for a CD */
  constructor(store: ByteStore, sectorBytes = 512) {
    this.#store = new Store(store);
    this.name = store.name;
    this.readOnly = store.readOnly;
    this.sizeBytes = Math.ceil(store.sizeBytes / sectorBytes) * sectorBytes;
  }

  read(offset: number, length: number): Uint8Array {
    assert(
      offset >= 0 && length >= 0 && offset + length <= this.sizeBytes,
      "inside the image",
      offset,
      length,
    );
    return this.#store.read(offset, length);
  }

  write(offset: number, bytes: Uint8Array): void {
    assert(offset >= 0 && offset + bytes.length <= this.sizeBytes, "inside the image", offset, bytes.length);
    this.#store.write(offset, bytes);
  }

  /** A store cannot give space back, so zeros are written. */
  discard(offset: number, length: number): void {
    for (let done = 0; done < length; done += ZERO_BYTES) {
      this.write(offset + done, new Uint8Array(Math.min(ZERO_BYTES, length - done)));
    }
  }

  flush(): void {
    this.#store.flush();
  }
}
