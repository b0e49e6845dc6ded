/**
 * Symbols: what ELF and DWARF say about the code a machine runs. This file is the folder's boundary.
 *
 * Knows no files (a `FileReader` is handed in), no DAP, no machine; addresses are guest-linear bigints.
 *
 *     const image = openImage(reader, { name: "kernel.elf", loadOffset: 0n, decompress });
 *     if (image instanceof SymbolError) …
 *     const symbols = new SymbolTable();
 *     symbols.add(image);
 *     for (const done of symbols.index()) …                   // in slices, so that nothing later has to wait for it
 *     symbols.addressesForLine("kern/startup.c", 120);
 *     for (const frame of symbols.walk("x86-64", registers, readMemory)) …
 */
export { SymbolError } from "./error.ts";
export { type FileReader, memoryReader } from "./reader.ts";
export type * from "./model.ts";
export { type Decompress, type ElfSectionHeader, ET, SHF, SHT } from "./elf/header.ts";
export type { ElfFile } from "./elf/file.ts";
export type { ElfSymbol } from "./elf/symbol.ts";
export type { SeparateDebug } from "./symbol-file.ts";
export { type GuestSymbol, type ImageOptions, openImage, type SymbolImage } from "./image.ts";
export { type StackFrame, SymbolTable } from "./table.ts";
export { convention, REGISTER_NAMES } from "./unwind/registers.ts";
export type { FrameRow, Rule } from "./unwind/cfi.ts";
export type { FrameState, Outermost, ReadMemory, Unwound } from "./unwind/state.ts";
export { typeName } from "./type-name.ts";
export {
  type Child,
  childCount,
  childrenOf,
  dereference,
  memberNamed,
  partOf,
  readLocation,
  stripType,
  type Write,
  writesTo,
} from "./walk.ts";
export { demangle, type Demangled } from "./demangle/index.ts";
export { findSource, mapSource, type SourceMapping } from "./source-path.ts";
