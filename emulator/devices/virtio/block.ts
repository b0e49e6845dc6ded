/**
 * virtio-blk (virtio 1.1 §5.2): a disk.
 *
 *     request: readable {type, reserved (32 bits each), sector (64 bits)}, data, writable last byte: status
 *
 * A transfer of more than 64 MiB is refused: no driver makes one, and it is what a guest would have to do to use up the host's memory.
 */
import { BlockError, type BlockImage } from "../../block/index.ts";
import type { GuestMemory } from "../../memory/guest-memory.ts";
import type { PlainData } from "../device.ts";
import type { VirtioDevice } from "./device.ts";
import { byteCount, type Chain, gather, RingError, scatter } from "./virtqueue.ts";

const FEATURE = {
  segments: 2,
  geometry: 4,
  readOnly: 5,
  blockSize: 6,
  flush: 9,
  topology: 10,
  discard: 13,
  writeZeroes: 14,
} as const;
const TYPE = { in: 0, out: 1, flush: 4, getId: 8, discard: 11, writeZeroes: 13 } as const;
const STATUS = { ok: 0, error: 1, unsupported: 2 } as const;
const UNMAP = 1;

const SECTOR_BYTES = 512;
const HEADER_BYTES = 16;
const RANGE_BYTES = 16;
const ID_BYTES = 20;
const CONFIG_BYTES = 60;
const QUEUE_SIZE = 256;
/** Sectors of a discard or zeroing: QEMU's limit of a request, 2 GiB − 512 bytes. */
const MAXIMUM_SECTORS = 0x3fffff;
const MAXIMUM_TRANSFER = 2 ** 26;
const DELAY_NANOSECONDS = 20_000;

export class VirtioBlock implements VirtioDevice {
  readonly name = "virtio-blk";
  readonly type = 2;
  readonly classCode = 0x010000;
  readonly features: readonly number[];
  readonly queueSizes = [QUEUE_SIZE];
  readonly delay = DELAY_NANOSECONDS;
  readonly config: Uint8Array;
  readonly #image: BlockImage;
  readonly #readOnly: boolean;
  readonly #serial: Uint8Array;
  /** The last transfer that failed, for people. */
  #failure = "";

  constructor(image: BlockImage, options: { readonly readOnly: boolean; readonly serial?: string }) {
    this.#image = image;
    this.#readOnly = options.readOnly;
    this.#serial = new Uint8Array(ID_BYTES);
    this.#serial.set(Uint8Array.from(options.serial ?? "", (c) => c.charCodeAt(0)).subarray(0, ID_BYTES));
    const { segments, geometry, readOnly, blockSize, flush, topology, discard, writeZeroes } = FEATURE;
    const common = [segments, geometry, blockSize, topology, flush];
    this.features = options.readOnly ? [...common, readOnly] : [...common, discard, writeZeroes];
    this.config = configuration(image.sizeBytes / SECTOR_BYTES);
  }

  reset(): void {}

  save(): PlainData {
    return { failure: this.#failure };
  }
  load(state: PlainData): void {
    this.#failure = (state as { failure: string }).failure;
  }

  handle(_queue: number, chain: Chain, memory: GuestMemory): number {
    const { readable, writable } = chain;
    const outBytes = byteCount(readable) - HEADER_BYTES;
    const inBytes = byteCount(writable) - 1;
    if (outBytes < 0 || inBytes < 0) throw new RingError("a disk request without header or status");
    const header = new DataView(gather(memory, readable, 0, HEADER_BYTES).buffer);
    const type = header.getUint32(0, true);
    const offset = (header.getUint32(12, true) * 2 ** 32 + header.getUint32(8, true)) * SECTOR_BYTES;
    let written = 0;
    const status = this.#attempt(() => {
      switch (type) {
        case TYPE.in: {
          if (!this.#inside(offset, inBytes)) return STATUS.error;
          scatter(memory, writable, 0, this.#image.read(offset, inBytes));
          written = inBytes;
          return STATUS.ok;
        }
        case TYPE.out:
          if (this.#readOnly || !this.#inside(offset, outBytes)) return STATUS.error;
          this.#image.write(offset, gather(memory, readable, HEADER_BYTES, outBytes));
          return STATUS.ok;
        case TYPE.flush:
          this.#image.flush();
          return STATUS.ok;
        case TYPE.getId:
          written = Math.min(inBytes, ID_BYTES);
          scatter(memory, writable, 0, this.#serial.subarray(0, written));
          return STATUS.ok;
        case TYPE.discard:
        case TYPE.writeZeroes:
          return this.#clear(
            type,
            gather(memory, readable, HEADER_BYTES, Math.min(outBytes, 2 * RANGE_BYTES)),
          );
        default:
          return STATUS.unsupported;
      }
    });
    scatter(memory, writable, inBytes, Uint8Array.of(status));
    return written + 1;
  }

  /** An image that is damaged or whose host refuses is a failed transfer to the guest. */
  #attempt(transfer: () => number): number {
    try {
      return transfer();
    } catch (error) {
      if (!(error instanceof BlockError)) throw error;
      this.#failure = error.message;
      return STATUS.error;
    }
  }

  #inside(offset: number, length: number): boolean {
    return (
      length % SECTOR_BYTES === 0 && length <= MAXIMUM_TRANSFER && offset + length <= this.#image.sizeBytes
    );
  }

  #clear(type: number, range: Uint8Array): number {
    if (this.#readOnly) return STATUS.error;
    if (range.length !== RANGE_BYTES) return STATUS.unsupported;
    const view = new DataView(range.buffer);
    const offset = (view.getUint32(4, true) * 2 ** 32 + view.getUint32(0, true)) * SECTOR_BYTES;
    const sectors = view.getUint32(8, true);
    const flags = view.getUint32(12, true);
    if ((flags & ~UNMAP) !== 0 || (type === TYPE.discard && flags !== 0)) return STATUS.unsupported;
    const length = sectors * SECTOR_BYTES;
    if (sectors > MAXIMUM_SECTORS || offset + length > this.#image.sizeBytes) return STATUS.error;
    this.#image.discard(offset, length);
    return STATUS.ok;
  }
}

function configuration(sectors: number): Uint8Array {
  const bytes = new Uint8Array(CONFIG_BYTES);
  const view = new DataView(bytes.buffer);
  view.setUint32(0, sectors % 2 ** 32, true);
  view.setUint32(4, Math.floor(sectors / 2 ** 32), true);
  view.setUint32(12, QUEUE_SIZE - 2, true); // segments: header and status take the others
  view.setUint16(16, Math.min(Math.floor(sectors / (16 * 63)), 16383), true); // geometry: cylinders, heads, sectors
  view.setUint8(18, 16);
  view.setUint8(19, 63);
  view.setUint32(20, SECTOR_BYTES, true);
  view.setUint8(24, 0); // topology: a physical block is one sector
  view.setUint16(26, 1, true);
  view.setUint32(28, 0, true);
  view.setUint16(34, 1, true); // queues
  view.setUint32(36, MAXIMUM_SECTORS, true); // discard
  view.setUint32(40, 1, true);
  view.setUint32(44, 1, true);
  view.setUint32(48, MAXIMUM_SECTORS, true); // zeroing
  view.setUint32(52, 1, true);
  view.setUint8(56, 1);
  return bytes;
}
