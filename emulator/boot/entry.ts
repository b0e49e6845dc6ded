/**
 * The states in which the boot protocols want the processor at a kernel's entry, one function each.
 *
 * Elsewhere: bringing a processor into such a state (`handover.ts`).
 */
import type { EntryState } from "./image.ts";

/** Flat descriptors: present, ring 0, 4 KiB granularity, accessed; code readable, data writable. */
const CODE32 = 0x00cf9b000000ffffn;
const CODE64 = 0x00af9b000000ffffn;
const DATA = 0x00cf93000000ffffn;
const CODE16 = 0x00009b000000ffffn;
const DATA16 = 0x000093000000ffffn;

/** QEMU's table: null, 32-bit code and data, 16-bit code and data. */
const QEMU_TABLE = [0n, CODE32, DATA, CODE16, DATA16];
/** A little stack where QEMU leaves its own; no specification promises one. */
const QEMU_STACK = 0x6f08;

/** Multiboot 1 section 3.2 and Multiboot 2 section 3.3: magic in EAX, information in EBX. */
export function multibootEntry(entry: number, magic: number, information: number): EntryState {
  return {
    bits: 32,
    code: 0x08,
    data: 0x10,
    descriptors: QEMU_TABLE,
    pageTable: 0,
    ip: entry,
    registers: { rax: magic, rbx: information, rsp: QEMU_STACK },
  };
}

/** PVH: start info in EBX (Xen, docs/misc/pvh.pandoc). */
export function pvhEntry(entry: number, information: number): EntryState {
  return {
    bits: 32,
    code: 0x08,
    data: 0x10,
    descriptors: QEMU_TABLE,
    pageTable: 0,
    ip: entry,
    registers: { rbx: information, rsp: QEMU_STACK },
  };
}

/** Linux's 32-bit and 64-bit entries: __BOOT_CS is 0x10 and __BOOT_DS 0x18, boot_params in (R/E)SI. With a page table it is the 64-bit one. */
export function linuxEntry(entry: number, bootParams: number, pageTable: number): EntryState {
  const wide = pageTable !== 0;
  return {
    bits: wide ? 64 : 32,
    code: 0x10,
    data: 0x18,
    descriptors: [0n, 0n, wide ? CODE64 : CODE32, DATA],
    pageTable,
    ip: entry,
    registers: { rsi: bootParams },
  };
}

/** Linux's real-mode entry: all segments at the setup code, CS 20h paragraphs higher, the stack below the end of the heap's segment. */
export function linuxRealModeEntry(segment: number, stack: number): EntryState {
  return {
    bits: 16,
    code: segment + 0x20,
    data: segment,
    descriptors: [],
    pageTable: 0,
    ip: 0,
    registers: { rsp: stack },
  };
}
