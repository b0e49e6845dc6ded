/** Small ELF files made to measure, right by default and wrong where a test wants it. */
export interface Program {
  readonly type?: number;
  readonly flags?: number;
  readonly offset?: number;
  readonly virtualAddress?: bigint;
  readonly physicalAddress: number;
  readonly bytes: Uint8Array;
  /** Sizes as written into the header, if they shall differ from the bytes'. */
  readonly fileBytes?: number;
  readonly memoryBytes?: number;
}

export interface ElfSpec {
  readonly bits: 32 | 64;
  readonly programs: readonly Program[];
  readonly entry?: bigint;
  readonly type?: number;
  readonly machine?: number;
  readonly data?: number;
  readonly programCount?: number;
}

/** Where the first program's bytes are in the file. */
export const FIRST = 0x1000;

export function buildElf(spec: ElfSpec): Uint8Array {
  const wide = spec.bits === 64;
  const headerBytes = wide ? 64 : 52;
  const entryBytes = wide ? 56 : 32;
  let end = Math.max(FIRST, headerBytes + spec.programs.length * entryBytes);
  const offsets = spec.programs.map((program) => {
    const at = program.offset ?? end;
    end = Math.max(end, Math.ceil((at + program.bytes.length) / 16) * 16);
    return at;
  });
  const file = new Uint8Array(end);
  const view = new DataView(file.buffer);
  const word = (at: number, value: bigint | number): void =>
    wide ? view.setBigUint64(at, BigInt(value), true) : view.setUint32(at, Number(value), true);
  file.set([0x7f, 0x45, 0x4c, 0x46, wide ? 2 : 1, spec.data ?? 1, 1]);
  view.setUint16(16, spec.type ?? 2, true);
  view.setUint16(18, spec.machine ?? (wide ? 62 : 3), true);
  view.setUint32(20, 1, true);
  word(24, spec.entry ?? BigInt(spec.programs[0]?.physicalAddress ?? 0));
  word(wide ? 32 : 28, headerBytes);
  const counts = wide ? 52 : 40;
  view.setUint16(counts, headerBytes, true);
  view.setUint16(counts + 2, entryBytes, true);
  view.setUint16(counts + 4, spec.programCount ?? spec.programs.length, true);
  for (const [n, program] of spec.programs.entries()) {
    const at = headerBytes + n * entryBytes;
    const { bytes, physicalAddress } = program;
    const fileBytes = program.fileBytes ?? bytes.length;
    const memoryBytes = program.memoryBytes ?? fileBytes;
    const virtualAddress = program.virtualAddress ?? BigInt(physicalAddress);
    view.setUint32(at, program.type ?? 1, true);
    if (wide) {
      view.setUint32(at + 4, program.flags ?? 7, true);
      for (const [k, value] of [
        BigInt(offsets[n]!),
        virtualAddress,
        BigInt(physicalAddress),
        BigInt(fileBytes),
        BigInt(memoryBytes),
      ].entries())
        view.setBigUint64(at + 8 + k * 8, value, true);
    } else {
      for (const [k, value] of [
        offsets[n]!,
        Number(virtualAddress),
        physicalAddress,
        fileBytes,
        memoryBytes,
        program.flags ?? 7,
      ].entries())
        view.setUint32(at + 4 + k * 4, value, true);
    }
    file.set(bytes, offsets[n]);
  }
  return file;
}

const words = (values: readonly number[]): Uint8Array => {
  const bytes = new Uint8Array(values.length * 4);
  const view = new DataView(bytes.buffer);
  for (const [n, value] of values.entries()) view.setUint32(n * 4, value, true);
  return bytes;
};

/** A Multiboot 1 header; `fields` from offset 12 on. */
export function multiboot1(flags = 3, fields: readonly number[] = [], checksumError = 0): Uint8Array {
  return words([0x1badb002, flags, -(0x1badb002 + flags) + checksumError, ...fields]);
}

/** A Multiboot 2 header of tags, each given as its words (type and flags in the first). */
export function multiboot2(tags: readonly (readonly number[])[] = [], architecture = 0): Uint8Array {
  const body = [...tags, [0, 8]].flatMap((tag) => (tag.length % 2 === 0 ? tag : [...tag, 0]));
  const length = 16 + body.length * 4;
  return words([0xe85250d6, architecture, length, -(0xe85250d6 + architecture + length), ...body]);
}

/** Puts a header in front of `bytes` bytes of code (HLT). */
export function code(header: Uint8Array, bytes = 64): Uint8Array {
  const all = new Uint8Array(header.length + bytes).fill(0xf4);
  all.set(header);
  return all;
}

/** The note XEN_ELFNOTE_PHYS32_ENTRY: with a bigint as 64-bit ELF files have it, with a number in 4 bytes. */
export function pvhNote(entry: bigint | number): Uint8Array {
  const wide = typeof entry === "bigint";
  const note = words([4, wide ? 8 : 4, 18, 0x006e6558, 0, ...(wide ? [0] : [])]);
  const view = new DataView(note.buffer);
  if (wide) view.setBigUint64(16, entry, true);
  else view.setUint32(16, entry, true);
  return note;
}

/** A 64-bit ELF kernel at 1 MiB that has nothing but notes to tell how it starts; the notes are at FIRST + 80. */
export function pvhElf(notes: Uint8Array): Uint8Array {
  return buildElf({
    bits: 64,
    programs: [
      { physicalAddress: 0x100000, bytes: code(new Uint8Array(0), 80) },
      { type: 4, physicalAddress: 0, bytes: notes },
    ],
  });
}
