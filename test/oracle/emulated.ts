/**
 * The emulator under the oracle's cases: one processor whose page tables, descriptor tables and gates look to user code like those of the Linux
 * process that `native/harness.c` is.
 *
 * Every vector has a gate to a HLT of its own in supervisor pages, so that a result is read where an operating system reads it: from the frame on the
 * kernel stack. Supervisor memory is one 2 MiB page at KERNEL that maps physical address 0; the arena's 16 pages lie there at ARENA_FRAMES.
 */
import { CR0, CR4, EFER } from "../../emulator/cpu/core.ts";
import { Cpu } from "../../emulator/cpu/cpu.ts";
import { SEG, STATE } from "../../emulator/cpu/layout.ts";
import type { TranslatorMode } from "../../emulator/cpu/statistics.ts";
import {
  ARENA,
  ARENA_BYTES,
  background,
  type Case,
  type Quad,
  REGIONS,
  type Result,
  TIMED_OUT,
} from "./case.ts";
import { FlatMemory } from "./flat-memory.ts";
import { GDT, LDT_ENTRIES, LDT_SEGMENTS, type Segment, segmentOf } from "./segments.ts";
import { image87 } from "./x87-operands.ts";

const KERNEL = 0xffff_8000_0000_0000n;
/** Physical addresses. */
const PML4 = 0x1000;
const PDPT = 0x2000;
const PD = 0x3000;
const PT = 0x4000;
const KERNEL_PDPT = 0x5000;
const KERNEL_PD = 0x6000;
const GDT_AT = 0x7000;
const LDT_AT = 0x7100;
const TSS_AT = 0x7200;
const IDT_AT = 0x8000;
const HANDLERS = 0x9000;
const KERNEL_STACK_TOP = 0xb000;
const ARENA_FRAMES = 0x10000;
const PHYSICAL_PAGES = 64;

const GDT_LIMIT = 0x7f;
const TSS_SELECTOR = 0x40;
const LDT_SELECTOR = 0x50;
const KERNEL_CS = 0x10;
const PRESENT = 1;
const WRITABLE = 2;
const USER = 4;
const LARGE = 0x80;
const DPL3_GATES = new Set([3, 4, 0x80]);
/** Vectors that push an error code. */
const WITH_ERROR = new Set([8, 10, 11, 12, 13, 14, 17]);
/** Instants after which a case does not end by itself: more than a LOOP of 65536 turns. */
const RUN_LIMIT = 200_000;

function descriptorOf(segment: Segment): bigint {
  const granular = (segment.attributes & 0x8000) !== 0;
  const limit = BigInt(granular ? segment.limit >>> 12 : segment.limit);
  const base = BigInt(segment.base);
  return (
    (limit & 0xffffn) |
    ((base & 0xffffffn) << 16n) |
    (BigInt(segment.attributes & 0xf0ff) << 40n) |
    ((limit >> 16n) << 48n) |
    ((base >> 24n) << 56n)
  );
}

/** A system descriptor of 16 bytes: LDT (type 2) or busy TSS (11). */
const systemDescriptor = (base: bigint, limit: number, type: number): readonly [bigint, bigint] => [
  BigInt(limit) |
    ((base & 0xffffffn) << 16n) |
    (BigInt(0x80 | type) << 40n) |
    (((base >> 24n) & 0xffn) << 56n),
  base >> 32n,
];

/** Both engines take the tests; each new case is new code, which the translator needs some hundred microseconds for. */
export const ENGINES: readonly { readonly translator: TranslatorMode; readonly share: number }[] = [
  { translator: "off", share: 1 },
  { translator: "forced", share: Number(process.env["ORACLE_FORCED"] ?? 0.05) },
];
/** Instants of a case that translated code executes at the least, in the mean: most cases are one instruction, many fault, and 16-bit code is not translated. */
export const TRANSLATED = 0.2;

export class Emulated {
  readonly #memory = new FlatMemory(PHYSICAL_PAGES);
  readonly cpu: Cpu;
  readonly #background = background();

  constructor(translator: TranslatorMode = "off") {
    const ports = { readPort: () => 0, writePort: () => undefined };
    const environment = { timestamp: () => 0n, random: () => 0n, translator };
    this.cpu = new Cpu(this.#memory.wasm, this.#memory, ports, environment);
    this.#buildTables();
    const { core } = this.cpu;
    core.setCr3(BigInt(PML4));
    core.setCr4(CR4.PAE | CR4.OSFXSR | CR4.OSXMMEXCPT | CR4.FSGSBASE | CR4.OSXSAVE);
    core.xcr0 = 3n;
    core.setCr0((CR0.PE | CR0.MP | CR0.ET | CR0.NE | CR0.WP | CR0.AM | CR0.PG) >>> 0);
    core.setEfer(EFER.SCE | EFER.LME | EFER.LMA | EFER.NXE);
    core.gdtr = { base: KERNEL + BigInt(GDT_AT), limit: GDT_LIMIT };
    core.idtr = { base: KERNEL + BigInt(IDT_AT), limit: 0xfff };
    core.setSegment(SEG.ldtr, {
      selector: LDT_SELECTOR,
      base: KERNEL + BigInt(LDT_AT),
      limit: LDT_ENTRIES * 8 - 1,
      attributes: 0x82,
    });
    core.setSegment(SEG.tr, {
      selector: TSS_SELECTOR,
      base: KERNEL + BigInt(TSS_AT),
      limit: 0x67,
      attributes: 0x8b,
    });
    core.mxcsr = 0x1f80;
  }

  /** Instants that translated code has executed. */
  get translated(): number {
    return this.cpu.statistics().translator?.instants ?? 0;
  }

  #buildTables(): void {
    const view = new DataView(
      this.#memory.bytes.buffer,
      this.#memory.bytes.byteOffset,
      this.#memory.bytes.length,
    );
    const quad = (at: number, value: bigint): void => view.setBigUint64(at, value, true);
    const table = BigInt(PRESENT | WRITABLE | USER);
    quad(PML4, BigInt(PDPT) | table);
    quad(PML4 + 256 * 8, BigInt(KERNEL_PDPT) | table);
    quad(PDPT, BigInt(PD) | table);
    quad(PD + (ARENA >>> 21) * 8, BigInt(PT) | table);
    quad(KERNEL_PDPT, BigInt(KERNEL_PD) | table);
    quad(KERNEL_PD, BigInt(PRESENT | WRITABLE | LARGE));
    for (const region of REGIONS) {
      for (let offset = region.offset; offset < region.offset + region.bytes; offset += 4096) {
        const rights = PRESENT | USER | (region.access === "read-write" ? WRITABLE : 0);
        const noExecute = region.access === "execute" ? 0n : 1n << 63n;
        quad(PT + (offset / 4096) * 8, BigInt(ARENA_FRAMES + offset + rights) | noExecute);
      }
    }
    for (const segment of GDT) quad(GDT_AT + (segment.selector & ~7), descriptorOf(segment));
    for (const segment of LDT_SEGMENTS) quad(LDT_AT + (segment.selector & ~7), descriptorOf(segment));
    const system = (selector: number, base: number, limit: number, type: number): void => {
      const [low, high] = systemDescriptor(KERNEL + BigInt(base), limit, type);
      quad(GDT_AT + selector, low);
      quad(GDT_AT + selector + 8, high);
    };
    system(TSS_SELECTOR, TSS_AT, 0x67, 11);
    system(LDT_SELECTOR, LDT_AT, LDT_ENTRIES * 8 - 1, 2);
    quad(TSS_AT + 4, KERNEL + BigInt(KERNEL_STACK_TOP));
    // The I/O permission map would lie beyond the limit: no port is allowed.
    view.setUint16(TSS_AT + 0x66, 0x8000, true);
    for (let vector = 0; vector < 256; vector++) {
      const handler = KERNEL + BigInt(HANDLERS + vector);
      const dpl = DPL3_GATES.has(vector) ? 3n : 0n;
      quad(
        IDT_AT + vector * 16,
        (handler & 0xffffn) |
          (BigInt(KERNEL_CS) << 16n) |
          (0x8en << 40n) |
          (dpl << 45n) |
          (((handler >> 16n) & 0xffffn) << 48n),
      );
      quad(IDT_AT + vector * 16 + 8, handler >> 32n);
    }
    this.#memory.bytes.fill(0xf4, HANDLERS, HANDLERS + 256);
    for (const region of REGIONS) {
      const from = ARENA_FRAMES + region.offset;
      if (region.access === "execute") this.#memory.bytes.fill(0xcc, from, from + region.bytes);
      else
        this.#memory.bytes.set(this.#background.subarray(region.offset, region.offset + region.bytes), from);
    }
  }

  #setSegment(n: 0 | 1 | 2 | 3 | 4 | 5, selector: number, base: bigint): void {
    const segment = segmentOf(selector);
    if (segment === undefined) this.cpu.core.setSegment(n, { selector, base, limit: 0, attributes: 0x10000 });
    else
      this.cpu.core.setSegment(n, {
        selector,
        base: BigInt(segment.base),
        limit: segment.limit,
        attributes: segment.attributes,
      });
  }

  run(item: Case): Result {
    const { cpu } = this;
    const { core } = cpu;
    item.gpr.forEach((value, n) => core.setGpr(n, value));
    core.eflags = item.rflags;
    const { es, cs, ss, ds, fs, gs } = item.selectors;
    this.#setSegment(SEG.ss, ss, 0n);
    this.#setSegment(SEG.cs, cs, 0n);
    this.#setSegment(SEG.es, es, 0n);
    this.#setSegment(SEG.ds, ds, 0n);
    this.#setSegment(SEG.fs, fs, item.fsBase);
    this.#setSegment(SEG.gs, gs, item.gsBase);
    core.rip = item.rip;
    core.cr2 = 0n;
    core.activity = 0;
    core.shadow = 0;
    core.setQuad(STATE.dr + 6 * 8, 0xffff0ff0n);
    if (item.fx !== null) image87.load(core, item.fx);
    const arena = ARENA_FRAMES;
    const frames = this.#memory;
    frames.writeBytes((arena + item.codeOffset) as never, item.code);
    const before = new DataView(frames.bytes.buffer, frames.bytes.byteOffset, frames.bytes.length);
    for (const poke of item.pokes) before.setBigUint64(arena + poke.offset, poke.value, true);

    const exit = cpu.run(RUN_LIMIT);
    const vector =
      exit.kind === "halted"
        ? Number(core.rip - 1n - KERNEL) - HANDLERS
        : exit.kind === "budget"
          ? TIMED_OUT
          : -1;

    const view = new DataView(frames.bytes.buffer, frames.bytes.byteOffset, frames.bytes.length);
    const changes = this.#changes(view);
    frames.writeBytes((arena + item.codeOffset) as never, new Uint8Array(item.code.length).fill(0xcc));
    if (vector === -1) throw new Stopped(item, exit);
    const fx = item.fx === null ? null : image87.save(core);
    const gpr = Array.from({ length: 16 }, (_, n) => core.gpr(n));
    const bases = { fsBase: core.segmentBase(SEG.fs), gsBase: core.segmentBase(SEG.gs) };
    const rest = { vector, cr2: core.cr2, changes, fx, ...bases };
    const selector = (n: number): number => core.selector(n);
    const others = { es: selector(SEG.es), ds: selector(SEG.ds), fs: selector(SEG.fs), gs: selector(SEG.gs) };
    if (vector === TIMED_OUT) {
      const selectors = { ...others, cs: selector(SEG.cs), ss: selector(SEG.ss) };
      return { ...rest, gpr, rip: core.rip, rflags: core.eflags, selectors, error: 0 };
    }
    const frame = Number(core.rsp - KERNEL);
    const hasError = WITH_ERROR.has(vector) && frame === KERNEL_STACK_TOP - 48;
    const at = frame + (hasError ? 8 : 0);
    const quad = (n: number): bigint => view.getBigUint64(at + n * 8, true);
    gpr[4] = quad(3);
    return {
      ...rest,
      gpr,
      rip: quad(0),
      rflags: Number(quad(2)),
      selectors: { ...others, cs: Number(quad(1)), ss: Number(quad(4)) },
      error: hasError ? Number(view.getBigUint64(frame, true)) : 0,
    };
  }

  /** What differs from the background in writable pages; puts the background back. */
  #changes(view: DataView): Quad[] {
    const changes: Quad[] = [];
    const words = new Int32Array(view.buffer, view.byteOffset + ARENA_FRAMES, ARENA_BYTES / 4);
    const before = new Int32Array(this.#background.buffer);
    for (const region of REGIONS) {
      if (region.access !== "read-write") continue;
      for (let n = region.offset / 4; n < (region.offset + region.bytes) / 4; n += 2) {
        if (words[n] === before[n] && words[n + 1] === before[n + 1]) continue;
        changes.push({ offset: n * 4, value: view.getBigUint64(ARENA_FRAMES + n * 4, true) });
        words[n] = before[n]!;
        words[n + 1] = before[n + 1]!;
      }
    }
    return changes;
  }
}

/** The emulator stopped instead of delivering an exception: something unimplemented, or a triple fault. */
export class Stopped extends Error {
  constructor(item: Case, exit: { readonly kind: string }) {
    const name = "name" in exit ? String(exit.name) : "";
    super(`${item.name}: the emulator stopped: ${exit.kind} ${name}`);
  }
}
