/**
 * Guest memory as the debugger reads and writes it: linear addresses through the page tables of one CPU, physical ones directly, and RAMBlocks by
 * `ram_addr_t`, whether they are mapped or not.
 *
 * Invariant: looking changes nothing. Pages that belong to devices are not read, because a read can be a command to a device; VGA memory,
 * which is memory for this purpose, is the exception, and so is a reader that asks for devices by name (`xp` of the monitor).
 * Elsewhere: all that is mapped (`walk.ts`); the walk for one address is the processor's own.
 */
import {
  ACCESS,
  BY,
  explainWalk,
  MODE,
  PAGE_BYTES,
  physical,
  ramAddress,
  type Core,
  type GuestMemory,
  type PageWalk,
} from "../../emulator/index.ts";
import { badReference, unmapped } from "../errors.ts";

export type Space = "linear" | "physical" | "ram";

/** An address in one of the spaces, as memory references of DAP spell it: "v:0xffffffff80000000", "p:0xb8000", "r:0xc0001000". */
export interface Address {
  readonly space: Space;
  readonly offset: bigint;
}

export const LARGEST: Record<Space, bigint> = {
  linear: (1n << 64n) - 1n,
  physical: (1n << 52n) - 1n,
  ram: (1n << 52n) - 1n,
};
const PREFIX: Record<Space, string> = { linear: "v", physical: "p", ram: "r" };
/** By the letters of references and expressions. */
export const SPACES: Readonly<Record<string, Space>> = { v: "linear", p: "physical", r: "ram" };
const VGA_PAGES = { first: 0xa0, last: 0xbf } as const;

export const formatReference = (address: Address): string =>
  `${PREFIX[address.space]}:0x${address.offset.toString(16)}`;

/** Reads a memory reference; a bare number is linear. Throws `badReference`. */
export function parseReference(text: string): Address {
  const match = /^\s*(?:([vpr]):)?(0x[0-9a-fA-F]+|\d+)\s*$/.exec(text);
  const space = SPACES[match?.[1] ?? "v"] ?? "linear";
  const offset = match?.[2] === undefined ? -1n : BigInt(match[2]);
  if (offset < 0n || offset > LARGEST[space]) throw badReference(text);
  return { space, offset };
}

export class GuestSpace {
  readonly core: Core;
  readonly memory: GuestMemory;

  constructor(core: Core) {
    this.core = core;
    this.memory = core.guest;
  }

  /** Walks the page tables for a supervisor's access, as they are now and whatever the TLB holds. */
  walk(linear: bigint, access: (typeof ACCESS)[keyof typeof ACCESS] = ACCESS.read): PageWalk {
    return explainWalk(this.core, Number(linear & 0xffff_ffffn), Number(linear >> 32n), access, BY.system);
  }

  /** Where a linear address is in physical memory, or why nowhere. */
  translate(linear: bigint): number | string {
    if (linear > 0xffff_ffffn && (this.core.mode & MODE.long) === 0)
      return "linear addresses have 32 bits in this mode";
    const { physical: found, fault } = this.walk(linear);
    return found ?? fault?.why ?? "it is not mapped";
  }

  /** A table in physical memory; what is not there reads as zero. */
  readTable(address: number, length: number): Uint8Array {
    if (this.memory.frameForRead(Math.floor(address / PAGE_BYTES)) === 0) return new Uint8Array(length);
    return this.memory.readBytes(physical(address), length);
  }

  /** As many of `length` bytes as can be read before the first byte that cannot, and why that one cannot. */
  readUpTo(
    { space, offset }: Address,
    length: number,
    devices = false,
  ): { readonly bytes: Uint8Array; readonly why: string | null } {
    const bytes = new Uint8Array(length);
    let done = 0;
    while (done < length) {
      const here = offset + BigInt(done);
      if (here > LARGEST[space])
        return { bytes: bytes.subarray(0, done), why: "the address space ends there" };
      const inPage = PAGE_BYTES - Number(here & BigInt(PAGE_BYTES - 1));
      if (space === "ram") {
        const count = Math.min(inPage, length - done);
        const found = this.memory.readRam(ramAddress(Number(here)), count);
        bytes.set(found, done);
        done += found.length;
        if (found.length < count)
          return { bytes: bytes.subarray(0, done), why: "no RAMBlock has this address" };
        continue;
      }
      const at = this.#physical(space, here);
      if (typeof at === "string") return { bytes: bytes.subarray(0, done), why: at };
      if (!devices && !this.#isMemory(at))
        return { bytes: bytes.subarray(0, done), why: "no memory answers there" };
      let count = Math.min(inPage, length - done);
      // Physical memory that goes on behind the page is read with it.
      while (space === "physical" && done + count < length && this.#isMemory(at + count))
        count = Math.min(count + PAGE_BYTES, length - done);
      bytes.set(this.memory.readBytes(physical(at), count), done);
      done += count;
    }
    return { bytes, why: null };
  }

  /** Exactly `length` bytes. Throws `unmapped`. */
  read(address: Address, length: number): Uint8Array {
    const { bytes, why } = this.readUpTo(address, length);
    if (why !== null) throw unmapped(address.space, address.offset + BigInt(bytes.length), why);
    return bytes;
  }

  /** A little-endian value of 1, 2, 4 or 8 bytes. Throws `unmapped`. */
  readUnsigned(address: Address, size: number): bigint {
    return littleEndian(this.read(address, size));
  }

  /** Writes all bytes or none; read-only pages and ROM too. Throws `unmapped`. */
  write({ space, offset }: Address, bytes: Uint8Array): void {
    if (space === "ram") {
      // Of another block or of none may be the next page, but never a part of one.
      this.read({ space, offset }, bytes.length);
      for (let done = 0; done < bytes.length;) {
        const here = Number(offset) + done;
        const end = Math.min(done + PAGE_BYTES - (here % PAGE_BYTES), bytes.length);
        this.memory.pokeRam(ramAddress(here), bytes.subarray(done, end));
        done = end;
      }
      return;
    }
    const pieces: { readonly at: number; readonly bytes: Uint8Array }[] = [];
    let done = 0;
    while (done < bytes.length) {
      const here = offset + BigInt(done);
      if (here > LARGEST[space]) throw unmapped(space, here, "the address space ends there");
      const count = Math.min(PAGE_BYTES - Number(here & BigInt(PAGE_BYTES - 1)), bytes.length - done);
      const at = this.#physical(space, here);
      if (typeof at === "string") throw unmapped(space, here, at);
      if (!this.#isMemory(at)) throw unmapped(space, here, "no memory answers there");
      pieces.push({ at, bytes: bytes.subarray(done, done + count) });
      done += count;
    }
    for (const piece of pieces) this.memory.poke(physical(piece.at), piece.bytes);
  }

  /** Whether a physical address can be read and written without a device taking it for a command. */
  #isMemory(address: number): boolean {
    const page = Math.floor(address / PAGE_BYTES);
    return (page >= VGA_PAGES.first && page <= VGA_PAGES.last) || this.memory.frameForRead(page) !== 0;
  }

  #physical(space: "linear" | "physical", offset: bigint): number | string {
    if (space === "physical") return Number(offset);
    return this.translate(offset);
  }
}

export function littleEndian(bytes: Uint8Array): bigint {
  let value = 0n;
  for (let i = bytes.length - 1; i >= 0; i--) value = (value << 8n) | BigInt(bytes[i]!);
  return value;
}

export function littleEndianBytes(value: bigint, size: number): Uint8Array {
  const bytes = new Uint8Array(size);
  let rest = BigInt.asUintN(size * 8, value);
  for (let i = 0; i < size; i++) {
    bytes[i] = Number(rest & 0xffn);
    rest >>= 8n;
  }
  return bytes;
}
