/**
 * The search for a Multiboot header, either version, and for the near misses that explain why there seems to be none.
 *
 * Multiboot 1: 0x1BADB002, flags, checksum; 4-aligned, wholly in the first 8 KiB (specification 0.6.96, section 3.1).
 * Multiboot 2: 0xE85250D6, architecture, length, checksum; 8-aligned, wholly in the first 32 KiB (specification 2.0, section 3.1).
 */
import { viewOf } from "./elf.ts";
import { hex, type Finding, type Findings } from "./finding.ts";

export interface Protocol {
  readonly name: string;
  readonly magic: number;
  /** Bytes at the start of the file in which the header must lie. */
  readonly window: number;
  readonly alignment: number;
  /** 32-bit words that must add up to zero, the magic among them. */
  readonly sumWords: number;
}

export const MULTIBOOT1: Protocol = { name: "Multiboot 1", magic: 0x1badb002, window: 8192, alignment: 4, sumWords: 3 }; // oxfmt-ignore
export const MULTIBOOT2: Protocol = { name: "Multiboot 2", magic: 0xe85250d6, window: 32768, alignment: 8, sumWords: 4 }; // oxfmt-ignore

/** File offset of the first valid header, or the best explanation why there is none. */
export function findHeader(bytes: Uint8Array, protocol: Protocol, findings: Findings): number | Finding {
  const { name, magic, window, alignment, sumWords } = protocol;
  const view = viewOf(bytes);
  const last = Math.min(window, bytes.length) - sumWords * 4;
  let badSum: number | null = null;
  for (let at = 0; at <= last; at += alignment) {
    if (view.getUint32(at, true) !== magic) continue;
    if (sum(view, at, sumWords) === 0) return at;
    badSum ??= at;
  }
  if (badSum !== null) {
    const checksumAt = badSum + (sumWords - 1) * 4;
    const given = view.getUint32(checksumAt, true);
    const right = (given - sum(view, badSum, sumWords)) >>> 0;
    return findings.make(
      "header-checksum",
      checksumAt,
      `the ${name} header at ${hex(badSum)} has checksum ${hex(given)}, and its first ${sumWords} fields must add up to 0 (mod 2^32)`,
      `write ${hex(right)}: .long -(${sumWords === 3 ? "MAGIC + FLAGS" : "MAGIC + ARCHITECTURE + LENGTH"})`,
    );
  }
  return explainMissing(bytes, view, protocol, findings);
}

function explainMissing(bytes: Uint8Array, view: DataView, protocol: Protocol, findings: Findings): Finding {
  const { name, magic, window, alignment, sumWords } = protocol;
  const size = `${window / 1024} KiB`;
  for (let at = indexOfWord(bytes, magic, 0); at >= 0; at = indexOfWord(bytes, magic, at + 1)) {
    if (at + sumWords * 4 > bytes.length)
      return findings.make(
        "header-position",
        at,
        `the ${name} header at ${hex(at)} is cut off by the end of the file`,
        "the file is cut off: build or copy it again",
      );
    if (sum(view, at, sumWords) !== 0) continue;
    if (at + sumWords * 4 > window)
      return findings.make(
        "header-position",
        at,
        `there is a valid ${name} header at ${hex(at)}, beyond the first ${size} (${hex(window)}) in which a boot loader looks`,
        `put its section first in the linker script: .text : { KEEP(*(.multiboot)) *(.text*) }`,
      );
    return findings.make(
      "header-alignment",
      at,
      `there is a valid ${name} header at ${hex(at)}, which is not a multiple of ${alignment}`,
      `put .balign ${alignment} before it, and keep its section ${alignment}-aligned in the file`,
    );
  }
  return findings.make(
    "header-missing",
    null,
    `there is no ${name} header (${hex(magic)}) in the file`,
    'add one in a section of its own (.section .multiboot, "a") and keep it with KEEP(*(.multiboot)) first in the linker script',
  );
}

/** Sum of the first words of a header, mod 2^32. */
function sum(view: DataView, at: number, words: number): number {
  let total = 0;
  for (let n = 0; n < words; n++) total = (total + view.getUint32(at + n * 4, true)) >>> 0;
  return total;
}

function indexOfWord(bytes: Uint8Array, word: number, from: number): number {
  const low = word & 0xff;
  for (let at = bytes.indexOf(low, from); at >= 0; at = bytes.indexOf(low, at + 1))
    if (
      bytes[at + 1] === ((word >>> 8) & 0xff) &&
      bytes[at + 2] === ((word >>> 16) & 0xff) &&
      bytes[at + 3] === word >>> 24
    )
      return at;
  return -1;
}
