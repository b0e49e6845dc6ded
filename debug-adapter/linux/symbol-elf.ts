/**
 * Symbols without a file, as the bytes of an ELF file: what reads symbols needs to know only one form.
 *
 * The file has no contents but its symbol table; its one loadable section says where the code is.
 */
import type { KernelSymbols } from "./kallsyms.ts";

const EHDR = 64;
const SHDR = 64;
const SYM = 24;
const SHT = { progbits: 1, symtab: 2, strtab: 3, nobits: 8 } as const;
const SHF_ALLOC = 2n;
const SHF_EXECINSTR = 4n;
const PT_LOAD = 1;
const STB = { local: 0, global: 1 } as const;
const STT = { none: 0, object: 1, function: 2 } as const;
const PHDR = 56;

/** @param symbols in any order; those outside of `low` … `high` (per-CPU offsets, modules) are left out */
export function symbolElf({ addresses, text, starts }: KernelSymbols, low: bigint, high: bigint): Uint8Array {
  const offsets = new Float64Array(addresses.length);
  const sorted: number[] = [];
  for (const [n, address] of addresses.entries()) {
    if (address < low || address >= high) continue;
    offsets[n] = Number(address - low);
    sorted.push(n);
  }
  sorted.sort((a, b) => offsets[a]! - offsets[b]!);
  const sectionNames = new TextEncoder().encode("\0.text\0.symtab\0.strtab\0.shstrtab\0");
  const symbolsAt = EHDR + PHDR;
  const symbolBytes = (sorted.length + 1) * SYM;
  const namesAt = symbolsAt + symbolBytes;
  const sectionNamesAt = namesAt + text.length;
  const sectionsAt = (sectionNamesAt + sectionNames.length + 7) & ~7;
  const bytes = new Uint8Array(sectionsAt + 5 * SHDR);
  const view = new DataView(bytes.buffer);

  bytes.set([0x7f, 0x45, 0x4c, 0x46, 2, 1, 1]);
  view.setUint16(16, 2, true); // ET_EXEC
  view.setUint16(18, 62, true); // x86-64
  view.setUint32(20, 1, true);
  view.setBigUint64(24, low, true);
  view.setBigUint64(32, BigInt(EHDR), true);
  view.setBigUint64(40, BigInt(sectionsAt), true);
  view.setUint16(52, EHDR, true);
  view.setUint16(54, PHDR, true);
  view.setUint16(56, 1, true);
  view.setUint16(58, SHDR, true);
  view.setUint16(60, 5, true);
  view.setUint16(62, 4, true);

  view.setUint32(EHDR, PT_LOAD, true);
  view.setUint32(EHDR + 4, 5, true);
  view.setBigUint64(EHDR + 16, low, true);
  view.setBigUint64(EHDR + 24, low, true);
  view.setBigUint64(EHDR + 40, high - low, true);

  // A symbol reaches up to the next address that one has.
  for (let n = 0, next = 0; n < sorted.length; n++) {
    const symbol = sorted[n]!;
    const offset = offsets[symbol]!;
    while (next < sorted.length && offsets[sorted[next]!] === offset) next++;
    const start = starts[symbol]!;
    const type = text[start]!;
    const at = symbolsAt + (n + 1) * SYM;
    view.setUint32(at, start + 1, true);
    bytes[at + 4] =
      ((isUpper(type) ? STB.global : STB.local) << 4) | kindOf(text, start, starts[symbol + 1]! - 1);
    view.setUint16(at + 6, 1, true);
    view.setBigUint64(at + 8, addresses[symbol]!, true);
    if (next < sorted.length) view.setUint32(at + 16, offsets[sorted[next]!]! - offset, true);
  }
  bytes.set(text, namesAt);
  bytes.set(sectionNames, sectionNamesAt);

  const section = (
    n: number,
    name: number,
    type: number,
    flags: bigint,
    address: bigint,
    offset: number,
    size: bigint,
    link = 0,
    entryBytes = 0,
  ): void => {
    const at = sectionsAt + n * SHDR;
    view.setUint32(at, name, true);
    view.setUint32(at + 4, type, true);
    view.setBigUint64(at + 8, flags, true);
    view.setBigUint64(at + 16, address, true);
    view.setBigUint64(at + 24, BigInt(offset), true);
    view.setBigUint64(at + 32, size, true);
    view.setUint32(at + 40, link, true);
    view.setBigUint64(at + 48, 1n, true);
    view.setBigUint64(at + 56, BigInt(entryBytes), true);
  };
  section(1, 1, SHT.nobits, SHF_ALLOC | SHF_EXECINSTR, low, 0, high - low);
  section(2, 7, SHT.symtab, 0n, 0n, symbolsAt, BigInt(symbolBytes), 3, SYM);
  section(3, 15, SHT.strtab, 0n, 0n, namesAt, BigInt(text.length));
  section(4, 23, SHT.strtab, 0n, 0n, sectionNamesAt, BigInt(sectionNames.length));
  return bytes;
}

const isUpper = (character: number): boolean => character >= 0x41 && character <= 0x5a;
const FUNCTION_TYPES = new Set(Buffer.from("tTwW"));

/** Of the symbol whose type is at `start` and whose name ends at `end`. */
function kindOf(text: Uint8Array, start: number, end: number): number {
  if (isSectionName(text, start + 1, end)) return STT.none;
  return FUNCTION_TYPES.has(text[start]!) ? STT.function : STT.object;
}

/** "_text" and the like name a section, not the function at its beginning. */
function isSectionName(text: Uint8Array, start: number, end: number): boolean {
  const isLikely = text[start] === 0x5f && text[end - 1] === 0x74 && text[end - 2] === 0x78;
  return (
    isLikely && /^_\w*text$/.test(Buffer.from(text.buffer, text.byteOffset).toString("latin1", start, end))
  );
}
