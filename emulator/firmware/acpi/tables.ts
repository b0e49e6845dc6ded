/**
 * The ACPI tables of this PC (ACPI 6.5 §5.2), in three files that can be put anywhere: FACS, which the operating system writes to; the tables; the root
 * pointer. Fixed hardware is the PIIX4's as QEMU's firmware sets it up: PM block at 0x600, general purpose events at 0xafe0, SCI on 9.
 *
 * Invariant: pointers hold offsets into the file they lead to until the set is linked, checksums 0.
 * Elsewhere: linking (`linker.ts`), where the files go (`../install.ts`).
 */
import { concat, littleEndian } from "./aml.ts";
import { definitionBlock, type DsdtConfig, HPET_BASE } from "./dsdt.ts";
import { FileBuilder, type FileSet } from "./linker.ts";
import { srat } from "./srat.ts";

export const FILE = { facs: "etc/acpi/facs", tables: "etc/acpi/tables", rsdp: "etc/acpi/rsdp" } as const;

const OEM_ID = "REDZNE";
const OEM_TABLE_ID = "REDZONE ";
const CREATOR_ID = "RDZN";
const HEADER_BYTES = 36;
const CHECKSUM = 9;

const PM_BASE = 0x600;
const GPE0 = 0xafe0;
const SCI = 9;
const SMI_COMMAND = 0xb2;
const ACPI_ENABLE = 0xf1;
const ACPI_DISABLE = 0xf0;
const CENTURY = 0x32;
/** FADT flags: WBINVD works, C1 works, no sleep button, use the platform's timer. The power button is a fixed one (bit 4 clear). */
const FADT_FLAGS = (1 << 0) | (1 << 2) | (1 << 5) | (1 << 15);
/** IAPC_BOOT_ARCH: legacy devices, an 8042. */
const BOOT_ARCHITECTURE = 3;
/** "Not supported": above 100 µs and above 1000 µs. */
const C2_LATENCY = 0xfff;
const C3_LATENCY = 0xfff;

const LOCAL_APIC = 0xfee00000;
const IO_APIC = 0xfec00000;
/** ISA interrupts that PCI uses: active high, level. Interrupt 0 arrives at pin 2. */
const LEVEL_HIGH = 0x0d;
const PCI_INTERRUPTS = [5, 9, 10, 11] as const;
/** HPET event timer block: vendor 8086h, legacy replacement, 64-bit counter, 3 comparators, revision 1. */
const HPET_ID = 0x8086a201;

const bytes = (...values: readonly number[]): Uint8Array => Uint8Array.from(values);
const text = (value: string): Uint8Array => Uint8Array.from(value, (character) => character.charCodeAt(0));
const u16 = (value: number): Uint8Array => littleEndian(value, 2);
const u32 = (value: number): Uint8Array => littleEndian(value, 4);
const u64 = (value: number): Uint8Array => littleEndian(value, 8);

export function acpiTables(config: DsdtConfig): FileSet {
  const facs = new FileBuilder(FILE.facs, 64);
  facs.append(concat(text("FACS"), u32(64), new Uint8Array(24), bytes(1), new Uint8Array(31)));
  const tables = new FileBuilder(FILE.tables, 64);
  const dsdt = addTable(tables, "DSDT", 2, definitionBlock(config));
  const fadt = addFadt(tables, dsdt);
  const listed = [fadt, addTable(tables, "APIC", 2, madt(config.cpus))];
  if (config.hpet) listed.push(addTable(tables, "HPET", 1, hpet()));
  const { slots = 0, deviceMemory } = config;
  if (slots > 0 && deviceMemory !== undefined)
    listed.push(addTable(tables, "SRAT", 1, srat({ ...config, deviceMemory })));
  const rsdt = addList(tables, "RSDT", 4, listed);
  const xsdt = addList(tables, "XSDT", 8, listed);
  return [facs.file, tables.file, rsdp(rsdt, xsdt)];
}

/** Appends a table and gives its offset. */
function addTable(file: FileBuilder, signature: string, revision: number, body: Uint8Array): number {
  const length = HEADER_BYTES + body.length;
  const at = file.append(
    concat(
      text(signature),
      u32(length),
      bytes(revision, 0),
      text(OEM_ID),
      text(OEM_TABLE_ID),
      u32(1),
      text(CREATOR_ID),
      u32(1),
      body,
    ),
  );
  file.checksum(at + CHECKSUM, at, length);
  return at;
}

/** RSDT and XSDT: pointers to the other tables. */
function addList(file: FileBuilder, signature: string, size: 4 | 8, tables: readonly number[]): number {
  const at = addTable(file, signature, 1, concat(...tables.map((offset) => littleEndian(offset, size))));
  for (const n of tables.keys()) file.pointer(at + HEADER_BYTES + n * size, size, FILE.tables);
  return at;
}

/** Generic address structure: system I/O, undefined access size. All zeros: there is none. */
const generic = (address: number, lengthBytes: number): Uint8Array =>
  address === 0 ? new Uint8Array(12) : concat(bytes(1, lengthBytes * 8, 0, 0), u64(address));

/** Revision 3, 244 bytes. */
function addFadt(file: FileBuilder, dsdt: number): number {
  const at = addTable(
    file,
    "FACP",
    3,
    concat(
      u32(0), // FACS
      u32(dsdt),
      bytes(0, 0), // reserved, no preferred profile
      u16(SCI),
      u32(SMI_COMMAND),
      bytes(ACPI_ENABLE, ACPI_DISABLE, 0, 0),
      ...[PM_BASE, 0, PM_BASE + 4, 0, 0, PM_BASE + 8, GPE0, 0].map(u32),
      bytes(4, 2, 0, 4, 4, 0, 0, 0),
      u16(C2_LATENCY),
      u16(C3_LATENCY),
      u16(0),
      u16(0), // cache flush: not needed, as WBINVD works
      bytes(0, 0, 0, 0, CENTURY),
      u16(BOOT_ARCHITECTURE),
      bytes(0),
      u32(FADT_FLAGS),
      generic(0, 0), // no reset register
      bytes(0, 0, 0, 0),
      u64(0), // X_FIRMWARE_CTRL: the 32-bit field says it
      u64(dsdt),
      generic(PM_BASE, 4),
      generic(0, 0),
      generic(PM_BASE + 4, 2),
      generic(0, 0),
      generic(0, 0),
      generic(PM_BASE + 8, 4),
      generic(GPE0, 4),
      generic(0, 0),
    ),
  );
  file.pointer(at + 36, 4, FILE.facs);
  file.pointer(at + 40, 4, FILE.tables);
  file.pointer(at + 140, 8, FILE.tables);
  return at;
}

/** Multiple APIC description: local APICs, one I/O APIC, how ISA's interrupts differ from its defaults, NMI at LINT1. */
function madt(cpus: number): Uint8Array {
  const ioApicId = 0;
  return concat(
    u32(LOCAL_APIC),
    u32(1), // there are 8259s, too
    ...Array.from({ length: cpus }, (_, n) => concat(bytes(0, 8, n, n), u32(1))),
    concat(bytes(1, 12, ioApicId, 0), u32(IO_APIC), u32(0)),
    override(0, 2, 0),
    ...PCI_INTERRUPTS.map((line) => override(line, line, LEVEL_HIGH)),
    concat(bytes(4, 6, 0xff), u16(0), bytes(1)),
  );
}

const override = (source: number, gsi: number, flags: number): Uint8Array =>
  concat(bytes(2, 10, 0, source), u32(gsi), u16(flags));

function hpet(): Uint8Array {
  return concat(u32(HPET_ID), bytes(0, 0, 0, 0), u64(HPET_BASE), bytes(0), u16(0), bytes(0));
}

/** Revision 2: 20 bytes of ACPI 1.0, then length, XSDT and a checksum of all 36. */
function rsdp(rsdt: number, xsdt: number): FileSet[number] {
  const file = new FileBuilder(FILE.rsdp, 16);
  file.append(
    concat(
      text("RSD PTR "),
      bytes(0),
      text(OEM_ID),
      bytes(2),
      u32(rsdt),
      u32(36),
      u64(xsdt),
      bytes(0, 0, 0, 0),
    ),
  );
  file.pointer(16, 4, FILE.tables);
  file.pointer(24, 8, FILE.tables);
  file.checksum(8, 0, 20);
  file.checksum(32, 0, 36);
  return file.file;
}
