/**
 * A drive's contents as a device among the machine's: the image as its controller sees it, and what of it belongs to the machine's state.
 *
 * Invariant: writes go to an overlay that is saved, unless the drive writes through: then the image is outside of the machine and going back in time
 * does not take its writes back.
 * Elsewhere: the controllers (`devices/ide/`, `devices/virtio/`).
 */
import type { Device, PlainData } from "../devices/device.ts";
import { BlockError, type BlockImage } from "./image.ts";
import { Overlay } from "./overlay.ts";

export class Drive implements Device {
  readonly name: string;
  readonly deadline = Infinity;
  /** What the controller reads and writes. */
  readonly image: BlockImage;
  readonly overlay: Overlay | null;

  /** Throws `BlockError` if the drive is to write through to an image that is read-only. */
  constructor(
    id: string,
    image: BlockImage,
    options: { readonly readOnly?: boolean; readonly writeThrough?: boolean } = {},
  ) {
    this.name = `drive-${id}`;
    const { readOnly = false, writeThrough = false } = options;
    if (writeThrough && !readOnly && image.readOnly)
      throw new BlockError(`${image.name}: what the guest writes is to go into it, but it cannot be written`);
    const direct = readOnly || writeThrough;
    this.overlay = direct ? null : new Overlay(image);
    this.image = this.overlay ?? image;
  }

  /** A disk keeps its contents over a reset. */
  reset(): void {}

  tick(): void {}

  save(): PlainData {
    return this.overlay?.save() ?? null;
  }

  load(state: PlainData): void {
    if (state !== null) this.overlay?.load(state);
  }
}
