/**
 * Where the tables of a PC's firmware go: into segment F000, where operating systems search for them, or into fw_cfg, for a firmware image to place.
 *
 *     0xe8000 + …     writable: FACS at 0xeffc0           0xf0070   SMBIOS entry point
 *     0xf0000         descriptor table of boot loaders    0xf0100   SMBIOS structures, then the ACPI tables, below 0xfe000
 *     0xf0040         ACPI root pointer
 *
 * Invariant: all of it lies between 0xe0000 and 0xfdfff, which no memory map calls usable; above that is the code of the built-in BIOS.
 */
import { assert } from "../assert.ts";
import { type CpuModel, identity } from "../cpu/system/model.ts";
import type { Device } from "../devices/device.ts";
import type { FwCfg } from "../devices/fw-cfg.ts";
import type { MachineConfig } from "../machine/types.ts";
import { deviceMemory, type Memory, type RamSplit } from "../memory/index.ts";
import { physical, type PhysicalAddress } from "../numbers.ts";
import { acpiTables, FILE, link, loaderScript, type FileSet } from "./acpi/index.ts";
import { entryPoint, smbiosTables, type SmbiosTables } from "./smbios/index.ts";

const FACS = 0xeffc0;
const RSDP = 0xf0040;
const SMBIOS_ENTRY = 0xf0070;
const TABLES = 0xf0100;
const TABLES_END = 0xfe000;

/** They are the same each time a machine is reset. */
export interface FirmwareTables {
  readonly smbios: SmbiosTables;
  /** Null with `-machine acpi=off`. */
  readonly acpi: FileSet | null;
}

export interface InstalledTables {
  /** Null without ACPI. */
  readonly rsdp: PhysicalAddress | null;
  /** What the tables occupy, ascending: [start, end). */
  readonly ranges: readonly { readonly start: number; readonly end: number }[];
}

/** What tables tell of a machine with these settings and devices. */
export function firmwareTables(
  config: MachineConfig,
  model: CpuModel,
  split: RamSplit,
  devices: readonly Device[],
): FirmwareTables {
  const { cpus = 1, acpi = true, slots = 0 } = config;
  const window = deviceMemory(config);
  const hpet = devices.some(({ name }) => name === "hpet");
  return {
    smbios: smbiosTables({ cpus, ...split, processor: identity(model) }),
    acpi: acpi
      ? acpiTables({ cpus, ...split, hpet, ...(window === null ? {} : { slots, deviceMemory: window }) })
      : null,
  };
}

/** Puts the tables into memory, as firmware that has run leaves them. */
export function installTables(memory: Memory, { smbios, acpi }: FirmwareTables): InstalledTables {
  const ranges: { start: number; end: number }[] = [];
  const put = (address: number, bytes: Uint8Array): number => {
    memory.poke(physical(address), bytes);
    ranges.push({ start: address, end: address + bytes.length });
    return address + bytes.length;
  };
  put(SMBIOS_ENTRY, entryPoint(smbios, TABLES));
  const end = put(TABLES, smbios.structures);
  if (acpi !== null) {
    const tables = Math.ceil(end / 64) * 64;
    const addresses = new Map<string, number>([
      [FILE.facs, FACS],
      [FILE.tables, tables],
      [FILE.rsdp, RSDP],
    ]);
    for (const { address, bytes } of link(acpi, addresses)) put(address, bytes);
  }
  ranges.sort((a, b) => a.start - b.start);
  for (const [n, range] of ranges.entries())
    assert(range.end <= (ranges[n + 1]?.start ?? TABLES_END), "firmware tables fit", range.start, range.end);
  return { rsdp: acpi === null ? null : physical(RSDP), ranges };
}

/** Offers the tables to a firmware image, under QEMU's names. */
export function offerTables(fwCfg: FwCfg, { smbios, acpi }: FirmwareTables): void {
  fwCfg.add("etc/smbios/smbios-tables", smbios.structures);
  fwCfg.add("etc/smbios/smbios-anchor", entryPoint(smbios, 0));
  if (acpi === null) return;
  for (const { name, bytes } of acpi) fwCfg.add(name, bytes);
  fwCfg.add(
    "etc/table-loader",
    loaderScript(acpi, (name) => (name === FILE.rsdp ? "segment F000" : "high")),
  );
}
