/** Multiboot 1: what is handed over, field by field against the specification and against QEMU 7.2. */
import { readFileSync } from "node:fs";
import { dirname } from "node:path";
import { describe, expect, it } from "vitest";
import { buildElf, code, multiboot1 } from "./elf-builder.ts";
import { image, MIB, Planned, planned } from "./plan.ts";
import { buildGuest, hasGcc, hasQemu, qemu, temporaryFile } from "./toolchain.ts";

const kernel32 = buildElf({ bits: 32, programs: [{ physicalAddress: MIB, bytes: code(multiboot1()) }] });

describe("the information structure", () => {
  const modules = [
    { bytes: new Uint8Array(5000).fill(1), name: "a", cmdline: "a one two" },
    { bytes: new Uint8Array(3).fill(2), name: "b", cmdline: "b" },
  ];
  const memory = new Planned(planned(image(kernel32, { append: "console=com0", modules })));
  const { information } = memory.plan;
  const field = (offset: number): number => memory.u32(information + offset);

  it("lies where QEMU puts it, with the flags QEMU sets", () => {
    expect(information).toBe(0x9500);
    expect(field(0)).toBe(0x24f);
    expect(memory.plan.state.registers.rax).toBe(0x2badb002);
  });
  it("tells memory below 640 KiB and above 1 MiB", () => {
    expect(field(4)).toBe(0x27f);
    expect(field(8)).toBe(127 * 1024);
  });
  it("has the file name before the command line, and the loader's name", () => {
    expect(memory.text(field(16))).toBe("kernel.elf console=com0");
    expect(memory.text(field(64))).toBe("redzone");
  });
  it("lists modules on page boundaries behind the kernel, with their strings", () => {
    expect(field(20)).toBe(2);
    const listed = [0, 1].map((n) => {
      const at = field(24) + n * 16;
      return { start: memory.u32(at), end: memory.u32(at + 4), text: memory.text(memory.u32(at + 8)) };
    });
    expect(listed.map(({ text }) => text)).toEqual(["a one two", "b"]);
    for (const [n, { start, end }] of listed.entries()) {
      expect(start % 4096).toBe(0);
      expect(start).toBeGreaterThanOrEqual(MIB + code(multiboot1()).length);
      expect(memory.bytes(start, end - start)).toEqual(modules[n]!.bytes);
    }
  });
  it("has the memory map, entries of 20 bytes behind their size", () => {
    const entries = [];
    for (let at = field(48); at < field(48) + field(44); at += 24)
      entries.push([memory.u32(at), memory.u64(at + 4), memory.u64(at + 12), memory.u32(at + 20)]);
    expect(entries).toEqual([
      [20, 0, 0x9fc00, 1],
      [20, 0x9fc00, 0x400, 2],
      [20, 0xf0000, 0x10000, 2],
      [20, MIB, 127 * MIB, 1],
      [20, 0xfffc0000, 0x40000, 2],
    ]);
  });
  it("describes the text mode to a kernel that asked for it", () => {
    const header = multiboot1(7, [0, 0, 0, 0, 0, 1, 80, 25, 0]);
    const asked = new Planned(
      planned(image(buildElf({ bits: 32, programs: [{ physicalAddress: MIB, bytes: code(header) }] }))),
    );
    const at = asked.plan.information;
    expect(asked.u32(at) & 0x1000).toBe(0x1000);
    expect(asked.u64(at + 88)).toBe(0xb8000);
    expect([asked.u32(at + 96), asked.u32(at + 100), asked.u32(at + 104)]).toEqual([160, 80, 25]);
    expect([...asked.bytes(at + 108, 2)]).toEqual([16, 2]);
  });
  it("splits memory above 4 GiB off", () => {
    const ram = [
      { start: 0, length: 0xc0000000 },
      { start: 2 ** 32, length: 0x80000000 },
    ];
    const big = new Planned(planned(image(kernel32), ram));
    const map = big.u32(big.plan.information + 48);
    expect(big.u32(big.plan.information + 44)).toBe(6 * 24);
    expect(big.u64(map + 5 * 24 + 4)).toBe(2 ** 32);
    expect(big.u64(map + 5 * 24 + 12)).toBe(0x80000000);
  });
  it("moves away from a kernel that is loaded over its usual place", () => {
    const low = buildElf({
      bits: 32,
      programs: [{ physicalAddress: 0x8000, bytes: code(multiboot1(), 0x4000) }],
    });
    const moved = planned(image(low));
    const [kernel] = moved.placed;
    for (const range of moved.placed.slice(1))
      expect(
        range.start + range.length <= kernel!.start || range.start >= kernel!.start + kernel!.length,
      ).toBe(true);
    expect(moved.information).not.toBe(0x9500);
  });
});

describe("where images go", () => {
  it("an ELF64 kernel is loaded by its physical addresses and entered there", () => {
    const elf = buildElf({
      bits: 64,
      entry: 0xffffffff80000010n,
      programs: [
        {
          physicalAddress: MIB,
          virtualAddress: 0xffffffff80000000n,
          bytes: code(multiboot1()),
          memoryBytes: 0x3000,
        },
      ],
    });
    const result = planned(image(elf));
    expect(result.loader).toBe("multiboot1");
    expect(result.entry).toBe(MIB + 0x10);
    expect(result.placed[0]).toMatchObject({ start: MIB, length: 0x3000 });
    expect(result.images[0]!.segments[0]).toMatchObject({
      physicalAddress: MIB,
      virtualAddress: 0xffffffff80000000n,
    });
  });
  it("an entry given as a physical address is taken as it is", () => {
    const elf = buildElf({
      bits: 64,
      entry: BigInt(MIB + 0x20),
      programs: [{ physicalAddress: MIB, virtualAddress: 0xffffffff80000000n, bytes: code(multiboot1()) }],
    });
    expect(planned(image(elf)).entry).toBe(MIB + 0x20);
  });
  it("the a.out kludge loads from before the header to load_end, and clears to bss_end", () => {
    const at = 64;
    const flat = new Uint8Array(4096).fill(0x90);
    flat.set(multiboot1(0x10003, [2 * MIB + at, 2 * MIB, 2 * MIB + 512, 2 * MIB + 1024, 2 * MIB + 128]), at);
    const result = planned(image(flat));
    expect(result.entry).toBe(2 * MIB + 128);
    expect(result.placed[0]).toMatchObject({ start: 2 * MIB, length: 1024 });
    expect(result.placed[0]!.bytes.length).toBe(512);
  });
  it("the kludge without load_end takes the rest of the file", () => {
    const flat = new Uint8Array(4096).fill(0x90);
    flat.set(multiboot1(0x10003, [2 * MIB + 32, 2 * MIB, 0, 0, 2 * MIB + 128]), 96);
    expect(planned(image(flat)).placed[0]!.bytes).toEqual(flat.subarray(64));
  });
  it("a segment of nothing but ELF headers below 1 MiB is left out, with a note", () => {
    const headers = {
      physicalAddress: 0xff000,
      bytes: new Uint8Array(0),
      offset: 0,
      fileBytes: 52 + 64,
      flags: 4,
    };
    const elf = buildElf({
      bits: 32,
      entry: BigInt(MIB),
      programs: [headers, { physicalAddress: MIB, bytes: code(multiboot1()) }],
    });
    const result = planned(image(elf));
    expect(result.placed[0]!.start).toBe(MIB);
    expect(result.notes.map((note) => note.rule)).toEqual(["segment-memory"]);
  });
  it("a graphics mode is refused unless the loader is chosen by name, then noted", () => {
    const header = multiboot1(7, [0, 0, 0, 0, 0, 0, 1024, 768, 32]);
    const elf = buildElf({ bits: 32, programs: [{ physicalAddress: MIB, bytes: code(header) }] });
    const result = planned(image(elf, { loader: "multiboot1" }));
    expect(result.notes.map((note) => note.rule)).toEqual(["video-mode"]);
  });
});

describe.skipIf(!hasQemu || !hasGcc)("beside QEMU", () => {
  const path = hasGcc ? buildGuest("dump", 32) : "";
  const first = new Uint8Array(4096 + 100).map((_, n) => n % 251);
  const second = new TextEncoder().encode("the second module");
  const firstFile = temporaryFile("first.bin", first);
  const secondFile = temporaryFile("second.bin", second);
  const strings = [`${firstFile} with arguments`, secondFile];
  const run = qemu(
    ["-m", "128", "-kernel", path, "-append", "a=1  b", "-initrd", strings.join(",")],
    dirname(path),
  );
  const line = (name: string): readonly string[] =>
    run.serial
      .split("\n")
      .filter((text) => text.startsWith(`${name} `))
      .map((text) => text.slice(name.length + 1));
  const bytesOf = (text: string | undefined): Uint8Array =>
    Uint8Array.from((text ?? "").match(/../g) ?? [], (pair) => parseInt(pair, 16));

  const memory = new Planned(
    planned({
      kernel: readFileSync(path),
      kernelName: path,
      append: "a=1  b",
      modules: [
        { bytes: first, name: firstFile, cmdline: strings[0]! },
        { bytes: second, name: secondFile, cmdline: strings[1]! },
      ],
    }),
  );

  it("registers at the entry are those we set", () => {
    expect(run.code).toBe(1);
    const [eax, ebx, , esp, cr0, cs, ...data] = line("entry")[0]!.trim().split(" ");
    expect([eax, ebx, cr0, cs]).toEqual(["2badb002", "00009500", "00000011", "00000008"]);
    expect(parseInt(esp!, 16) + 4).toBe(0x6f08);
    expect(new Set(data)).toEqual(new Set(["00000010"]));
    expect(memory.plan.information).toBe(0x9500);
  });

  it("the information structure is the same in every field but two", () => {
    const theirs = new DataView(bytesOf(line("information")[0]).buffer);
    const differences: number[] = [];
    for (let offset = 0; offset < 116; offset += 4)
      if (theirs.getUint32(offset, true) !== memory.u32(0x9500 + offset)) differences.push(offset);
    // mem_upper: QEMU's BIOS keeps 128 KiB at the top for ACPI tables. mmap_length: it reports those and, for an AMD processor, 0xfd00000000.
    expect(differences).toEqual([8, 44]);
    expect(memory.u32(0x9508) - theirs.getUint32(8, true)).toBe(128);
  });

  it("the memory map is the same but for what QEMU's BIOS reserves", () => {
    const theirs = bytesOf(line("map")[0]);
    const ours = memory.bytes(0x9000, memory.u32(0x952c));
    const entries = (bytes: Uint8Array): string[] =>
      Array.from({ length: bytes.length / 24 }, (_, n) => {
        const view = new DataView(bytes.buffer, bytes.byteOffset + n * 24, 24);
        const range = [view.getBigUint64(4, true), view.getBigUint64(12, true)].map((value) =>
          value.toString(16),
        );
        return `${view.getUint32(0, true)}: ${range.join("+")} type ${view.getUint32(20, true)}`;
      });
    expect(entries(theirs)).toEqual([
      "20: 0+9fc00 type 1",
      "20: 9fc00+400 type 2",
      "20: f0000+10000 type 2",
      "20: 100000+7ee0000 type 1",
      "20: 7fe0000+20000 type 2",
      "20: fffc0000+40000 type 2",
      "20: fd00000000+300000000 type 2",
    ]);
    expect(entries(ours)).toEqual([
      "20: 0+9fc00 type 1",
      "20: 9fc00+400 type 2",
      "20: f0000+10000 type 2",
      "20: 100000+7f00000 type 1",
      "20: fffc0000+40000 type 2",
    ]);
  });

  it("command line, module places, module strings and contents are the same; the loader's name is its own", () => {
    const table = memory.u32(0x9518);
    expect(line("command")).toEqual([memory.text(memory.u32(0x9510))]);
    expect(line("loader")).toEqual(["qemu"]);
    const modules = [0, 16].map((offset) => {
      const [start, end, reserved, text] = [0, 4, 12, 8].map((part) => memory.u32(table + offset + part));
      const numbers = [start, end, reserved].map((value) => value!.toString(16).padStart(8, "0"));
      return `${numbers.join(" ")} ${memory.text(text!)}`;
    });
    expect(line("module")).toEqual(modules);
    expect(line("bytes").map((bytes) => bytes.slice(0, 32))).toEqual(
      [first, second].map((bytes) => Buffer.from(bytes.subarray(0, 16)).toString("hex")),
    );
  });
});

it("needs memory: an image that does not fit says so", () => {
  const modules = [{ bytes: new Uint8Array(4 * MIB), name: "big", cmdline: "big" }];
  expect(() => planned(image(kernel32, { modules }), [{ start: 0, length: 4 * MIB }])).toThrow("module big");
});
