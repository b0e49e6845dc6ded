/** ACPI tables: structure and checksums here; what ACPICA's disassembler and compiler say about them. */
import { readFileSync, writeFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import { acpiTables, FILE, link, loaderScript } from "../../emulator/firmware/acpi/index.ts";
import { path, integer, pack, string, eisaId } from "../../emulator/firmware/acpi/aml.ts";
import { hasIasl, output, scratchFile } from "./tool.ts";

const GIB = 2 ** 30;
const CONFIGS = {
  small: { cpus: 1, hpet: true, below4G: GIB / 8, above4G: 0 },
  large: { cpus: 255, hpet: true, below4G: 3 * GIB, above4G: 61 * GIB },
  "without HPET": { cpus: 4, hpet: false, below4G: 3 * GIB, above4G: GIB },
  "no room for PCI below 4 GiB": { cpus: 1, hpet: true, below4G: 4 * GIB - 2 ** 20, above4G: 0 },
  "memory slots": {
    cpus: 2,
    hpet: true,
    below4G: GIB / 2,
    above4G: 0,
    slots: 2,
    deviceMemory: { base: 4 * GIB, sizeBytes: 3.5 * GIB },
  },
  "all memory slots": {
    cpus: 255,
    hpet: true,
    below4G: 3 * GIB,
    above4G: 61 * GIB,
    slots: 256,
    deviceMemory: { base: 65 * GIB, sizeBytes: 512 * GIB },
  },
} as const;

interface Table {
  readonly signature: string;
  readonly address: number;
  readonly bytes: Uint8Array;
}

const text = (bytes: Uint8Array): string => String.fromCharCode(...bytes);
const sum = (bytes: Uint8Array): number => bytes.reduce((total, byte) => (total + byte) & 0xff, 0);
const view = (bytes: Uint8Array): DataView => new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);

/** Follows the pointers as an operating system does: by the XSDT, and by the RSDT; both must lead to the same tables. */
function tablesOf(config: (typeof CONFIGS)[keyof typeof CONFIGS]): readonly Table[] {
  const addresses = new Map([
    [FILE.facs, 0xeffc0],
    [FILE.tables, 0xf1000],
    [FILE.rsdp, 0xf0040],
  ]);
  const memory = link(acpiTables(config), addresses);
  const at = (address: number, length: number): Uint8Array => {
    const file = memory.find(
      (candidate) => address >= candidate.address && address < candidate.address + candidate.bytes.length,
    );
    expect(file, `something at ${address.toString(16)}`).toBeDefined();
    const from = address - file!.address;
    expect(from + length).toBeLessThanOrEqual(file!.bytes.length);
    return file!.bytes.subarray(from, from + length);
  };
  const table = (address: number): Table => {
    const bytes = at(address, view(at(address, 8)).getUint32(4, true));
    return { signature: text(bytes.subarray(0, 4)), address, bytes };
  };
  const rsdp = at(0xf0040, 36);
  expect(text(rsdp.subarray(0, 8))).toBe("RSD PTR ");
  expect([sum(rsdp.subarray(0, 20)), sum(rsdp), rsdp[15]]).toEqual([0, 0, 2]);
  const rsdt = table(view(rsdp).getUint32(16, true));
  const xsdt = table(Number(view(rsdp).getBigUint64(24, true)));
  const listed: Table[] = [];
  for (let n = 36; n < xsdt.bytes.length; n += 8)
    listed.push(table(Number(view(xsdt.bytes).getBigUint64(n, true))));
  const listed32 = Array.from({ length: (rsdt.bytes.length - 36) / 4 }, (_, n) =>
    view(rsdt.bytes).getUint32(36 + 4 * n, true),
  );
  expect(listed32).toEqual(listed.map(({ address }) => address));
  const fadt = listed.find(({ signature }) => signature === "FACP")!;
  const facs = table(view(fadt.bytes).getUint32(36, true));
  const dsdt = table(view(fadt.bytes).getUint32(40, true));
  expect(Number(view(fadt.bytes).getBigUint64(140, true))).toBe(dsdt.address);
  expect(facs.address % 64).toBe(0);
  for (const one of [rsdt, xsdt, dsdt, ...listed]) expect(sum(one.bytes), one.signature).toBe(0);
  return [rsdt, xsdt, facs, dsdt, ...listed];
}

describe.each(Object.entries(CONFIGS))("tables of a machine: %s", (name, config) => {
  const tables = tablesOf(config);

  it("are those of a PC", () => {
    const signatures = tables.map(({ signature }) => signature);
    expect(signatures).toEqual([
      "RSDT", "XSDT", "FACS", "DSDT", "FACP", "APIC", ...(config.hpet ? ["HPET"] : []), ...("slots" in config ? ["SRAT"] : []),
    ]); // oxfmt-ignore
  });

  it.skipIf(!hasIasl)("are disassembled and compiled again without an error or a warning", () => {
    const dsl: string[] = [];
    for (const { signature, bytes } of tables) {
      const file = scratchFile(`${name.replaceAll(" ", "-")}-${signature}`);
      writeFileSync(`${file}.aml`, bytes);
      const disassembled = output("iasl", "-d", `${file}.aml`);
      expect(disassembled, signature).not.toMatch(/error|warning|invalid|unknown/i);
      expect(disassembled, signature).toMatch(/(ASL Output|Formatted output): /);
      const listing = readFileSync(`${file}.dsl`, "utf8");
      expect(listing, signature).not.toMatch(/\*\*\*\*|invalid|unknown|incorrect/i);
      dsl.push(listing);
      const compiled = output("iasl", "-tc", "-p", `${file}-again`, `${file}.dsl`);
      expect(compiled, `${signature}\n${compiled}`).not.toMatch(/[1-9]\d* (Errors|Warnings|Remarks)/);
      expect(compiled, signature).toMatch(/Compilation successful|Table Input/);
    }
    expect(dsl.join("\n")).toContain("Interrupt (ResourceConsumer, Level, ActiveHigh, Shared");
  });
});

it("fields lie where the specification says", () => {
  const tables = tablesOf(CONFIGS.small);
  const fadt = view(tables.find(({ signature }) => signature === "FACP")!.bytes);
  expect(fadt.byteLength).toBe(244);
  expect(fadt.getUint16(46, true)).toBe(9);
  expect([48, 56, 64, 76, 80].map((at) => fadt.getUint32(at, true))).toEqual([
    0xb2, 0x600, 0x604, 0x608, 0xafe0,
  ]);
  expect([52, 53, 88, 89, 91, 92, 108].map((at) => fadt.getUint8(at))).toEqual([
    0xf1, 0xf0, 4, 2, 4, 4, 0x32,
  ]);
  expect([fadt.getUint16(109, true), fadt.getUint32(112, true)]).toEqual([3, 0x8025]);
  expect([148, 172, 208, 220].map((at) => fadt.getBigUint64(at + 4, true))).toEqual([
    0x600n,
    0x604n,
    0x608n,
    0xafe0n,
  ]);
  const madt = tables.find(({ signature }) => signature === "APIC")!.bytes;
  expect(Buffer.from(madt.subarray(36)).toString("hex")).toBe(
    `${"0000e0fe01000000"}${"0008000001000000"}${"010c00000000c0fe00000000"}${"020a0000020000000000"}${
      "020a0005050000000d00"}${"020a0009090000000d00"}${"020a000a0a0000000d00"}${"020a000b0b0000000d00"}${"0406ff000001"}`,
  ); // oxfmt-ignore
});

it("the loader script does what the linker does", () => {
  const files = acpiTables(CONFIGS.small);
  const script = loaderScript(files, (name) => (name === FILE.rsdp ? "segment F000" : "high"));
  const bases = new Map<string, number>();
  const loaded = new Map(files.map(({ name, bytes }) => [name, bytes.slice()]));
  let next = 0x7fe0000;
  for (let at = 0; at < script.length; at += 128) {
    const entry = view(script.subarray(at, at + 128));
    const nameAt = (offset: number): string =>
      text(script.subarray(at + offset, at + offset + 56)).replace(/\0.*$/s, "");
    const file = loaded.get(nameAt(4))!;
    const command = entry.getUint32(0, true);
    if (command === 1) {
      const alignment = entry.getUint32(60, true);
      next = Math.ceil(next / alignment) * alignment;
      bases.set(nameAt(4), next);
      expect(entry.getUint8(64)).toBe(nameAt(4) === FILE.rsdp ? 2 : 1);
      next += file.length;
    } else if (command === 2) {
      const offset = entry.getUint32(116, true);
      expect([4, 8]).toContain(entry.getUint8(120));
      view(file).setUint32(offset, view(file).getUint32(offset, true) + bases.get(nameAt(60))!, true);
    } else {
      expect(command).toBe(3);
      const [offset, start, length] = [60, 64, 68].map((field) => entry.getUint32(field, true));
      file[offset!] = (file[offset!]! - sum(file.subarray(start, start! + length!))) & 0xff;
    }
  }
  for (const { address, bytes } of link(files, bases)) {
    const [name] = [...bases].find(([, base]) => base === address)!;
    expect(loaded.get(name), name).toEqual(bytes);
  }
});

describe("AML", () => {
  const hex = (bytes: Uint8Array): string => Buffer.from(bytes).toString("hex");
  it("integers take as few bytes as they need", () => {
    expect([0, 1, 2, 0xff, 0x100, 0x10000, 2 ** 32].map((value) => hex(integer(value)))).toEqual([
      "00", "01", "0a02", "0aff", "0b0001", "0c00000100", "0e0000000001000000",
    ]); // oxfmt-ignore
  });
  it("names are padded, and prefixed by how many there are", () => {
    expect(hex(path("A"))).toBe("415f5f5f");
    expect(hex(path("\\_SB.PCI0"))).toBe("5c2e5f53425f50434930");
    expect(hex(path("^A.B.C"))).toBe("5e2f03415f5f5f425f5f5f435f5f5f");
    expect(() => path("lower")).toThrow("name segment");
  });
  it("lengths count themselves, over the limits of one, two and three bytes", () => {
    for (const content of [61, 62, 63, 4090, 4091, 4092, 4093, 5000, 70000]) {
      const bytes = pack(string("x".repeat(content)));
      const lead = bytes[1]!;
      let length = lead & 0x3f;
      if (lead >> 6 > 0) {
        length = lead & 0xf;
        for (let n = 0; n < lead >> 6; n++) length += bytes[2 + n]! * 2 ** (4 + 8 * n);
      }
      expect(length, `${content}`).toBe(bytes.length - 1);
    }
  });
  it("EISA identifiers are compressed", () => {
    expect(hex(eisaId("PNP0A03"))).toBe("0c41d00a03");
  });
});
