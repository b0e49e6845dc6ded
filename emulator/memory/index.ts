/**
 * Guest memory: RAMBlocks, regions, address spaces, frames, epochs and saved states. Everything other folders may use of it.
 */
export { Memory, type MemoryOptions, type RamLocation } from "./memory.ts";
export {
  ALL_BYTES,
  MemoryRegion,
  type RegionAccess,
  type RegionOptions,
  type RegionOwner,
} from "./region.ts";
export { AddressSpace } from "./address-space.ts";
export { FlatRange, FlatView } from "./flat-view.ts";
export { RAM_FLAG, RamBlock, RamList, type RamBlockOptions } from "./ram-block.ts";
export { DIRTY_CLIENTS, type CellRange, type DirtyClient, type PageRange } from "./dirty.ts";
export type { ChangedPage } from "./pages.ts";
export {
  equalMemory,
  memoryDifferences,
  stateBytes,
  statePage,
  unsharedBytes,
  type BlockState,
  type MemoryState,
  type PageDifference,
} from "./snapshot.ts";
export type { GuestMemory, PortBus } from "./guest-memory.ts";
export { createPcMemory, splitRam, type PcMemory, type PcMemoryConfig, type RamSplit } from "./pc.ts";
export {
  backendRefusal,
  deviceMemory,
  isIdentifier,
  limitsRefusal,
  memoryEnd,
  plug,
  type DeviceMemory,
  type Dimm,
  type DimmConfig,
  type MemoryBackendConfig,
  type MemoryLimits,
  type Plug,
  type PlugContext,
} from "./dimm.ts";
export { infoMtree, infoRamblock, type MtreeOptions } from "./monitor-text.ts";
