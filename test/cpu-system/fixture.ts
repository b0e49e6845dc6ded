/**
 * A Core over 16 MiB of plain frames at fixed addresses, with one device page, for tests of the processor's system half without an engine.
 */
import { Core } from "../../emulator/cpu/core.ts";
import { Fault } from "../../emulator/cpu/event.ts";
import type { Instruction } from "../../emulator/cpu/instruction.ts";
import { FRAMES, SEG } from "../../emulator/cpu/layout.ts";
import type { SegmentNumber } from "../../emulator/cpu/layout.ts";
import type { CpuModel } from "../../emulator/cpu/system/model.ts";
import { systemOperations } from "../../emulator/cpu/system/index.ts";
import type { GuestMemory, PortBus } from "../../emulator/memory/guest-memory.ts";
import { physical } from "../../emulator/numbers.ts";

const PAGES = 4096;
/** Host address of guest-physical address 0; the frame before it is the zero frame. */
const BASE = FRAMES + 4096;
/** Guest-physical page of the device: accesses to it are recorded. */
export const DEVICE_PAGE = 0xfe0;

export interface DeviceAccess {
  readonly offset: number;
  readonly size: number;
  readonly value: number;
  readonly write: boolean;
}

export class Fixture {
  readonly wasm = new WebAssembly.Memory({ initial: (BASE + PAGES * 4096) / 65536 + 1 });
  readonly accesses: DeviceAccess[] = [];
  readonly ports: { port: number; size: number; value: number; write: boolean }[] = [];
  readonly codePages = new Set<number>();
  readonly codeWrites: { page: number; offset: number; length: number }[] = [];
  time = 1000n;
  readonly guest: GuestMemory;
  readonly core: Core;

  constructor(model?: CpuModel) {
    const bytes = () => new DataView(this.wasm.buffer, BASE);
    const inRam = (page: number) => page < PAGES && page !== DEVICE_PAGE;
    const device = (address: number, size: number, value: number, write: boolean) =>
      this.accesses.push({ offset: address % 4096, size, value, write });
    this.guest = {
      frameForRead: (page) => (inRam(page) ? BASE + page * 4096 : 0),
      frameForWrite: (page) => (inRam(page) && !this.codePages.has(page) ? BASE + page * 4096 : 0),
      read: (address, size) => {
        if (Math.floor(address / 4096) === DEVICE_PAGE) {
          device(address, size, 0, false);
          return (address & 0xff) * 0x01010101;
        }
        if (!inRam(Math.floor(address / 4096))) return 0xffffffff;
        return size === 4 ? bytes().getUint32(address, true) : size === 2 ? bytes().getUint16(address, true) : bytes().getUint8(address);
      },
      write: (address, size, value) => {
        const page = Math.floor(address / 4096);
        if (page === DEVICE_PAGE) device(address, size, value, true);
        if (!inRam(page)) return;
        if (this.codePages.has(page)) this.codeWrites.push({ page, offset: address % 4096, length: size });
        if (size === 4) bytes().setUint32(address, value, true);
        else if (size === 2) bytes().setUint16(address, value, true);
        else bytes().setUint8(address, value);
      },
      readBytes: (address, length) => new Uint8Array(this.wasm.buffer, BASE + address, length).slice(),
      writeHalves: (address, low, high) => {
        this.guest.write(address, 4, low);
        this.guest.write(physical(address + 4), 4, high);
      },
      writeBytes: (address, data) => new Uint8Array(this.wasm.buffer).set(data, BASE + address),
      poke: (address, data) => new Uint8Array(this.wasm.buffer).set(data, BASE + address),
      readRam: () => new Uint8Array(0),
      pokeRam: () => undefined,
      markCode: (page) => this.codePages.add(page),
      clearCode: (page, granules = -1) => void (granules === -1 && this.codePages.delete(page)),
      codeGranules: () => -1,
      frameBesideCode: () => 0,
      hasCode: (page) => this.codePages.has(page),
      onCodeWrite: () => {},
      onFramesChanged: () => {},
    };
    const bus: PortBus = {
      readPort: (port, size) => {
        this.ports.push({ port, size, value: 0, write: false });
        return 0x12345678;
      },
      writePort: (port, size, value) => this.ports.push({ port, size, value, write: true }),
    };
    this.core = new Core(this.wasm, this.guest, bus, { timestamp: () => this.time, random: () => 0x0123456789abcdefn, ...(model === undefined ? {} : { model }) });
  } // oxfmt-ignore

  /** Guest-physical memory. */
  get32(address: number): number {
    return this.guest.read(physical(address), 4) >>> 0;
  }
  put32(address: number, value: number): void {
    new DataView(this.wasm.buffer).setUint32(BASE + address, value, true);
  }
  get64(address: number): bigint {
    return new DataView(this.wasm.buffer).getBigUint64(BASE + address, true);
  }
  put64(address: number, value: bigint): void {
    new DataView(this.wasm.buffer).setBigUint64(BASE + address, value, true);
  }
  put16(address: number, value: number): void {
    new DataView(this.wasm.buffer).setUint16(BASE + address, value, true);
  }
  get16(address: number): number {
    return new DataView(this.wasm.buffer).getUint16(BASE + address, true);
  }

  /** Executes a call-out as the engine does: RIP past the instruction, put back on a fault. Returns the fault, or null. */
  execute(mnemonic: string, fields: Partial<Instruction> = {}): Fault | null {
    const operation = systemOperations[mnemonic];
    if (operation === undefined) throw new Error(`no operation ${mnemonic}`);
    const insn: Instruction = {
      mnemonic,
      length: 2,
      operandSize: 32,
      addressSize: 32,
      reg: 0,
      rm: -1,
      segment: SEG.ds,
      immediate: 0n,
      immediate2: 0,
      rep: "",
      lock: false,
      rex: false,
      ...fields,
    };
    const { core } = this;
    const rip = core.rip;
    core.rip = rip + BigInt(insn.length);
    const fault = caught(() => operation(core, insn));
    if (fault !== null) core.rip = rip;
    return fault;
  }

  /** Writes a segment descriptor (limit in bytes up to 1 MiB, or in pages with G). */
  descriptor(address: number, base: number, limit: number, access: number, flags: number): void {
    this.put32(address, ((base & 0xffff) << 16) | (limit & 0xffff));
    this.put32(
      address + 4,
      (base & 0xff000000) |
        ((flags & 0xf) << 20) |
        (limit & 0xf0000) |
        ((access & 0xff) << 8) |
        ((base >>> 16) & 0xff),
    );
  }

  /** Writes an 8-byte gate; in long mode `high` is the offset's upper half and the gate has 16 bytes. */
  gate(address: number, selector: number, offset: number, access: number, count = 0, high?: number): void {
    this.put32(address, ((selector & 0xffff) << 16) | (offset & 0xffff));
    this.put32(address + 4, (offset & 0xffff0000) | ((access & 0xff) << 8) | (count & 0x1f));
    if (high === undefined) return;
    this.put32(address + 8, high);
    this.put32(address + 12, 0);
  }

  /** Loads a flat segment register without a table. */
  flat(n: SegmentNumber, selector: number, attributes: number): void {
    this.core.setSegment(n, { selector, base: 0n, limit: 0xffffffff, attributes });
  }
}

/** The fault that `run` throws, or null. */
export function caught(run: () => void): Fault | null {
  try {
    run();
    return null;
  } catch (thrown) {
    if (thrown instanceof Fault) return thrown;
    throw thrown;
  }
}

/** Vector and error code of a fault, as a test states them. */
export const shortly = (fault: Fault | null): string =>
  fault === null ? "none" : `#${fault.vector}(${fault.errorCode ?? "-"})`;

export const GDT = 0x1000;
export const IDT = 0x2000;
export const TSS = 0x3000;
export const LDT = 0x3800;

/** Selectors of the table that `protectedMode` and `longMode` set up. */
export const SELECTOR = {
  code: 0x08, data: 0x10, code3: 0x1b, data3: 0x23, tss: 0x28, conforming: 0x38, code16: 0x40, data16: 0x48, code64: 0x50, absent: 0x58, readOnly: 0x60,
  executeOnly: 0x68, ldt: 0x70, gate: 0x80, data1: 0x90, code1: 0x98, tss2: 0xa0, small: 0xb0, down: 0xb8, absentCode: 0xc0,
} as const; // oxfmt-ignore

function tables(f: Fixture, long: boolean): void {
  const put = (selector: number, base: number, limit: number, access: number, flags: number) =>
    f.descriptor(GDT + (selector & ~7), base, limit, access, flags);
  put(SELECTOR.code, 0, 0xfffff, 0x9b, long ? 0xa : 0xc);
  put(SELECTOR.data, 0, 0xfffff, 0x93, 0xc);
  put(SELECTOR.code3, 0, 0xfffff, 0xfb, long ? 0xa : 0xc);
  put(SELECTOR.data3, 0, 0xfffff, 0xf3, 0xc);
  put(SELECTOR.tss, TSS, 0x67, 0x89, 0);
  put(SELECTOR.conforming, 0, 0xfffff, 0x9f, long ? 0xa : 0xc);
  put(SELECTOR.code16, 0, 0xffff, 0x9b, 0);
  put(SELECTOR.data16, 0, 0xffff, 0x93, 0);
  put(SELECTOR.code64, 0, 0xfffff, 0x9b, 0xa);
  put(SELECTOR.absent, 0, 0xfffff, 0x13, 0xc);
  put(SELECTOR.readOnly, 0, 0xfffff, 0x91, 0xc);
  put(SELECTOR.executeOnly, 0, 0xfffff, 0x99, 0xc);
  put(SELECTOR.ldt, LDT, 0xff, 0x82, 0);
  put(SELECTOR.data1, 0, 0xfffff, 0xb3, 0xc);
  put(SELECTOR.code1, 0, 0xfffff, 0xbb, long ? 0xa : 0xc);
  put(SELECTOR.tss2, TSS + 0x100, 0x67, 0x89, 0);
  put(SELECTOR.small, 0x10000, 0xfff, 0x93, 4);
  put(SELECTOR.absentCode, 0, 0xfffff, 0x1b, 0xc);
  put(SELECTOR.down, 0, 0xfff, 0x97, 4);
  f.core.gdtr = { base: BigInt(GDT), limit: 0xff };
  f.core.idtr = { base: BigInt(IDT), limit: 0xfff };
}

/** 32-bit protected mode at `cpl`, flat, paging off, code at 100000h, stack at 80000h, TR loaded, ring-0 stack in the TSS at 70000h. */
export function protectedMode(f: Fixture, cpl: 0 | 1 | 3 = 0): Core {
  const { core } = f;
  tables(f, false);
  core.setCr0(0x11);
  const rings = { 0: [SELECTOR.code, SELECTOR.data], 1: [SELECTOR.code1 | 1, SELECTOR.data1 | 1], 3: [SELECTOR.code3, SELECTOR.data3] };
  const [code, data] = rings[cpl] as [number, number];
  f.flat(SEG.cs, code, 0xc09b | (cpl << 5));
  for (const n of [SEG.ss, SEG.ds, SEG.es, SEG.fs, SEG.gs]) f.flat(n, data, 0xc093 | (cpl << 5));
  core.setSegment(SEG.tr, { selector: SELECTOR.tss, base: BigInt(TSS), limit: 0x67, attributes: 0x8b });
  f.descriptor(GDT + SELECTOR.tss, TSS, 0x67, 0x8b, 0);
  f.put32(TSS + 4, 0x70000);
  f.put32(TSS + 8, SELECTOR.data);
  f.put32(TSS + 12, 0x78000);
  f.put32(TSS + 16, SELECTOR.data1 | 1);
  core.rip = 0x100000n;
  core.rsp = 0x80000n;
  return core;
} // oxfmt-ignore

/** Page-table root that `longMode` uses: the first 2 MiB, 4 KiB pages at 800000h …, user and writable, mapped one to one. */
export const TABLES = 0x800000;

/** 64-bit mode at `cpl` with the first 16 MiB mapped by 2 MiB pages, RSP0 70000h, IST1 60000h. */
export function longMode(f: Fixture, cpl: 0 | 3 = 0): Core {
  const { core } = f;
  tables(f, true);
  f.descriptor(GDT + SELECTOR.tss, TSS, 0x67, 0x8b, 0);
  f.put64(GDT + SELECTOR.tss + 8, 0n);
  f.put64(TABLES, BigInt(TABLES + 0x1007));
  f.put64(TABLES + 0x1000, BigInt(TABLES + 0x2007));
  for (let n = 0; n < 8; n++) f.put64(TABLES + 0x2000 + n * 8, BigInt(n * 0x200000 + 0x87));
  core.setCr3(BigInt(TABLES));
  core.setCr4(0x20);
  core.setEfer(0x500);
  core.setCr0(0x80010011);
  f.flat(SEG.cs, cpl === 0 ? SELECTOR.code : SELECTOR.code3, 0xa09b | (cpl << 5));
  for (const n of [SEG.ss, SEG.ds, SEG.es, SEG.fs, SEG.gs]) f.flat(n, cpl === 0 ? SELECTOR.data : SELECTOR.data3, 0xc093 | (cpl << 5));
  core.setSegment(SEG.tr, { selector: SELECTOR.tss, base: BigInt(TSS), limit: 0x67, attributes: 0x8b });
  f.put64(TSS + 4, 0x70000n);
  f.put64(TSS + 36, 0x60008n);
  core.rip = 0x100000n;
  core.rsp = 0x80008n;
  return core;
} // oxfmt-ignore
