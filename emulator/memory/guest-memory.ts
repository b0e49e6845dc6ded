/**
 * What the processor and the devices need of guest memory. `memory/` implements it; nothing outside `memory/` knows how.
 */
import type { PhysicalAddress, RamAddress } from "../numbers.ts";

/** Which host addresses are void: all, those for writing, or of these only what `frameBesideCode` gave. */
export type Voided = "all" | "writes" | "beside";

/** How finely a page knows where it holds code: 32 granules a page. */
export const CODE_GRANULE_BYTES = 128;
/** Granules of a page that the bytes from `start` to before `end` (offsets in it) touch, as a mask. */
export function granulesOf(start: number, end: number): number {
  const first = Math.floor(start / CODE_GRANULE_BYTES);
  const last = Math.floor((Math.max(end, start + 1) - 1) / CODE_GRANULE_BYTES);
  return (-1 << first) & (-1 >>> (31 - last));
}

export interface GuestMemory {
  /**
   * Host address (byte offset in linear memory) of the 4 KiB frame that a guest-physical page reads from: RAM or ROM. 0 if the page is not
   * memory (device, hole, a page only partly RAM). Untouched RAM gives the shared zero frame.
   */
  frameForRead(page: number): number;
  /**
   * Host address of the frame that a guest-physical page can be written through, allocated if need be and marked as changed in the current epoch
   * and in the VGA and MIGRATION bitmaps; 0 if the page is not writable RAM, or if it holds code (`markCode`): such writes go through `write`.
   */
  frameForWrite(page: number): number;
  /** Reads `size` bytes anywhere, devices included. An address that nothing answers reads as all ones. */
  read(address: PhysicalAddress, size: 1 | 2 | 4): number;
  /** Writes anywhere; ROM and holes drop it. RAM that holds code reports it to `onCodeWrite` first. */
  write(address: PhysicalAddress, size: 1 | 2 | 4, value: number): void;
  /** The same for 8 bytes, as the processor's bus has them: two accesses of 4 bytes, the low half first. Cheaper than these in RAM if `address` is aligned. */
  writeHalves(address: PhysicalAddress, low: number, high: number): void;
  /** Copies bytes out of the address space (RAM, ROM, devices byte by byte); for DMA, loaders and the debugger. Crosses pages. */
  readBytes(address: PhysicalAddress, length: number): Uint8Array;
  /** Copies bytes in, as a DMA master would. Crosses pages. */
  writeBytes(address: PhysicalAddress, bytes: Uint8Array): void;
  /** The debugger's and the loaders' write: like writeBytes, but ROM is written too. */
  poke(address: PhysicalAddress, bytes: Uint8Array): void;
  /** Bytes of the RAMBlock at a place of the `ram_addr_t` space, mapped or not: up to `length`, fewer at the block's end, none where no block is. */
  readRam(address: RamAddress, length: number): Uint8Array;
  /** The debugger's write by `ram_addr_t`; all of it lies in one block. */
  pokeRam(address: RamAddress, bytes: Uint8Array): void;
  /**
   * Marks granules of a page as holding translated code (sets the CODE bit: the page is no longer writable through a frame): bit n stands for its bytes from
   * n × CODE_GRANULE_BYTES on; absent: all of them.
   */
  markCode(page: number, granules?: number): void;
  /** These granules (absent: all) hold no translated code any more. */
  clearCode(page: number, granules?: number): void;
  hasCode(page: number): boolean;
  /** Granules of a page whose bytes hold code, be it under another guest-physical address. */
  codeGranules(page: number): number;
  /** Like `frameForWrite` for a page that holds code: the caller writes to granules without code only. 0 if it holds none, or is not writable RAM. */
  frameBesideCode(page: number): number;
  /** Called before bytes of a page that holds code change, whoever changes them. Offset and length lie within the page. */
  onCodeWrite: (page: number, offset: number, length: number) => void;
  /**
   * Called when host addresses that `frameForRead`/`frameForWrite` gave out are no longer good. Without a page those of every page: "all" when the flat
   * view changed or frames moved, "writes" (those for writing) when an epoch began (checkpoint). With one, those of that guest-physical page: "all" when
   * an untouched page got a frame of its own, "writes" when it holds code from now on, "beside" when it holds more code. The processor forgets its cached tags, not its TLB. May be called
   * from within any method here that takes a page or an address, before it returns; what that method returns is good. In the same places linear
   * memory may grow, which detaches its old buffer but leaves host addresses as they are.
   */
  onFramesChanged: (which: Voided, page?: number) => void;
}

/** What a watcher of paging structures needs beside it: `machine/table-watch.ts`. */
export interface TableMemory {
  /** The page holds a table: it cannot be written through a frame any more, and `onTableWrite` hears of writes. False if it is not writable RAM. */
  markTable(page: number): boolean;
  clearTable(page: number): void;
  /** Host address of a marked page's frame, stamped as changed, good until the next epoch: for accessed and dirty bits. 0 if it holds code, too. */
  frameForMarking(page: number): number;
  /** Called before bytes of a marked page change, whoever changes them. Offset and length lie within the page. */
  onTableWrite: (page: number, offset: number, length: number) => void;
  /** A marked page is no longer where it was in the address space. It is not marked any more. */
  onTableMoved: (page: number) => void;
}

/** I/O port space as the processor sees it. */
export interface PortBus {
  readPort(port: number, size: 1 | 2 | 4): number;
  writePort(port: number, size: 1 | 2 | 4, value: number): void;
}
