/**
 * The code of an object file before it is linked, at the addresses that `ElfFile` lays its sections out at, with calls and jump tables pointing to where they would.
 *
 * Of relocations those are applied that code and tables of addresses have; what goes to another file leads to a made-up address outside, one for each symbol.
 * Elsewhere: relocation of debug sections (`symbols/elf/relocation.ts`).
 */
import { SHF, SHT, type ElfFile, type ElfSectionHeader } from "../symbols/index.ts";
import type { CodeBytes } from "./jump-table.ts";

/** Undefined symbols begin here, far from the sections of any object file, in reach of a 32-bit distance. */
const OUTSIDE = 0x4000_0000n;
const OUTSIDE_STEP = 16n;

// System V ABI, x86-64 and i386 supplements, "Relocation types": absolute and relative fields of 4 and 8 bytes.
const X86_64: Readonly<Record<number, readonly [bytes: 4 | 8, isRelative: boolean]>> = {
  1: [8, false],
  2: [4, true],
  4: [4, true],
  10: [4, false],
  11: [4, false],
  24: [8, true],
};
const I386: Readonly<Record<number, readonly [bytes: 4 | 8, isRelative: boolean]>> = {
  1: [4, false],
  2: [4, true],
  4: [4, true],
};

interface Relocation {
  /** In the section that it is for. */
  readonly offset: number;
  readonly type: number;
  readonly symbol: number;
  /** Null: it stands in the field itself. */
  readonly addend: bigint | null;
}

interface ObjectSymbol {
  readonly address: bigint;
  readonly name: string;
}

export class ObjectCode implements CodeBytes {
  readonly #elf: ElfFile;
  readonly #contents = new Map<number, Uint8Array>();
  readonly #sections: readonly ElfSectionHeader[];
  readonly #outside = new Map<bigint, string>();
  #symbols: readonly ObjectSymbol[] | null = null;

  constructor(elf: ElfFile) {
    this.#elf = elf;
    this.#sections = elf.sections.filter(
      (each) => (each.flags & SHF.ALLOC) !== 0n && each.type !== SHT.NOBITS && each.size > 0,
    );
  }

  read(address: bigint, length: number): Uint8Array | null {
    for (const header of this.#sections) {
      const offset = Number(address - this.#elf.sectionAddress(header));
      if (offset < 0 || offset >= header.size) continue;
      return this.#bytes(header).subarray(offset, Math.min(offset + length, header.size));
    }
    return null;
  }

  /** For each byte 1, or 0 where a relocation fills something in. */
  fixedBytes(address: bigint, length: number): Uint8Array {
    const fixed = new Uint8Array(length).fill(1);
    for (const header of this.#sections) {
      const start = Number(this.#elf.sectionAddress(header) - address);
      if (start > length || start + header.size < 0) continue;
      for (const table of this.#tablesOf(header)) {
        for (const { offset } of this.#relocations(table)) {
          const at = start + offset;
          if (at + 8 > 0 && at < length) fixed.fill(0, Math.max(at, 0), Math.max(at + 4, 0));
        }
      }
    }
    return fixed;
  }

  /** The symbol of another file that an address stands for. */
  outside(address: bigint): string | null {
    return this.#outside.get(address) ?? null;
  }

  #bytes(header: ElfSectionHeader): Uint8Array {
    let bytes = this.#contents.get(header.index);
    if (bytes === undefined) {
      const section = this.#elf.contents(header);
      bytes = section.bytes(0, section.size).slice();
      for (const table of this.#tablesOf(header)) this.#apply(header, table, bytes);
      this.#contents.set(header.index, bytes);
    }
    return bytes;
  }

  #tablesOf(header: ElfSectionHeader): ElfSectionHeader[] {
    return this.#elf.sections.filter(
      ({ info, type }) => info === header.index && (type === SHT.RELA || type === SHT.REL),
    );
  }

  *#relocations(table: ElfSectionHeader): Generator<Relocation> {
    const { is64 } = this.#elf;
    const withAddend = table.type === SHT.RELA;
    const cursor = this.#elf.contents(table).cursor();
    const entryBytes = (is64 ? 16 : 8) + (withAddend ? (is64 ? 8 : 4) : 0);
    for (let left = Math.floor(table.size / entryBytes); left > 0; left--) {
      const offset = is64 ? cursor.u64Offset() : cursor.u32();
      const info = is64 ? cursor.u64() : BigInt(cursor.u32());
      yield {
        offset,
        type: Number(is64 ? info & 0xffff_ffffn : info & 0xffn),
        symbol: Number(is64 ? info >> 32n : info >> 8n),
        addend: withAddend ? (is64 ? cursor.s64() : BigInt(cursor.s32())) : null,
      };
    }
  }

  #apply(target: ElfSectionHeader, table: ElfSectionHeader, bytes: Uint8Array): void {
    const symbols = this.#table();
    const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
    const base = this.#elf.sectionAddress(target);
    for (const { offset, type, symbol: index, addend } of this.#relocations(table)) {
      const kind = (this.#elf.machine === "x86-64" ? X86_64 : I386)[type];
      const symbol = symbols[index];
      if (kind === undefined || symbol === undefined) continue;
      const [size, isRelative] = kind;
      if (offset + size > bytes.length) continue;
      const constant = addend ?? BigInt(view.getInt32(offset, true));
      const value = symbol.address + constant - (isRelative ? base + BigInt(offset) : 0n);
      if (size === 8) view.setBigUint64(offset, BigInt.asUintN(64, value), true);
      else view.setUint32(offset, Number(BigInt.asUintN(32, value)), true);
    }
  }

  #table(): readonly ObjectSymbol[] {
    if (this.#symbols !== null) return this.#symbols;
    const elf = this.#elf;
    const header = elf.sections.find((each) => each.type === SHT.SYMTAB);
    const strings = header && elf.sections[header.link];
    const found: ObjectSymbol[] = [];
    if (header !== undefined && strings !== undefined) {
      const cursor = elf.contents(header).cursor();
      const names = elf.contents(strings);
      for (let left = Math.floor(header.size / (elf.is64 ? 24 : 16)); left > 0; left--) {
        const name = cursor.u32();
        let value = 0n;
        let section: number;
        if (elf.is64) {
          cursor.skip(2);
          section = cursor.u16();
          value = cursor.u64();
          cursor.skip(8);
        } else {
          value = BigInt(cursor.u32());
          cursor.skip(6);
          section = cursor.u16();
        }
        const place = section === 0 ? undefined : elf.sections[section];
        const text = name > 0 && name < names.size ? names.string(name) : "";
        if (place !== undefined) found.push({ address: elf.sectionAddress(place) + value, name: text });
        else {
          const address = OUTSIDE + BigInt(found.length) * OUTSIDE_STEP;
          if (section === 0 && text !== "") this.#outside.set(address, text);
          found.push({ address, name: text });
        }
      }
    }
    this.#symbols = found;
    return found;
  }
}
