/**
 * Where a Linux kernel is: its addresses in memory against those it is linked at.
 *
 * Invariant: a place is only believed if the build id in the kernel's own notes, read where it would be, is that of the file with the symbols. So symbols of
 * another build are never shown, and a slide is exact or unknown.
 */
import { littleEndian } from "../memory/space.ts";
import type { SymbolImage } from "../symbols/index.ts";

/** Reads memory; null where there is not so much. */
export type Read = (address: bigint, length: number) => Uint8Array | null;

/** CONFIG_PHYSICAL_ALIGN is at least this on x86-64, and what KASLR adds is a multiple of it. */
export const ALIGNMENT = 0x200000n;
/** KASLR moves a kernel within the gigabyte below the modules. */
export const KERNEL_LOW = 0xffffffff80000000n;
export const KERNEL_HIGH = 0xffffffffc0000000n;

/** Pointers in the kernel, and what they point to: relocated, they show how far it was moved. */
const POINTERS = [
  ["initial_code", "x86_64_start_kernel"],
  ["sys_call_table", "__x64_sys_read"],
] as const;
const NOTE_BYTES = 0x400;

/** The file that a kernel was linked to, as far as its place is concerned. Addresses are as linked. */
export class KernelFile {
  readonly image: SymbolImage;
  /** _text: where the kernel begins. */
  readonly text: bigint;
  /** The instruction that the decompressor jumps to, from `text`. */
  readonly entryOffset: bigint;
  readonly #notes: bigint;
  readonly #buildId: Uint8Array;

  private constructor(image: SymbolImage, text: bigint, entry: bigint, notes: bigint, buildId: string) {
    this.image = image;
    this.text = text;
    this.entryOffset = entry - text;
    this.#notes = notes;
    this.#buildId = Uint8Array.from(buildId.match(/../g) ?? [], (digits) => Number.parseInt(digits, 16));
  }

  /** Null if it is not the file of a 64-bit Linux kernel with a build id. */
  static of(image: SymbolImage): KernelFile | null {
    const linked = (name: string): bigint | null => {
      const [symbol] = image.symbolsNamed(name);
      return symbol === undefined ? null : image.linked(symbol.address);
    };
    const [text, entry, notes] = [linked("_text"), linked("startup_64"), linked("__start_notes")];
    if (text === null || entry === null || notes === null || image.buildId === null) return null;
    return new KernelFile(image, text, entry, notes, image.buildId);
  }

  /** Whether this kernel's `_text` is at an address. */
  isAt(text: bigint, read: Read): boolean {
    const notes =
      read(text + this.#notes - this.text, NOTE_BYTES) ?? read(text + this.#notes - this.text, 64);
    if (notes === null) return false;
    return Buffer.from(notes.buffer, notes.byteOffset, notes.length).includes(Buffer.from(this.#buildId));
  }

  /** How far the relocated kernel at `text` will run from where it is linked; null if its pointers do not agree. */
  slideOf(text: bigint, read: Read): bigint | null {
    let slide: bigint | null = null;
    for (const [pointer, target] of POINTERS) {
      const [from] = this.image.symbolsNamed(pointer);
      const [to] = this.image.symbolsNamed(target);
      if (from === undefined || to === undefined) continue;
      const bytes = read(this.image.linked(from.address) - this.text + text, 8);
      if (bytes === null) return null;
      const moved = littleEndian(bytes) - this.image.linked(to.address);
      if (slide !== null && slide !== moved) return null;
      slide = moved;
    }
    if (slide === null || slide < 0n || slide % ALIGNMENT !== 0n) return null;
    return slide;
  }

  /** The slide of a kernel that runs already, from the page tables through which `read` looks. */
  findSlide(read: Read): bigint | null {
    for (let text = KERNEL_LOW; text < KERNEL_HIGH; text += ALIGNMENT)
      if (this.isAt(text, read)) return text - this.text;
    return null;
  }
}
