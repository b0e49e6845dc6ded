/**
 * An ELF file (32- or 64-bit, little-endian, x86): header, section and program headers, notes, links to separate debug files.
 *
 * Nothing but the headers is read on opening; a section's bytes are read, decompressed and relocated when first asked for.
 * Layouts: System V ABI, "Object Files"; compression: gABI `Elf64_Chdr` and GNU's older `.zdebug_*`.
 * Elsewhere: symbols (`symbol.ts`), relocation of object files (`relocation.ts`), everything inside debug sections (`../dwarf/`).
 */
import { SymbolError } from "../error.ts";
import { type FileReader, Section } from "../reader.ts";
import {
  type Decompress,
  type ElfNote,
  type ElfSectionHeader,
  type ElfSegment,
  ET,
  PT,
  SHF,
  SHT,
} from "./header.ts";
import { relocate } from "./relocation.ts";

const MACHINES: Readonly<Record<number, "i386" | "x86-64">> = { 3: "i386", 6: "i386", 62: "x86-64" };

// A section that claims to inflate to more than this is taken for damaged rather than tried.
const INFLATED_MAX_BYTES = 0xffff_0000;

export class ElfFile {
  readonly name: string;
  readonly reader: FileReader;
  readonly is64: boolean;
  readonly machine: "i386" | "x86-64";
  /** `e_type`: one of `ET`. */
  readonly type: number;
  readonly entry: bigint;
  readonly sections: readonly ElfSectionHeader[];
  readonly segments: readonly ElfSegment[];
  readonly #decompress: Decompress | undefined;
  readonly #loaded = new Map<number, Section>();

  /** @throws SymbolError */
  constructor(reader: FileReader, name: string, decompress?: Decompress) {
    this.reader = reader;
    this.name = name;
    this.#decompress = decompress;
    const raw = new Section({
      file: name,
      name: "file",
      size: reader.size,
      address: 0n,
      fileOffset: 0,
      load: (offset, length) => reader.read(offset, length),
    });
    const fail = (offset: number, reason: string): SymbolError => new SymbolError(name, offset, reason);
    if (reader.size < 52) throw fail(0, `${reader.size} bytes are too few for an ELF header`);
    const header = raw.cursor(0, raw.size, 4096);
    if (header.u32() !== 0x464c457f) throw fail(0, "no ELF file: it does not start with 7f 45 4c 46");
    const elfClass = header.u8();
    if (elfClass !== 1 && elfClass !== 2)
      throw fail(4, `ELF class ${elfClass} is neither 1 (32-bit) nor 2 (64-bit)`);
    if (header.u8() !== 1) throw fail(5, "the ELF file is not little-endian");
    this.is64 = elfClass === 2;
    const is64 = this.is64;
    header.position = 16;
    this.type = header.u16();
    const machine = header.u16();
    const known = MACHINES[machine];
    if (known === undefined) throw fail(18, `ELF machine ${machine} is neither i386 (3) nor x86-64 (62)`);
    this.machine = known;
    header.skip(4);
    const word = (): bigint => (is64 ? header.u64() : BigInt(header.u32()));
    const fileOffset = (): number => (is64 ? header.u64Offset() : header.u32());
    this.entry = word();
    const segmentsAt = fileOffset();
    const sectionsAt = fileOffset();
    header.skip(6);
    const segmentSize = header.u16();
    let segmentCount = header.u16();
    const sectionSize = header.u16();
    let sectionCount = header.u16();
    let namesIndex = header.u16();

    const sections: { -readonly [K in keyof ElfSectionHeader]: ElfSectionHeader[K] }[] = [];
    const nameOffsets: number[] = [];
    if (sectionsAt !== 0) {
      if (sectionSize !== (is64 ? 64 : 40))
        throw fail(is64 ? 58 : 46, `section headers of ${sectionSize} bytes`);
      const read = (index: number): { info: number; link: number; size: number } => {
        header.position = sectionsAt + index * sectionSize;
        nameOffsets.push(header.u32());
        const type = header.u32();
        const flags = word();
        const address = word();
        const offset = fileOffset();
        const size = fileOffset();
        const link = header.u32();
        const info = header.u32();
        word();
        const entrySize = fileOffset();
        sections.push({ index, name: "", type, flags, address, offset, size, link, info, entrySize });
        return { info, link, size };
      };
      if (sectionsAt + sectionSize > reader.size)
        throw fail(is64 ? 40 : 32, "section headers lie behind the end of the file");
      // With more than 0xff00 sections the true counts are in section 0.
      const first = read(0);
      if (sectionCount === 0) sectionCount = first.size;
      if (namesIndex === 0xffff) namesIndex = first.link;
      if (segmentCount === 0xffff) segmentCount = first.info;
      if (sectionsAt + sectionCount * sectionSize > reader.size) {
        throw fail(sectionsAt, `${sectionCount} section headers do not fit the file`);
      }
      for (let i = 1; i < sectionCount; i++) read(i);
    }
    const segments: ElfSegment[] = [];
    if (segmentsAt !== 0 && segmentCount > 0) {
      if (segmentSize !== (is64 ? 56 : 32))
        throw fail(is64 ? 54 : 42, `program headers of ${segmentSize} bytes`);
      if (segmentsAt + segmentCount * segmentSize > reader.size) {
        throw fail(segmentsAt, `${segmentCount} program headers do not fit the file`);
      }
      for (let i = 0; i < segmentCount; i++) {
        header.position = segmentsAt + i * segmentSize;
        const type = header.u32();
        let flags = is64 ? header.u32() : 0;
        const offset = fileOffset();
        const virtualAddress = word();
        const physicalAddress = word();
        const fileSize = fileOffset();
        const memorySize = word();
        if (!is64) flags = header.u32();
        segments.push({ type, flags, offset, virtualAddress, physicalAddress, fileSize, memorySize });
      }
    }
    const names = sections[namesIndex];
    if (names && names.type !== SHT.NOBITS && names.offset + names.size <= reader.size) {
      const strings = this.#raw(names, ".shstrtab");
      for (const [i, section] of sections.entries()) {
        const at = nameOffsets[i]!;
        if (at < names.size) section.name = strings.string(at);
      }
    }
    this.sections = sections;
    this.segments = segments;
  }

  /** Addresses of an object file's sections, laid out one after the other; the linked addresses of any other file. */
  sectionAddress(header: ElfSectionHeader): bigint {
    if (this.type !== ET.REL) return header.address;
    this.#layout ??= this.#place();
    return this.#layout[header.index] ?? 0n;
  }

  #layout: bigint[] | undefined;

  #place(): bigint[] {
    let next = 0n;
    return this.sections.map((section) => {
      if ((section.flags & SHF.ALLOC) === 0n) return 0n;
      const at = next;
      next = (next + BigInt(section.size) + 63n) & ~63n;
      return at;
    });
  }

  /**
   * The contents of the section called `name` (`.debug_…` finds `.zdebug_…` too), decompressed; undefined if there is none or it
   * has no bytes in this file.
   * @throws SymbolError if it cannot be decompressed or lies outside the file
   */
  section(name: string): Section | undefined {
    const old = name.startsWith(".debug_") ? `.z${name.slice(1)}` : name;
    const header = this.sections.find((each) => each.name === name || each.name === old);
    return header && header.type !== SHT.NOBITS ? this.contents(header) : undefined;
  }

  contents(header: ElfSectionHeader): Section {
    let section = this.#loaded.get(header.index);
    if (!section) {
      section = this.#open(header);
      this.#loaded.set(header.index, section);
    }
    return section;
  }

  #raw(header: ElfSectionHeader, name = header.name): Section {
    if (header.offset + header.size > this.reader.size) {
      throw new SymbolError(
        this.name,
        header.offset,
        `section ${name} (${header.size} bytes) reaches behind the end of the file`,
      );
    }
    return new Section({
      file: this.name,
      name,
      size: header.size,
      address: header.address,
      fileOffset: header.offset,
      load: (offset, length) => this.reader.read(header.offset + offset, length),
    });
  }

  #open(header: ElfSectionHeader): Section {
    const raw = this.#raw(header);
    let section = raw;
    if ((header.flags & SHF.COMPRESSED) !== 0n) {
      const cursor = raw.cursor();
      const type = cursor.u32();
      if (this.is64) cursor.skip(4);
      const size = this.is64 ? cursor.u64Offset() : cursor.u32();
      cursor.skip(this.is64 ? 8 : 4);
      if (type !== 1 && type !== 2)
        throw cursor.error(`compression type ${type} is neither zlib (1) nor zstd (2)`);
      section = this.#inflate(raw, header, type === 1 ? "zlib" : "zstd", cursor.position, size);
    } else if (header.name.startsWith(".zdebug_")) {
      const cursor = raw.cursor();
      if (cursor.u32() !== 0x42494c5a) throw raw.error(0, 'a .zdebug section starts with "ZLIB"');
      const high = new DataView(new Uint8Array(cursor.bytes(8)).buffer).getBigUint64(0);
      if (high > BigInt(INFLATED_MAX_BYTES)) throw raw.error(4, `decompressed size 0x${high.toString(16)}`);
      section = this.#inflate(raw, header, "zlib", cursor.position, Number(high));
    }
    return this.type === ET.REL ? relocate(this, header, section) : section;
  }

  #inflate(
    raw: Section,
    header: ElfSectionHeader,
    format: "zlib" | "zstd",
    start: number,
    size: number,
  ): Section {
    // Deflate cannot shrink by more than 1032 to 1, so a larger claim is damage; zstd has no such bound.
    if (size > INFLATED_MAX_BYTES || (format === "zlib" && size > raw.size * 1033)) {
      throw raw.error(start, `${raw.size} bytes of ${format} cannot inflate to ${size}`);
    }
    const decompress = this.#decompress;
    const load = (): Uint8Array => {
      if (!decompress)
        throw raw.error(start, `the section is compressed with ${format}, which this build cannot inflate`);
      let inflated: Uint8Array;
      try {
        inflated = decompress(format, raw.bytes(start, raw.size - start), size);
      } catch (error) {
        if (error instanceof SymbolError) throw error;
        throw raw.error(
          start,
          `damaged ${format} data: ${error instanceof Error ? error.message : String(error)}`,
        );
      }
      if (inflated.length !== size)
        throw raw.error(start, `${format} data inflated to ${inflated.length} bytes instead of ${size}`);
      return inflated;
    };
    return new Section({
      file: this.name,
      name: header.name.replace(/^\.z/, "."),
      size,
      address: header.address,
      fileOffset: -1,
      load,
    });
  }

  /** All notes, from note segments if there are any, else from note sections. Damaged ones end the list of theirs. */
  *notes(): Generator<ElfNote> {
    const segments = this.segments.filter((each) => each.type === PT.NOTE);
    const ranges =
      segments.length > 0 && this.type !== ET.REL
        ? segments.map((each) => ({ offset: each.offset, size: each.fileSize }))
        : this.sections.filter((each) => each.type === SHT.NOTE);
    for (const { offset, size } of ranges) {
      if (offset + size > this.reader.size) continue;
      const bytes = this.reader.read(offset, size);
      const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
      let at = 0;
      while (at + 12 <= bytes.length) {
        const nameSize = view.getUint32(at, true);
        const descriptorSize = view.getUint32(at + 4, true);
        const descriptorAt = at + 12 + ((nameSize + 3) & ~3);
        const next = descriptorAt + ((descriptorSize + 3) & ~3);
        if (
          nameSize > bytes.length ||
          descriptorSize > bytes.length ||
          descriptorAt + descriptorSize > bytes.length
        )
          break;
        const name = String.fromCharCode(
          ...bytes.subarray(at + 12, at + 12 + Math.min(nameSize, 64)),
        ).replace(/\0.*$/s, "");
        yield {
          name,
          type: view.getUint32(at + 8, true),
          descriptor: bytes.subarray(descriptorAt, descriptorAt + descriptorSize),
        };
        at = next;
      }
    }
  }

  /** The GNU build id in hexadecimal. */
  buildId(): string | null {
    for (const note of this.notes()) {
      if (note.name === "GNU" && note.type === 3) return hex(note.descriptor);
    }
    return null;
  }

  /** `.gnu_debuglink`: the name of the file with this file's debug sections, and that file's CRC-32. */
  debugLink(): { readonly name: string; readonly crc: number } | null {
    const section = this.section(".gnu_debuglink");
    if (!section) return null;
    const name = section.string(0);
    const cursor = section.cursor((new TextEncoder().encode(name).length + 4) & ~3);
    return { name, crc: cursor.u32() };
  }

  /** `.gnu_debugaltlink` (dwz): the supplementary file that several debug files share. */
  supplementaryLink(): { readonly name: string; readonly buildId: string } | null {
    const section = this.section(".gnu_debugaltlink");
    if (!section) return null;
    const cursor = section.cursor();
    const name = cursor.string();
    return { name, buildId: hex(cursor.bytes(section.size - cursor.position)) };
  }

  /** Whether `address`, as linked, lies in executable memory. Without sections and segments nobody can tell, so yes. */
  hasCode(address: bigint): boolean {
    this.#code ??= merged(this.#codeRanges());
    const ranges = this.#code;
    if (ranges.length === 0) return true;
    let from = 0;
    let to = ranges.length;
    while (from < to) {
      const middle = (from + to) >>> 1;
      if (ranges[middle]!.low <= address) from = middle + 1;
      else to = middle;
    }
    const range = ranges[from - 1];
    return range !== undefined && address < range.high;
  }

  /** Disjoint, ascending. */
  #code: readonly Extent[] | undefined;

  #codeRanges(): Extent[] {
    const wanted = SHF.ALLOC | SHF.EXECINSTR;
    const sections = this.sections.filter((each) => (each.flags & wanted) === wanted && each.size > 0);
    if (sections.length > 0) {
      return sections.map((each) => {
        const low = this.sectionAddress(each);
        return { low, high: low + BigInt(each.size) };
      });
    }
    return this.segments
      .filter((each) => each.type === PT.LOAD && (each.flags & 1) !== 0)
      .map((each) => ({ low: each.virtualAddress, high: each.virtualAddress + each.memorySize }));
  }
}

interface Extent {
  readonly low: bigint;
  readonly high: bigint;
}

function merged(ranges: Extent[]): Extent[] {
  const result: Extent[] = [];
  for (const range of ranges.sort((a, b) => (a.low < b.low ? -1 : a.low > b.low ? 1 : 0))) {
    const last = result.at(-1);
    if (!last || range.low > last.high) result.push(range);
    else if (range.high > last.high) result[result.length - 1] = { low: last.low, high: range.high };
  }
  return result;
}

function hex(bytes: Uint8Array): string {
  return Array.from(bytes, (byte) => byte.toString(16).padStart(2, "0")).join("");
}
