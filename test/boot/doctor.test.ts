/** The boot doctor: images that cannot boot, each with the rule it breaks, the file offset and a fix. */
import { describe, expect, it } from "vitest";
import { explain, plan, RULES, type BootImage, type Rule } from "../../emulator/boot/index.ts";
import { buildElf, code, FIRST, multiboot1, multiboot2, pvhElf, pvhNote } from "./elf-builder.ts";
import { bzImage } from "./linux-builder.ts";
import { image, MIB, RAM_128M } from "./plan.ts";

const elf32 = (bytes: Uint8Array, rest: object = {}): Uint8Array =>
  buildElf({ bits: 32, programs: [{ physicalAddress: MIB, bytes, ...rest }] });
const good = elf32(code(multiboot1()));
const at = (offset: number, bytes: Uint8Array, length: number): Uint8Array => {
  const all = new Uint8Array(length).fill(0xf4);
  all.set(bytes, offset);
  return all;
};
const text = (value: string): Uint8Array => new TextEncoder().encode(value);

/** "MZ", a PE header at 0x80 and its subsystem. */
function pe(subsystem: number): Uint8Array {
  const file = new Uint8Array(1024);
  file.set(text("MZ"));
  file[0x3c] = 0x80;
  file.set(text("PE\0\0"), 0x80);
  file[0x80 + 4] = 0x64;
  file[0x80 + 5] = 0x86;
  file[0x80 + 92] = subsystem;
  return file;
}

function disk(): Uint8Array {
  const file = new Uint8Array(1024);
  file.set([0xfa, 0x31, 0xc0]);
  file.set([0x55, 0xaa], 510);
  return file;
}

const kludge = (fields: readonly number[], length = 4096): Uint8Array =>
  at(64, multiboot1(0x10003, fields), length);
const base = 2 * MIB;

interface Case {
  readonly what: string;
  readonly kernel: Uint8Array;
  readonly rule: Rule;
  readonly offset: number | null;
  readonly says: RegExp;
  readonly fix: RegExp;
  readonly loader?: BootImage["loader"];
  readonly append?: string;
}

const CASES: readonly Case[] = [
  {
    what: "an empty file",
    kernel: new Uint8Array(0),
    rule: "empty-file",
    offset: 0,
    says: /empty/,
    fix: /build/,
  },
  {
    what: "a Multiboot 1 header beyond 8 KiB",
    kernel: elf32(at(0x2000, multiboot1(), 0x3000)),
    rule: "header-position",
    offset: FIRST + 0x2000,
    says: /0x3000, beyond the first 8 KiB/,
    fix: /first in the linker script/,
  },
  {
    what: "a Multiboot 2 header beyond 32 KiB",
    kernel: elf32(at(0x8000, multiboot2(), 0x9000)),
    rule: "header-position",
    offset: FIRST + 0x8000,
    says: /0x9000, beyond the first 32 KiB/,
    fix: /first in the linker script/,
  },
  {
    what: "a bad checksum",
    kernel: elf32(code(multiboot1(3, [], 1))),
    rule: "header-checksum",
    offset: FIRST + 8,
    says: /checksum 0xe4524ffc/,
    fix: /write 0xe4524ffb/,
  },
  {
    what: "a bad Multiboot 2 checksum",
    kernel: elf32(code(multiboot2().map((byte, n) => (n === 12 ? byte ^ 1 : byte)))),
    rule: "header-checksum",
    offset: FIRST + 12,
    says: /Multiboot 2 header at 0x1000/,
    fix: /ARCHITECTURE/,
  },
  {
    what: "a misaligned header",
    kernel: elf32(at(2, multiboot1(), 64)),
    rule: "header-alignment",
    offset: FIRST + 2,
    says: /not a multiple of 4/,
    fix: /\.balign 4/,
  },
  {
    what: "a Multiboot 2 header on a multiple of 4 only",
    kernel: elf32(at(4, multiboot2(), 64)),
    rule: "header-alignment",
    offset: FIRST + 4,
    says: /not a multiple of 8/,
    fix: /\.balign 8/,
  },
  {
    what: "a Multiboot 2 kernel given to Multiboot 1",
    kernel: elf32(code(multiboot2())),
    loader: "multiboot1",
    rule: "header-other",
    offset: null,
    says: /it is a Multiboot 2 kernel/,
    fix: /"multiboot2"/,
  },
  {
    what: "a Multiboot 1 kernel given to Multiboot 2",
    kernel: good,
    loader: "multiboot2",
    rule: "header-other",
    offset: null,
    says: /it is a Multiboot 1 kernel/,
    fix: /"multiboot1"/,
  },
  {
    what: "a 32-bit kernel given to the chainloader",
    kernel: buildElf({ bits: 32, programs: [{ physicalAddress: MIB, bytes: code(new Uint8Array(0)) }] }),
    loader: "chainloader",
    rule: "chainloader-image",
    offset: 4,
    says: /32-bit ELF/,
    fix: /multiboot1/,
  },
  {
    what: "an ELF file for ARM",
    kernel: buildElf({
      bits: 32,
      machine: 40,
      programs: [{ physicalAddress: MIB, bytes: code(multiboot1()) }],
    }),
    rule: "elf-machine",
    offset: 18,
    says: /32-bit ARM/,
    fix: /x86/,
  },
  {
    what: "an ELF file for AArch64 without a header",
    kernel: buildElf({
      bits: 64,
      machine: 183,
      programs: [{ physicalAddress: MIB, bytes: code(new Uint8Array(0)) }],
    }),
    rule: "elf-machine",
    offset: 18,
    says: /AArch64/,
    fix: /x86/,
  },
  {
    what: "a big-endian ELF file",
    kernel: buildElf({ bits: 32, data: 2, programs: [{ physicalAddress: MIB, bytes: code(multiboot1()) }] }),
    rule: "elf-machine",
    offset: 5,
    says: /big-endian/,
    fix: /x86/,
  },
  {
    what: "a wrong ELF class",
    kernel: good.map((byte, n) => (n === 4 ? 3 : byte)),
    rule: "elf-header",
    offset: 4,
    says: /class is 3/,
    fix: /build/,
  },
  {
    what: "a relocatable object",
    kernel: buildElf({ bits: 64, type: 1, programs: [{ physicalAddress: MIB, bytes: code(multiboot1()) }] }),
    rule: "elf-type",
    offset: 16,
    says: /relocatable object/,
    fix: /link it/,
  },
  {
    what: "a shared object",
    kernel: buildElf({ bits: 64, type: 3, programs: [{ physicalAddress: 0, bytes: code(multiboot1()) }] }),
    rule: "elf-type",
    offset: 16,
    says: /shared object/,
    fix: /-no-pie/,
  },
  {
    what: "a dynamically linked program",
    kernel: buildElf({
      bits: 64,
      programs: [
        { type: 3, physicalAddress: 0, bytes: text("/lib/ld.so\0") },
        { physicalAddress: MIB, bytes: code(multiboot1()) },
      ],
    }),
    rule: "elf-type",
    offset: 64,
    says: /PT_INTERP/,
    fix: /-static/,
  },
  {
    what: "overlapping segments",
    kernel: buildElf({
      bits: 32,
      programs: [
        { physicalAddress: MIB, bytes: code(multiboot1()), memoryBytes: 0x2000 },
        { physicalAddress: MIB + 0x1000, bytes: code(new Uint8Array(0)) },
      ],
    }),
    rule: "segment-overlap",
    offset: 52 + 32,
    says: /segment 1 .* inside segment 0/,
    fix: /AT\(\)/,
  },
  {
    what: "a load address without RAM",
    kernel: buildElf({ bits: 32, programs: [{ physicalAddress: 0x20000000, bytes: code(multiboot1()) }] }),
    rule: "segment-memory",
    offset: 52,
    says: /0x20000000–.*usable RAM is at 0x0–0x9fbff, 0x100000–0x7ffffff/,
    fix: /-m 513M/,
  },
  {
    what: "a kernel linked high and loaded there",
    kernel: buildElf({
      bits: 64,
      programs: [{ physicalAddress: 0xffffffff80000000, bytes: code(multiboot1()) }],
    }),
    rule: "segment-memory",
    offset: 64,
    says: /0xffffffff80000000/,
    fix: /AT\(ADDR/,
  },
  {
    what: "a segment beyond the end of the file",
    kernel: elf32(code(multiboot1()), { fileBytes: 0x5000 }),
    rule: "segment-truncated",
    offset: 52,
    says: /ends at file offset 0x6000, the file at 0x1050/,
    fix: /cut off/,
  },
  {
    what: "a file cut off in its program headers",
    kernel: at(100, multiboot1(), 128).map((byte, n) => (n === 44 ? 9 : n < 52 ? good[n]! : byte)),
    rule: "program-headers",
    offset: 28,
    says: /program headers end at/,
    fix: /cut off/,
  },
  {
    what: "less memory than file in a segment",
    kernel: elf32(code(multiboot1()), { memoryBytes: 8 }),
    rule: "segment-size",
    offset: 52,
    says: /only 0x8 in memory/,
    fix: /linker script/,
  },
  {
    what: "an entry point outside all segments",
    kernel: buildElf({
      bits: 32,
      entry: 0x300000n,
      programs: [{ physicalAddress: MIB, bytes: code(multiboot1()) }],
    }),
    rule: "entry-outside",
    offset: 24,
    says: /0x300000 lies in none/,
    fix: /ENTRY/,
  },
  {
    what: "no segments to load",
    kernel: buildElf({ bits: 32, programs: [{ type: 4, physicalAddress: MIB, bytes: code(multiboot1()) }] }),
    rule: "no-segments",
    offset: 52,
    says: /PT_LOAD/,
    fix: /PHDRS/,
  },
  {
    what: "address fields that load from before the file",
    kernel: kludge([base + 128, base, 0, 0, base + 256]),
    rule: "address-fields",
    offset: 64 + 12,
    says: /before the file begins/,
    fix: /linker symbols/,
  },
  {
    what: "address fields that load beyond the end of the file",
    kernel: kludge([base + 64, base, base + 0x5000, 0, base + 256]),
    rule: "address-fields",
    offset: 64 + 20,
    says: /in a file of 0x1000/,
    fix: /linker symbols/,
  },
  {
    what: "address fields with bss before the end of data",
    kernel: kludge([base + 64, base, base + 0x800, base + 0x400, base + 256]),
    rule: "address-fields",
    offset: 64 + 24,
    says: /bss_end_addr/,
    fix: /linker symbols/,
  },
  {
    what: "an entry address outside the flat image",
    kernel: kludge([base + 64, base, 0, 0, base + 0x2000]),
    rule: "entry-outside",
    offset: 64 + 28,
    says: /entry_addr/,
    fix: /entry_addr/,
  },
  {
    what: "a flat image whose header does not say where to load it",
    kernel: at(0, multiboot1(), 512),
    rule: "file-format",
    offset: 0,
    says: /not ELF/,
    fix: /bit 16/,
  },
  {
    what: "unknown required flags",
    kernel: elf32(code(multiboot1(0x23))),
    rule: "header-flags",
    offset: FIRST + 4,
    says: /bits 0x20/,
    fix: /clear/,
  },
  {
    what: "a graphics mode",
    kernel: elf32(code(multiboot1(7, [0, 0, 0, 0, 0, 0, 1024, 768, 32]))),
    rule: "video-mode",
    offset: FIRST + 32,
    says: /1024×768×32/,
    fix: /mode_type/,
  },
  {
    what: "a graphics mode by Multiboot 2",
    kernel: elf32(code(multiboot2([[5, 20, 1024, 768, 32]]))),
    rule: "video-mode",
    offset: FIRST + 16,
    says: /1024×768×32/,
    fix: /optional/,
  },
  {
    what: "an unknown required tag",
    kernel: elf32(code(multiboot2([[77, 8]]))),
    rule: "header-tag",
    offset: FIRST + 16,
    says: /type 77/,
    fix: /optional/,
  },
  {
    what: "tags without an end",
    kernel: elf32(code(multiboot2().map((byte, n) => (n === 16 ? 6 : byte)))),
    rule: "header-tag",
    offset: FIRST + 24,
    says: /run past its end/,
    fix: /type 0/,
  },
  {
    what: "a request for unknown information",
    kernel: elf32(code(multiboot2([[1, 12, 99]]))),
    rule: "information-request",
    offset: FIRST + 24,
    says: /type 99/,
    fix: /optional/,
  },
  {
    what: "a header for MIPS",
    kernel: elf32(code(multiboot2([], 4))),
    rule: "header-architecture",
    offset: FIRST + 4,
    says: /MIPS/,
    fix: /architecture 0/,
  },
  {
    what: "an address tag without an entry tag",
    kernel: at(0, multiboot2([[2, 24, base, base, 0, 0]]), 512),
    rule: "address-fields",
    offset: 24,
    says: /no entry address tag/,
    fix: /type 3/,
  },
  {
    what: "nowhere to relocate to",
    kernel: elf32(code(multiboot2([[10, 24, 0x40000000, 0x50000000, 4096, 1]]))),
    rule: "relocation",
    offset: FIRST + 16,
    says: /between 0x40000000 and 0x50000000/,
    fix: /-m/,
  },
  {
    what: "an EFI application",
    kernel: pe(10),
    rule: "file-format",
    offset: 0,
    says: /EFI application/,
    fix: /ELF/,
  },
  {
    what: "a Windows program",
    kernel: pe(3),
    rule: "file-format",
    offset: 0,
    says: /Windows or DOS/,
    fix: /MinGW/,
  },
  {
    what: "a Linux bzImage given to Multiboot",
    kernel: bzImage({ xloadflags: 0, loadflags: 0 }),
    loader: "multiboot1",
    rule: "file-format",
    offset: 0x202,
    says: /Linux bzImage/,
    fix: /"linux" or "auto"/,
  },
  {
    what: "a bzImage without its boot flag",
    kernel: bzImage({ bootFlag: 0xaa54 }),
    rule: "linux-header",
    offset: 0x1fe,
    says: /boot_flag is 0xaa54/,
    fix: /damaged/,
  },
  {
    what: "a bzImage of an unknown protocol",
    kernel: bzImage({ version: 0x300 }),
    rule: "linux-header",
    offset: 0x206,
    says: /version is 3.00/,
    fix: /damaged/,
  },
  {
    what: "a bzImage that is cut off",
    kernel: bzImage().subarray(0, 0x1800),
    rule: "linux-truncated",
    offset: 0x1f4,
    says: /announces 0x1000 bytes of kernel, and the file has 0xe00/,
    fix: /cut off/,
  },
  {
    what: "a bzImage that ends in its setup code",
    kernel: bzImage().subarray(0, 0x800),
    rule: "linux-truncated",
    offset: 0x1f1,
    says: /ends at 0x800/,
    fix: /cut off/,
  },
  {
    what: "a 32-bit bzImage given to the 64-bit entry",
    kernel: bzImage({ xloadflags: 0 }),
    loader: "linux",
    rule: "header-other",
    offset: 0x236,
    says: /XLF_KERNEL_64 is clear/,
    fix: /"linux32"/,
  },
  {
    what: "a zImage given to the 32-bit entry",
    kernel: bzImage({ loadflags: 0 }),
    loader: "linux32",
    rule: "header-other",
    offset: 0x211,
    says: /zImage/,
    fix: /"linux"/,
  },
  {
    what: "a bzImage of an old protocol",
    kernel: bzImage({ version: 0x201, loadflags: 0 }),
    rule: "linux-entry",
    offset: 0x206,
    says: /2.01, and the 64-bit entry came with 2.12/,
    fix: /"linux16"/,
  },
  {
    what: "a bzImage that needs more memory than there is",
    kernel: bzImage({ initSize: 0x20000000 }),
    rule: "memory",
    offset: 0x260,
    says: /0x20000000 bytes of memory from 0x1000000/,
    fix: /-m 529M/,
  },
  {
    what: "a command line that the kernel does not take",
    kernel: bzImage({ commandLineSize: 3 }),
    rule: "command-line",
    offset: 0x238,
    says: /has 5 bytes, and the kernel takes 3/,
    fix: /shorten/,
    append: "quiet",
  },
  {
    what: "a gzip-compressed kernel",
    kernel: Uint8Array.of(0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 0, 3),
    rule: "file-format",
    offset: 0,
    says: /gzip/,
    fix: /gunzip/,
  },
  {
    what: "an archive",
    kernel: text("!<arch>\nkernel.o/"),
    rule: "file-format",
    offset: 0,
    says: /ar archive/,
    fix: /link/,
  },
  {
    what: "a disk image",
    kernel: disk(),
    rule: "file-format",
    offset: 510,
    says: /boot sector/,
    fix: /start it as a disk/,
  },
  {
    what: "a script",
    kernel: text("#!/bin/sh\nexec qemu\n"),
    rule: "file-format",
    offset: 0,
    says: /script/,
    fix: /linked kernel/,
  },
  {
    what: "an ELF executable without any header",
    kernel: elf32(code(new Uint8Array(0))),
    rule: "header-missing",
    offset: null,
    says: /neither a Multiboot 1/,
    fix: /KEEP/,
  },
  {
    what: "a PVH note without a segment",
    kernel: elf32(at(0, pvhNote(MIB), 64)),
    rule: "pvh-note",
    offset: FIRST,
    says: /in no PT_NOTE segment/,
    fix: /@note/,
  },
  {
    what: "a PVH note with a virtual address",
    kernel: pvhElf(pvhNote(0xffffffff81000000n)),
    rule: "pvh-note",
    offset: FIRST + 80 + 16,
    says: /entry 0xffffffff81000000/,
    fix: /KERNEL_BASE/,
  },
  {
    what: "a PVH note with half an address",
    kernel: pvhElf(pvhNote(MIB).fill(2, 4, 5)),
    rule: "pvh-note",
    offset: FIRST + 80 + 4,
    says: /has 2 bytes/,
    fix: /\.quad/,
  },
  {
    what: "a PVH entry outside all segments",
    kernel: pvhElf(pvhNote(3 * MIB)),
    rule: "entry-outside",
    offset: FIRST + 80 + 16,
    says: /0x300000, which lies in no/,
    fix: /32-bit instruction/,
  },
];

describe("a diagnosis for every kind of broken image", () => {
  it.each(CASES)("$what", ({ kernel, loader, append = "", rule, offset, says, fix }) => {
    const result = plan(image(kernel, { append, ...(loader === undefined ? {} : { loader }) }), RAM_128M);
    expect(result.kind).toBe("diagnosis");
    if (result.kind !== "diagnosis") return;
    expect(result.cause).toMatchObject({ rule, offset, file: "kernel.elf" });
    expect(result.cause.text).toMatch(says);
    expect(result.cause.fix).toMatch(fix);
    expect(RULES).toHaveProperty(result.cause.rule);
  });
  it("the unbroken image of these tests boots", () => {
    expect(plan(image(good), RAM_128M).kind).toBe("plan");
  });
});

it("the text names the file, what it is, every loader tried, the place and the fix", () => {
  const result = plan(image(elf32(code(multiboot1(3, [], 1)))), RAM_128M);
  expect(result.kind === "diagnosis" ? explain(result) : "").toMatchInlineSnapshot(`
    "cannot boot kernel.elf (ELF32 executable for i386): the Multiboot 1 header at 0x1000 has checksum 0xe4524ffc, and its first 3 fields must add up to 0 (mod 2^32)
      fix: write 0xe4524ffb: .long -(MAGIC + FLAGS)
      tried:
        linux: there is no Linux setup header ("HdrS" at 0x202) in the file (kernel.elf)
          rule: the file has a header of this protocol
          fix: give the bzImage that a kernel build leaves in arch/x86/boot, or a distribution's /boot/vmlinuz
        multiboot1: the Multiboot 1 header at 0x1000 has checksum 0xe4524ffc, and its first 3 fields must add up to 0 (mod 2^32) (kernel.elf+0x1008)
          rule: magic, flags and checksum add up to zero
        multiboot2: there is no Multiboot 2 header (0xe85250d6) in the file (kernel.elf)
          rule: the file has a header of this protocol
          fix: add one in a section of its own (.section .multiboot, "a") and keep it with KEEP(*(.multiboot)) first in the linker script
        pvh: the ELF file has no PVH entry note (XEN_ELFNOTE_PHYS32_ENTRY) (kernel.elf)
          rule: the file has a header of this protocol
          fix: add a note of type 18 named Xen with the physical address of the 32-bit entry, in a PT_NOTE segment
        vmlinux: the ELF file is not Linux: it has no note of that name and no "Linux version" text (kernel.elf+0x4)
          rule: the file has a header of this protocol
          fix: give the vmlinux of an x86-64 kernel build, or its bzImage"
  `);
});
