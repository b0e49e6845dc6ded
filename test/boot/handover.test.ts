/** The state at the entry as guests see it on our machine, and a second boot over the first one's memory. */
import { readFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import { boot } from "../../emulator/boot/index.ts";
import { ATTRIBUTE, CR0 } from "../../emulator/cpu/core.ts";
import { createMachine, physical } from "../../emulator/index.ts";
import { buildElf, code, multiboot1 } from "./elf-builder.ts";
import { IMAGE, start } from "./guest.ts";
import { MIB } from "./plan.ts";
import { buildGuest, hasGcc, SAMPLE } from "./toolchain.ts";

describe("the processor", () => {
  const { machine, plan } = start(SAMPLE);
  const core = machine.cpus[0]!;

  it("is at the entry in flat 32-bit protected mode, with magic and information", () => {
    expect([core.rip, core.gpr(0), core.gpr(3)]).toEqual([
      BigInt(plan.entry),
      0x2badb002n,
      BigInt(plan.information),
    ]);
    expect([core.cr0, core.cr4, core.efer, core.rflags]).toEqual([CR0.PE | CR0.ET, 0, 0, 2n]);
  });
  it("has memory types set up as firmware does", () => {
    expect([0x2ff, 0x250, 0x259, 0x268, 0x200, 0x201].map((index) => core.msr(index))).toEqual([
      0xc06n,
      0x0606060606060606n,
      0n,
      0x0505050505050505n,
      0xc0000000n,
      0xffc0000800n,
    ]);
  });
  it("has segments whose descriptors are in a table in memory", () => {
    for (const n of [0, 1, 2, 3, 4, 5] as const) {
      const segment = core.segment(n);
      const bytes = machine.memory.readBytes(physical(Number(core.gdtr.base) + (segment.selector & ~7)), 8);
      const descriptor = new DataView(bytes.buffer).getBigUint64(0, true);
      expect([segment.base, segment.limit]).toEqual([0n, 0xffffffff]);
      expect(Number((descriptor >> 40n) & 0xf0ffn)).toBe(segment.attributes);
      expect((segment.attributes & ATTRIBUTE.code) !== 0).toBe(n === 1);
    }
  });
});

describe.skipIf(!hasGcc)("what guests print", () => {
  it("registers and information of Multiboot 1", () => {
    const guest = start(buildGuest("dump", 32), {
      append: "a=1",
      modules: [{ bytes: Uint8Array.of(1, 2, 3), name: "m", cmdline: "m x" }],
    });
    expect(guest.run()).toEqual({ kind: "debug-exit", code: 1 });
    const lines = guest.serial().split("\n");
    // As QEMU's, but for the parity flag, which QEMU's firmware happens to leave set.
    expect(lines[1]).toBe(
      `entry 2badb002 00009500 00000002 00006f04 00000011 00000008${" 00000010".repeat(5)} `,
    );
    expect(lines).toContain("command dump.elf a=1");
    expect(lines.filter((line) => line.startsWith("module "))).toEqual([
      expect.stringMatching(/ 00000000 m x$/),
    ]);
    expect(lines.find((line) => line.startsWith("bytes "))).toMatch(/^bytes 010203/);
  });
  it("registers and information of Multiboot 2, byte for byte what was planned", () => {
    const guest = start(buildGuest("dump2", 64), { append: "a=1" });
    expect(guest.run()).toEqual({ kind: "debug-exit", code: 1 });
    const planned = guest.plan.placed.find(({ what }) => what === "Multiboot 2 information")!;
    const address = guest.plan.information.toString(16).padStart(8, "0");
    expect(guest.serial()).toBe(`36d76289 ${address} ${Buffer.from(planned.bytes).toString("hex")}`);
  });
});

it("a reset and another boot start afresh, whatever the first run left in memory", () => {
  const guest = start(SAMPLE, { append: "exit=3" });
  guest.run();
  const first = guest.serial();
  guest.machine.reset();
  boot(guest.machine, {
    ...IMAGE,
    kernel: new Uint8Array(readFileSync(SAMPLE)),
    kernelName: "sample.elf",
    append: "exit=3",
  });
  expect(guest.run()).toEqual({ kind: "debug-exit", code: 7 });
  expect(guest.serial()).toBe(first + first);
});

it("an image that cannot boot leaves the machine alone", () => {
  const guest = start(SAMPLE);
  const rip = guest.machine.cpus[0]!.rip;
  expect(boot(guest.machine, { ...IMAGE, kernel: new Uint8Array(10), kernelName: "x" }).kind).toBe(
    "diagnosis",
  );
  expect(guest.machine.cpus[0]!.rip).toBe(rip);
});

it("a large bss costs no memory", () => {
  const machine = createMachine({ ramBytes: 1024 * MIB });
  const kernel = buildElf({
    bits: 64,
    programs: [{ physicalAddress: MIB, bytes: code(multiboot1()), memoryBytes: 1000 * MIB }],
  });
  expect(boot(machine, { ...IMAGE, kernel }).kind).toBe("plan");
  expect(machine.memory.hostBytes.frames).toBeLessThan(4 * MIB);
});
