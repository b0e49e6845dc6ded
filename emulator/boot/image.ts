/**
 * What goes into a boot and what comes out: plain values, shared by every loader here.
 *
 * Invariant: a loader reads files only as byte arrays handed to it and writes nothing. It either gives a plan (what to write where, and the
 * registers to start with) or findings (which rule failed, where in which file, what to do). `index.ts` carries a plan out.
 */
import type { Finding } from "./finding.ts";

export const LOADERS = [
  "linux",
  "linux32",
  "linux16",
  "multiboot1",
  "multiboot2",
  "pvh",
  "vmlinux",
  "chainloader",
] as const;
export type LoaderName = (typeof LOADERS)[number];

export interface BootModule {
  readonly bytes: Uint8Array;
  /** File name, for messages and for the list of loaded images. */
  readonly name: string;
  /** The whole string the guest gets. QEMU gives "file arguments"; so should a caller that reads `-initrd "file arguments,file"`. */
  readonly cmdline: string;
}

export interface BootImage {
  readonly kernel: Uint8Array;
  /** The kernel's file name as it was given: it is the first word of the command line, as with QEMU. */
  readonly kernelName: string;
  readonly append: string;
  readonly modules: readonly BootModule[];
  /**
   * "auto" (default) takes the first that fits of Linux (64-bit, then 32-bit entry), Multiboot 1, Multiboot 2, PVH and vmlinux. Named explicitly, a
   * Multiboot loader also boots a kernel that asks for a graphics mode, without giving it one.
   */
  readonly loader?: "auto" | LoaderName;
}

/** What boot information tells of the machine besides its memory map. */
export interface Platform {
  /** The ACPI root pointer: its physical address and what it is; null without ACPI. */
  readonly rsdp: { readonly address: number; readonly bytes: Uint8Array } | null;
  /** false: the processor cannot run 64-bit code (`-cpu qemu32`). */
  readonly longMode?: boolean;
}

/** A stretch of physical memory, in bytes. */
export interface MemoryRange {
  readonly start: number;
  readonly length: number;
}

/** One thing to put into memory: `bytes` at `address`, then zeros up to `length`. */
export interface Placed extends MemoryRange {
  readonly bytes: Uint8Array;
  /** "kernel segment 0", "module initrd.img", "Multiboot information" … */
  readonly what: string;
}

/** A program header as it was loaded. Both addresses are where it really lies (relocation included). */
export interface LoadedSegment {
  readonly virtualAddress: bigint;
  readonly physicalAddress: number;
  readonly fileOffset: number;
  readonly fileBytes: number;
  readonly memoryBytes: number;
  readonly executable: boolean;
}

/** A file whose symbols may be of use, and where it is. */
export interface LoadedImage {
  readonly name: string;
  readonly bytes: Uint8Array;
  readonly role: "kernel" | "module" | "chainloader";
  /** Added to every address in the file's symbols: not 0 only for a kernel that Multiboot 2 relocated. */
  readonly loadBias: bigint;
  /**
   * Code before paging runs at physical addresses, later code mostly at virtual ones, which may differ. Empty for a file that is only data. For a
   * kernel behind the chainloader: where its segments will be once the chainloader has copied them.
   */
  readonly segments: readonly LoadedSegment[];
  /** Where the file's bytes lie as a module, as handed to the guest (behind the chainloader the kernel too); null otherwise. */
  readonly module: MemoryRange | null;
}

/** The boot processor at the entry. Interrupts are off, other flags 0, A20 on. */
export interface EntryState {
  /** 16: real mode; 32: protected mode without paging; 64: long mode, paging on. */
  readonly bits: 16 | 32 | 64;
  /** CS and all other segment registers: real-mode segments, or selectors of flat descriptors in the table. */
  readonly code: number;
  readonly data: number;
  /** The GDT; empty in real mode. */
  readonly descriptors: readonly bigint[];
  /** CR3; 0 without paging. */
  readonly pageTable: number;
  /** Offset in CS. */
  readonly ip: number;
  /** General registers that are not 0. */
  readonly registers: { readonly [name in "rax" | "rbx" | "rsp" | "rsi"]?: number };
}

export interface BootPlan {
  readonly kind: "plan";
  readonly loader: LoaderName;
  /** Address of the first instruction: physical, and as paging is off or maps it to itself, also linear. */
  readonly entry: number;
  readonly state: EntryState;
  /** Address of the boot information: Multiboot's, Linux's boot_params (for "linux16" the setup code that becomes them), PVH's start info. */
  readonly information: number;
  readonly commandLine: string;
  readonly placed: readonly Placed[];
  readonly images: readonly LoadedImage[];
  /** What the image asked for and does not get, though it boots. */
  readonly notes: readonly Finding[];
}

/** Why an image does not boot. */
export interface Diagnosis {
  readonly kind: "diagnosis";
  readonly file: string;
  /** What the file is: "ELF64 executable for x86-64", "gzip-compressed data" … */
  readonly format: string;
  /** The finding to show first. */
  readonly cause: Finding;
  /** Everything that was found, by loader in the order in which they were tried. */
  readonly tried: readonly Finding[];
}

/** Strings in boot information are bytes without an encoding; kernels' command lines are UTF-8 at most. */
export function encodeText(text: string): Uint8Array {
  const bytes: number[] = [];
  for (const character of text) {
    const code = character.codePointAt(0) ?? 0;
    if (code < 0x80) bytes.push(code);
    else if (code < 0x800) bytes.push(0xc0 | (code >> 6), 0x80 | (code & 0x3f));
    else if (code < 0x10000)
      bytes.push(0xe0 | (code >> 12), 0x80 | ((code >> 6) & 0x3f), 0x80 | (code & 0x3f));
    else
      bytes.push(
        0xf0 | (code >> 18),
        0x80 | ((code >> 12) & 0x3f),
        0x80 | ((code >> 6) & 0x3f),
        0x80 | (code & 0x3f),
      );
  }
  bytes.push(0);
  return Uint8Array.from(bytes);
}
