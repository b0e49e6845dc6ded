/** Values of NASM's numbers: 0x1f, 1fh, $1f, 0b101, 101b, 17q, 0o17, 42, with underscores; strings as characters. */

const radixes: readonly (readonly [RegExp, string])[] = [
  [/^(\d[\da-f]*)h$/, "0x"],
  [/^0[xh]([\da-f]+)$/, "0x"],
  [/^\$(\d[\da-f]*)$/, "0x"],
  [/^0[by]([01]+)$/, "0b"],
  [/^([01]+)[by]$/, "0b"],
  [/^0[oq]([0-7]+)$/, "0o"],
  [/^([0-7]+)[oq]$/, "0o"],
  [/^0[dt](\d+)$/, ""],
  [/^(\d+)[dt]?$/, ""],
];

/** undefined: no whole number. */
export function valueOf(text: string): bigint | undefined {
  const plain = text.toLowerCase().replaceAll("_", "");
  for (const [pattern, prefix] of radixes) {
    const digits = pattern.exec(plain)?.[1];
    if (digits !== undefined) {
      return BigInt(prefix + digits);
    }
  }
  return undefined;
}

/** 'ab' as a number: the first character is the lowest byte. Escapes of `…` are left alone. */
export function stringValue(text: string): bigint | undefined {
  const inner = text.slice(1, -1);
  if (inner === "" || inner.length > 8 || /[\\\u0080-\uffff]/.test(inner)) {
    return undefined;
  }
  let value = 0n;
  for (let at = inner.length - 1; at >= 0; at -= 1) {
    value = value * 256n + BigInt(inner.charCodeAt(at));
  }
  return value;
}
