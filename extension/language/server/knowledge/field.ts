/**
 * Bits of a register, a descriptor or a table's entry, with their names; and values taken apart by them.
 *
 * Invariant: fields do not overlap; bits that no field has are reserved, or say nothing here.
 */

export interface Field {
  /** Lowest and highest bit. */
  readonly low: number;
  readonly high: number;
  readonly name: string;
  readonly text: string;
}

/** "31 PG paging is on", "13:12 IOPL …": a row for each field. */
export function fieldsFrom(rows: readonly string[]): readonly Field[] {
  return rows.map((row) => {
    const [, high = "0", low = high, name = "", text = ""] = /^(\d+)(?::(\d+))? (\S+) (.*)$/.exec(row) ?? [];
    return { high: Number(high), low: Number(low), name, text };
  });
}

export function valueOf({ low, high }: Field, value: bigint): bigint {
  return (value >> BigInt(low)) & ((1n << BigInt(high - low + 1)) - 1n);
}

export function isFlag({ low, high }: Field): boolean {
  return low === high;
}

/** Names of what a value has set, from the highest; fields of several bits with their number. */
export function namesIn(fields: readonly Field[], value: bigint): readonly string[] {
  return fields
    .filter((field) => valueOf(field, value) !== 0n)
    .toSorted((a, b) => b.low - a.low)
    .map((field) => (isFlag(field) ? field.name : `${field.name} ${valueOf(field, value)}`));
}

export function placeOf({ low, high }: Field): string {
  return low === high ? String(low) : `${high}–${low}`;
}
