/** PVH: the note, the start info field by field, and the state at the entry. */
import { describe, expect, it } from "vitest";
import { boot } from "../../emulator/boot/index.ts";
import { CR0 } from "../../emulator/cpu/core.ts";
import { createMachine } from "../../emulator/index.ts";
import { buildElf, code, pvhElf, pvhNote } from "./elf-builder.ts";
import { image, MIB, Planned, planned } from "./plan.ts";

const modules = [
  { bytes: new Uint8Array(100).fill(1), name: "a", cmdline: "a one" },
  { bytes: new Uint8Array(5000).fill(2), name: "b", cmdline: "b" },
];

describe("the start info", () => {
  const memory = new Planned(
    planned(image(pvhElf(pvhNote(BigInt(MIB + 16))), { append: "hello world", modules })),
  );
  const at = memory.plan.information;

  it("is announced in EBX to 32-bit code at the note's address", () => {
    expect(memory.plan).toMatchObject({ loader: "pvh", entry: MIB + 16 });
    expect(memory.plan.state).toMatchObject({ bits: 32, pageTable: 0, registers: { rbx: at } });
  });
  it("has magic, version, flags, command line and no RSDP where there is none", () => {
    expect([memory.u32(at), memory.u32(at + 4), memory.u32(at + 8)]).toEqual([0x336ec578, 1, 0]);
    expect(memory.text(memory.u64(at + 24))).toBe("hello world");
    expect(memory.u64(at + 32)).toBe(0);
  });
  it("lists modules with their strings", () => {
    expect(memory.u32(at + 12)).toBe(2);
    const list = memory.u64(at + 16);
    const listed = [0, 1].map((n) => ({
      start: memory.u64(list + n * 32),
      length: memory.u64(list + n * 32 + 8),
      text: memory.text(memory.u64(list + n * 32 + 16)),
    }));
    expect(listed.map(({ length, text }) => [length, text])).toEqual([
      [100, "a one"],
      [5000, "b"],
    ]);
    for (const [n, { start }] of listed.entries()) {
      expect(start % 4096).toBe(0);
      expect(memory.bytes(start, 1)[0]).toBe(n + 1);
    }
  });
  it("has the memory map", () => {
    const map = memory.u64(at + 40);
    expect([memory.u32(at + 48), memory.u32(at + 52)]).toEqual([5, 0]);
    const entries = Array.from({ length: 5 }, (_, n) =>
      [0, 8, 16].map((offset) =>
        offset === 16 ? memory.u32(map + n * 24 + 16) : memory.u64(map + n * 24 + offset),
      ),
    );
    expect(entries[3]).toEqual([MIB, 127 * MIB, 1]);
    expect(entries[2]).toEqual([0xf0000, 0x10000, 2]);
  });
});

describe("the note", () => {
  const entry = (elf: Uint8Array): number => planned(image(elf)).entry;
  it("may hold 4 or 8 bytes, and come after others", () => {
    expect(entry(pvhElf(pvhNote(MIB + 4)))).toBe(MIB + 4);
    const others = new Uint8Array(20 + 24);
    new DataView(others.buffer).setUint32(0, 4, true); // "GNU", a descriptor of 4 bytes
    new DataView(others.buffer).setUint32(4, 4, true);
    others.set([0x47, 0x4e, 0x55], 12);
    others.set(pvhNote(BigInt(MIB + 8)), 20);
    expect(entry(pvhElf(others))).toBe(MIB + 8);
  });
  it("is found in 32-bit files, and after Multiboot headers", () => {
    const elf32 = buildElf({
      bits: 32,
      programs: [
        { physicalAddress: MIB, bytes: code(new Uint8Array(0)) },
        { type: 4, physicalAddress: 0, bytes: pvhNote(MIB + 12) },
      ],
    });
    expect(entry(elf32)).toBe(MIB + 12);
  });
});

it("the processor is as the protocol says: PE only, flat segments, a 32-bit TSS; the RSDP is told", () => {
  const machine = createMachine({ ramBytes: 64 * MIB });
  const result = boot(machine, image(pvhElf(pvhNote(BigInt(MIB)))));
  if (result.kind !== "plan") throw new Error(result.cause.text);
  const core = machine.cpus[0]!;
  expect([core.rip, core.gpr(3), core.cr0, core.cr4, core.efer, core.rflags]).toEqual([
    BigInt(MIB),
    BigInt(result.information),
    CR0.PE | CR0.ET,
    0,
    0,
    2n,
  ]);
  const info = core.peek(BigInt(result.information), 56);
  expect(new DataView(info.buffer).getBigUint64(32, true)).toBe(0xf0040n);
});
