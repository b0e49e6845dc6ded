/**
 * Facts of a program that was built of the workspace's sources, as the client reads them from its ELF file and sends them: plain data, which goes through JSON.
 *
 * Addresses are "0x…" in lower case, sizes are bytes. The server reads no files: what is not here it does not know.
 */

export interface Built {
  /** Of the ELF file, as the file system names it. */
  readonly path: string;
  /** When it was written, in milliseconds since 1970. A source that was changed later may not be what was built. */
  readonly modified: number;
  readonly sections: readonly BuiltSection[];
  readonly symbols: ReadonlyMap<string, BuiltSymbol>;
  /** Code of the files that were asked for, by URI. */
  readonly lines: ReadonlyMap<string, readonly BuiltLine[]>;
}

export interface BuiltSection {
  readonly name: string;
  readonly address: string;
  /** Where it is loaded (LMA), which differs from `address` in higher-half kernels. */
  readonly loadAddress: string;
  readonly size: number;
  /** As `readelf -S` has them: "AX", "WA". */
  readonly flags: string;
  /** Number of the segment it is loaded with and its rights ("R E"); null for sections that are not loaded. */
  readonly segment: { readonly index: number; readonly rights: string } | null;
}

export interface BuiltSymbol {
  readonly name: string;
  readonly address: string;
  readonly size: number;
  readonly kind: "function" | "object" | "section" | "file" | "other";
  /** Where the line table has it, for symbols that no assembly file defines. */
  readonly source?: { readonly uri: string; readonly line: number };
}

/** Instructions that a line made, in order of their addresses. */
export interface BuiltLine {
  /** Counted from 0. */
  readonly line: number;
  readonly address: string;
  /** Hexadecimal digits, two for each byte. */
  readonly bytes: string;
}
