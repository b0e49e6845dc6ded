/**
 * The vocabulary of ELF files: numbers and headers as the System V ABI ("Object Files") names them.
 */
export const SHT = {
  PROGBITS: 1,
  SYMTAB: 2,
  RELA: 4,
  NOTE: 7,
  NOBITS: 8,
  REL: 9,
  DYNSYM: 11,
  SYMTAB_SHNDX: 18,
} as const;
export const SHF = { ALLOC: 2n, EXECINSTR: 4n, COMPRESSED: 0x800n } as const;
export const PT = { LOAD: 1, NOTE: 4 } as const;
export const ET = { REL: 1, EXEC: 2, DYN: 3, CORE: 4 } as const;

/** Inflates a compressed section: `sizeBytes` is what the section says its contents measure. May throw anything. */
export type Decompress = (format: "zlib" | "zstd", bytes: Uint8Array, sizeBytes: number) => Uint8Array;

export interface ElfSectionHeader {
  readonly index: number;
  readonly name: string;
  readonly type: number;
  readonly flags: bigint;
  readonly address: bigint;
  readonly offset: number;
  readonly size: number;
  readonly link: number;
  readonly info: number;
  readonly entrySize: number;
}

export interface ElfSegment {
  readonly type: number;
  /** PF_X 1, PF_W 2, PF_R 4. */
  readonly flags: number;
  readonly offset: number;
  readonly virtualAddress: bigint;
  readonly physicalAddress: bigint;
  readonly fileSize: number;
  readonly memorySize: bigint;
}

export interface ElfNote {
  readonly name: string;
  readonly type: number;
  readonly descriptor: Uint8Array;
}
