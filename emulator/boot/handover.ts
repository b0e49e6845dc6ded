/**
 * Carries out a boot plan: memory is written, and the boot processor is put into the state that both Multiboot versions specify.
 *
 * 32-bit protected mode, flat segments, no paging, interrupts off, A20 on. What the specifications leave open is as QEMU 7.2 leaves it, so that a kernel
 * that leans on it by mistake behaves alike: selectors 0x08 and 0x10 of a valid GDT, a little stack at 0x6f08, the real-mode IDT.
 */
import { ATTRIBUTE, CR0, type Core } from "../cpu/core.ts";
import { FRAMES, SEG } from "../cpu/layout.ts";
import type { Memory } from "../memory/index.ts";
import { PAGE_BYTES, physical } from "../numbers.ts";
import type { BootPlan, Placed } from "./image.ts";

/** Segment attributes as SEGMENT.attributes has them: present, ring 0, 32-bit, 4 KiB granularity, accessed. */
const FLAT =
  ATTRIBUTE.present | ATTRIBUTE.system | ATTRIBUTE.big | ATTRIBUTE.granularity | ATTRIBUTE.accessed;
const CODE = FLAT | ATTRIBUTE.code | ATTRIBUTE.readable;
const DATA = FLAT | ATTRIBUTE.writable;
const STACK = 0x6f08;

/**
 * QEMU's table: null, 32-bit code and data, 16-bit code and data. QEMU has it in an option ROM; here it lies in the BIOS area, which the memory map
 * reserves.
 */
const GDT_ADDRESS = 0xf0000;
const GDT = [0n, 0x00cf9b000000ffffn, 0x00cf93000000ffffn, 0x00009b000000ffffn, 0x000093000000ffffn];

export function place(memory: Memory, placed: readonly Placed[]): void {
  for (const { start, length, bytes } of placed) {
    memory.poke(physical(start), bytes);
    clear(memory, start + bytes.length, start + length);
  }
}

/** Zeros [start, end), leaving alone pages that nothing has been written to, so that a large bss costs nothing. */
function clear(memory: Memory, start: number, end: number): void {
  for (let at = start; at < end;) {
    const next = Math.min(end, (Math.floor(at / PAGE_BYTES) + 1) * PAGE_BYTES);
    if (memory.frameForRead(Math.floor(at / PAGE_BYTES)) !== FRAMES)
      memory.poke(physical(at), new Uint8Array(next - at));
    at = next;
  }
}

/** Puts a processor that has just been reset at the image's entry. */
export function enter(core: Core, memory: Memory, plan: BootPlan): void {
  const table = new Uint8Array(GDT.length * 8);
  const view = new DataView(table.buffer);
  for (const [n, descriptor] of GDT.entries()) view.setBigUint64(n * 8, descriptor, true);
  memory.poke(physical(GDT_ADDRESS), table);

  for (let n = 0; n < 16; n++) core.setGpr(n, 0n);
  core.setGpr(0, BigInt(plan.magic));
  core.setGpr(3, BigInt(plan.information));
  core.setGpr(4, BigInt(STACK));
  core.rip = BigInt(plan.entry);
  core.setRflags(2n);
  core.setCr0(CR0.PE | CR0.ET);
  core.setCr4(0);
  core.setEfer(0);
  for (const n of [SEG.es, SEG.ss, SEG.ds, SEG.fs, SEG.gs])
    core.setSegment(n, { selector: 0x10, base: 0n, limit: 0xffffffff, attributes: DATA });
  core.setSegment(SEG.cs, { selector: 0x08, base: 0n, limit: 0xffffffff, attributes: CODE });
  core.gdtr = { base: BigInt(GDT_ADDRESS), limit: GDT.length * 8 - 1 };
  core.idtr = { base: 0n, limit: 0x3ff };
}
