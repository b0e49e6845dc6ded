/**
 * The emulator's API boundary: the only file of this layer that other layers import.
 *
 * A PC that can be run, stopped, copied and put back. Knows no DOM, Node, VS Code, DAP, wall clock or chance.
 */
export { assert } from "./assert.ts";
export { exerciseInterpreter } from "./early.ts";
export {
  linear,
  PAGE_BYTES,
  physical,
  ramAddress,
  type Instant,
  type LinearAddress,
  type Nanoseconds,
  type PhysicalAddress,
  type RamAddress,
} from "./numbers.ts";
export {
  ACTIVITY,
  ATTRIBUTE,
  CR0,
  CR4,
  EFER,
  FLAG,
  type Core,
  type SegmentRegister,
  type TableRegister,
} from "./cpu/core.ts";
export {
  RED_ZONE_BYTES,
  type Clobber,
  type ClobberRead,
  type LiveBytes,
  type OwnPush,
  type StackEvent,
} from "./cpu/clobber.ts";
export type { RootChange, StaleUse, TableWrite } from "./cpu/stale.ts";
export {
  VECTOR,
  WATCH,
  type CpuEvent,
  type DeliveryKind,
  type FaultRecord,
  type WatchedAccess,
} from "./cpu/event.ts";
export {
  MODE,
  SEG,
  SEGMENT,
  SEGMENT_BYTES,
  STATE,
  STATE_BYTES,
  TLB,
  TLB_FLAG,
  type SegmentNumber,
} from "./cpu/layout.ts";
export {
  ACCESS,
  BY,
  explainWalk,
  loadPdptes,
  PAGE_FAULT,
  PHYSICAL_BITS,
  pagingMode,
  type LevelName,
  type PageWalk,
  type WalkStep,
} from "./cpu/system/paging.ts";
export { flushAll, tlbEntries, type TlbEntry } from "./cpu/system/tlb.ts";
export {
  boot,
  decodeBootParams,
  explain as explainBoot,
  LOADERS,
  plan as planBoot,
  type BootImage,
  type BootModule,
  type BootPlan,
  type BootResult,
  type DecodedField,
  type Diagnosis,
  type LoadedImage,
  type LoadedSegment,
  type LoaderName,
} from "./boot/index.ts";
export type { Device, PlainData } from "./devices/device.ts";
export { BlockError, openImage, Pending, type BlockImage, type ByteStore } from "./block/index.ts";
export type {
  DriveConfig,
  Input,
  LoggedInput,
  Machine,
  MachineConfig,
  MachineDebug,
  MachineHost,
  MachineState,
  OutputChannel,
  RunLimit,
} from "./machine/types.ts";
export type {
  Display,
  Picture,
  PixelDisplay,
  TextCursor,
  TextDisplay,
  TextScreen,
} from "./machine/display.ts";
export { screenText } from "./devices/vga-font.ts";
export { cursorBox, type CursorBox } from "./devices/vga-text.ts";
export { chooseCpu, DEFAULT_CPU, type CpuChoice, type CpuModel } from "./cpu/system/model.ts";
export type { Counts, TraceStatistics, TranslatorMode, TranslatorStatistics } from "./cpu/statistics.ts";
export type { Statistics } from "./machine/statistics.ts";
export { Maker, type Order, type Product, type Workshop } from "./cpu/translator/order.ts";
export { createMachine } from "./machine/create.ts";
export type { Pc } from "./machine/pc.ts";
export type { StopReason } from "./machine/stop.ts";
export type { DimmReport, MemoryBackend, MemoryDevices } from "./machine/memory-devices.ts";
export {
  backendRefusal,
  deviceMemory,
  infoMtree,
  infoRamblock,
  isIdentifier,
  limitsRefusal,
  plug as planDimm,
  RAM_FLAG,
  type AddressSpace,
  type CellRange,
  type DirtyClient,
  type FlatRange,
  type FlatView,
  type GuestMemory,
  type Memory,
  type MemoryRegion,
  type PortBus,
  type RamBlock,
  type DeviceMemory,
  type Dimm,
  type DimmConfig,
  type MemoryBackendConfig,
} from "./memory/index.ts";
