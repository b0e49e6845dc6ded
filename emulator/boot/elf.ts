/**
 * ELF as a boot loader needs it: the file header, the program headers and where the section headers are (gABI chapters 4 and 5).
 *
 * Invariant: every number handed out has been checked to lie in the file if it is an offset that is going to be read; nothing here throws.
 * Elsewhere: symbols and DWARF (`debug-adapter/symbols`), which a boot does not need.
 */
import { hex, type Finding, type Findings } from "./finding.ts";

export interface Segment {
  /** Number of the program header. */
  readonly index: number;
  /** File offset of the program header itself, for messages. */
  readonly headerOffset: number;
  readonly offset: number;
  readonly virtualAddress: bigint;
  readonly physicalAddress: number;
  readonly fileBytes: number;
  readonly memoryBytes: number;
  readonly executable: boolean;
}

/** A PT_NOTE segment; offset and length as the header says, not checked against the file. */
export interface NoteSegment {
  readonly offset: number;
  readonly length: number;
  readonly alignment: number;
}

export interface SectionTable {
  readonly offset: number;
  readonly entryBytes: number;
  readonly count: number;
  /** Index of the section that holds section names. */
  readonly names: number;
}

export interface ElfFile {
  readonly kind: "elf";
  readonly bits: 32 | 64;
  readonly relocatable: boolean;
  readonly entry: bigint;
  /** PT_LOAD headers that occupy memory, in file order. */
  readonly segments: readonly Segment[];
  readonly notes: readonly NoteSegment[];
  /** File offset after the program headers. */
  readonly programHeadersEnd: number;
  /** Null if there is none or if it does not lie in the file. */
  readonly sections: SectionTable | null;
}

const PT_LOAD = 1;
const PT_INTERP = 3;
const PT_NOTE = 4;
const PF_X = 1;

const MACHINES: { readonly [machine: number]: string } = {
  2: "SPARC", 8: "MIPS", 20: "PowerPC", 21: "64-bit PowerPC", 22: "S/390", 40: "32-bit ARM", 42: "SuperH", 43: "SPARC V9", 50: "IA-64",
  94: "Xtensa", 183: "AArch64", 243: "RISC-V", 247: "eBPF", 258: "LoongArch",
}; // oxfmt-ignore
const TYPES: { readonly [type: number]: string } = {
  0: "of no type", 1: "a relocatable object", 2: "an executable", 3: "a shared object", 4: "a core dump",
}; // oxfmt-ignore

export function isElf(bytes: Uint8Array): boolean {
  return bytes[0] === 0x7f && bytes[1] === 0x45 && bytes[2] === 0x4c && bytes[3] === 0x46;
}

/** One line about an ELF file, from its first bytes: "ELF64 executable for x86-64". */
export function describeElf(bytes: Uint8Array): string {
  const bits = bytes[4] === 2 ? "ELF64" : bytes[4] === 1 ? "ELF32" : "ELF";
  if (bytes.length < 20) return `${bits} file, cut off in its header`;
  const view = viewOf(bytes);
  const little = bytes[5] !== 2;
  const type = view.getUint16(16, little);
  const kind = (TYPES[type] ?? `of type ${type}`).replace(/^an? /, "");
  return `${little ? "" : "big-endian "}${bits} ${kind} for ${machineName(view.getUint16(18, little))}`;
}

function machineName(machine: number): string {
  if (machine === 3) return "i386";
  if (machine === 62) return "x86-64";
  return MACHINES[machine] ?? `machine ${machine}`;
}

/** Reads the headers, or says what is wrong with them. */
export function readElf(bytes: Uint8Array, findings: Findings): ElfFile | Finding {
  const bits = bytes[4] === 2 ? 64 : 32;
  const headerBytes = bits === 64 ? 64 : 52;
  const rebuild = "build the kernel again; the file looks damaged";
  if (bytes.length < headerBytes)
    return findings.make("elf-header", bytes.length, `the ELF header needs ${headerBytes} bytes, the file has ${bytes.length}`, rebuild); // oxfmt-ignore
  if (bytes[4] !== 1 && bytes[4] !== 2)
    return findings.make("elf-header", 4, `the ELF class is ${bytes[4]}; 1 (32-bit) and 2 (64-bit) exist`, rebuild); // oxfmt-ignore
  if (bytes[5] !== 1)
    return findings.make("elf-machine", 5, "the ELF file is big-endian; an x86 processor is little-endian", "compile for x86 (i386 or x86-64)"); // oxfmt-ignore
  const view = viewOf(bytes);
  const machine = view.getUint16(18, true);
  if (machine !== 3 && machine !== 62)
    return findings.make("elf-machine", 18, `the ELF file is for ${machineName(machine)} (e_machine ${machine})`, "compile for x86 (i386 or x86-64)"); // oxfmt-ignore
  if (machine === 62 && bits === 32)
    return findings.make("elf-machine", 4, "the ELF file is for x86-64 with 32-bit pointers (x32)", "compile with -m64 or -m32 instead of -mx32"); // oxfmt-ignore
  if (machine === 3 && bits === 64)
    return findings.make("elf-machine", 4, "the ELF class is 64-bit and the machine is i386: no such thing exists", rebuild); // oxfmt-ignore
  const type = view.getUint16(16, true);
  if (type === 1)
    return findings.make("elf-type", 16, "the ELF file is a relocatable object (.o), which has no addresses yet", "link it: ld -T kernel.lds -o kernel.elf …"); // oxfmt-ignore
  if (type !== 2 && type !== 3)
    return findings.make("elf-type", 16, `the ELF file is ${TYPES[type] ?? `of type ${type}`} (e_type ${type})`, "give the linked kernel, an executable (e_type 2)"); // oxfmt-ignore

  const wide = bits === 64;
  const programOffset = wide ? size(view, 32) : view.getUint32(28, true);
  const counts = wide ? 54 : 42;
  const entryBytes = view.getUint16(counts, true);
  const count = view.getUint16(counts + 2, true);
  if (count === 0 || programOffset === 0)
    return findings.make("program-headers", counts + 2, "the ELF file has no program headers, which say what is loaded where", "link the kernel with ld (an object file or a file of symbols only has none)"); // oxfmt-ignore
  if (entryBytes < (wide ? 56 : 32))
    return findings.make("program-headers", counts, `a program header is said to have ${entryBytes} bytes; it has ${wide ? 56 : 32}`, rebuild); // oxfmt-ignore
  if (programOffset + count * entryBytes > bytes.length)
    return findings.make("program-headers", wide ? 32 : 28, `the program headers end at ${hex(programOffset + count * entryBytes)}, the file at ${hex(bytes.length)}`, "the file is cut off: build or copy it again"); // oxfmt-ignore

  const segments: Segment[] = [];
  const notes: NoteSegment[] = [];
  for (let index = 0; index < count; index++) {
    const at = programOffset + index * entryBytes;
    const kind = view.getUint32(at, true);
    if (kind === PT_INTERP)
      return findings.make("elf-type", at, "the ELF file asks for a dynamic linker (PT_INTERP): it is a program for an operating system", "link the kernel with -static -nostdlib -no-pie"); // oxfmt-ignore
    if (kind === PT_NOTE) notes.push(noteSegment(view, at, wide));
    if (kind !== PT_LOAD) continue;
    const segment = wide ? segment64(view, at, index) : segment32(view, at, index);
    if (segment.memoryBytes > 0 || segment.fileBytes > 0) segments.push(segment);
  }
  if (segments.length === 0)
    return findings.make("no-segments", programOffset, `none of the ${count} program headers is a PT_LOAD with a size`, "check the linker script's PHDRS and that the sections are allocated (\"a\" in .section)"); // oxfmt-ignore
  return {
    kind: "elf",
    bits,
    relocatable: type === 3,
    entry: wide ? view.getBigUint64(24, true) : BigInt(view.getUint32(24, true)),
    segments,
    notes,
    programHeadersEnd: programOffset + count * entryBytes,
    sections: sectionTable(view, wide),
  };
}

/**
 * A finding if the file is linked at no address of its own (a shared object or a position-independent executable), so that somebody would have to
 * relocate it. One that was linked at an address is loaded there like any executable.
 */
export function checkLinked(elf: ElfFile, findings: Findings): Finding | null {
  const lowest = Math.min(...elf.segments.map((segment) => segment.physicalAddress));
  if (!elf.relocatable || lowest >= 0x1000) return null;
  return findings.make(
    "elf-type",
    16,
    `the ELF file is a shared object or position-independent executable, linked at address ${hex(lowest)}; nothing would relocate it`,
    "link with -no-pie (and compile with -fno-pie), at the address where it shall run",
  );
}

function noteSegment(view: DataView, at: number, wide: boolean): NoteSegment {
  return wide
    ? { offset: size(view, at + 8), length: size(view, at + 32), alignment: size(view, at + 48) }
    : {
        offset: view.getUint32(at + 4, true),
        length: view.getUint32(at + 16, true),
        alignment: view.getUint32(at + 28, true),
      };
}

function segment32(view: DataView, at: number, index: number): Segment {
  const u32 = (offset: number): number => view.getUint32(at + offset, true);
  return {
    index,
    headerOffset: at,
    offset: u32(4),
    virtualAddress: BigInt(u32(8)),
    physicalAddress: u32(12),
    fileBytes: u32(16),
    memoryBytes: u32(20),
    executable: (u32(24) & PF_X) !== 0,
  };
}

function segment64(view: DataView, at: number, index: number): Segment {
  return {
    index,
    headerOffset: at,
    offset: size(view, at + 8),
    virtualAddress: view.getBigUint64(at + 16, true),
    physicalAddress: size(view, at + 24),
    fileBytes: size(view, at + 32),
    memoryBytes: size(view, at + 40),
    executable: (view.getUint32(at + 4, true) & PF_X) !== 0,
  };
}

function sectionTable(view: DataView, wide: boolean): SectionTable | null {
  const offset = wide ? size(view, 40) : view.getUint32(32, true);
  const at = wide ? 58 : 46;
  const entryBytes = view.getUint16(at, true);
  const count = view.getUint16(at + 2, true);
  const names = view.getUint16(at + 4, true);
  if (offset === 0 || count === 0 || entryBytes < (wide ? 64 : 40)) return null;
  return offset + count * entryBytes <= view.byteLength ? { offset, entryBytes, count, names } : null;
}

/** A 64-bit size or offset as a number. Those beyond 2^53 lose their low bits, which no later check against a file or RAM can miss. */
function size(view: DataView, offset: number): number {
  return Number(view.getBigUint64(offset, true));
}

export function viewOf(bytes: Uint8Array): DataView {
  return new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
}
