/**
 * Symbols: what ELF and DWARF say about the code a machine runs. This file is the folder's boundary.
 *
 * Knows no files (a `FileReader` is handed in), no DAP, no machine; addresses are guest-linear bigints.
 */
export { SymbolError } from "./error.ts";
export { type FileReader, memoryReader } from "./reader.ts";
export type * from "./model.ts";
