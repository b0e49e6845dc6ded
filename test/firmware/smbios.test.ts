/** SMBIOS: the entry point's checksums, and what dmidecode reads. */
import { writeFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import { entryPoint, smbiosTables } from "../../emulator/firmware/smbios/index.ts";
import { hasDmidecode, output, scratchFile } from "./tool.ts";

const GIB = 2 ** 30;
const processor = { signature: 0x6fb, features: 0x0783fbff };

/** A file as `dmidecode --dump-bin` writes it: the entry point, then the structures at 20h. */
function dump(name: string, below4G: number, above4G: number, cpus: number): string {
  const tables = smbiosTables({ cpus, below4G, above4G, processor });
  const file = new Uint8Array(0x20 + tables.structures.length);
  const entry = entryPoint(tables, 0x20);
  const sum = (bytes: Uint8Array): number => bytes.reduce((total, byte) => (total + byte) & 0xff, 0);
  expect([sum(entry), sum(entry.subarray(16))]).toEqual([0, 0]);
  file.set(entry);
  file.set(tables.structures, 0x20);
  const path = scratchFile(name);
  writeFileSync(path, file);
  return path;
}

describe.skipIf(!hasDmidecode)("dmidecode", () => {
  it.each([
    ["small", GIB / 8, 0, 1, 1],
    ["above 4 GiB", 3 * GIB, 3 * GIB, 4, 1],
    ["large", 3 * GIB, 61 * GIB, 255, 4],
    ["terabytes", 3 * GIB, 5 * 1024 * GIB, 8, 321],
  ])("reads a machine: %s", (name, below4G, above4G, cpus, modules) => {
    const text = output("dmidecode", "--from-dump", dump(name.replaceAll(" ", "-"), below4G, above4G, cpus));
    expect(text).toContain("SMBIOS 2.8 present.");
    expect(text).not.toMatch(/bad index|out of spec|broken|wrong|invalid|truncated|mismatch/i);
    expect(text).toContain("Product Name: Standard PC (i440FX + PIIX, 1996)");
    expect(text).toContain("System is a virtual machine");
    expect(text).toContain(`Core Count: ${cpus}`);
    expect(text.match(/^Memory Device$/gm)).toHaveLength(modules);
    expect(text.match(/^Memory Array Mapped Address$/gm)).toHaveLength(above4G > 0 ? 2 : 1);
    const capacity = /Maximum Capacity: (.*)/.exec(text)![1];
    const total = (below4G + above4G) / GIB;
    expect(capacity).toBe(total < 1 ? "128 MB" : total < 1024 ? `${total} GB` : "5123 GB");
    expect(text).toContain("End Of Table");
  });
});
