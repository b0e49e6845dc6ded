/**
 * A finding: one rule that an image broke, where in the file, and how to mend it. The vocabulary of the boot doctor.
 *
 * Invariant: `text` states the fact with the numbers from the file, `fix` is something the person can do. Neither ends in a full stop.
 */
import type { LoaderName } from "./image.ts";

export const RULES = {
  "empty-file": "a kernel image has bytes",
  "file-format": "the file is an executable image",
  "elf-header": "the ELF header is complete and consistent",
  "elf-machine": "the ELF file is for x86",
  "elf-type": "the ELF file is a linked executable",
  "program-headers": "the program header table lies in the file",
  "no-segments": "the ELF file has something to load",
  "segment-truncated": "every segment's bytes lie in the file",
  "segment-size": "a segment's size in memory is at least its size in the file",
  "segment-overlap": "segments do not overlap",
  "segment-memory": "segments are loaded where there is RAM",
  "entry-outside": "the entry point lies in a loaded segment",
  "header-missing": "the file has a header of this protocol",
  "header-other": "the header is one of the chosen loader",
  "header-position": "the header lies wholly within the first bytes of the file",
  "header-alignment": "the header is aligned",
  "header-checksum": "magic, flags and checksum add up to zero",
  "header-flags": "every required flag is one the loader knows",
  "header-tag": "every required header tag is one the loader knows and is well formed",
  "header-architecture": "the header is for 32-bit protected mode",
  "information-request": "requested information is of a known kind",
  "address-fields": "the header's address fields agree with each other and with the file",
  "video-mode": "a requested graphics mode exists",
  "relocation": "there is RAM where the image may be relocated to",
  "memory": "kernel, modules and boot information fit into RAM",
  "linux-header": "the fields of the Linux setup header are plausible",
  "linux-truncated": "the kernel behind the setup code lies in the file",
  "linux-entry": "the kernel has the entry that the loader uses",
  "processor": "the processor can run the kernel's code",
  "command-line": "the command line is no longer than the kernel takes",
  "pvh-note": "the PVH note holds a 32-bit physical address",
  "chainloader-image": "the chainloader gets a 64-bit ELF executable",
} as const; // oxfmt-ignore
export type Rule = keyof typeof RULES;

export interface Finding {
  readonly kind: "finding";
  /** "file" if it holds whichever loader is used. */
  readonly loader: LoaderName | "file";
  readonly rule: Rule;
  /** The file that broke it: the kernel's name, or a module's. */
  readonly file: string;
  /** File offset in bytes; null where no place in the file is to blame. */
  readonly offset: number | null;
  readonly text: string;
  readonly fix: string;
}

/** Makes the findings of one loader about one file. */
export class Findings {
  readonly loader: Finding["loader"];
  readonly file: string;
  constructor(loader: Finding["loader"], file: string) {
    this.loader = loader;
    this.file = file;
  }
  make(rule: Rule, offset: number | null, text: string, fix: string): Finding {
    return { kind: "finding", loader: this.loader, rule, file: this.file, offset, text, fix };
  }
}

export function isFinding(value: object): value is Finding {
  return "kind" in value && value.kind === "finding";
}

export const hex = (value: number | bigint): string => `0x${value.toString(16)}`;
