/**
 * A processor over 64 MiB of RAM and nothing else, put straight into a mode: for tests of single instructions and small programs.
 */
import { execFileSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Cpu } from "../../emulator/cpu/cpu.ts";
import { CR0, CR4, EFER, type CoreEnvironment } from "../../emulator/cpu/core.ts";
import { SEG } from "../../emulator/cpu/layout.ts";
import { Memory, MemoryRegion } from "../../emulator/memory/index.ts";
import { physical } from "../../emulator/numbers.ts";

export const CODE = 0x100000;
export const DATA = 0x200000;
export const STACK = 0x300000;

export type TestMode = "long" | "protected32" | "protected16" | "real";

export interface TestProcessor {
  readonly cpu: Cpu;
  readonly memory: Memory;
  readonly ports: {
    read: (port: number, size: number) => number;
    write: (port: number, size: number, value: number) => void;
  };
  load(address: number, bytes: Uint8Array): void;
}

/** A new processor in `mode`, flat, CPL 0, at CODE, with its stack at STACK. Long mode maps the first 4 GiB with 1 GiB pages. */
export function testProcessor(mode: TestMode, environment: Partial<CoreEnvironment> = {}): TestProcessor {
  const wasm = new WebAssembly.Memory({ initial: 0xa00000 / 65536, maximum: 65536 });
  const memory = new Memory(wasm);
  memory.transaction(() => {
    const block = memory.allocate({ idstr: "ram", usedLength: 64 << 20 });
    memory.system.add(MemoryRegion.ram("ram", block), 0);
  });
  const ports: TestProcessor["ports"] = { read: () => 0xffffffff, write: () => {} };
  const bus = {
    readPort: (port: number, size: 1 | 2 | 4) => ports.read(port, size),
    writePort: (port: number, size: 1 | 2 | 4, value: number) => ports.write(port, size, value),
  };
  const cpu = new Cpu(wasm, memory, bus, { timestamp: () => 0n, random: () => 4n, ...environment });
  memory.onFramesChanged = (which, page) => cpu.core.dropFrames(which, page);
  enterMode(cpu, memory, mode);
  return { cpu, memory, ports, load: (address, bytes) => memory.poke(physical(address), bytes) };
}

function enterMode(cpu: Cpu, memory: Memory, mode: TestMode): void {
  const { core } = cpu;
  const quad = (address: number, value: bigint) => {
    const bytes = new Uint8Array(8);
    new DataView(bytes.buffer).setBigUint64(0, value, true);
    memory.poke(physical(address), bytes);
  };
  if (mode !== "real") core.setCr0(CR0.PE | CR0.ET | CR0.NE);
  if (mode === "long") {
    quad(0x1000, 0x2007n);
    for (let i = 0; i < 4; i++) quad(0x2000 + 8 * i, (BigInt(i) << 30n) | 0x87n);
    core.setCr3(0x1000n);
    core.setCr4(CR4.PAE);
    core.setEfer(EFER.LME | EFER.LMA);
    core.setCr0(CR0.PE | CR0.PG | CR0.ET | CR0.NE);
  }
  const code = { long: 0xa09b, protected32: 0xc09b, protected16: 0x809b, real: 0x9b }[mode];
  const data = mode === "real" ? 0x93 : mode === "protected16" ? 0x8093 : 0xc093;
  const limit = mode === "real" ? 0xffff : 0xffffffff;
  const base = mode === "real" ? BigInt(CODE) : 0n;
  core.setSegment(SEG.cs, { selector: mode === "real" ? CODE >> 4 : 8, base, limit, attributes: code });
  for (const n of [SEG.ss, SEG.ds, SEG.es, SEG.fs, SEG.gs]) {
    core.setSegment(n, { selector: mode === "real" ? 0 : 16, base: 0n, limit, attributes: data });
  }
  core.rip = mode === "real" ? 0n : BigInt(CODE);
  core.rsp = mode === "real" ? 0xfff0n : BigInt(STACK);
}

/** Assembles NASM source to flat bytes. */
export function assemble(source: string): Uint8Array {
  const folder = mkdtempSync(join(tmpdir(), "redzone-asm-"));
  try {
    writeFileSync(join(folder, "in.asm"), source);
    execFileSync("nasm", ["-f", "bin", "-o", join(folder, "out.bin"), join(folder, "in.asm")], {
      stdio: ["ignore", "ignore", "pipe"],
    });
    return new Uint8Array(readFileSync(join(folder, "out.bin")));
  } finally {
    rmSync(folder, { recursive: true });
  }
}
