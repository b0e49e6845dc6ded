/**
 * All symbols of an ELF file by ascending address, numbers that a linker script gave names among them (global ones of SHN_ABS), which the debugger has no
 * use for; the constants of assembly files, which are local ones, are not.
 *
 * Invariant: a name is there once. A global symbol has it before a local one; a name that only several local symbols of different addresses have is left
 * out, because it says nothing of any of them.
 */
import type { ElfFile, ElfSectionHeader } from "../../../debug-adapter/symbols/index.ts";
import type { BuiltSymbol } from "../server/built.ts";

export interface ProgramSymbol {
  readonly name: string;
  readonly address: bigint;
  readonly size: number;
  readonly kind: BuiltSymbol["kind"];
  readonly isGlobal: boolean;
  readonly isCode: boolean;
  /** SHN_ABS: a number, not a place. */
  readonly isAbsolute: boolean;
}

const SYMTAB = 2;
const NOBITS = 8;
const EXECINSTR = 4n;
const SHN = { undefined: 0, reserved: 0xff00, absolute: 0xfff1, extended: 0xffff } as const;
/** STT_…: "Symbol Types". Thread-local ones (6) have offsets, not addresses, and files (4) have neither. */
const kindOf: Readonly<Record<number, BuiltSymbol["kind"]>> = {
  0: "other",
  1: "object",
  2: "function",
  3: "section",
  5: "object",
  10: "function",
};

export function symbolsOf(elf: ElfFile): readonly ProgramSymbol[] {
  const table = elf.sections.find(({ type, size }) => type === SYMTAB && size > 0);
  const strings = table && elf.sections[table.link];
  if (!table || !strings || strings.type === NOBITS) return [];
  const found = new Map<string, ProgramSymbol | null>();
  for (const symbol of read(elf, table, strings)) {
    const known = found.get(symbol.name);
    if (known === undefined) found.set(symbol.name, symbol);
    else if (known === null || !known.isGlobal)
      found.set(symbol.name, symbol.isGlobal ? symbol : known?.address === symbol.address ? known : null);
  }
  return [...found.values()]
    .filter((symbol) => symbol !== null)
    .sort((a, b) => (a.address < b.address ? -1 : a.address > b.address ? 1 : 0));
}

function* read(elf: ElfFile, table: ElfSectionHeader, strings: ElfSectionHeader): Generator<ProgramSymbol> {
  const contents = elf.contents(table);
  const bytes = contents.bytes(0, contents.size);
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const names = elf.contents(strings);
  const entryBytes = elf.is64 ? 24 : 16;
  for (let at = 0; at + entryBytes <= bytes.length; at += entryBytes) {
    const info = view.getUint8(at + (elf.is64 ? 4 : 12));
    const index = view.getUint16(at + (elf.is64 ? 6 : 14), true);
    const kind = kindOf[info & 15];
    const nameAt = view.getUint32(at, true);
    const isReserved = index >= SHN.reserved && index !== SHN.absolute && index !== SHN.extended;
    if (kind === undefined || kind === "section" || index === SHN.undefined || isReserved) continue;
    if (nameAt === 0 || nameAt >= names.size) continue;
    const isGlobal = info >> 4 !== 0;
    const isAbsolute = index === SHN.absolute;
    if (isAbsolute && !isGlobal) continue;
    const section = index < SHN.reserved ? elf.sections[index] : undefined;
    yield {
      name: names.string(nameAt),
      address: elf.is64 ? view.getBigUint64(at + 8, true) : BigInt(view.getUint32(at + 4, true)),
      size: elf.is64 ? Number(view.getBigUint64(at + 16, true)) : view.getUint32(at + 8, true),
      kind,
      isGlobal,
      isAbsolute,
      isCode: section !== undefined && (section.flags & EXECINSTR) !== 0n,
    };
  }
}
