/** Multiboot 2: header tags and what each changes, and the information structure read back tag by tag. */
import { readFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import { buildElf, code, multiboot1, multiboot2, type Program } from "./elf-builder.ts";
import { image, MIB, Planned, planned, RAM_128M } from "./plan.ts";
import { plan } from "../../emulator/boot/index.ts";
import { buildGuest, hasGcc, SAMPLE } from "./toolchain.ts";

const kernel = (tags: readonly (readonly number[])[] = [], program: Partial<Program> = {}): Uint8Array =>
  buildElf({ bits: 64, programs: [{ physicalAddress: MIB, bytes: code(multiboot2(tags)), ...program }] });

interface Tag {
  readonly type: number;
  readonly at: number;
  readonly size: number;
}

/** The tags of an information structure, with what the specification demands of all of them checked. */
function tags(memory: Planned): readonly Tag[] {
  const start = memory.plan.information;
  const end = start + memory.u32(start);
  expect(start % 8).toBe(0);
  expect(memory.u32(start + 4)).toBe(0);
  const found: Tag[] = [];
  for (let at = start + 8; at < end;) {
    const tag = { type: memory.u32(at), size: memory.u32(at + 4), at };
    found.push(tag);
    if (tag.type === 0) {
      expect(tag.size).toBe(8);
      expect(at + 8).toBe(end);
    }
    at += Math.ceil(tag.size / 8) * 8;
  }
  expect(found.at(-1)!.type).toBe(0);
  return found;
}

describe("the information structure", () => {
  const modules = [
    { bytes: new Uint8Array(5000).fill(1), name: "a", cmdline: "a one two" },
    { bytes: new Uint8Array(3).fill(2), name: "b", cmdline: "b" },
  ];
  const memory = new Planned(planned(image(kernel(), { append: "quiet", modules })));
  const all = tags(memory);
  const tag = (type: number): Tag => all.find((one) => one.type === type)!;

  it("is announced by its magic number", () => {
    expect(memory.plan).toMatchObject({
      loader: "multiboot2",
      state: { registers: { rax: 0x36d76289 } },
      entry: MIB,
    });
  });
  it("has command line, loader, modules, memory, map and text screen", () => {
    expect(all.map(({ type }) => type)).toEqual([1, 2, 3, 3, 4, 6, 8, 0]);
    expect(memory.text(tag(1).at + 8)).toBe("kernel.elf quiet");
    expect(tag(1).size).toBe(8 + "kernel.elf quiet".length + 1);
    expect(memory.text(tag(2).at + 8)).toBe("redzone");
    expect([memory.u32(tag(4).at + 8), memory.u32(tag(4).at + 12)]).toEqual([639, 127 * 1024]);
  });
  it("lists modules on page boundaries", () => {
    const listed = all.filter(({ type }) => type === 3);
    for (const [n, { at }] of listed.entries()) {
      const [start, end] = [memory.u32(at + 8), memory.u32(at + 12)];
      expect(start % 4096).toBe(0);
      expect(memory.bytes(start, end - start)).toEqual(modules[n]!.bytes);
      expect(memory.text(at + 16)).toBe(modules[n]!.cmdline);
    }
  });
  it("has a map of 24-byte entries, version 0", () => {
    const { at, size } = tag(6);
    expect([memory.u32(at + 8), memory.u32(at + 12)]).toEqual([24, 0]);
    const entries = [];
    for (let entry = at + 16; entry < at + size; entry += 24)
      entries.push([
        memory.u64(entry),
        memory.u64(entry + 8),
        memory.u32(entry + 16),
        memory.u32(entry + 20),
      ]);
    expect(entries).toEqual([
      [0, 0x9fc00, 1, 0],
      [0x9fc00, 0x400, 2, 0],
      [0xf0000, 0x10000, 2, 0],
      [MIB, 127 * MIB, 1, 0],
      [0xfffc0000, 0x40000, 2, 0],
    ]);
  });
  it("describes EGA text", () => {
    const { at } = tag(8);
    expect(memory.u64(at + 8)).toBe(0xb8000);
    expect([memory.u32(at + 16), memory.u32(at + 20), memory.u32(at + 24)]).toEqual([160, 80, 25]);
    expect([...memory.bytes(at + 28, 2)]).toEqual([16, 2]);
  });
});

describe("header tags", () => {
  it("an entry address overrides that of the ELF header", () => {
    expect(planned(image(kernel([[3, 12, MIB + 0x20]]))).entry).toBe(MIB + 0x20);
  });
  it("address fields load a file that is not ELF", () => {
    const header = multiboot2([
      [2, 24, 2 * MIB + 8, 2 * MIB, 0, 2 * MIB + 0x1000],
      [3, 12, 2 * MIB + 0x60],
    ]);
    const flat = new Uint8Array(0x200).fill(0xf4);
    flat.set(header, 8);
    const result = planned(image(flat));
    expect(result.entry).toBe(2 * MIB + 0x60);
    expect(result.placed[0]).toMatchObject({ start: 2 * MIB, length: 0x1000 });
  });
  it("a load address of −1 loads from the beginning of the file", () => {
    const header = multiboot2([
      [2, 24, 2 * MIB + 64, 0xffffffff, 0, 0],
      [3, 12, 2 * MIB + 0xc0],
    ]);
    const flat = new Uint8Array(0x200).fill(0xf4);
    flat.set(header, 64);
    expect(planned(image(flat)).placed[0]).toMatchObject({ start: 2 * MIB, length: 0x200 });
  });
  it.each([
    ["lowest", 1, 4 * MIB],
    ["highest", 2, 32 * MIB - 2 * MIB],
  ])("a relocatable image asks for the %s address", (_, preference, base) => {
    const relocatable = kernel([[10, 24, 4 * MIB, 32 * MIB, 2 * MIB, preference]]);
    const memory = new Planned(planned(image(relocatable)));
    expect(memory.plan.entry).toBe(base);
    expect(memory.plan.images[0]!.loadBias).toBe(BigInt(base - MIB));
    const loadBase = tags(memory).find(({ type }) => type === 21)!;
    expect(memory.u32(loadBase.at + 8)).toBe(base);
  });
  it("a relocatable image without a preference stays where it was linked, if it may", () => {
    const result = planned(image(kernel([[10, 24, MIB, 32 * MIB, 4096, 0]])));
    expect(result.images[0]!.loadBias).toBe(0n);
    expect(result.entry).toBe(MIB);
  });
  it("what cannot be given and is not insisted on is passed over", () => {
    expect(planned(image(kernel([[1 | (1 << 16), 12, 99]]))).notes).toEqual([]);
    expect(planned(image(kernel([[77 | (1 << 16), 12, 0]]))).notes).toEqual([]);
  });
  it("requested information that this machine lacks is noted", () => {
    const result = planned(image(kernel([[1, 16, 6, 14]])));
    expect(result.notes.map(({ rule, text }) => [rule, /ACPI 1.0/.test(text)])).toEqual([
      ["information-request", true],
    ]);
  });
  it("an optional graphics mode is noted and not given", () => {
    const result = planned(image(kernel([[5 | (1 << 16), 20, 1024, 768, 32]])));
    expect(result.notes.map((note) => note.rule)).toEqual(["video-mode"]);
  });
  it("text mode, module alignment, console flags and EFI entries need nothing", () => {
    const tagsGiven = [
      [5, 20, 80, 25, 0],
      [6, 8],
      [4, 12, 3],
      [7, 8],
      [8, 12, 0],
      [9, 12, 0],
    ];
    expect(planned(image(kernel(tagsGiven))).notes).toEqual([]);
  });
});

describe("which version", () => {
  const both = new Uint8Array(256).fill(0xf4);
  both.set(multiboot2());
  both.set(multiboot1(), 64);
  const elf = buildElf({ bits: 64, programs: [{ physicalAddress: MIB, bytes: both }] });

  it("Multiboot 1 is taken first, Multiboot 2 if asked for", () => {
    expect(planned(image(elf)).loader).toBe("multiboot1");
    expect(planned(image(elf, { loader: "multiboot2" })).loader).toBe("multiboot2");
  });
});

describe("ELF sections", () => {
  const memory = new Planned(planned(image(readFileSync(SAMPLE), { loader: "multiboot2" })));

  it("all have an address, and there their bytes", () => {
    const { at } = tags(memory).find(({ type }) => type === 9)!;
    const [count, entryBytes, names] = [memory.u32(at + 8), memory.u32(at + 12), memory.u32(at + 16)];
    expect(entryBytes).toBe(64);
    const section = (n: number): number => at + 20 + n * 64;
    const nameTable = memory.u64(section(names) + 16);
    const found = Array.from({ length: count }, (_, n) => ({
      name: memory.text(nameTable + memory.u32(section(n))),
      type: memory.u32(section(n) + 4),
      address: memory.u64(section(n) + 16),
      offset: memory.u64(section(n) + 24),
      size: memory.u64(section(n) + 32),
    }));
    expect(found.map(({ name }) => name)).toEqual(
      expect.arrayContaining([".text", ".symtab", ".strtab", ".debug_info"]),
    );
    const file = new Uint8Array(readFileSync(SAMPLE));
    for (const { type, address, offset, size } of found.slice(1)) {
      expect(address).toBeGreaterThan(0);
      if (type !== 8) expect(memory.bytes(address, size)).toEqual(file.subarray(offset, offset + size));
    }
  });
});

it.skipIf(!hasGcc)("a header written by an assembler, with an information request", () => {
  const memory = new Planned(planned(image(readFileSync(buildGuest("dump2", 64)), { append: "x" })));
  expect(memory.plan.loader).toBe("multiboot2");
  expect(tags(memory).map(({ type }) => type)).toEqual([1, 2, 4, 6, 8, 9, 0]);
});

it("a machine with ACPI gives the root pointer in both forms, and says nothing of it missing", () => {
  const rsdp = { address: 0xf0040, bytes: Uint8Array.from({ length: 36 }, (_, n) => n) };
  const asked = image(kernel([[1, 16, 14, 15]]));
  const result = plan(asked, RAM_128M, { rsdp });
  if (result.kind !== "plan") throw new Error(result.cause.text);
  expect(result.notes).toEqual([]);
  const memory = new Planned(result);
  const found = tags(memory).filter(({ type }) => type === 14 || type === 15);
  expect(found.map(({ type, at, size }) => [type, memory.bytes(at + 8, size - 8)])).toEqual([
    [14, rsdp.bytes.subarray(0, 20)],
    [15, rsdp.bytes],
  ]);
  expect(planned(asked).notes).toHaveLength(2);
});
