/**
 * Fields of Multiboot headers, by their number among the header's 32-bit words.
 *
 * Source: Multiboot Specification 0.6.96, 3.1; Multiboot2 Specification 2.0, 3.1.
 */
import { fieldsFrom, type Field } from "./field.ts";

export interface HeaderField {
  readonly name: string;
  readonly text: string;
  readonly bits: readonly Field[];
}

const flags = fieldsFrom([
  "16 ADDRESS the header says where to load (words 3–7), the ELF headers do not count",
  "2 VIDEO the header says which video mode (words 8–11)",
  "1 MEMORY the loader tells about memory (mem_* and mmap_*)",
  "0 ALIGN modules begin at page boundaries",
]);

const first: readonly (readonly [string, string])[] = [
  ["magic", "0x1BADB002 in the first 8 KiB, aligned to 4"],
  ["flags", "what the loader must do; bits 0–15 that it does not know are an error"],
  ["checksum", "magic + flags + checksum must be 0 in 32 bits"],
  ["header_addr", "physical address of the magic"],
  ["load_addr", "physical address where the text begins"],
  ["load_end_addr", "end of what is loaded; 0: the whole file"],
  ["bss_end_addr", "end of what is cleared; 0: nothing"],
  ["entry_addr", "where the loader jumps to"],
  ["mode_type", "0 linear graphics, 1 text"],
  ["width", "in pixels or columns; 0: any"],
  ["height", "in pixels or lines; 0: any"],
  ["depth", "bits of a pixel; 0 in text modes"],
];

const second: readonly (readonly [string, string])[] = [
  ["magic", "0xE85250D6 in the first 32 KiB, aligned to 8"],
  ["architecture", "0: i386, protected mode; 4: 32-bit MIPS"],
  ["header_length", "bytes of the header with its tags"],
  ["checksum", "magic + architecture + header_length + checksum must be 0 in 32 bits"],
];

export function headerField(version: 1 | 2, number: number): HeaderField | undefined {
  const [name, text] = (version === 1 ? first : second)[number] ?? [];
  return name === undefined || text === undefined
    ? undefined
    : { name, text, bits: name === "flags" ? flags : [] };
}

export const headerTags: Readonly<Record<number, string>> = {
  0: "end: the last tag, size 8",
  1: "information request: types that the loader must tell about",
  2: "address: where to load, the ELF headers do not count",
  3: "entry address",
  4: "console flags",
  5: "frame buffer: width, height and depth",
  6: "modules begin at page boundaries",
  7: "EFI boot services stay",
  8: "EFI i386 entry address",
  9: "EFI amd64 entry address",
  10: "relocatable",
};
