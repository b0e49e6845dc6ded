/** Reads a boot plan as the guest would: bytes of physical memory from what the plan places. */
import { plan, type BootImage, type BootPlan } from "../../emulator/boot/index.ts";

export const MIB = 0x100000;
export const RAM_128M = [{ start: 0, length: 128 * MIB }];

export function image(kernel: Uint8Array, rest: Partial<BootImage> = {}): BootImage {
  return { kernel, kernelName: "kernel.elf", append: "", modules: [], ...rest };
}

/** The plan of an image that must boot. */
export function planned(given: BootImage, ram = RAM_128M): BootPlan {
  const result = plan(given, ram);
  if (result.kind === "diagnosis") throw new Error(result.cause.text);
  return result;
}

export class Planned {
  readonly plan: BootPlan;
  constructor(given: BootPlan) {
    this.plan = given;
  }
  /** Bytes of memory; what nothing was placed in reads as 0xcc. */
  bytes(address: number, length: number): Uint8Array {
    const bytes = new Uint8Array(length).fill(0xcc);
    for (const { start, length: placedBytes, bytes: content } of this.plan.placed)
      for (let n = Math.max(address, start); n < Math.min(address + length, start + placedBytes); n++)
        bytes[n - address] = content[n - start] ?? 0;
    return bytes;
  }
  u32(address: number): number {
    return new DataView(this.bytes(address, 4).buffer).getUint32(0, true);
  }
  u64(address: number): number {
    return this.u32(address) + this.u32(address + 4) * 2 ** 32;
  }
  text(address: number): string {
    const bytes = this.bytes(address, 4096);
    return new TextDecoder().decode(bytes.subarray(0, bytes.indexOf(0)));
  }
}
