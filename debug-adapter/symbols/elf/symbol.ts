/**
 * ELF symbols, indexed by address and by name.
 *
 * Kept as columns, because a kernel has hundreds of thousands; a name is decoded when asked for.
 * Invariant: `#order` lists the indexed symbols by ascending address, and among equals the best last (see `rank`).
 * Elsewhere: demangling (`../demangle/`); what a symbol without debug information means to a call stack (`../image.ts`).
 */
import type { Section } from "../reader.ts";
import type { ElfFile } from "./file.ts";
import { ET, SHF, SHT } from "./header.ts";

export interface ElfSymbol {
  readonly name: string;
  /** As linked. */
  readonly address: bigint;
  /** In bytes; 0 if the producer did not say. */
  readonly size: bigint;
  readonly kind: "function" | "object" | "label";
  readonly binding: "local" | "global" | "weak";
  /** Whether it names something in an executable section. */
  readonly isCode: boolean;
}

const KINDS = ["label", "object", "function"] as const;
const STT_KIND: Readonly<Record<number, 0 | 1 | 2>> = { 0: 0, 1: 1, 2: 2, 10: 2 };
const SHN = { UNDEF: 0, LORESERVE: 0xff00, ABS: 0xfff1, XINDEX: 0xffff } as const;

export class ElfSymbols {
  #high = new Uint32Array(0);
  #low = new Uint32Array(0);
  #size = new Float64Array(0);
  #name = new Uint32Array(0);
  /** Bits 0–1 kind, 2–3 binding (0 local, 1 global, 2 weak), 4 code. */
  #traits = new Uint8Array(0);
  #order = new Uint32Array(0);
  #strings: Section | undefined;
  /** Open-addressed hash table of the indexed symbols by name: index + 1, 0 for empty. */
  #byName: Int32Array | undefined;

  /** Null gives an empty table. @throws SymbolError */
  constructor(elf: ElfFile | null) {
    if (!elf) return;
    const table =
      elf.sections.find((each) => each.type === SHT.SYMTAB && each.size > 0) ??
      elf.sections.find((each) => each.type === SHT.DYNSYM && each.size > 0);
    const strings = table && elf.sections[table.link];
    if (!table || !strings || strings.type === SHT.NOBITS) return;
    this.#strings = elf.contents(strings);
    const contents = elf.contents(table);
    const bytes = contents.bytes(0, contents.size);
    const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
    const indices = elf.sections.find((each) => each.type === SHT.SYMTAB_SHNDX && each.link === table.index);
    const extended = indices && elf.contents(indices).cursor();
    const entryBytes = elf.is64 ? 24 : 16;
    const count = Math.floor(bytes.length / entryBytes);
    this.#high = new Uint32Array(count);
    this.#low = new Uint32Array(count);
    this.#size = new Float64Array(count);
    this.#name = new Uint32Array(count);
    this.#traits = new Uint8Array(count);
    let kept = 0;
    for (let i = 0; i < count; i++) {
      const at = i * entryBytes;
      const name = view.getUint32(at, true);
      const info = view.getUint8(at + (elf.is64 ? 4 : 12));
      let sectionIndex = view.getUint16(at + (elf.is64 ? 6 : 14), true);
      let low = view.getUint32(at + (elf.is64 ? 8 : 4), true);
      let high = elf.is64 ? view.getUint32(at + 12, true) : 0;
      const size = elf.is64
        ? view.getUint32(at + 16, true) + view.getUint32(at + 20, true) * 2 ** 32
        : view.getUint32(at + 8, true);
      const kind = STT_KIND[info & 15];
      if (kind === undefined || name === 0 || sectionIndex === SHN.UNDEF) continue;
      if (sectionIndex === SHN.XINDEX) {
        if (!extended || (i + 1) * 4 > extended.end) continue;
        extended.position = i * 4;
        sectionIndex = extended.u32();
      } else if (sectionIndex >= SHN.LORESERVE && sectionIndex !== SHN.ABS) {
        continue;
      }
      const section = sectionIndex === SHN.ABS ? undefined : elf.sections[sectionIndex];
      if (section && elf.type === ET.REL) {
        if ((section.flags & SHF.ALLOC) === 0n) continue;
        const address = elf.sectionAddress(section) + BigInt(low);
        low = Number(address & 0xffff_ffffn);
        high = Number(address >> 32n);
      }
      const isCode = section ? (section.flags & SHF.EXECINSTR) !== 0n : false;
      // Numbers that a source file or the linker script gave a name (SHN_ABS) are in no memory.
      if (!section && kind === 0) continue;
      this.#name[kept] = name;
      this.#low[kept] = low;
      this.#high[kept] = high;
      this.#size[kept] = size;
      this.#traits[kept] = kind | ((info >> 4 > 2 ? 1 : info >> 4) << 2) | (isCode ? 16 : 0);
      kept++;
    }
    const order = new Uint32Array(kept);
    for (let i = 0; i < kept; i++) order[i] = i;
    const lows = this.#low;
    const highs = this.#high;
    const ranks = new Uint8Array(kept);
    for (let i = 0; i < kept; i++) ranks[i] = rank(this.#traits[i]!, this.#size[i]! > 0);
    order.sort((a, b) => highs[a]! - highs[b]! || lows[a]! - lows[b]! || ranks[a]! - ranks[b]!);
    this.#order = order;
  }

  get count(): number {
    return this.#order.length;
  }

  #symbol(index: number): ElfSymbol {
    const traits = this.#traits[index]!;
    return {
      name: this.#nameOf(index),
      address: this.#address(index),
      size: BigInt(this.#size[index]!),
      kind: KINDS[traits & 3]!,
      binding: (["local", "global", "weak"] as const)[(traits >> 2) & 3] ?? "global",
      isCode: (traits & 16) !== 0,
    };
  }

  #address(index: number): bigint {
    return (BigInt(this.#high[index]!) << 32n) | BigInt(this.#low[index]!);
  }

  #nameOf(index: number): string {
    const strings = this.#strings;
    const at = this.#name[index]!;
    return strings && at < strings.size ? strings.string(at) : "";
  }

  /** How many symbols, in address order, lie at or before `address`. */
  #rankOf(address: bigint): number {
    const high = Number(address >> 32n);
    const low = Number(address & 0xffff_ffffn);
    let from = 0;
    let to = this.#order.length;
    while (from < to) {
      const middle = (from + to) >>> 1;
      const index = this.#order[middle]!;
      const before = this.#high[index]! < high || (this.#high[index] === high && this.#low[index]! <= low);
      if (before) from = middle + 1;
      else to = middle;
    }
    return from;
  }

  /**
   * The symbol that `address` belongs to: the last one at or before it; but a symbol with a size wins over a bare label behind
   * its start, and one that ends before `address` does not count.
   */
  at(address: bigint, want: "code" | "any" = "any"): ElfSymbol | null {
    let label = -1;
    let ended = false;
    // A sized symbol far below may cover the address; past this many smaller ones nobody's label nests that deep.
    let left = 256;
    for (let i = this.#rankOf(address) - 1; i >= 0 && left > 0; i--, left--) {
      const index = this.#order[i]!;
      const traits = this.#traits[index]!;
      if (want === "code" && (traits & 16) === 0) continue;
      const size = this.#size[index]!;
      if (size === 0) {
        if (label < 0 && !ended) label = index;
        continue;
      }
      const offset = address - this.#address(index);
      if (offset < BigInt(size)) return this.#symbol(index);
      // It ended before the address, so no label further down is the answer; an enclosing symbol may still be.
      if (!ended) left = Math.min(left, 32);
      ended = true;
    }
    return label < 0 ? null : this.#symbol(label);
  }

  /** Symbols whose address lies in `low` … `high - 1`, ascending. */
  *within(low: bigint, high: bigint): Generator<ElfSymbol> {
    for (let i = low === 0n ? 0 : this.#rankOf(low - 1n); i < this.#order.length; i++) {
      const symbol = this.#symbol(this.#order[i]!);
      if (symbol.address >= high) return;
      yield symbol;
    }
  }

  named(name: string): ElfSymbol[] {
    const table = (this.#byName ??= this.#hashNames());
    const strings = this.#bytes();
    const wanted = new TextEncoder().encode(name);
    const found: number[] = [];
    const mask = table.length - 1;
    for (let slot = hash(wanted, 0) & mask; table[slot] !== 0; slot = (slot + 1) & mask) {
      const index = table[slot]! - 1;
      if (isAt(strings, this.#name[index]!, wanted)) found.push(index);
    }
    return found.map((index) => this.#symbol(index));
  }

  *all(): Generator<ElfSymbol> {
    for (const index of this.#order) yield this.#symbol(index);
  }

  #bytes(): Uint8Array {
    const strings = this.#strings;
    return strings ? strings.bytes(0, strings.size) : new Uint8Array(0);
  }

  /** Names are hashed where they lie: making strings of them all would take ten times as long. */
  #hashNames(): Int32Array {
    const strings = this.#bytes();
    let size = 16;
    while (size < this.#order.length * 2) size *= 2;
    const table = new Int32Array(size);
    for (const index of this.#order) {
      let slot = hash(strings, this.#name[index]!) & (size - 1);
      while (table[slot] !== 0) slot = (slot + 1) & (size - 1);
      table[slot] = index + 1;
    }
    return table;
  }
}

/** FNV-1a of the bytes from `at` to a NUL or the end. */
function hash(bytes: Uint8Array, at: number): number {
  let value = 0x811c9dc5;
  for (let i = at; i < bytes.length && bytes[i] !== 0; i++) value = Math.imul(value ^ bytes[i]!, 0x01000193);
  return value >>> 0;
}

function isAt(bytes: Uint8Array, at: number, wanted: Uint8Array): boolean {
  if (at + wanted.length > bytes.length) return false;
  for (let i = 0; i < wanted.length; i++) if (bytes[at + i] !== wanted[i]) return false;
  return at + wanted.length === bytes.length || bytes[at + wanted.length] === 0;
}

/** Among symbols at one address the highest wins: sized before bare, functions before objects before labels, global before local. */
function rank(traits: number, sized: boolean): number {
  const binding = (traits >> 2) & 3;
  return (sized ? 16 : 0) + (traits & 3) * 4 + (binding === 1 ? 2 : binding === 2 ? 1 : 0);
}
