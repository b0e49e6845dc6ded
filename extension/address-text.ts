/** Addresses in text: memory references of the adapter, numbers that people write, and what looks like an address in a line of a kernel's log. */
import type { Place, PlaceSpace } from "../media/protocol/place.ts";

const SPACES: { readonly [prefix: string]: PlaceSpace } = {
  v: "linear",
  p: "physical",
  r: "ram",
  io: "io",
};
const PREFIXES: Record<PlaceSpace, string> = { linear: "v", physical: "p", ram: "r", io: "io" };

/** "v:0x1000" as the adapter's memory references are; "p:" is physical, "r:" a ram_addr_t, "io:" a port, nothing linear. Null: no address. */
export function parsePlace(text: string): Place | null {
  const match = /^\s*(?:(v|p|r|io):)?(0x[\da-f]{1,16}|\d{1,19})\s*$/iu.exec(
    text.replaceAll("'", "").replaceAll("_", ""),
  );
  if (match?.[2] === undefined) return null;
  const offset = BigInt(match[2]);
  return { space: SPACES[match[1]?.toLowerCase() ?? "v"] ?? "linear", offset: `0x${offset.toString(16)}` };
}

export const formatPlace = ({ space, offset }: Place): string => `${PREFIXES[space]}:${offset}`;

export interface AddressInText {
  readonly start: number;
  readonly length: number;
  /** An expression for the adapter, or an address as `parsePlace` reads it. */
  readonly text: string;
}

/** A symbol with an offset, as kernels print backtraces: "do_idle+0x1b/0x40"; the length behind the slash is not part of it. */
const SYMBOL = String.raw`(?<symbol>[A-Za-z_.$][\w.$]*\+0x[\da-f]+)(?:\/0x[\da-f]+)?`;
/** With a prefix at least three digits: smaller ones are counts and flags. Bare ones only with the 16 digits (or 8 and a quote and 8) of a 64-bit pointer. */
const NUMBER = String.raw`(?<number>0x[\da-f]{3,16})(?![\da-f])`;
const BARE = String.raw`(?<bare>[\da-f]{16}|[\da-f]{8}['_\x60][\da-f]{8})(?![\da-f])`;
const ADDRESS = new RegExp(String.raw`(?<![\w.$])(?:${SYMBOL}|${NUMBER}|${BARE})(?!\w)`, "giu");

export function addressesIn(line: string): AddressInText[] {
  return Array.from(line.matchAll(ADDRESS), ({ 0: whole, index, groups }) => {
    const { symbol, number, bare } = groups ?? {};
    const text = symbol ?? number ?? `0x${(bare ?? "").replaceAll(/['_`]/gu, "")}`;
    return { start: index, length: whole.length, text };
  });
}
