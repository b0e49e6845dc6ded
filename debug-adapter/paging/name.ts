/** What lies at linear addresses: regions, images the machine was booted with, symbols. */
import type { LoadedImage } from "../../emulator/index.ts";
import { baseName } from "../files.ts";
import type { SymbolTable } from "../symbols/index.ts";
import { hex, linearAddress } from "./mode.ts";
import { regionAt, type View } from "./view.ts";

/** Where names come from. */
export interface Naming {
  readonly symbols: SymbolTable | null;
  /** Files as the loader placed them. */
  readonly images: readonly LoadedImage[];
  /** The guest is a Linux kernel for x86-64. */
  readonly isLinux: boolean;
  /** The kernel runs elsewhere than its file says, so that images of compressed kernels are where other things are now. */
  readonly isMoved: boolean;
}
export const NO_NAMES: Naming = { symbols: null, images: [], isLinux: false, isMoved: false };

/** Images and symbols that a range names at most. */
const MOST_HELD = 6;
/** Pages of a user process may be where they are by chance: so many are not. */
const LEAST_IDENTITY = 64;
/** A range that is longer than this holds too much to list its symbols. */
const MOST_BYTES = 1n << 40n;

/** "kmain+0x10" */
export function symbolText({ symbols }: Naming, address: bigint): string | null {
  if (symbols === null) return null;
  const fun = symbols.functionAt(address);
  if (fun !== null) return withOffset(fun.name, address - fun.low);
  const found = symbols.symbolAt(address);
  return found === null ? null : withOffset(found.symbol.demangled, found.offset);
}
const withOffset = (name: string, offset: bigint): string =>
  offset === 0n ? name : `${name}+${hex(offset)}`;

interface Piece {
  readonly start: bigint;
  readonly last: bigint;
  readonly name: string;
}

/** Segments of the images, at linear addresses. */
export function imagePieces({ images, isMoved }: Naming): readonly Piece[] {
  if (isMoved) return [];
  return images.flatMap(({ name, segments, loadBias }) =>
    segments.map((segment): Piece => {
      const start = segment.virtualAddress + loadBias;
      const last = start + BigInt(Math.max(segment.memoryBytes, 1)) - 1n;
      return { start, last, name: `${baseName(name)} ${segment.executable ? "code" : "data"}` };
    }),
  );
}

/** The name of a stretch of pages, and what lies in it. `physical` is −1 if it is not contiguous there. */
export function describeRange(
  view: View,
  naming: Naming,
  pieces: readonly Piece[],
  page: number,
  pages: number,
  physical: number,
): { readonly name: string | null; readonly holds: readonly string[] } {
  const { shape } = view.tree.paging;
  const start = linearAddress(shape, page);
  const last = linearAddress(shape, page + pages - 1, 4095);
  const region = regionAt(view.regions, page);
  const inside = pieces.filter((piece) => piece.start <= last && piece.last >= start);
  const holds: string[] = [];
  // One name for a file all of whose segments are here.
  for (const piece of inside) if (!holds.includes(piece.name)) holds.push(piece.name);
  let name = region?.name ?? null;
  // Linux starts on such a mapping, before anything is a user's.
  const isIdentity = physical >= 0 && physical === page && (name === null || pages >= LEAST_IDENTITY);
  if (isIdentity) name = "identity map";
  const first = inside[0];
  if (name === null && first !== undefined && first.start >= start - 0x20_0000n) name = first.name;
  if (name === null && physical >= 0 && pages >= 512) name = `direct map of ${hex(physical * 4096)}`;
  const isExact = region === null || region.name === "kernel image" || region.name === "modules";
  const symbol = isExact && last - start < MOST_BYTES ? symbolText(naming, start) : null;
  if (symbol !== null && !holds.includes(symbol)) holds.push(symbol);
  return { name, holds: holds.slice(0, MOST_HELD) };
}

/** The name of one address: its symbol, else its region. */
export function describeAddress(view: View, naming: Naming, page: number, address: bigint): string | null {
  const region = regionAt(view.regions, page);
  const symbol = symbolText(naming, address);
  if (symbol === null) return region?.name ?? null;
  return region === null ? symbol : `${symbol} (${region.name})`;
}
