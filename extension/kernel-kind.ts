/**
 * Tells from a file's first bytes whether a PC could boot it, as boot loaders do: Multiboot 2 looks at the first 32 KiB, Multiboot at
 * the first 8, Linux at its setup header, and an ELF file says for whom it was linked.
 *
 * Elsewhere: the loaders' full rules, and what to say of a file that breaks them (`emulator/boot/`).
 */

/** How much of a file's beginning is looked at. */
export const HEADER_BYTES = 32 * 1024;

/** What a file's first bytes say it is. */
export type KernelKind = "Multiboot 2" | "Multiboot" | "Linux bzImage" | "ELF64" | "ELF32";

const ELF_MAGIC = 0x464c457f;
const MULTIBOOT_MAGIC = 0x1badb002;
const MULTIBOOT2_MAGIC = 0xe85250d6;
const MULTIBOOT_SEARCH = 8192;
const ELF_EXECUTABLE = 2;
const ELF_SHARED = 3;
const MACHINE_386 = 3;
const MACHINE_X86_64 = 62;
const PROGRAM_INTERPRETER = 3;

/** @param bytes the file's beginning, up to 32 KiB. Null for everything that is no kernel for a PC, user programs included. */
export function kernelKind(bytes: Uint8Array): KernelKind | null {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  for (let offset = 0; offset + 16 <= bytes.length; offset += 4) {
    const word = view.getUint32(offset, true);
    if (word === MULTIBOOT2_MAGIC && offset % 8 === 0 && headerSum(view, offset, 4) === 0)
      return "Multiboot 2";
    if (word === MULTIBOOT_MAGIC && offset + 12 <= MULTIBOOT_SEARCH && headerSum(view, offset, 3) === 0)
      return "Multiboot";
  }
  // The setup header's signature (Linux, Documentation/arch/x86/boot.rst).
  if (bytes.length > 0x206 && view.getUint32(0x202, true) === 0x53726448) return "Linux bzImage";
  if (bytes.length < 64 || view.getUint32(0, true) !== ELF_MAGIC || bytes[5] !== 1) return null;
  const type = view.getUint16(16, true);
  const machine = view.getUint16(18, true);
  if (type !== ELF_EXECUTABLE && type !== ELF_SHARED) return null;
  if (machine !== MACHINE_386 && machine !== MACHINE_X86_64) return null;
  const wide = bytes[4] === 2;
  const headers = wide ? Number(view.getBigUint64(32, true)) : view.getUint32(28, true);
  const size = view.getUint16(wide ? 54 : 42, true);
  const count = view.getUint16(wide ? 56 : 44, true);
  for (let index = 0; index < count; index++) {
    const at = headers + index * size;
    if (at + 4 <= bytes.length && view.getUint32(at, true) === PROGRAM_INTERPRETER) return null;
  }
  return wide ? "ELF64" : "ELF32";
}

function headerSum(view: DataView, offset: number, words: number): number {
  let sum = 0;
  for (let index = 0; index < words; index++) sum = (sum + view.getUint32(offset + index * 4, true)) >>> 0;
  return sum;
}
