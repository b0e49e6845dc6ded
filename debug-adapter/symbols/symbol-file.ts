/**
 * A symbol file opened: its ELF headers, its symbols, its debug information and the indexes made of it.
 *
 * Bound to no load address; all addresses are as linked. Nothing is read that was not asked for.
 * Elsewhere: the same file at a place in memory (`image.ts`).
 */
import { crc32 } from "../crc32.ts";
import { AddressMap } from "./dwarf/address-map.ts";
import { DebugData } from "./dwarf/debug-data.ts";
import { Functions } from "./dwarf/function.ts";
import { LineIndex } from "./dwarf/line-index.ts";
import { NameIndex } from "./dwarf/name-index.ts";
import { ElfFile } from "./elf/file.ts";
import { type Decompress, ET, PT, SHF, SHT } from "./elf/header.ts";
import { ElfSymbols } from "./elf/symbol.ts";
import { SymbolError } from "./error.ts";
import type { AddressRange } from "./model.ts";
import type { FileReader, Section } from "./reader.ts";
import { FrameInformation } from "./unwind/cfi.ts";

export interface SymbolFileOptions {
  /** Shown to people, and in errors. */
  readonly name: string;
  /** Inflates compressed debug sections; without it they are named as a problem. */
  readonly decompress?: Decompress | undefined;
  /** The separate debug file that `separateDebug` asked for. */
  readonly debug?: { readonly name: string; readonly reader: FileReader } | undefined;
  /** The file that several debug files share (dwz), which `separateDebug.supplementary` asks for. */
  readonly supplementary?: { readonly name: string; readonly reader: FileReader } | undefined;
}

/** Where debug information may be that is not in the file itself. */
export interface SeparateDebug {
  /** Hexadecimal; the file is `.build-id/xx/yyyy.debug` below a debug directory. */
  readonly buildId: string | null;
  /** A file name: beside the image, in `.debug/` beside it, or below a debug directory. */
  readonly debugLink: string | null;
  readonly supplementary: string | null;
}

// A debug file up to this size is checked against the CRC-32 that names it, if no build id does.
const CRC_BYTES_MAX = 64 << 20;

export class SymbolFile {
  readonly name: string;
  readonly elf: ElfFile;
  readonly data: DebugData;
  readonly map: AddressMap;
  readonly lines: LineIndex;
  readonly functions: Functions;
  readonly names: NameIndex;
  readonly frames: FrameInformation;
  readonly buildId: string | null;
  /** Where the file is loaded, as linked. */
  readonly extents: readonly AddressRange[];
  readonly #debug: ElfFile | undefined;
  #symbols: ElfSymbols | undefined;

  /** @throws SymbolError */
  constructor(reader: FileReader, options: SymbolFileOptions) {
    const { name, decompress } = options;
    this.name = name;
    const elf = new ElfFile(reader, name, decompress);
    this.elf = elf;
    this.buildId = elf.buildId();
    const debug = options.debug && new ElfFile(options.debug.reader, options.debug.name, decompress);
    if (debug) this.#check(debug);
    this.#debug = debug;
    const find = (section: string): Section | undefined => debug?.section(section) ?? elf.section(section);
    const hasCode = (address: bigint): boolean => elf.hasCode(address);
    const supplement =
      options.supplementary &&
      new ElfFile(options.supplementary.reader, options.supplementary.name, decompress);
    const addressSize = elf.is64 ? 8 : 4;
    this.data = new DebugData({
      name,
      addressSize,
      section: find,
      hasCode,
      supplementary:
        supplement &&
        new DebugData({
          name: supplement.name,
          addressSize,
          section: (section) => supplement.section(section),
          hasCode: () => false,
        }),
    });
    this.lines = new LineIndex(this.data, () => this.map);
    this.map = new AddressMap(this.data, (unit) => this.lines.tableOf(unit));
    this.functions = new Functions(this.data, this.map);
    this.names = new NameIndex(this.data);
    const { data } = this;
    this.frames = new FrameInformation({
      debugFrame: () => data.attempt(() => find(".debug_frame")),
      ehFrame: () => data.attempt(() => elf.section(".eh_frame")),
      is64: elf.is64,
      hasCode,
      problem: (error) => data.problem(error),
    });
    this.extents = extentsOf(elf);
  }

  get symbols(): ElfSymbols {
    if (!this.#symbols) {
      const hasTable = this.elf.sections.some((each) => each.type === SHT.SYMTAB && each.size > 0);
      const from = hasTable ? this.elf : (this.#debug ?? this.elf);
      // Damaged symbols are no reason to do without lines and variables.
      this.#symbols = this.data.attempt(() => new ElfSymbols(from)) ?? new ElfSymbols(null);
    }
    return this.#symbols;
  }

  /** Whether there is more to know than ELF symbols. */
  get hasDebugInformation(): boolean {
    return this.data.units.length > 0;
  }

  /** Where the rest of the debug information is to be looked for, null if nothing is missing or nothing says where it is. */
  get separateDebug(): SeparateDebug | null {
    const elf = this.#debug ?? this.elf;
    const link = this.#debug ? null : (this.data.attempt(() => elf.debugLink())?.name ?? null);
    const supplementary = this.data.supplementary
      ? null
      : (this.data.attempt(() => elf.supplementaryLink())?.name ?? null);
    const lacks = !this.#debug && !this.elf.sections.some((each) => /^\.z?debug_info$/.test(each.name));
    if (!lacks && supplementary === null) return null;
    const buildId = lacks ? this.buildId : null;
    return buildId === null && link === null && supplementary === null
      ? null
      : { buildId, debugLink: link, supplementary };
  }

  /** Bytes of the file at a linked address; null where it has none (`.bss`, or outside). */
  code(address: bigint, length: number): Uint8Array | null {
    const { elf } = this;
    if (elf.type === ET.REL) {
      for (const header of elf.sections) {
        const offset = address - elf.sectionAddress(header);
        if (
          (header.flags & SHF.ALLOC) === 0n ||
          header.type === SHT.NOBITS ||
          offset < 0n ||
          offset >= BigInt(header.size)
        )
          continue;
        const section = this.data.attempt(() => elf.contents(header));
        return section?.bytes(Number(offset), Math.min(length, header.size - Number(offset))) ?? null;
      }
      return null;
    }
    for (const segment of elf.segments) {
      const offset = address - segment.virtualAddress;
      if (segment.type !== PT.LOAD || offset < 0n || offset >= BigInt(segment.fileSize)) continue;
      const at = segment.offset + Number(offset);
      const available = Math.min(length, segment.fileSize - Number(offset), elf.reader.size - at);
      return available > 0 ? elf.reader.read(at, available) : null;
    }
    return null;
  }

  #check(debug: ElfFile): void {
    const id = debug.buildId();
    if (this.buildId !== null && id !== null) {
      if (id === this.buildId) return;
      throw new SymbolError(debug.name, 0, `its build id ${id} is not ${this.buildId}, that of ${this.name}`);
    }
    const link = this.elf.debugLink();
    if (!link || debug.reader.size > CRC_BYTES_MAX) return;
    const crc = crcOf(debug.reader);
    if (crc !== link.crc) {
      const hex = (value: number): string => value.toString(16).padStart(8, "0");
      throw new SymbolError(
        debug.name,
        0,
        `its CRC-32 ${hex(crc)} is not ${hex(link.crc)}, which ${this.name} asks for`,
      );
    }
  }
}

function extentsOf(elf: ElfFile): AddressRange[] {
  const loaded = elf.segments
    .filter((each) => each.type === PT.LOAD && each.memorySize > 0n)
    .map((each) => ({ low: each.virtualAddress, high: each.virtualAddress + each.memorySize }));
  if (loaded.length > 0) return loaded;
  return elf.sections
    .filter((each) => (each.flags & SHF.ALLOC) !== 0n && each.size > 0)
    .map((each) => {
      const low = elf.sectionAddress(each);
      return { low, high: low + BigInt(each.size) };
    });
}

/** The CRC-32 of `.gnu_debuglink`. */
function crcOf(reader: FileReader): number {
  let crc = 0;
  const step = 1 << 20;
  for (let offset = 0; offset < reader.size; offset += step)
    crc = crc32(reader.read(offset, Math.min(step, reader.size - offset)), crc);
  return crc;
}
