/**
 * fw_cfg, by which QEMU hands configuration and files to firmware and kernels (docs/specs/fw_cfg).
 *
 *     0x510  selector, 16 bits, write only        0x511  data, a byte per access
 *     0x514  DMA address, 64 bits big-endian; writing its low half starts the transfer. Reads as "QEMU CFG"
 *
 *     DMA control block in guest memory, big-endian:  +0 control (31:16 key; 4 write, 3 select, 2 skip, 1 read, 0 error)   +4 length   +8 address
 *     file directory, key 0x19, big-endian:           count, then entries of 64 bytes: size, key (16 bits), reserved (16 bits), name[56]
 *
 * Invariant: entries and files are configuration, given before the machine runs; state is only where the guest reads, and what it wrote into
 * files that may be written. Files are sorted by name and keys follow that order, as in QEMU.
 * Elsewhere: what a PC puts here (`fw-cfg-pc.ts`, and the makers of ACPI and SMBIOS tables).
 */
import { assert } from "../assert.ts";
import type { GuestMemory } from "../memory/guest-memory.ts";
import { physical } from "../numbers.ts";
import { BigEndian, latin1 } from "../big-endian.ts";
import type { Device, PlainData, RegionOps } from "./device.ts";

/** Keys with a fixed meaning. Those from 0x8000 belong to the architecture. */
export const FW_CFG = {
  signature: 0x00,
  id: 0x01,
  uuid: 0x02,
  ramSize: 0x03,
  noGraphic: 0x04,
  cpus: 0x05,
  machineId: 0x06,
  kernelAddress: 0x07,
  kernelSize: 0x08,
  kernelCommandLine: 0x09,
  initrdAddress: 0x0a,
  initrdSize: 0x0b,
  bootDevice: 0x0c,
  numa: 0x0d,
  bootMenu: 0x0e,
  maxCpus: 0x0f,
  kernelEntry: 0x10,
  kernelData: 0x11,
  initrdData: 0x12,
  commandLineAddress: 0x13,
  commandLineSize: 0x14,
  commandLineData: 0x15,
  setupAddress: 0x16,
  setupSize: 0x17,
  setupData: 0x18,
  fileDirectory: 0x19,
  fileFirst: 0x20,
  acpiTables: 0x8000,
  smbiosEntries: 0x8001,
  irq0Override: 0x8002,
  e820Table: 0x8003,
  hpet: 0x8004,
} as const;

/** Bit 0: the traditional interface, bit 1: DMA. */
const ID = 3;
const WRITE_CHANNEL = 0x4000;
const INVALID_KEY = 0xffff;
const DIRECTORY_ENTRY_BYTES = 64;
const NAME_BYTES = 56;
const CONTROL = { error: 1, read: 2, skip: 4, select: 8, write: 0x10 } as const;
const CONTROL_BLOCK_BYTES = 16;
/** A transfer is made in pieces: its length is the guest's choice, up to 4 GiB. */
const PIECE_BYTES = 0x10000;
const DMA_SIGNATURE = latin1("QEMU CFG");

export interface FwCfgFileOptions {
  /** The guest may write the file (by DMA): called after each write with the whole contents. */
  readonly write?: (bytes: Uint8Array) => void;
}

interface File {
  readonly name: string;
  bytes: Uint8Array;
  readonly write: ((bytes: Uint8Array) => void) | null;
}

type State = { selector: number; offset: number; dmaHigh: number; written: { [name: string]: Uint8Array } };

export class FwCfg implements Device {
  readonly name = "fw_cfg";
  readonly deadline = Infinity;
  readonly #memory: GuestMemory;
  readonly #keys = new Map<number, Uint8Array>();
  /** Sorted by name: the key of a file is its index, from `fileFirst` on. */
  readonly #files: File[] = [];
  #selector = 0;
  #offset = 0;
  #dmaHigh = 0;

  /** @param memory guest memory, for DMA */
  constructor(memory: GuestMemory) {
    this.#memory = memory;
    this.setKey(FW_CFG.signature, latin1("QEMU"));
    this.setKey(FW_CFG.id, Uint8Array.of(ID, 0, 0, 0));
    this.#makeDirectory();
  }

  /** Adds a file, or replaces the one of that name. Names are of at most 55 characters. */
  add(name: string, bytes: Uint8Array, options: FwCfgFileOptions = {}): void {
    assert(name.length > 0 && name.length < NAME_BYTES, "length of a fw_cfg file's name", name);
    const file: File = { name, bytes: bytes.slice(), write: options.write ?? null };
    const existing = this.#files.findIndex((other) => other.name === name);
    if (existing >= 0) this.#files[existing] = file;
    else {
      const after = this.#files.findIndex((other) => other.name > name);
      this.#files.splice(after < 0 ? this.#files.length : after, 0, file);
    }
    this.#makeDirectory();
  }

  /** Sets what a key with a fixed meaning gives (see `FW_CFG`). */
  setKey(key: number, bytes: Uint8Array): void {
    this.#keys.set(key, bytes.slice());
  }

  /** For looking: what each file holds, in order. */
  get files(): readonly { readonly name: string; readonly key: number; readonly bytes: Uint8Array }[] {
    return this.#files.map(({ name, bytes }, index) => ({ name, key: FW_CFG.fileFirst + index, bytes }));
  }

  /** The two ports at 0x510. As in QEMU a 16-bit write selects and any byte read gives data; bytes written to the data port are dropped. */
  readonly ports: RegionOps = {
    read: (_address, size) => (size === 1 ? this.#readByte() : size === 2 ? 0xffff : 0xffffffff),
    write: (address, size, value) => {
      if (address === 0 && size === 2) this.#select(value);
    },
  };

  /** The eight ports at 0x514. */
  readonly dma: RegionOps = {
    read: (address, size) => {
      let value = 0;
      for (let n = size - 1; n >= 0; n--) value = value * 256 + (DMA_SIGNATURE[address + n] ?? 0xff);
      return value;
    },
    write: (address, size, value) => {
      if (size !== 4) return;
      const word = swap(value);
      if (address === 0) this.#dmaHigh = word;
      else {
        const block = this.#dmaHigh * 2 ** 32 + word;
        this.#dmaHigh = 0;
        this.#transfer(block);
      }
    },
  };

  reset(): void {
    this.#select(FW_CFG.signature);
    this.#dmaHigh = 0;
  }

  tick(): void {}

  save(): PlainData {
    const written: { [name: string]: Uint8Array } = {};
    for (const { name, bytes, write } of this.#files) if (write !== null) written[name] = bytes.slice();
    return { selector: this.#selector, offset: this.#offset, dmaHigh: this.#dmaHigh, written };
  }

  load(state: PlainData): void {
    const { selector, offset, dmaHigh, written } = state as State;
    this.#selector = selector;
    this.#offset = offset;
    this.#dmaHigh = dmaHigh;
    for (const file of this.#files) {
      const bytes = written[file.name];
      if (bytes !== undefined) file.bytes = bytes.slice();
    }
  }

  #select(key: number): void {
    this.#offset = 0;
    const known = (key & 0x3fff) < FW_CFG.fileFirst + this.#files.length;
    this.#selector = known ? key & 0xffff & ~WRITE_CHANNEL : INVALID_KEY;
  }

  /** The selected entry's bytes; none if there is no such entry. */
  #selected(): { readonly bytes: Uint8Array; readonly file: File | null } {
    const file = this.#files[this.#selector - FW_CFG.fileFirst] ?? null;
    return { bytes: file?.bytes ?? this.#keys.get(this.#selector) ?? new Uint8Array(0), file };
  }

  #readByte(): number {
    const { bytes } = this.#selected();
    // Past the end there are zeros, and the position stays.
    return this.#offset < bytes.length ? bytes[this.#offset++]! : 0;
  }

  #transfer(block: number): void {
    const memory = this.#memory;
    if (block > 2 ** 52 - CONTROL_BLOCK_BYTES) return;
    const words = new BigEndian(memory.readBytes(physical(block), CONTROL_BLOCK_BYTES));
    const control = words.u32(0);
    const length = words.u32(4);
    const address = words.u64(8);
    if (control & CONTROL.select) this.#select(control >>> 16);
    const inside = address <= 2 ** 52 - length;
    const ok = inside && this.#move(control, length, address);
    const status = new BigEndian(new Uint8Array(4));
    status.setU32(0, ok ? 0 : CONTROL.error);
    memory.writeBytes(physical(block), status.bytes);
  }

  /** Reads, writes or skips `length` bytes from the position on; false is the error bit. */
  #move(control: number, length: number, address: number): boolean {
    const { bytes, file } = this.#selected();
    const available = Math.min(length, Math.max(bytes.length - this.#offset, 0));
    if (control & CONTROL.read) {
      for (let done = 0; done < length; done += PIECE_BYTES) {
        const piece = new Uint8Array(Math.min(PIECE_BYTES, length - done));
        piece.set(
          bytes.subarray(this.#offset + done, this.#offset + Math.min(done + piece.length, available)),
        );
        this.#memory.writeBytes(physical(address + done), piece);
      }
    } else if (control & CONTROL.write) {
      if (length === 0) return true;
      // QEMU moves the position also when it refuses the write.
      const at = this.#offset;
      this.#offset += available;
      if (file === null || file.write === null || available !== length) return false;
      file.bytes.set(this.#memory.readBytes(physical(address), length), at);
      file.write(file.bytes.slice());
      return true;
    } else if ((control & CONTROL.skip) === 0) return true;
    this.#offset += available;
    return true;
  }

  #makeDirectory(): void {
    const directory = new BigEndian(new Uint8Array(4 + DIRECTORY_ENTRY_BYTES * this.#files.length));
    directory.setU32(0, this.#files.length);
    for (const [index, { name, bytes }] of this.#files.entries()) {
      const at = 4 + DIRECTORY_ENTRY_BYTES * index;
      directory.setU32(at, bytes.length);
      directory.setU16(at + 4, FW_CFG.fileFirst + index);
      directory.bytes.set(latin1(name), at + 8);
    }
    this.setKey(FW_CFG.fileDirectory, directory.bytes);
  }
}

function swap(word: number): number {
  return (
    (((word & 0xff) << 24) | ((word & 0xff00) << 8) | ((word >>> 8) & 0xff00) | ((word >>> 24) & 0xff)) >>> 0
  );
}
