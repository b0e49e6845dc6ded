/**
 * Carries out a boot plan: memory is written, and the boot processor is put into the state that the protocol specifies.
 *
 * What the specifications leave open is as QEMU 7.2 leaves it, so that a kernel that leans on it by mistake behaves alike: the real-mode IDT stays.
 * Elsewhere: the states themselves (`entry.ts`).
 */
import { assert } from "../assert.ts";
import { CR0, CR4, EFER, type Core } from "../cpu/core.ts";
import { FRAMES, SEG } from "../cpu/layout.ts";
import type { Memory } from "../memory/index.ts";
import { PAGE_BYTES, physical } from "../numbers.ts";
import type { EntryState, Placed } from "./image.ts";

/** QEMU has its table in an option ROM; here it lies in the BIOS area, which the memory map reserves. */
const GDT_ADDRESS = 0xf0000;
/** Attributes of real-mode segments as SEGMENT.attributes has them: present, accessed; code readable, data writable. */
const REAL_CODE = 0x9b;
const REAL_DATA = 0x93;
const GENERAL = { rax: 0, rbx: 3, rsp: 4, rsi: 6 } as const;

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
export function enter(core: Core, memory: Memory, state: EntryState): void {
  for (let n = 0; n < 16; n++) core.setGpr(n, 0n);
  for (const [name, n] of Object.entries(GENERAL))
    core.setGpr(n, BigInt(state.registers[name as keyof typeof GENERAL] ?? 0));
  core.rip = BigInt(state.ip);
  core.setRflags(2n);
  core.setCr4(state.bits === 64 ? CR4.PAE : 0);
  core.setCr3(BigInt(state.pageTable));
  core.setEfer(state.bits === 64 ? EFER.LME | EFER.LMA : 0);
  core.setCr0(CR0.ET | (state.bits === 16 ? 0 : CR0.PE) | (state.bits === 64 ? CR0.PG : 0));
  loadSegments(core, memory, state);
  core.idtr = { base: 0n, limit: 0x3ff };
}

function loadSegments(core: Core, memory: Memory, { bits, code, data, descriptors }: EntryState): void {
  const others = [SEG.es, SEG.ss, SEG.ds, SEG.fs, SEG.gs];
  if (bits === 16) {
    const real = (selector: number, attributes: number) =>
      ({ selector, base: BigInt(selector * 16), limit: 0xffff, attributes }) as const;
    for (const n of others) core.setSegment(n, real(data, REAL_DATA));
    core.setSegment(SEG.cs, real(code, REAL_CODE));
    return;
  }
  const table = new Uint8Array(descriptors.length * 8);
  const view = new DataView(table.buffer);
  for (const [n, descriptor] of descriptors.entries()) view.setBigUint64(n * 8, descriptor, true);
  memory.poke(physical(GDT_ADDRESS), table);
  core.gdtr = { base: BigInt(GDT_ADDRESS), limit: table.length - 1 };
  const flat = (selector: number) => {
    const descriptor = descriptors[selector >> 3];
    assert(descriptor !== undefined, "a selector of the table", selector);
    return { selector, base: 0n, limit: 0xffffffff, attributes: Number((descriptor >> 40n) & 0xf0ffn) };
  };
  for (const n of others) core.setSegment(n, flat(data));
  core.setSegment(SEG.cs, flat(code));
  core.setSegment(SEG.tr, { selector: 0, base: 0n, limit: 0x67, attributes: 0x8b });
}
