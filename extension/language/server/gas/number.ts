/** Values of numbers as GNU as and the C preprocessor write them: 0x1f, 0b101, 017, 42, with C's suffixes; 1fh in Intel syntax. */

/** undefined: no whole number (a float), or not one at all. */
export function valueOf(text: string): bigint | undefined {
  const lower = text
    .toLowerCase()
    .replace(/(?:[ul]|ul+|l+u)$/, (suffix) => (/^\d/.test(text) && suffix !== "" ? "" : suffix));
  if (/^0x[\da-f]+$|^0b[01]+$|^[1-9]\d*$|^0$/.test(lower)) {
    return BigInt(lower);
  }
  if (/^0[0-7]+$/.test(lower)) {
    return BigInt(`0o${lower.slice(1)}`);
  }
  return /^\d[\da-f]*h$/.test(lower) ? BigInt(`0x${lower.slice(0, -1)}`) : undefined;
}

const escapes: ReadonlyMap<string, number> = new Map([
  ["n", 10],
  ["t", 9],
  ["r", 13],
  ["b", 8],
  ["f", 12],
]);

/** 'a  'a'  '\n  '\033: a character's code. */
export function characterOf(text: string): bigint | undefined {
  const inner = /^'(\\(?:[0-7]{1,3}|x[\da-fA-F]+|.)|[^\\])'?$/u.exec(text)?.[1];
  if (inner === undefined) {
    return undefined;
  }
  if (!inner.startsWith("\\")) {
    return BigInt(inner.codePointAt(0) ?? 0);
  }
  const rest = inner.slice(1);
  if (/^[0-7]/.test(rest)) {
    return BigInt(Number.parseInt(rest, 8));
  }
  if (/^x[\da-fA-F]/.test(rest)) {
    return BigInt(Number.parseInt(rest.slice(1), 16));
  }
  return BigInt(escapes.get(rest) ?? rest.codePointAt(0) ?? 0);
}
