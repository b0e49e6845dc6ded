/** A number in other notations: hexadecimal, decimal, bits, a size, a character. */
import { hex, sizeText } from "./text.ts";

/** undefined for numbers that need no other notation. */
export function numberText(value: bigint): string | undefined {
  if (value > -10n && value < 10n) {
    return undefined;
  }
  const parts = [`\`${hex(value)}\``, `\`${value}\``, ...bitsText(value)];
  const size = sizeText(value);
  if (size !== undefined) {
    parts.push(size);
  }
  if (value < 0n) {
    parts.push(`in 32 bits \`${hex(BigInt.asUintN(32, value))}\``);
  }
  if (value > 0x20n && value < 0x7fn) {
    parts.push(`'${String.fromCharCode(Number(value))}'`.replace("'`'", "backtick"));
  }
  return parts.join(" = ");
}

/** Binary where it is short; the bits that are set where they are few. */
function bitsText(value: bigint): readonly string[] {
  if (value < 0n) {
    return [];
  }
  const digits = value.toString(2);
  if (digits.length <= 16) {
    return [`\`0b${digits}\``];
  }
  const set = digits
    .split("")
    .flatMap((digit, number) => (digit === "1" ? [digits.length - 1 - number] : []));
  return set.length === 1 ? [`bit ${set[0] ?? 0}`] : set.length <= 6 ? [`bits ${set.join(", ")}`] : [];
}
