/** Disk images: formats, the overlay that writes go to, drives. Everything other folders may use of it. */
export { BlockError, Pending, type BlockImage, type ByteStore } from "./image.ts";
export { Drive } from "./drive.ts";
export { Overlay } from "./overlay.ts";
export { Qcow2Image } from "./qcow2/image.ts";
export type { Snapshot } from "./qcow2/snapshots.ts";
export { RawImage } from "./raw.ts";
export { openImage, type OpenOptions } from "./open.ts";
