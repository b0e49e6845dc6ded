/**
 * What a disk is to the machine: bytes that can be read, written and flushed, whoever keeps them.
 *
 * Invariant: a read either gives the bytes at once or throws `Pending`; nothing has changed then, and the same read made again once `ready` has settled
 * succeeds. That is how a host that answers late (a browser, a remote file system) is waited for without the guest noticing: the device's `tick`
 * throws, the machine's run ends with "waiting", and the tick is made again at the same instant.
 * Elsewhere: formats (`raw.ts`, `qcow2/`), where writes go (`overlay.ts`), the controllers that ask (`devices/ide/`, `devices/virtio/`).
 */

/** The bytes are not here yet. */
export class Pending extends Error {
  readonly ready: Promise<void>;
  constructor(ready: Promise<void>) {
    super("the host has not delivered these bytes yet");
    this.name = "Pending";
    this.ready = ready;
  }
}

/**
 * An image is damaged, of a kind that is not implemented, or its host refuses: the text names the file and, where there is one, the field and its
 * offset. Opening throws it to whoever opens; a controller reports it to the guest as a failed transfer.
 */
export class BlockError extends Error {
  constructor(text: string) {
    super(text);
    this.name = "BlockError";
  }
}

/** A host file, or anything like it. Offsets and lengths in bytes; a read past the end gives zeros. The host implements it. */
export interface ByteStore {
  /** For messages: a path or URI. */
  readonly name: string;
  readonly sizeBytes: number;
  readonly readOnly: boolean;
  /** Throws `Pending`. */
  read(offset: number, length: number): Uint8Array;
  /** Grows the store if it ends beyond its end. Throws an Error that names the store if the host refuses. */
  write(offset: number, bytes: Uint8Array): void;
  flush(): void;
}

/** The contents of a disk in some format: what the guest can address, in bytes. `sizeBytes` is a multiple of 512 for a disk and 2048 for a CD. */
export interface BlockImage {
  readonly name: string;
  readonly format: "raw" | "qcow2" | "overlay";
  readonly sizeBytes: number;
  readonly readOnly: boolean;
  /** All methods throw `Pending` and `BlockError`. The bytes are the caller's. */
  read(offset: number, length: number): Uint8Array;
  /** Not for an image that is read-only. A write that throws `Pending` may have been done in part; made again it is done whole. */
  write(offset: number, bytes: Uint8Array): void;
  /** The range's contents do not matter any more (TRIM); reads give zeros afterwards. */
  discard(offset: number, length: number): void;
  flush(): void;
}
