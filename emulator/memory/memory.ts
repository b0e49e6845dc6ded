/**
 * The guest's memory as a whole: RAM list, the two trees of regions with their address spaces, and the pages underneath.
 *
 * Invariant: whoever changes a byte (processor, DMA, loader, debugger, a restored state), the page's epoch says so, and translated code on
 * it is reported before.
 * Elsewhere: what a PC's trees look like (`pc.ts`), text for the monitor (`monitor-text.ts`).
 */
import { assert } from "../assert.ts";
import { PAGE_BYTES, physical, type PhysicalAddress, type RamAddress, ramAddress } from "../numbers.ts";
import { AddressSpace, Ports, Transactions } from "./address-space.ts";
import { CHUNK_MASK, CHUNK_SHIFT, PAGE_FLAG } from "./chunk.ts";
import { DirtyMemory } from "./dirty.ts";
import { type AccessSize, allOnes, readDevice, writeDevice } from "./dispatch.ts";
import type { FlatRange } from "./flat-view.ts";
import type { GuestMemory, TableMemory, Voided } from "./guest-memory.ts";
import { type ChangedPage, Pages } from "./pages.ts";
import { type RamBlock, type RamBlockOptions, RamList } from "./ram-block.ts";
import { ALL_BYTES, MemoryRegion } from "./region.ts";
import type { MemoryState } from "./snapshot.ts";

const ALL_GRANULES = -1;
/** Pages whose writes are reported: none is written through a frame that was lent. */
const REPORTED = PAGE_FLAG.code | PAGE_FLAG.table;

export interface MemoryOptions {
  /** Frames of guest memory may take this much of linear memory; needing more is a `Halt`. Default: all there can be. */
  readonly frameLimitBytes?: number;
  /** `relieve` moves cold pages out of linear memory to get below this. Default 2 GiB. */
  readonly frameBudgetBytes?: number;
}

/** Where the byte at a guest-physical address is kept. */
export interface RamLocation {
  readonly block: RamBlock;
  /** Byte offset in the block. */
  readonly offset: number;
  readonly ramAddress: RamAddress;
}

export class Memory implements GuestMemory, TableMemory {
  readonly ramList = new RamList();
  /** Root of the memory tree. */
  readonly system = MemoryRegion.container("system", ALL_BYTES);
  /** Root of the I/O port tree; answers for ports that nothing else answers. */
  readonly io = MemoryRegion.io("io", 0x10000, { read: (_, size) => allOnes(size), write: () => {} });
  readonly addressSpace: AddressSpace;
  readonly ioSpace: AddressSpace;
  readonly ports: Ports;
  readonly dirty: DirtyMemory;
  onCodeWrite: (page: number, offset: number, length: number) => void = () => {};
  onFramesChanged: (which: Voided, page?: number) => void = () => {};
  onTableWrite: TableMemory["onTableWrite"] = () => {};
  onTableMoved: TableMemory["onTableMoved"] = () => {};
  readonly #pages: Pages;
  readonly #transactions = new Transactions();
  readonly #spaces: AddressSpace[] = [];
  /** Where each guest-physical page that holds translated code has it, and in which of its granules. */
  readonly #code = new Map<number, { readonly block: RamBlock; readonly page: number; granules: number }>();
  /** Guest-physical pages marked as tables, and where they are. */
  readonly #tables = new Map<number, { readonly block: RamBlock; readonly page: number }>();
  /** The same the other way round. */
  readonly #tablePages = new Map<RamBlock, Map<number, Set<number>>>();
  /** The range that the last page asked for was in. */
  #hit: FlatRange | null = null;

  constructor(wasm: WebAssembly.Memory, options: MemoryOptions = {}) {
    this.#pages = new Pages(
      wasm,
      this.ramList,
      { limitBytes: options.frameLimitBytes ?? Infinity, budgetBytes: options.frameBudgetBytes ?? 2 ** 31 },
      {
        void: (which, block, page) => this.#voided(which, block, page),
        codeChange: (block, page) => this.#reportCodeWrite(block, page, 0, PAGE_BYTES),
      },
    );
    this.dirty = new DirtyMemory(this.#pages);
    this.ioSpace = this.createAddressSpace("I/O", this.io);
    this.addressSpace = this.createAddressSpace("memory", this.system);
    this.addressSpace.onChange = () => this.#viewChanged();
    this.ports = new Ports(this.ioSpace);
  }

  // Building the trees

  /** All address spaces, in the order they were made. */
  get addressSpaces(): readonly AddressSpace[] {
    return this.#spaces;
  }

  createAddressSpace(name: string, root: MemoryRegion): AddressSpace {
    const space = new AddressSpace(name, root, this.#transactions);
    this.#spaces.push(space);
    return space;
  }

  /** Changes made to regions by `change` take effect together at its end. */
  transaction<T>(change: () => T): T {
    this.#transactions.begin();
    try {
      return change();
    } finally {
      this.#transactions.commit();
    }
  }

  /** A new RAMBlock, all zero. */
  allocate(options: RamBlockOptions): RamBlock {
    return this.ramList.add(options, this.#pages.epoch);
  }

  /** Takes a block out (hot-unplug); no region may show it any more. */
  free(block: RamBlock): void {
    this.ramList.remove(block);
    this.#pages.forget(block);
    this.dirty.forget(block);
  }

  // Frames: the fast way in

  frameForRead(page: number): number {
    const range = this.#range(page);
    return range === null ? 0 : this.#pages.readFrame(range.block!, page - range.pageDelta);
  }

  frameForWrite(page: number): number {
    const range = this.#range(page);
    if (range === null || !range.writable) return 0;
    const block = range.block!;
    const index = page - range.pageDelta;
    const pages = this.#pages;
    const existing = block.chunks[index >>> CHUNK_SHIFT];
    const i = index & CHUNK_MASK;
    if (existing !== undefined) {
      if ((existing.flags[i]! & REPORTED) !== 0) return 0;
      if (existing.lentAt[i] === pages.generation) return existing.frames[i]!;
    }
    return this.#lend(block, index);
  }

  frameBesideCode(page: number): number {
    const code = this.#code.get(page);
    if (code === undefined || this.#range(page)?.writable !== true) return 0;
    return (this.#flags(code.block, code.page) & PAGE_FLAG.table) === 0
      ? this.#lend(code.block, code.page)
      : 0;
  }

  /** A page's frame, to be written until the next epoch. */
  #lend(block: RamBlock, page: number): number {
    const pages = this.#pages;
    const frame = pages.writeFrame(block, page);
    pages.chunk(block, page >>> CHUNK_SHIFT).lentAt[page & CHUNK_MASK] = pages.generation;
    return frame;
  }

  // Any address

  read(address: PhysicalAddress, size: AccessSize): number {
    const range = this.addressSpace.find(address);
    if (range === null || address + size > range.end) {
      return size === 1 ? allOnes(1) : this.#readParts(address, size);
    }
    const offset = address - range.start + range.offset;
    if (range.block === null) {
      // Two aligned reads of the same size, as QEMU's processor does it.
      if ((offset & (size - 1)) === 0 || range.region.access.unaligned)
        return readDevice(range.region, offset, size);
      return this.#readUnaligned(address, size);
    }
    const within = offset & (PAGE_BYTES - 1);
    if (within + size > PAGE_BYTES) return this.#readParts(address, size);
    const at = this.#pages.readFrame(range.block, Math.floor(offset / PAGE_BYTES)) + within;
    const view = this.#pages.frames.view;
    return size === 4 ? view.getUint32(at, true) : size === 2 ? view.getUint16(at, true) : view.getUint8(at);
  }

  write(address: PhysicalAddress, size: AccessSize, value: number): void {
    const range = this.addressSpace.find(address);
    if (range === null || address + size > range.end) {
      if (size > 1) this.#writeParts(address, size, value);
      return;
    }
    const offset = address - range.start + range.offset;
    if (range.region.ops !== null) {
      const whole = (offset & (size - 1)) === 0 || range.region.access.unaligned;
      if (whole) writeDevice(range.region, offset, size, value);
      else this.#writeParts(address, size, value);
      return;
    }
    if (!range.writable) return;
    const within = offset & (PAGE_BYTES - 1);
    if (within + size > PAGE_BYTES) {
      this.#writeParts(address, size, value);
      return;
    }
    const at = this.#prepareWrite(range.block!, Math.floor(offset / PAGE_BYTES), within, size) + within;
    const view = this.#pages.frames.view;
    if (size === 4) view.setUint32(at, value, true);
    else if (size === 2) view.setUint16(at, value, true);
    else view.setUint8(at, value);
  }

  writeHalves(address: PhysicalAddress, low: number, high: number): void {
    const range = this.addressSpace.find(address);
    if (range?.writable === true && isWhole(range, address)) {
      const offset = address - range.start + range.offset;
      const within = offset & (PAGE_BYTES - 1);
      const at = this.#prepareWrite(range.block!, Math.floor(offset / PAGE_BYTES), within, 8) + within;
      const view = this.#pages.frames.view;
      view.setUint32(at, low, true);
      view.setUint32(at + 4, high, true);
      return;
    }
    this.write(address, 4, low);
    this.write(physical(address + 4), 4, high);
  }

  readBytes(address: PhysicalAddress, length: number): Uint8Array {
    const bytes = new Uint8Array(length);
    this.#eachPiece(address, length, (range, offset, done, count) => {
      const into = bytes.subarray(done, done + count);
      if (range === null) into.fill(0xff);
      else if (range.block !== null) this.#copyOut(range.block, offset, into);
      else for (let i = 0; i < count; i++) into[i] = readDevice(range.region, offset + i, 1);
    });
    return bytes;
  }

  writeBytes(address: PhysicalAddress, bytes: Uint8Array): void {
    this.#eachPiece(address, bytes.length, (range, offset, done, count) => {
      if (range === null) return;
      if (range.writable) this.#copyIn(range.block!, offset, bytes.subarray(done, done + count));
      else if (range.region.ops !== null) {
        for (let i = 0; i < count; i++) writeDevice(range.region, offset + i, 1, bytes[done + i]!);
      }
    });
  }

  poke(address: PhysicalAddress, bytes: Uint8Array): void {
    this.#eachPiece(address, bytes.length, (range, offset, done, count) => {
      if (range === null) return;
      if (range.block !== null) this.#copyIn(range.block, offset, bytes.subarray(done, done + count));
      else for (let i = 0; i < count; i++) writeDevice(range.region, offset + i, 1, bytes[done + i]!);
    });
  }

  /** Reads a block wherever (and whether) it is mapped. */
  readBlock(block: RamBlock, offset: number, length: number): Uint8Array {
    const bytes = new Uint8Array(length);
    this.#copyOut(block, offset, bytes);
    return bytes;
  }

  /** Writes a block wherever it is mapped, ROM included: contents of ROMs, a memory backend's file. */
  writeBlock(block: RamBlock, offset: number, bytes: Uint8Array): void {
    this.#copyIn(block, offset, bytes);
  }

  /** The 32-bit word at a multiple of 4 in a block, unsigned, whether mapped or not: for a device whose data path works on its own memory. */
  readBlockWord(block: RamBlock, offset: number): number {
    const frame = this.#pages.readFrame(block, Math.floor(offset / PAGE_BYTES));
    return this.#pages.frames.view.getUint32(frame + (offset % PAGE_BYTES), true);
  }

  writeBlockWord(block: RamBlock, offset: number, value: number): void {
    const within = offset % PAGE_BYTES;
    const frame = this.#prepareWrite(block, Math.floor(offset / PAGE_BYTES), within, 4);
    this.#pages.frames.view.setUint32(frame + within, value, true);
  }

  readRam(address: RamAddress, length: number): Uint8Array {
    const block = this.ramList.at(address);
    if (block === undefined) return new Uint8Array(0);
    const offset = address - block.offset;
    return this.readBlock(block, offset, Math.max(0, Math.min(length, block.usedLength - offset)));
  }

  pokeRam(address: RamAddress, bytes: Uint8Array): void {
    const block = this.ramList.at(address);
    const offset = address - (block?.offset ?? 0);
    assert(block !== undefined && offset + bytes.length <= block.usedLength, "bytes of one block", address);
    this.writeBlock(block, offset, bytes);
  }

  /** Where RAM or ROM at an address is kept; null for devices and holes. */
  locate(address: PhysicalAddress): RamLocation | null {
    const range = this.addressSpace.find(address);
    if (range === null || range.block === null) return null;
    const offset = address - range.start + range.offset;
    return { block: range.block, offset, ramAddress: ramAddress(range.block.offset + offset) };
  }

  // Translated code

  markCode(page: number, granules = ALL_GRANULES): void {
    const known = this.#code.get(page);
    if (known !== undefined && (known.granules | granules) === known.granules) return;
    const range = this.#range(page);
    if (range === null) return;
    const block = range.block!;
    const index = page - range.pageDelta;
    const chunk = this.#pages.chunk(block, index >>> CHUNK_SHIFT);
    const i = index & CHUNK_MASK;
    const hadCode = (chunk.flags[i]! & PAGE_FLAG.code) !== 0;
    chunk.flags[i]! |= PAGE_FLAG.code;
    if (known === undefined) this.#code.set(page, { block, page: index, granules });
    else known.granules |= granules;
    const physicalPages = block.code.get(index);
    if (physicalPages === undefined) block.code.set(index, new Set([page]));
    else physicalPages.add(page);
    this.#takeBack(block, index, hadCode ? "beside" : "writes");
  }

  /** What was lent of a page for writing is void. */
  #takeBack(block: RamBlock, page: number, which: "writes" | "beside" = "writes"): void {
    const chunk = this.#pages.chunk(block, page >>> CHUNK_SHIFT);
    const i = page & CHUNK_MASK;
    if (chunk.lentAt[i] !== this.#pages.generation) return;
    chunk.lentAt[i] = 0;
    this.#pages.invalidateWrites(block, page, which);
  }

  clearCode(page: number, granules = ALL_GRANULES): void {
    const code = this.#code.get(page);
    if (code === undefined) return;
    code.granules &= ~granules;
    if (code.granules !== 0) return;
    this.#code.delete(page);
    const physicalPages = code.block.code.get(code.page)!;
    physicalPages.delete(page);
    if (physicalPages.size > 0) return;
    code.block.code.delete(code.page);
    code.block.chunks[code.page >>> CHUNK_SHIFT]!.flags[code.page & CHUNK_MASK]! &= ~PAGE_FLAG.code;
  }

  hasCode(page: number): boolean {
    return this.#code.has(page);
  }

  codeGranules(page: number): number {
    const code = this.#code.get(page);
    if (code === undefined) return 0;
    const physicalPages = code.block.code.get(code.page)!;
    // Nearly always it is seen at this page alone.
    if (physicalPages.size === 1) return code.granules;
    let granules = 0;
    for (const each of physicalPages) granules |= this.#code.get(each)!.granules;
    return granules;
  }

  // Tables that somebody watches

  markTable(page: number): boolean {
    if (this.#tables.has(page)) return true;
    const range = this.#range(page);
    if (range === null || !range.writable) return false;
    const block = range.block!;
    const index = page - range.pageDelta;
    this.#tables.set(page, { block, page: index });
    const pages = this.#tablePages.get(block) ?? new Map<number, Set<number>>();
    this.#tablePages.set(block, pages.set(index, (pages.get(index) ?? new Set()).add(page)));
    this.#pages.chunk(block, index >>> CHUNK_SHIFT).flags[index & CHUNK_MASK]! |= PAGE_FLAG.table;
    this.#takeBack(block, index);
    return true;
  }

  clearTable(page: number): void {
    const table = this.#tables.get(page);
    if (table === undefined) return;
    this.#tables.delete(page);
    const pages = this.#tablePages.get(table.block)!;
    const others = pages.get(table.page)!;
    others.delete(page);
    if (others.size > 0) return;
    pages.delete(table.page);
    const chunk = table.block.chunks[table.page >>> CHUNK_SHIFT];
    if (chunk !== undefined) chunk.flags[table.page & CHUNK_MASK]! &= ~PAGE_FLAG.table;
  }

  frameForMarking(page: number): number {
    const table = this.#tables.get(page);
    if (table === undefined || (this.#flags(table.block, table.page) & PAGE_FLAG.code) !== 0) return 0;
    return this.#lend(table.block, table.page);
  }

  // Changes over time

  /** Changes from now on are told from those before; returns what to ask `changedSince` with. */
  beginEpoch(): number {
    return this.#pages.beginEpoch();
  }

  /** Pages of blocks (default: of all) written in this epoch or later. */
  changedSince(epoch: number, blocks?: readonly RamBlock[]): Generator<ChangedPage> {
    return this.#pages.changedSince(epoch, blocks);
  }

  /** An immutable value; costs what changed since the last one. */
  save(): MemoryState {
    return this.#pages.save();
  }

  load(state: MemoryState): void {
    this.#pages.load(state);
  }

  /** Moves cold pages out if frames exceed the budget. Call between run slices; returns the number of frames freed. */
  relieve(budgetBytes?: number): number {
    return this.#pages.relieve(budgetBytes);
  }

  /** Host memory used for the guest's, in bytes. Pages of saved states are not counted: `unsharedBytes`. */
  get hostBytes(): { readonly frames: number; readonly tables: number } {
    return this.#pages.bytes;
  }

  // Inside

  /** The range in which a whole page is RAM or ROM, or null. */
  #range(page: number): FlatRange | null {
    const hit = this.#hit;
    if (hit !== null && page >= hit.firstPage && page <= hit.lastPage) return hit;
    const range = this.addressSpace.find(page * PAGE_BYTES);
    if (range === null || page < range.firstPage || page > range.lastPage) return null;
    this.#hit = range;
    return range;
  }

  /** Cuts a stretch of addresses where ranges or pages end. `offset` is in the range's region; `range` null is a hole. */
  #eachPiece(
    address: number,
    length: number,
    piece: (range: FlatRange | null, offset: number, done: number, count: number) => void,
  ): void {
    for (let done = 0; done < length;) {
      const at = address + done;
      const range = this.addressSpace.find(at);
      let count = length - done;
      if (range === null) {
        const next = this.addressSpace.flatView.findFrom(at);
        if (next !== null) count = Math.min(count, next.start - at);
        piece(null, 0, done, count);
      } else {
        const offset = at - range.start + range.offset;
        count = Math.min(count, range.end - at);
        piece(range, offset, done, count);
      }
      done += count;
    }
  }

  #copyOut(block: RamBlock, offset: number, into: Uint8Array): void {
    for (let done = 0; done < into.length;) {
      const within = (offset + done) % PAGE_BYTES;
      const count = Math.min(PAGE_BYTES - within, into.length - done);
      const page = Math.floor((offset + done) / PAGE_BYTES);
      this.#pages.readInto(block, page, within, into.subarray(done, done + count));
      done += count;
    }
  }

  /** Frames that follow each other, as those of new pages do, are written at once. */
  #copyIn(block: RamBlock, offset: number, bytes: Uint8Array): void {
    /** Bytes [from, done) go to host address `to`. */
    let from = 0;
    let to = -1;
    for (let done = 0; done < bytes.length;) {
      const within = (offset + done) % PAGE_BYTES;
      const count = Math.min(PAGE_BYTES - within, bytes.length - done);
      const page = Math.floor((offset + done) / PAGE_BYTES);
      const at = this.#prepareWrite(block, page, within, count) + within;
      if (at !== to + done - from) {
        if (done > 0) this.#pages.frames.bytes.set(bytes.subarray(from, done), to);
        from = done;
        to = at;
      }
      done += count;
    }
    if (bytes.length > 0) this.#pages.frames.bytes.set(from === 0 ? bytes : bytes.subarray(from), to);
  }

  #prepareWrite(block: RamBlock, page: number, within: number, length: number): number {
    const flags = this.#flags(block, page);
    if ((flags & PAGE_FLAG.code) !== 0) this.#reportCodeWrite(block, page, within, length);
    if ((flags & PAGE_FLAG.table) !== 0) this.#reportTableWrite(block, page, within, length);
    return this.#pages.writeFrame(block, page);
  }

  #flags(block: RamBlock, page: number): number {
    return block.chunks[page >>> CHUNK_SHIFT]?.flags[page & CHUNK_MASK] ?? 0;
  }

  #reportTableWrite(block: RamBlock, page: number, within: number, length: number): void {
    for (const physicalPage of this.#tablePages.get(block)?.get(page) ?? [])
      this.onTableWrite(physicalPage, within, length);
  }

  #reportCodeWrite(block: RamBlock, page: number, within: number, length: number): void {
    for (const physicalPage of block.code.get(page) ?? []) this.onCodeWrite(physicalPage, within, length);
  }

  /** Tells of void addresses by guest-physical page: a block's page may be seen at several. */
  #voided(which: Voided, block?: RamBlock, page = 0): void {
    if (block === undefined) return this.onFramesChanged(which);
    for (const range of this.addressSpace.flatView.ranges) {
      const seen = page + range.pageDelta;
      if (range.block === block && seen >= range.firstPage && seen <= range.lastPage)
        this.onFramesChanged(which, seen);
    }
  }

  #viewChanged(): void {
    this.#hit = null;
    for (const [page, code] of this.#code) {
      const range = this.#range(page);
      if (range !== null && range.block === code.block && page - range.pageDelta === code.page) continue;
      this.onCodeWrite(page, 0, PAGE_BYTES);
      this.clearCode(page);
    }
    for (const [page, table] of this.#tables) {
      const range = this.#range(page);
      if (
        range !== null &&
        range.writable &&
        range.block === table.block &&
        page - range.pageDelta === table.page
      )
        continue;
      this.clearTable(page);
      this.onTableMoved(page);
    }
    this.#pages.invalidate();
  }

  #readUnaligned(address: number, size: AccessSize): number {
    const low = address - (address % size);
    const shift = 8 * (address % size);
    const first = this.read(low as PhysicalAddress, size);
    const second = this.read((low + size) as PhysicalAddress, size);
    return (((first >>> shift) | (second << (8 * size - shift))) & allOnes(size)) >>> 0;
  }

  #readParts(address: number, size: AccessSize): number {
    let value = 0;
    for (let i = 0; i < size; i++) value |= this.read((address + i) as PhysicalAddress, 1) << (8 * i);
    return value >>> 0;
  }

  #writeParts(address: number, size: AccessSize, value: number): void {
    for (let i = 0; i < size; i++)
      this.write((address + i) as PhysicalAddress, 1, (value >>> (8 * i)) & 0xff);
  }
}

/** Whether 8 bytes are aligned in the address space and in the range's region, and lie in the range. */
const isWhole = (range: FlatRange, address: number): boolean =>
  ((address | (address - range.start + range.offset)) & 7) === 0 && address + 8 <= range.end;
