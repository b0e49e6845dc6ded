/** Guest memory for a device under test: RAM from address 0, all ones above it. No frames: a bus master does not use them. */
import type { GuestMemory } from "../../emulator/memory/guest-memory.ts";

export class GuestRam implements GuestMemory {
  readonly bytes: Uint8Array;
  readonly view: DataView;
  onCodeWrite = (): void => {};
  onFramesChanged = (): void => {};

  constructor(sizeBytes: number) {
    this.bytes = new Uint8Array(sizeBytes);
    this.view = new DataView(this.bytes.buffer);
  }

  frameForRead = (): number => 0;
  frameForWrite = (): number => 0;
  markCode(): void {}
  clearCode(): void {}
  hasCode = (): boolean => false;
  codeGranules = (): number => 0;
  frameBesideCode = (): number => 0;

  read(address: number, size: 1 | 2 | 4): number {
    let value = 0;
    for (let n = size - 1; n >= 0; n--) value = value * 256 + (this.bytes[address + n] ?? 0xff);
    return value;
  }
  write(address: number, size: 1 | 2 | 4, value: number): void {
    for (let n = 0; n < size; n++) this.bytes[address + n] = value >>> (8 * n);
  }
  writeHalves(address: number, low: number, high: number): void {
    this.write(address, 4, low);
    this.write(address + 4, 4, high);
  }
  readBytes(address: number, length: number): Uint8Array {
    const bytes = new Uint8Array(length).fill(0xff);
    bytes.set(this.bytes.subarray(address, address + length));
    return bytes;
  }
  writeBytes(address: number, bytes: Uint8Array): void {
    if (address >= this.bytes.length) return;
    this.bytes.set(bytes.subarray(0, this.bytes.length - address), address);
  }
  poke(address: number, bytes: Uint8Array): void {
    this.writeBytes(address, bytes);
  }
  readRam(): Uint8Array {
    return new Uint8Array(0);
  }
  pokeRam(): void {}
}
