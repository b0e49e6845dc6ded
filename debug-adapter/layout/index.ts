/**
 * RAM layout: RAMBlocks, regions, flat views, who answers where and why, what an address is in other spaces, what was written, and windows onto
 * memory. This file is the folder's boundary.
 *
 * Invariant: everything is read from the emulator's own structures, and looking changes nothing that a guest can notice.
 */
export { convert, type Converter } from "./conversion.ts";
export { memoryDevices } from "./devices.ts";
export { MAPS, runs } from "./dirty-maps.ts";
export { Observation } from "./observation.ts";
export { overlay } from "./overlay.ts";
export { linearAddresses, type LinearAddresses } from "./reverse.ts";
export {
  blockBodies,
  blockRegion,
  hex,
  memoryRanges,
  rangeBody,
  regionsBody,
  type Backing,
} from "./region-tree.ts";
export { pathOf, regionKind, resolve, type Candidate, type Resolution } from "./resolution.ts";
export { marks, MOST_BYTES, readWindow, type Looker } from "./window.ts";
