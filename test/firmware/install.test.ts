/** Tables in a machine: where they are found, that a reset brings them back, and what firmware gets. */
import { describe, expect, it } from "vitest";
import { FILE } from "../../emulator/firmware/acpi/index.ts";
import { createMachine, physical, type Pc } from "../../emulator/index.ts";

const MIB = 2 ** 20;
const text = (machine: Pc, address: number, length: number): string =>
  String.fromCharCode(...machine.memory.readBytes(physical(address), length));
const u32 = (machine: Pc, address: number): number => machine.memory.read(physical(address), 4) >>> 0;

/** Signatures of the tables that the root pointer leads to. */
function found(machine: Pc): readonly string[] {
  for (let at = 0xe0000; at < 0x100000; at += 16) {
    if (text(machine, at, 8) !== "RSD PTR ") continue;
    const xsdt = u32(machine, at + 24);
    const count = (u32(machine, xsdt + 4) - 36) / 8;
    return Array.from({ length: count }, (_, n) => text(machine, u32(machine, xsdt + 36 + n * 8), 4));
  }
  return [];
}

describe("a machine without firmware", () => {
  it("has ACPI and SMBIOS tables where operating systems search for them", () => {
    const machine = createMachine({ ramBytes: 64 * MIB, cpus: 3 });
    expect(found(machine)).toEqual(expect.arrayContaining(["FACP", "APIC"]));
    expect(text(machine, 0xf0070, 4)).toBe("_SM_");
  });
  it("tells the HPET exactly if it has one", () => {
    for (const hpet of [true, false]) {
      const machine = createMachine({ ramBytes: 64 * MIB, hpet });
      const has = machine.devices.some(({ name }) => name === "hpet");
      expect(found(machine).includes("HPET")).toBe(has);
      if (!hpet) expect(has).toBe(false);
    }
  });
  it("has none with acpi=off", () => {
    expect(found(createMachine({ ramBytes: 64 * MIB, acpi: false }))).toEqual([]);
  });
  it("has them again after a reset, whatever the guest did to them", () => {
    const machine = createMachine({ ramBytes: 64 * MIB });
    const before = machine.memory.readBytes(physical(0xe8000), 0x16000);
    machine.memory.poke(physical(0xe8000), new Uint8Array(0x16000).fill(0xff));
    machine.reset();
    const after = machine.memory.readBytes(physical(0xe8000), 0x16000);
    // RAM that nobody claims keeps its bytes.
    for (const [from, to] of [[0x7fc0, 0x8000], [0x8040, 0x8064], [0x8070, 0x8090], [0x8100, 0x9200]] as const)
      expect(after.subarray(from, to)).toEqual(before.subarray(from, to));
  }); // oxfmt-ignore
  it("lets the guest write the FACS and nothing else", () => {
    const machine = createMachine({ ramBytes: 64 * MIB });
    expect(text(machine, 0xeffc0, 4)).toBe("FACS");
    machine.memory.write(physical(0xeffd0), 4, 0x12345678);
    machine.memory.write(physical(0xf0040), 4, 0);
    expect([u32(machine, 0xeffd0), text(machine, 0xf0040, 4)]).toEqual([0x12345678, "RSD "]);
  });
  it("fits 255 processors and 64 GiB", () => {
    const machine = createMachine({
      ramBytes: 64 * 1024 * MIB,
      cpus: 255,
      slots: 256,
      maxRamBytes: 600 * 1024 * MIB,
    });
    expect(found(machine)).toContain("APIC");
  });
});

it("firmware finds the same through fw_cfg", () => {
  const machine = createMachine({ ramBytes: 64 * MIB });
  const names = machine.board.fwCfg.files.map(({ name }) => name);
  for (const name of [...Object.values(FILE), "etc/table-loader", "etc/smbios/smbios-tables", "etc/smbios/smbios-anchor"])
    expect(names).toContain(name);
  const off = createMachine({ ramBytes: 64 * MIB, acpi: false });
  expect(off.board.fwCfg.files.map(({ name }) => name)).not.toContain("etc/table-loader");
}); // oxfmt-ignore
