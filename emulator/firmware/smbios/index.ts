/**
 * SMBIOS 2.8 (DSP0134): who made the machine, and what is in it, as `dmidecode` and kernels' quirk tables read it.
 *
 * Types 0 firmware, 1 system, 3 enclosure, 4 processor, 16 memory array, 17 one module of up to 16 GiB each, 19 where they are, 32 boot status, 127 end: the
 * structures that QEMU's `pc` has, and their handles.
 */
import { concat, littleEndian } from "../acpi/aml.ts";
import { Structure } from "./structure.ts";

export interface SmbiosConfig {
  readonly cpus: number;
  readonly below4G: number;
  readonly above4G: number;
  /** CPUID leaf 1: EAX and EDX. */
  readonly processor: { readonly signature: number; readonly features: number };
}

export interface SmbiosTables {
  readonly structures: Uint8Array;
  readonly count: number;
  readonly largest: number;
}

const MAKER = "Redzone";
const PRODUCT = "Standard PC (i440FX + PIIX, 1996)";
const VERSION = "pc-i440fx";
const KIB = 1024;
const MIB = KIB * KIB;
const GIB = 1024 * MIB;
const FOUR_GIB = 4 * GIB;
const MODULE_BYTES = 16 * GIB;
const MEGAHERTZ = 1000;
const NO_HANDLE = 0xffff;
const NO_ERROR_HANDLE = 0xfffe;
const MEMORY_ARRAY = 0x1000;

export function smbiosTables(config: SmbiosConfig): SmbiosTables {
  const all = [
    firmware(),
    system(),
    enclosure(),
    processor(config),
    ...memory(config),
    new Structure(32, 0x2000).byte(0, 0, 0, 0, 0, 0, 0),
    new Structure(127, 0x7f00),
  ].map(({ bytes }) => bytes);
  return {
    structures: concat(...all),
    count: all.length,
    largest: Math.max(...all.map(({ length }) => length)),
  };
}

/** The entry point (§5.2.1), 31 bytes on a multiple of 16 in segment F000; checksums included. */
export function entryPoint({ structures, count, largest }: SmbiosTables, address: number): Uint8Array {
  const bytes = new Uint8Array(31);
  const text = (at: number, value: string): void => {
    for (let n = 0; n < value.length; n++) bytes[at + n] = value.charCodeAt(n);
  };
  text(0, "_SM_");
  bytes.set([31, 2, 8], 5);
  bytes.set(littleEndian(largest, 2), 8);
  text(16, "_DMI_");
  bytes.set(littleEndian(structures.length, 2), 22);
  bytes.set(littleEndian(address, 4), 24);
  bytes.set(littleEndian(count, 2), 28);
  bytes[30] = 0x28;
  const sum = (from: number): number => -bytes.subarray(from).reduce((total, byte) => total + byte, 0) & 0xff;
  bytes[21] = sum(16);
  bytes[4] = sum(0);
  return bytes;
}

function firmware(): Structure {
  const virtualMachine = 0x10;
  const targetedContent = 0x04;
  return new Structure(0, 0)
    .text(MAKER)
    .text("built in")
    .word(0xe800) // segment
    .text("01/01/2026")
    .byte(0) // 64 KiB
    .qword(8) // characteristics are not told
    .byte(0, virtualMachine | targetedContent)
    .byte(0, 0, 0xff, 0xff);
}

function system(): Structure {
  const powerSwitch = 6;
  return new Structure(1, 0x100).text(MAKER).text(PRODUCT).text(VERSION).byte(0).qword(0, 0).byte(powerSwitch, 0, 0);
} // oxfmt-ignore

function enclosure(): Structure {
  const other = 1;
  const safe = 3;
  return new Structure(3, 0x300)
    .text(MAKER)
    .byte(other)
    .text(VERSION)
    .byte(0, 0, safe, safe, safe, 2) // no serial number, no tag; security unknown
    .dword(0)
    .byte(0, 0, 0, 0, 0);
}

function processor({ cpus, processor: { signature, features } }: SmbiosConfig): Structure {
  const central = 3;
  const other = 1;
  const enabled = 0x41;
  const wide = 0x04; // 64-bit
  const many = Math.min(cpus, 0xff);
  return new Structure(4, 0x400)
    .text("CPU 0")
    .byte(central, other)
    .text(MAKER)
    .dword(signature, features)
    .text(VERSION)
    .byte(0) // voltage
    .word(0, MEGAHERTZ, MEGAHERTZ)
    .byte(enabled, other)
    .word(NO_HANDLE, NO_HANDLE, NO_HANDLE)
    .byte(0, 0, 0)
    .byte(many, many, many)
    .word(wide, other);
}

function memory({ below4G, above4G }: SmbiosConfig): readonly Structure[] {
  const total = below4G + above4G;
  const modules = Math.ceil(total / MODULE_BYTES);
  const systemMemory = 3;
  const multiBit = 6;
  const array = new Structure(16, MEMORY_ARRAY)
    .byte(1, systemMemory, multiBit) // other location
    .dword(total / KIB < 0x80000000 ? total / KIB : 0x80000000)
    .word(NO_ERROR_HANDLE, modules)
    .qword(total / KIB < 0x80000000 ? 0 : total);
  const structures = [array];
  for (let n = 0; n < modules; n++) structures.push(memoryModule(n, Math.min(MODULE_BYTES, total - n * MODULE_BYTES)));
  structures.push(mapped(0, 0, below4G, modules));
  if (above4G > 0) structures.push(mapped(1, FOUR_GIB, above4G, modules));
  return structures;
} // oxfmt-ignore

function memoryModule(n: number, sizeBytes: number): Structure {
  const dimm = 9;
  const ram = 7;
  const other = 2;
  const megabytes = Math.floor(sizeBytes / MIB);
  return new Structure(17, 0x1100 + n)
    .word(MEMORY_ARRAY, NO_ERROR_HANDLE, 0xffff, 0xffff)
    .word(megabytes < 0x7fff ? megabytes : 0x7fff)
    .byte(dimm, 0)
    .text(`DIMM ${n}`)
    .byte(0, ram)
    .word(other, 0)
    .text(MAKER)
    .byte(0, 0, 0, 0)
    .dword(megabytes < 0x7fff ? 0 : megabytes)
    .word(0, 0, 0, 0);
}

function mapped(n: number, start: number, sizeBytes: number, modules: number): Structure {
  const [first, last] = [start / KIB, (start + sizeBytes) / KIB - 1];
  const fits = last < 0xffffffff;
  return new Structure(19, 0x1300 + n)
    .dword(fits ? first : 0xffffffff, fits ? last : 0xffffffff)
    .word(MEMORY_ARRAY)
    .byte(Math.min(modules, 0xff))
    .qword(fits ? 0 : start, fits ? 0 : start + sizeBytes - 1);
}
