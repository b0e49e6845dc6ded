/** Disk images: formats, the overlay that writes go to, drives. Everything other folders may use of it. */
export { BlockError, Pending, type BlockImage, type ByteStore } from "./image.ts";
export { Drive } from "./drive.ts";
export { Overlay } from "./overlay.ts";
export { RawImage } from "./raw.ts";
export { openImage, type OpenOptions } from "./open.ts";
