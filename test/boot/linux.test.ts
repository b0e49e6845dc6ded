/** Linux: where kernel, initrd and boot parameters go, the state at each entry, and small kernels that say what they found. */
import { spawnSync } from "node:child_process";
import { readFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import { boot, decodeBootParams, type BootImage, type DecodedField } from "../../emulator/boot/index.ts";
import { ATTRIBUTE, CR0, CR4, EFER } from "../../emulator/cpu/core.ts";
import { createMachine, physical } from "../../emulator/index.ts";
import { buildElf, code, pvhNote } from "./elf-builder.ts";
import { bzImage, KERNEL_BYTES } from "./linux-builder.ts";
import { image, MIB, Planned, planned } from "./plan.ts";
import { temporaryFile } from "./toolchain.ts";

const GIB = 1024 * MIB;
const RAM_6G = [
  { start: 0, length: 3 * GIB },
  { start: 4 * GIB, length: 3 * GIB },
];
const INITRD = { bytes: new Uint8Array(5000).fill(7), name: "initrd.img", cmdline: "initrd.img" };
const PLATFORM = 0x16 * MIB;

const fieldsOf = (bytes: Uint8Array): ((name: string) => DecodedField) => {
  const fields = decodeBootParams(bytes);
  return (name) => {
    const field = fields.find((candidate) => candidate.name === name);
    if (field === undefined) throw new Error(`no field ${name}`);
    return field;
  };
};
const memoryOf = (given: BootImage, ram?: Parameters<typeof planned>[1]): Planned =>
  new Planned(planned(given, ram));
const paramsOf = (memory: Planned): ((name: string) => bigint) => {
  const field = fieldsOf(memory.bytes(memory.plan.information, 4096));
  return (name) => field(name).value ?? -1n;
};

describe("a bzImage through its 64-bit entry", () => {
  const memory = memoryOf(image(bzImage(), { append: "console=ttyS0 quiet", modules: [INITRD] }));
  const { plan } = memory;
  const value = paramsOf(memory);

  it("is chosen by itself, loaded at its preferred address and entered 200h bytes on", () => {
    expect(plan.loader).toBe("linux");
    expect([plan.entry, plan.state.ip, plan.state.bits]).toEqual([0x1000200, 0x1000200, 64]);
    expect(memory.bytes(0x1000000, 2)).toEqual(Uint8Array.of(0xf4, 0xf4));
    expect(plan.images[0]!.segments[0]).toMatchObject({
      physicalAddress: 0x1000000,
      fileOffset: 0xa00,
      fileBytes: KERNEL_BYTES,
    });
  });
  it("gets boot_params in RSI: the file's header, what a loader fills in, the screen, the memory map", () => {
    expect(plan.state.registers).toEqual({ rsi: plan.information });
    expect(plan.information % 4096).toBe(0);
    expect(value("hdr.header")).toBe(0x53726448n);
    expect(value("hdr.version")).toBe(0x20fn);
    expect(value("hdr.type_of_loader")).toBe(0xffn);
    expect(value("hdr.init_size")).toBe(0x800000n);
    expect([value("sentinel"), value("acpi_rsdp_addr")]).toEqual([0n, 0n]);
    expect(memory.text(Number(value("hdr.cmd_line_ptr")))).toBe("console=ttyS0 quiet");
    expect(["orig_video_mode", "orig_video_cols", "orig_video_lines", "orig_video_isVGA", "orig_video_points"].map((name) => value(`screen_info.${name}`))).toEqual([3n, 80n, 25n, 1n, 16n]);
    expect(value("e820_entries")).toBe(5n);
    expect([value("alt_mem_k"), value("screen_info.ext_mem_k")]).toEqual([127n * 1024n, 0xfc00n]);
    const at = plan.information + 0x2d0 + 20;
    expect([memory.u64(at), memory.u64(at + 8), memory.u32(at + 16)]).toEqual([0x9fc00, 0x400, 2]);
  });
  it("gets the initrd as high as RAM and initrd_addr_max allow, outside of what the kernel needs to unpack itself", () => {
    expect([value("hdr.ramdisk_image"), value("hdr.ramdisk_size")]).toEqual([BigInt(128 * MIB - 0x2000), 5000n]);
    const low = paramsOf(memoryOf(image(bzImage({ initrdMax: 0x2ffffff }), { modules: [INITRD] })));
    expect(low("hdr.ramdisk_image")).toBe(0x2ffe000n);
    const limited = paramsOf(memoryOf(image(bzImage(), { modules: [INITRD], append: "mem=64M" })));
    expect(limited("hdr.ramdisk_image")).toBe(BigInt(64 * MIB - 0x2000));
    const full = paramsOf(memoryOf(image(bzImage({ initSize: 0x6fff000 }), { modules: [INITRD] })));
    expect(full("hdr.ramdisk_image")).toBe(BigInt(16 * MIB - 0x2000));
  });
  it("several initrds follow each other, each on a multiple of 4", () => {
    const odd = { ...INITRD, bytes: Uint8Array.of(1, 2, 3, 4, 5) };
    const two = memoryOf(image(bzImage(), { modules: [odd, odd] }));
    const at = Number(paramsOf(two)("hdr.ramdisk_image"));
    expect(paramsOf(two)("hdr.ramdisk_size")).toBe(13n);
    expect([...two.bytes(at, 13)]).toEqual([1, 2, 3, 4, 5, 0, 0, 0, 1, 2, 3, 4, 5]);
  });
  it("is found below 4 GiB by page tables that map every address there to itself", () => {
    const walk = (address: number): number => {
      const entry = (table: number, shift: number): number =>
        memory.u64(table + (Math.floor(address / 2 ** shift) % 512) * 8);
      const pdpt = entry(plan.state.pageTable, 39);
      const directory = entry(pdpt - (pdpt % 4096), 30);
      const page = entry(directory - (directory % 4096), 21);
      expect([pdpt % 4096, directory % 4096, page % 4096]).toEqual([3, 3, 0x83]);
      return page - 0x83 + (address % 2 ** 21);
    };
    for (const address of [0, 0x12345, 16 * MIB, 3 * GIB + 5, 4 * GIB - 1]) expect(walk(address)).toBe(address);
  });
  it("sees memory above 4 GiB in its map", () => {
    const large = memoryOf(image(bzImage()), RAM_6G);
    const fields = decodeBootParams(large.bytes(large.plan.information, 4096));
    expect(fields.filter(({ name }) => name.startsWith("e820_table[")).map(({ text }) => text)).toEqual([
      "0x0–0x9fbff usable", "0x9fc00–0x9ffff reserved", "0xf0000–0xfffff reserved", "0x100000–0xbfffffff usable", "0xfffc0000–0xffffffff reserved",
      "0x100000000–0x1bfffffff usable",
    ]);
  });
  it("moves up where its preferred address is taken by nothing usable", () => {
    const holed = [{ start: 0, length: 8 * MIB }, { start: 0x1600000, length: 100 * MIB }];
    expect(planned(image(bzImage()), holed).entry).toBe(PLATFORM + 0x200);
  });
  it("is told what vga= is for", () => {
    const { notes } = planned(image(bzImage(), { append: "vga=791" }));
    expect(notes.map(({ fix }) => fix)).toEqual(['choose the loader "linux16"']);
  });
}); // oxfmt-ignore

describe("other entries", () => {
  it("a kernel without a 64-bit entry is started through its 32-bit one", () => {
    const { plan } = memoryOf(image(bzImage({ xloadflags: 0 })));
    expect([plan.loader, plan.entry, plan.state.pageTable]).toEqual(["linux32", 0x1000000, 0]);
    expect([plan.state.bits, plan.state.code, plan.state.data]).toEqual([32, 0x10, 0x18]);
  });
  it("a kernel that cannot be relocated is loaded at 1 MiB and has its place kept free", () => {
    const fixed = bzImage({ relocatable: false });
    const memory = memoryOf(image(fixed, { loader: "linux32", modules: [INITRD] }));
    expect(memory.plan.entry).toBe(MIB);
    expect(paramsOf(memory)("hdr.code32_start")).toBe(BigInt(MIB));
  });
  it("the real-mode entry gets setup code with command line, initrd and heap filled in", () => {
    const memory = memoryOf(
      image(bzImage(), { loader: "linux16", append: "root=/dev/sda vga=ask", modules: [INITRD] }),
    );
    const { plan } = memory;
    expect(plan.state).toMatchObject({
      bits: 16,
      code: 0x1020,
      data: 0x1000,
      ip: 0,
      registers: { rsp: 0xfff0 },
    });
    expect([plan.entry, plan.information]).toEqual([0x10200, 0x10000]);
    const header = (at: number): number => memory.u32(0x10000 + at);
    expect(header(0x214)).toBe(MIB);
    expect(memory.text(header(0x228))).toBe("root=/dev/sda vga=ask");
    expect([header(0x21c), header(0x1fa) & 0xffff, header(0x211) & 0xff]).toEqual([5000, 0xfffd, 0x81]);
    expect(header(0x224) & 0xffff).toBe(0xfff0 - 0x600);
    expect(memory.bytes(MIB, 1)).toEqual(Uint8Array.of(0xf4));
  });
  it("an old kernel's setup code is put where it insists, with the command line of its time", () => {
    const memory = memoryOf(
      image(bzImage({ version: 0x201, loadflags: 0 }), { loader: "linux16", append: "ro" }),
    );
    expect(memory.plan.entry).toBe(0x90200);
    expect(memory.u32(0x90020) & 0xffff).toBe(0xa33f);
    expect(memory.text(0x90000 + (memory.u32(0x90020) >>> 16))).toBe("ro");
    expect(memory.bytes(0x10000, 1)).toEqual(Uint8Array.of(0xf4));
  });
});

describe("vmlinux", () => {
  const banner = new TextEncoder().encode("Linux version 6.1.0 (test)\0");
  const program = { physicalAddress: 16 * MIB, virtualAddress: 0xffffffff81000000n, bytes: code(banner) };
  it("is entered in long mode at its physical entry, with boot_params of our own", () => {
    const memory = memoryOf(
      image(buildElf({ bits: 64, entry: 0xffffffff81000020n, programs: [program] }), {
        append: "nokaslr",
        modules: [INITRD],
      }),
    );
    expect([memory.plan.loader, memory.plan.entry]).toEqual(["vmlinux", 16 * MIB + 0x20]);
    const value = paramsOf(memory);
    expect([value("hdr.header"), value("hdr.version"), value("hdr.boot_flag")]).toEqual([
      0x53726448n,
      0x20fn,
      0xaa55n,
    ]);
    expect(memory.text(Number(value("hdr.cmd_line_ptr")))).toBe("nokaslr");
    expect(value("hdr.ramdisk_image")).toBe(BigInt(128 * MIB - 0x2000));
  });
  it("with a PVH note is started by that", () => {
    const elf = buildElf({
      bits: 64,
      entry: 0xffffffff81000020n,
      programs: [program, { type: 4, physicalAddress: 0, bytes: pvhNote(BigInt(16 * MIB + 8)) }],
    });
    expect(planned(image(elf))).toMatchObject({ loader: "pvh", entry: 16 * MIB + 8 });
    expect(planned(image(elf, { loader: "vmlinux" }))).toMatchObject({ loader: "vmlinux" });
  });
});

describe("boot_params decoded", () => {
  it("every field once, none over another, with flags and versions in words", () => {
    const memory = memoryOf(image(bzImage()));
    const bytes = memory.bytes(memory.plan.information, 4096);
    const fields = decodeBootParams(bytes).filter(({ name }) => !name.startsWith("e820_table["));
    expect(new Set(fields.map(({ name }) => name)).size).toBe(fields.length);
    let end = 0;
    for (const { name, offset, sizeBytes } of fields) {
      expect(offset, name).toBeGreaterThanOrEqual(end);
      end = offset + sizeBytes;
    }
    expect(end).toBeLessThanOrEqual(4096);
    const field = fieldsOf(bytes);
    expect(field("hdr.version").text).toBe("2.15");
    expect(field("hdr.xloadflags").text).toBe("KERNEL_64 | CAN_BE_LOADED_ABOVE_4G");
    expect(field("hdr.loadflags").text).toBe("LOADED_HIGH");
    expect(field("screen_info.orig_video_isVGA").text).toBe("VGA text");
    expect(decodeBootParams(bytes.subarray(0, 3)).map(({ name }) => name)).toEqual([
      "screen_info.orig_x",
      "screen_info.orig_y",
    ]);
  });
});

describe("on our machine", () => {
  it("a 64-bit kernel is refused by a processor without long mode, whichever entry is taken", () => {
    const machine = createMachine({ ramBytes: 128 * MIB, cpu: "qemu32" });
    for (const loader of ["auto", "linux", "linux32"] as const) {
      const result = boot(machine, image(bzImage(), { loader }));
      expect(result).toMatchObject({
        kind: "diagnosis",
        cause: { rule: "processor", text: expect.stringContaining("no long mode"), offset: 0x236 },
      });
    }
    // The setup code says it itself, and a 32-bit kernel is welcome.
    expect(boot(machine, image(bzImage(), { loader: "linux16" })).kind).toBe("plan");
    expect(boot(machine, image(bzImage({ xloadflags: 0 }))).kind).toBe("plan");
  });

  it("the processor is in long mode, with flat segments, at the entry", () => {
    const machine = createMachine({ ramBytes: 64 * MIB });
    const result = boot(machine, image(bzImage(), { append: "x" }));
    if (result.kind !== "plan") throw new Error(result.cause.text);
    const core = machine.cpus[0]!;
    expect([core.rip, core.gpr(6), core.cr3]).toEqual([
      0x1000200n,
      BigInt(result.information),
      BigInt(result.state.pageTable),
    ]);
    expect([core.cr0, core.cr4, core.efer, core.rflags]).toEqual([
      (CR0.PG | CR0.PE | CR0.ET) >>> 0,
      CR4.PAE,
      EFER.LME | EFER.LMA,
      2n,
    ]);
    expect(core.segment(1)).toMatchObject({ selector: 0x10, base: 0n });
    expect(core.segment(1).attributes & ATTRIBUTE.long).not.toBe(0);
    expect(core.translate(0x1000200n)).toBe(0x1000200);
    const params = machine.memory.readBytes(physical(result.information), 4096);
    expect(fieldsOf(params)("acpi_rsdp_addr").value).toBe(0xf0040n);
  });

  const hasNasm = spawnSync("nasm", ["-v"]).status === 0;
  /** A kernel whose setup code, 32-bit and 64-bit entries each print a letter and what they found: the header's magic at their boot_params. */
  const SOURCE = `
    bits 16
    org 0
    times 512 db 0                    ; the boot sector; the test writes the header over it
    start:  jmp short go              ; 0x200
    times 0x26c - ($ - $$) db 0
    go:     mov al, 'r'
            call put16
            mov eax, [0x202]          ; DS is the setup code's segment
            call four16
            mov dx, 0xf4
            out dx, al
    four16: mov cx, 4
    .next:  call put16
            shr eax, 8
            loop .next
            ret
    put16:  push dx
            mov dx, 0x3f8
            out dx, al
            pop dx
            ret
    times 0xa00 - ($ - $$) db 0
    bits 32
    entry32: mov al, 'p'
            mov edx, 0x3f8
            out dx, al
            mov eax, [esi + 0x202]
            mov ecx, 4
    .next:  out dx, al
            shr eax, 8
            loop .next
            mov edx, 0xf4
            out dx, al
    times 0xa00 + 0x200 - ($ - $$) db 0
    bits 64
    entry64: mov al, 'l'
            mov edx, 0x3f8
            out dx, al
            mov eax, [rsi + 0x202]
            mov ecx, 4
    .next:  out dx, al
            shr eax, 8
            loop .next
            mov edx, 0xf4
            out dx, al
    times 0xa00 + 0x1000 - ($ - $$) db 0
  `;
  const assembled = (): Uint8Array => {
    const source = temporaryFile("kernel.asm", SOURCE);
    const made = spawnSync("nasm", ["-f", "bin", "-o", `${source}.bin`, source], { encoding: "utf8" });
    if (made.status !== 0) throw new Error(made.stderr);
    const kernel = new Uint8Array(readFileSync(`${source}.bin`));
    const setup = bzImage();
    kernel.set(setup.subarray(0x1f1, 0x200), 0x1f1);
    kernel.set(setup.subarray(0x202, 0x26c), 0x202);
    return kernel;
  };
  it.skipIf(!hasNasm).each([
    ["linux", "lHdrS"],
    ["linux32", "pHdrS"],
    ["linux16", "rHdrS"],
  ] as const)("%s runs at its entry and finds the header", (loader, says) => {
    const machine = createMachine({ ramBytes: 64 * MIB, debugExit: { iobase: 0xf4, iosize: 4 } });
    let serial = "";
    machine.onOutput = (channel, byte) => {
      if (channel === "serial0") serial += String.fromCharCode(byte);
    };
    const result = boot(machine, image(assembled(), { loader }));
    expect(result.kind).toBe("plan");
    expect(machine.run({ instants: 10_000 }).kind).toBe("debug-exit");
    expect(serial).toBe(says);
  });
});
