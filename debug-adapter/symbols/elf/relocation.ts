/**
 * Relocation of object files (`ET_REL`: `.o`, Linux modules): their debug sections are useless before it.
 *
 * Only what debug sections contain is applied: absolute and PC-relative fields of 4 and 8 bytes. Any other relocation in a debug
 * section is an error that names its number.
 */
import { Section } from "../reader.ts";
import { type ElfSectionHeader, SHF, SHT } from "./header.ts";

type Kind = "none" | "absolute-32" | "absolute-64" | "relative-32" | "relative-64";

// System V ABI, i386 and x86-64 supplements, "Relocation types". DTPOFF (TLS offsets) has no address here and stays as it is.
const X86_64: Readonly<Record<number, Kind>> = {
  0: "none",
  1: "absolute-64",
  2: "relative-32",
  10: "absolute-32",
  11: "absolute-32",
  17: "none",
  21: "none",
  24: "relative-64",
};
const I386: Readonly<Record<number, Kind>> = { 0: "none", 1: "absolute-32", 2: "relative-32", 32: "none" };

/** The file the relocations are of: an `ElfFile`. */
interface ObjectFile {
  readonly name: string;
  readonly is64: boolean;
  readonly machine: "i386" | "x86-64";
  readonly sections: readonly ElfSectionHeader[];
  contents(header: ElfSectionHeader): Section;
  sectionAddress(header: ElfSectionHeader): bigint;
}

/** `section` with the relocations of `header` applied, for debug and unwind sections; any other section as it is. */
export function relocate(elf: ObjectFile, header: ElfSectionHeader, section: Section): Section {
  if (!/^\.(z?debug_|eh_frame)/.test(header.name)) return section;
  const tables = elf.sections.filter(
    (each) =>
      each.info === header.index && (each.type === SHT.RELA || each.type === SHT.REL) && each.size > 0,
  );
  if (tables.length === 0) return section;
  const load = (): Uint8Array => {
    const bytes = section.bytes(0, section.size).slice();
    for (const table of tables) apply(elf, header, table, bytes);
    return bytes;
  };
  let relocated: Uint8Array | undefined;
  return new Section({
    file: elf.name,
    name: section.name,
    size: section.size,
    address: elf.sectionAddress(header),
    fileOffset: -1,
    load: (offset, length) => (relocated ??= load()).subarray(offset, offset + length),
  });
}

function apply(elf: ObjectFile, target: ElfSectionHeader, table: ElfSectionHeader, bytes: Uint8Array): void {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const symbols = elf.sections[table.link];
  const contents = elf.contents(table);
  if (!symbols || symbols.type !== SHT.SYMTAB) throw contents.error(0, "relocations without a symbol table");
  const symbol = elf.contents(symbols).cursor();
  const withAddend = table.type === SHT.RELA;
  const cursor = contents.cursor();
  const entryBytes = (elf.is64 ? 16 : 8) + (withAddend ? (elf.is64 ? 8 : 4) : 0);
  const base = elf.sectionAddress(target);
  for (let left = Math.floor(table.size / entryBytes); left > 0; left--) {
    const offset = elf.is64 ? cursor.u64Offset() : cursor.u32();
    const info = elf.is64 ? cursor.u64() : BigInt(cursor.u32());
    const type = elf.is64 ? Number(info & 0xffff_ffffn) : Number(info & 0xffn);
    const index = Number(elf.is64 ? info >> 32n : info >> 8n);
    let addend = withAddend ? (elf.is64 ? cursor.s64() : BigInt(cursor.s32())) : 0n;
    const kind = (elf.machine === "x86-64" ? X86_64 : I386)[type];
    if (kind === undefined) throw cursor.error(`relocation type ${type} in a debug section`);
    if (kind === "none") continue;
    const wide = kind.endsWith("64");
    if (offset + (wide ? 8 : 4) > bytes.length)
      throw cursor.error(`relocation of byte ${offset}, behind the end of ${target.name}`);
    if (!withAddend) addend = wide ? view.getBigInt64(offset, true) : BigInt(view.getInt32(offset, true));
    symbol.position = index * (elf.is64 ? 24 : 16);
    const value =
      symbolAddress(elf, symbol) + addend - (kind.startsWith("relative") ? base + BigInt(offset) : 0n);
    if (wide) view.setBigUint64(offset, BigInt.asUintN(64, value), true);
    else view.setUint32(offset, Number(BigInt.asUintN(32, value)), true);
  }
}

/** The address of the symbol at the cursor; 0 for an undefined one. */
function symbolAddress(elf: ObjectFile, cursor: ReturnType<Section["cursor"]>): bigint {
  cursor.skip(elf.is64 ? 6 : 4);
  let index: number;
  let value: bigint;
  if (elf.is64) {
    index = cursor.u16();
    value = cursor.u64();
  } else {
    value = BigInt(cursor.u32());
    cursor.skip(6);
    index = cursor.u16();
  }
  const section = elf.sections[index];
  const loaded = section && (section.flags & SHF.ALLOC) !== 0n;
  return loaded ? elf.sectionAddress(section) + value : value;
}
