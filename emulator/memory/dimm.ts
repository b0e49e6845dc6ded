/**
 * Memory backends and pc-dimm: what can be plugged where. QEMU's rules (hw/mem/memory-device.c, hw/mem/pc-dimm.c, hw/i386/pc.c), in its order and with its
 * texts, as functions of plain data: a command line is checked before there is a machine, a monitor command beside a running one.
 *
 *     RAM above 4 GiB │ up to 1 GiB │ device-memory: maxmem − size, and 1 GiB more for each slot, so that alignment never makes it too small
 *
 * Elsewhere: what is plugged in, with its regions (`machine/memory-devices.ts`), the registers through which a guest hears of it
 * (`devices/memory-hotplug.ts`).
 */
import { PAGE_BYTES } from "../numbers.ts";
import { splitRam } from "./pc.ts";

const GIB = 2 ** 30;
const FOUR_GIB = 4 * GIB;
const TIB = 2 ** 40;
/** QEMU maps anonymous memory at multiples of a large page, and aligns DIMMs in the guest as their memory is aligned in the host. */
const RAM_ALIGNMENT = 2 ** 21;
/** ACPI_MAX_RAM_SLOTS */
const MOST_SLOTS = 256;
/** QEMU's pci-hole64-size for `pc`, which follows device memory. */
const HOLE_64_BYTES = 2 * GIB;
/** Below 1 TiB AMD processors have a range of their own; a PC that would reach it has its upper memory from 1 TiB on. */
const HYPERTRANSPORT = 0xfd_0000_0000;
const PHYSICAL_BITS = 40;

/** `-object memory-backend-ram` or `-object memory-backend-file`, as plain data. */
export interface MemoryBackendConfig {
  readonly id: string;
  readonly type: "memory-backend-ram" | "memory-backend-file";
  readonly sizeBytes: number;
  /** Of a file: what the guest writes is written to the file. Default false. */
  readonly share?: boolean;
  /** What QEMU does with the host's memory; here they are only told again. Default true, but `prealloc`. */
  readonly merge?: boolean;
  readonly dump?: boolean;
  readonly prealloc?: boolean;
  readonly reserve?: boolean;
  /** `align=`; default 2 MiB, of a file 4 KiB. */
  readonly alignBytes?: number;
  /** `mem-path=` as it was given. */
  readonly path?: string;
  /** What a file held at the start, where that is not zeros. */
  readonly contents?: readonly { readonly offset: number; readonly bytes: Uint8Array }[];
}

/** `-device pc-dimm`. */
export interface DimmConfig {
  readonly id?: string;
  /** Its backend, by id or by path ("/objects/m1"). */
  readonly memdev?: string;
  /** Absent: the first free. */
  readonly slot?: number;
  /** Guest-physical; absent: the first that fits. */
  readonly address?: number;
  readonly node?: number;
}

/** A pc-dimm in its slot. */
export interface Dimm {
  /** Null if it was given none. */
  readonly id: string | null;
  readonly memdev: string;
  readonly slot: number;
  readonly address: number;
  readonly sizeBytes: number;
  readonly node: number;
  /** Plugged in after the start. */
  readonly hotplugged: boolean;
}

/** As much of a machine's configuration as decides about memory devices. */
export interface MemoryLimits {
  readonly ramBytes: number;
  readonly maxRamBelow4G?: number;
  readonly slots?: number;
  readonly maxRamBytes?: number;
  readonly acpi?: boolean;
}

/** Where memory devices go. */
export interface DeviceMemory {
  readonly base: number;
  readonly sizeBytes: number;
  /** What all of them together may have. */
  readonly totalBytes: number;
}

/** Where memory devices go, or null if the machine takes none. */
export function deviceMemory(limits: MemoryLimits): DeviceMemory | null {
  const totalBytes = (limits.maxRamBytes ?? limits.ramBytes) - limits.ramBytes;
  if (totalBytes <= 0) return null;
  const base = roundUp(FOUR_GIB + splitRam(limits.ramBytes, limits.maxRamBelow4G).above4G, GIB);
  return { base, sizeBytes: totalBytes + GIB * (limits.slots ?? 0), totalBytes };
}

/** Where the window of 64-bit PCI devices may begin: behind RAM and memory devices. */
export function memoryEnd(limits: MemoryLimits): number {
  const window = deviceMemory(limits);
  if (window !== null) return roundUp(window.base + window.sizeBytes, GIB);
  return roundUp(FOUR_GIB + splitRam(limits.ramBytes, limits.maxRamBelow4G).above4G, GIB);
}

/** What is wrong with `-m size,slots=,maxmem=`, or null. Only one of `slots` and `maxRamBytes` is an error here, too. */
export function limitsRefusal(limits: MemoryLimits): string | null {
  const { ramBytes, slots, maxRamBytes } = limits;
  if (maxRamBytes === undefined && slots !== undefined) return "slots specified but no max-size";
  if (maxRamBytes !== undefined) {
    const most = `0x${maxRamBytes.toString(16)}`;
    const initial = `0x${ramBytes.toString(16)}`;
    if (maxRamBytes < ramBytes)
      return `invalid value of maxmem: maximum memory size (${most}) must be at least the initial memory size (${initial})`;
    if (maxRamBytes === ramBytes && (slots ?? 0) > 0)
      return `invalid value of maxmem: memory slots were specified but maximum memory size (${most}) is equal to the initial memory size (${initial})`;
    if (maxRamBytes > ramBytes && (slots ?? 0) > MOST_SLOTS)
      return `unsupported amount of memory slots: ${slots}`;
    if (maxRamBytes > ramBytes && maxRamBytes % PAGE_BYTES !== 0)
      return `maximum memory size must by aligned to multiple of ${PAGE_BYTES} bytes`;
  }
  const end = memoryEnd(limits) + HOLE_64_BYTES - 1;
  if (end < HYPERTRANSPORT) return null;
  return `Address space limit 0x${(2 ** PHYSICAL_BITS - 1).toString(16)} < 0x${(end - FOUR_GIB + TIB).toString(16)} phys-bits too low (${PHYSICAL_BITS})`;
}

/** Ids of objects and devices. */
export const isIdentifier = (text: string): boolean => /^[A-Za-z][A-Za-z0-9\-._]*$/.test(text);

/** What multiples a backend's DIMM must lie at and be of. */
export const alignmentOf = (backend: MemoryBackendConfig): number =>
  backend.type === "memory-backend-ram" ? RAM_ALIGNMENT : Math.max(PAGE_BYTES, backend.alignBytes ?? 0);

/** What is wrong with a backend by itself, or null. */
export function backendRefusal(backend: MemoryBackendConfig): string | null {
  const { id, type, sizeBytes, alignBytes = 0 } = backend;
  if (sizeBytes === 0) return `property 'size' of ${type} doesn't take value '0'`;
  // No processor here has addresses for more.
  if (sizeBytes > 2 ** PHYSICAL_BITS) return `cannot set up guest memory '${id}': Cannot allocate memory`;
  if (alignBytes % PAGE_BYTES !== 0)
    return `alignment 0x${alignBytes.toString(16)} must be multiples of page size 0x${PAGE_BYTES.toString(16)}`;
  if (alignBytes !== 0 && Math.log2(alignBytes) % 1 !== 0)
    return `alignment 0x${alignBytes.toString(16)} must be a power of two`;
  return null;
}

/** What a pc-dimm is checked against. */
export interface PlugContext {
  readonly limits: MemoryLimits;
  readonly plugged: readonly Dimm[];
  /** Undefined: there is none of this id. */
  backend(id: string): MemoryBackendConfig | undefined;
  /** Whether a backend is in use: by a DIMM, or as the machine's RAM. */
  isMapped(id: string): boolean;
}

export type Plug =
  | {
      readonly kind: "place";
      readonly slot: number;
      readonly address: number;
      /** The backend's. */
      readonly sizeBytes: number;
      readonly memdev: string;
    }
  /** In QEMU's words. */
  | { readonly kind: "refusal"; readonly text: string };

/** Finds a DIMM its slot and its place. */
export function plug(dimm: DimmConfig, context: PlugContext): Plug {
  const { limits, plugged } = context;
  const refuse = (text: string): Plug => ({ kind: "refusal", text });
  const backend =
    dimm.memdev === undefined || dimm.memdev === ""
      ? null
      : context.backend(dimm.memdev.replace(/^\/objects\//, ""));
  if (backend === undefined) return refuse(`Device '${dimm.memdev}' not found`);
  if (limits.acpi === false)
    return refuse("memory hotplug is not enabled: missing acpi device or acpi disabled");

  const slot = findSlot(dimm, limits.slots ?? 0, plugged);
  if (typeof slot === "string") return refuse(slot);
  if (backend === null) return refuse("'memdev' property must be set");

  const { sizeBytes } = backend;
  const window = deviceMemory(limits);
  const used = plugged.reduce((sum, other) => sum + other.sizeBytes, 0);
  const total = window?.totalBytes ?? 0;
  if (window === null || used + sizeBytes > total)
    return refuse(
      `not enough space, currently 0x${used.toString(16)} in use of total space for memory devices 0x${total.toString(16)}`,
    );
  const address = findAddress(dimm.address ?? 0, sizeBytes, alignmentOf(backend), window, plugged);
  if (typeof address === "string") return refuse(address);

  // With slots there is always one node.
  const node = dimm.node ?? 0;
  if (node !== 0)
    return refuse(`'DIMM property node has value ${node}' which exceeds the number of numa nodes: 1`);
  if (context.isMapped(backend.id)) return refuse(`can't use already busy memdev: ${backend.id}`);
  return { kind: "place", slot, address, sizeBytes, memdev: backend.id };
}

/** The slot wanted, or the first free. */
function findSlot({ slot = -1 }: DimmConfig, slots: number, plugged: readonly Dimm[]): number | string {
  // As in QEMU the last valid number without slots is that of 64 bits.
  const last = slots === 0 ? "18446744073709551615" : slots - 1;
  if ((slot < 0 || slot >= slots) && slot !== -1)
    return `invalid slot number ${slot}, valid range is [0-${last}]`;
  if (slots === 0) return "no slots where allocated, please specify the 'slots' option";
  const taken = new Set(plugged.map((dimm) => dimm.slot));
  if (slot >= 0) return taken.has(slot) ? `slot ${slot} is busy` : slot;
  for (let n = 0; n < slots; n++) if (!taken.has(n)) return n;
  return "no free slots available";
}

/** The address wanted (0: any), or the first where it fits. */
function findAddress(
  wanted: number,
  sizeBytes: number,
  alignment: number,
  window: DeviceMemory,
  plugged: readonly Dimm[],
): number | string {
  const hex = (value: number): string => `0x${value.toString(16)}`;
  const end = window.base + window.sizeBytes;
  const fits = (address: number): boolean => address >= window.base && address + sizeBytes <= end;
  if (wanted % alignment !== 0) return `address must be aligned to ${hex(alignment)} bytes`;
  if (sizeBytes % alignment !== 0) return `backend memory size must be multiple of ${hex(alignment)}`;
  if (wanted !== 0 && !fits(wanted))
    return `can't add memory device [${hex(wanted)}:${hex(sizeBytes)}], usable range for memory devices [${hex(window.base)}:${hex(window.sizeBytes)}]`;
  let address = wanted === 0 ? window.base : wanted;
  for (const other of plugged.toSorted((a, b) => a.address - b.address)) {
    if (other.address >= address + sizeBytes) break;
    if (other.address + other.sizeBytes <= address) continue;
    if (wanted !== 0) return `address range conflicts with memory device id='${other.id ?? "(unnamed)"}'`;
    address = roundUp(other.address + other.sizeBytes, alignment);
  }
  if (fits(address)) return address;
  return "could not find position in guest address space for memory device - memory fragmented due to alignments";
}

const roundUp = (value: number, unit: number): number => Math.ceil(value / unit) * unit;
