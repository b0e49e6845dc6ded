/** The built-in BIOS: services for real-mode software, and the memory that it leaves them in. */
export { Bios, type BiosEnvironment } from "./bios.ts";
export { EBDA, biosData } from "./data-area.ts";
export type { BiosDrive } from "./context.ts";
export { videoRom } from "./font.ts";
export { BIOS_BASE, BIOS_BYTES, biosImage, interruptVectors, SERVICE_PORT } from "./rom.ts";
