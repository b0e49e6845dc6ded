/** Sections of an ELF file as a linker script's author sees them: where they run, where they are loaded, with which segment. */
import type { ElfFile, ElfSectionHeader } from "../../../debug-adapter/symbols/index.ts";
import type { BuiltSection } from "../server/built.ts";

/** Letters of `readelf -S`, by bit (System V ABI, "Section Attribute Flags"; GNU's "retain", "exclude"). */
const letters: readonly (readonly [bit: bigint, letter: string])[] = [
  [0x1n, "W"],
  [0x2n, "A"],
  [0x4n, "X"],
  [0x10n, "M"],
  [0x20n, "S"],
  [0x40n, "I"],
  [0x80n, "L"],
  [0x100n, "O"],
  [0x200n, "G"],
  [0x400n, "T"],
  [0x800n, "C"],
  [0x200000n, "R"],
  [0x80000000n, "E"],
];
const ALLOC = 0x2n;
const PT_LOAD = 1;

export function sectionsOf(elf: ElfFile): readonly BuiltSection[] {
  return elf.sections.filter(({ name }) => name !== "").map((header) => sectionOf(elf, header));
}

function sectionOf(elf: ElfFile, header: ElfSectionHeader): BuiltSection {
  const isLoaded = (header.flags & ALLOC) !== 0n;
  const address = isLoaded ? elf.sectionAddress(header) : 0n;
  const flags = letters.filter(([bit]) => (header.flags & bit) !== 0n).map(([, letter]) => letter);
  const index = isLoaded ? segmentIndex(elf, address, BigInt(header.size)) : -1;
  const segment = elf.segments[index];
  const load = segment ? segment.physicalAddress + (address - segment.virtualAddress) : address;
  return {
    name: header.name,
    address: hex(address),
    loadAddress: hex(load),
    size: header.size,
    flags: flags.join(""),
    segment: segment ? { index, rights: rightsOf(segment.flags) } : null,
  };
}

/** Of segments that touch, an empty section at the border belongs to the one that it starts. */
function segmentIndex(elf: ElfFile, address: bigint, size: bigint): number {
  const holds = (isWhole: boolean) =>
    elf.segments.findIndex(({ type, virtualAddress: low, memorySize }) => {
      const high = low + memorySize;
      return type === PT_LOAD && low <= address && address + size <= high && (isWhole || address < high);
    });
  const inside = holds(false);
  return inside >= 0 ? inside : holds(true);
}

/** As `readelf -l` has them: "R E", "RW ". */
function rightsOf(flags: number): string {
  const letter = (bit: number, text: string): string => ((flags & bit) === 0 ? " " : text);
  return `${letter(4, "R")}${letter(2, "W")}${letter(1, "E")}`.trimEnd();
}

const hex = (value: bigint): string => `0x${value.toString(16)}`;
