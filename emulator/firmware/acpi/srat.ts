/**
 * SRAT (ACPI 6.5 §5.2.16): which memory and which processors are near each other. There is one node; the table is there for its last row, from which an
 * operating system learns at the start how far memory may reach one day.
 */
import { concat, littleEndian } from "./aml.ts";

export interface SratConfig {
  readonly cpus: number;
  readonly below4G: number;
  readonly above4G: number;
  readonly deviceMemory: { readonly base: number; readonly sizeBytes: number };
}

const FOUR_GIB = 2 ** 32;
const EBDA_END = 0xa0000;
const MIB = 2 ** 20;
const FLAG = { enabled: 1, hotPluggable: 2 } as const;

export function srat({ cpus, below4G, above4G, deviceMemory }: SratConfig): Uint8Array {
  return concat(
    littleEndian(1, 4), // reserved: must be 1
    new Uint8Array(8),
    ...Array.from({ length: cpus }, (_, n) => processor(n)),
    memory(0, Math.min(below4G, EBDA_END), FLAG.enabled),
    ...(below4G > MIB ? [memory(MIB, below4G - MIB, FLAG.enabled)] : []),
    ...(above4G > 0 ? [memory(FOUR_GIB, above4G, FLAG.enabled)] : []),
    memory(deviceMemory.base, deviceMemory.sizeBytes, FLAG.enabled | FLAG.hotPluggable),
  );
}

/** By its local APIC. */
const processor = (apicId: number): Uint8Array =>
  concat(Uint8Array.of(0, 16, 0, apicId), littleEndian(FLAG.enabled, 4), new Uint8Array(8));

const memory = (base: number, length: number, flags: number): Uint8Array =>
  concat(
    Uint8Array.of(1, 40),
    new Uint8Array(6), // node 0
    littleEndian(base, 8),
    littleEndian(length, 8),
    new Uint8Array(4),
    littleEndian(flags, 4),
    new Uint8Array(8),
  );
