/** Guest memory at its simplest, for tests of the processor alone: RAM from address 0, and nothing else. */
import { FRAMES } from "../../emulator/cpu/layout.ts";
import type { GuestMemory } from "../../emulator/memory/guest-memory.ts";
import type { PhysicalAddress } from "../../emulator/numbers.ts";

const WASM_PAGE_BYTES = 65536;

export class FlatMemory implements GuestMemory {
  readonly wasm: WebAssembly.Memory;
  readonly pages: number;
  readonly #code = new Set<number>();
  #bytes: Uint8Array;

  constructor(pages: number) {
    this.pages = pages;
    // One frame more: the frame at FRAMES is the zero frame, which this memory never hands out.
    this.wasm = new WebAssembly.Memory({
      initial: Math.ceil((FRAMES + (pages + 1) * 4096) / WASM_PAGE_BYTES),
    });
    this.#bytes = new Uint8Array(this.wasm.buffer);
  }

  /** All of RAM; guest-physical address 0 first. */
  get bytes(): Uint8Array {
    if (this.#bytes.length === 0) this.#bytes = new Uint8Array(this.wasm.buffer);
    return this.#bytes.subarray(FRAMES + 4096, FRAMES + (this.pages + 1) * 4096);
  }

  frameForRead(page: number): number {
    return page < this.pages ? FRAMES + (page + 1) * 4096 : 0;
  }
  frameForWrite(page: number): number {
    return this.#code.has(page) ? 0 : this.frameForRead(page);
  }
  read(address: PhysicalAddress, size: 1 | 2 | 4): number {
    let value = 0;
    for (let n = size - 1; n >= 0; n--) value = value * 256 + (this.bytes[address + n] ?? 0xff);
    return value;
  }
  write(address: PhysicalAddress, size: 1 | 2 | 4, value: number): void {
    const bytes = new Uint8Array(size);
    for (let n = 0; n < size; n++) bytes[n] = value >>> (8 * n);
    this.writeBytes(address, bytes);
  }
  writeHalves(address: PhysicalAddress, low: number, high: number): void {
    this.write(address, 4, low);
    this.write((address + 4) as PhysicalAddress, 4, high);
  }
  readBytes(address: PhysicalAddress, length: number): Uint8Array {
    return this.bytes.slice(address, address + length);
  }
  writeBytes(address: PhysicalAddress, bytes: Uint8Array): void {
    for (let at = 0; at < bytes.length;) {
      const page = Math.floor((address + at) / 4096);
      const offset = (address + at) % 4096;
      const length = Math.min(bytes.length - at, 4096 - offset);
      if (page < this.pages) {
        if (this.#code.has(page)) this.onCodeWrite(page, offset, length);
        this.bytes.set(bytes.subarray(at, at + length), address + at);
      }
      at += length;
    }
  }
  poke(address: PhysicalAddress, bytes: Uint8Array): void {
    this.writeBytes(address, bytes);
  }
  readRam(): Uint8Array {
    return new Uint8Array(0);
  }
  pokeRam(): void {}
  markCode(page: number): void {
    this.#code.add(page);
  }
  clearCode(page: number, granules = -1): void {
    if (granules === -1) this.#code.delete(page);
  }
  codeGranules(): number {
    return -1;
  }
  frameBesideCode(): number {
    return 0;
  }
  hasCode(page: number): boolean {
    return this.#code.has(page);
  }
  onCodeWrite: (page: number, offset: number, length: number) => void = () => undefined;
  onFramesChanged: () => void = () => undefined;
  onGrow: () => void = () => undefined;
}
