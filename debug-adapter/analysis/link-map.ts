/**
 * Which file brought a piece of code into a linked image, as the linker tells it in its map (`-Map=kernel.map`).
 *
 * Two forms are read, GNU ld's and LLD's; in both a line has the address and size of an input section and the file it is from, an archive's member in parentheses.
 */
export interface LinkMap {
  /** The file of the input section at an address: "lib/libgcc.a(_udivmodti4.o)". */
  at(address: bigint): string | null;
}

interface Input {
  readonly low: bigint;
  readonly high: bigint;
  readonly file: string;
}

// " .text  0x0000000000101000  0x2a /usr/lib/…/libgcc.a(_udivmodti4.o)"; a long section name stands on a line of its own before.
const GNU = /^\s+(?:\S+\s+)?0x([0-9a-f]+)\s+0x([0-9a-f]+)\s+(\S.*)$/;
// "  201000  201000  2a  16  /usr/lib/…/libgcc.a(_udivmodti4.o):(.text)"
const LLD = /^\s*([0-9a-f]+)\s+[0-9a-f]+\s+([0-9a-f]+)\s+\d+\s+(.+):\((?:[^()]+)\)$/;

/** Null if the text is no linker's map. */
export function parseLinkMap(text: string): LinkMap | null {
  const inputs: Input[] = [];
  for (const line of text.split("\n")) {
    const match = LLD.exec(line) ?? GNU.exec(line);
    if (match === null) continue;
    const low = BigInt(`0x${match[1]!}`);
    const size = BigInt(`0x${match[2]!}`);
    const file = match[3]!.trim();
    if (size > 0n && /\.(?:o|obj|a|rlib|lib)\b/i.test(file)) inputs.push({ low, high: low + size, file });
  }
  if (inputs.length === 0) return null;
  inputs.sort((a, b) => (a.low < b.low ? -1 : a.low > b.low ? 1 : 0));
  return {
    at(address) {
      let from = 0;
      let to = inputs.length;
      while (from < to) {
        const middle = (from + to) >>> 1;
        if (inputs[middle]!.low <= address) from = middle + 1;
        else to = middle;
      }
      const input = inputs[from - 1];
      return input !== undefined && address < input.high ? input.file : null;
    },
  };
}

/** The archive and member of a map's file: "libgcc.a(_udivmodti4.o)", without directories; null if it is no archive's. */
export function memberOf(file: string): string | null {
  const match = /([^/\\]+)\(([^()]+)\)$/.exec(file) ?? /([^/\\:]+\.(?:a|rlib|lib)):([^/\\:]+)$/.exec(file);
  return match === null ? null : `${match[1]!}(${match[2]!})`;
}
