/** What memory tests make again and again. */
import { FRAMES } from "../../emulator/cpu/layout.ts";
import { Memory, type MemoryOptions, MemoryRegion, type RamBlock } from "../../emulator/memory/index.ts";
import { PAGE_BYTES, type PhysicalAddress } from "../../emulator/numbers.ts";

export const MIB = 2 ** 20;
export const GIB = 2 ** 30;

export const at = (address: number): PhysicalAddress => address as PhysicalAddress;

export function createMemory(options: MemoryOptions = {}): { memory: Memory; wasm: WebAssembly.Memory } {
  const wasm = new WebAssembly.Memory({ initial: FRAMES / 65536 + 1, maximum: 65536 });
  return { memory: new Memory(wasm, options), wasm };
}

/** A memory with one block of RAM at 0. */
export function createRam(
  usedLength: number,
  options: MemoryOptions = {},
): { memory: Memory; wasm: WebAssembly.Memory; block: RamBlock } {
  const { memory, wasm } = createMemory(options);
  const block = memory.allocate({ idstr: "ram", usedLength });
  memory.system.add(MemoryRegion.ram("ram", block), 0);
  return { memory, wasm, block };
}

/** A device that remembers its accesses and reads as `value` of the offset. */
export function recordingDevice(value: (offset: number) => number = (offset) => offset) {
  const log: string[] = [];
  return {
    log,
    ops: {
      read: (offset: number, size: 1 | 2 | 4) => {
        log.push(`r${size}@${offset.toString(16)}`);
        return value(offset);
      },
      write: (offset: number, size: 1 | 2 | 4, written: number) => {
        log.push(`w${size}@${offset.toString(16)}=${written.toString(16)}`);
      },
    },
  };
}

/** Writes as a processor does: through the frame. Returns false if the page has to be written the slow way. */
export function storeByte(memory: Memory, wasm: WebAssembly.Memory, address: number, value: number): boolean {
  const frame = memory.frameForWrite(Math.floor(address / PAGE_BYTES));
  if (frame === 0) return false;
  new Uint8Array(wasm.buffer)[frame + (address % PAGE_BYTES)] = value;
  return true;
}

export function loadByte(memory: Memory, wasm: WebAssembly.Memory, address: number): number {
  const frame = memory.frameForRead(Math.floor(address / PAGE_BYTES));
  return frame === 0 ? -1 : new Uint8Array(wasm.buffer)[frame + (address % PAGE_BYTES)]!;
}
