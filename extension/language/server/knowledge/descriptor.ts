/**
 * Segment descriptors taken apart: base, limit, what it is, at which level.
 *
 * Source: Intel SDM volume 3A, 3.4.5 "Segment Descriptors", 3.5 "System Descriptor Types".
 */

export interface Descriptor {
  readonly base: bigint;
  /** The highest offset, in bytes. */
  readonly limit: bigint;
  /** "code", "data", a system segment's name; "null" for 0. */
  readonly kind: "null" | "code" | "data" | "system";
  /** "64-bit code, readable, level 0" */
  readonly summary: string;
  readonly isPresent: boolean;
  readonly dpl: number;
  /** What cannot be meant: a code segment that is 32-bit and 64-bit. */
  readonly error: string | undefined;
}

const systems: Readonly<Record<number, string>> = {
  1: "16-bit TSS, free",
  2: "LDT",
  3: "16-bit TSS, busy",
  4: "16-bit call gate",
  5: "task gate",
  6: "16-bit interrupt gate",
  7: "16-bit trap gate",
  9: "TSS, free",
  11: "TSS, busy",
  12: "call gate",
  14: "interrupt gate",
  15: "trap gate",
};

export function descriptorOf(value: bigint): Descriptor {
  const bits = (low: number, count: number): number =>
    Number((value >> BigInt(low)) & ((1n << BigInt(count)) - 1n));
  const base = BigInt(bits(16, 24)) | (BigInt(bits(56, 8)) << 24n);
  const units = BigInt(bits(0, 16) | (bits(48, 4) << 16));
  const isGranular = bits(55, 1) === 1;
  const limit = isGranular ? (units << 12n) | 0xfffn : units;
  const isPresent = bits(47, 1) === 1;
  const dpl = bits(45, 2);
  const isBig = bits(54, 1) === 1;
  const isLong = bits(53, 1) === 1;
  const type = bits(40, 4);
  const common = { base, limit, isPresent, dpl };
  if (value === 0n) {
    return { ...common, kind: "null", summary: "null descriptor", error: undefined };
  }
  const level = `level ${dpl}`;
  const absent = isPresent ? [] : ["not present"];
  if (bits(44, 1) === 0) {
    const name = systems[type] ?? `reserved type ${type}`;
    return { ...common, kind: "system", summary: [name, level, ...absent].join(", "), error: undefined };
  }
  const accessed = (type & 1) === 0 ? [] : ["accessed"];
  if ((type & 8) === 0) {
    const width = isBig ? "32-bit" : "16-bit";
    const parts = [
      `${width} data`,
      (type & 2) === 0 ? "read only" : "writable",
      ...((type & 4) === 0 ? [] : ["expands down"]),
      level,
      ...accessed,
      ...absent,
    ];
    return { ...common, kind: "data", summary: parts.join(", "), error: undefined };
  }
  const width = isLong ? "64-bit" : isBig ? "32-bit" : "16-bit";
  const parts = [
    `${width} code`,
    (type & 2) === 0 ? "execute only" : "readable",
    ...((type & 4) === 0 ? [] : ["conforming"]),
    level,
    ...accessed,
    ...absent,
  ];
  const error = isLong && isBig ? "L and D are both set: loading it raises #GP" : undefined;
  return { ...common, kind: "code", summary: parts.join(", "), error };
}

/** Whether a number can hardly be anything but a descriptor: code or data that is present, with its reserved bit clear. */
export function looksLikeDescriptor(value: bigint): boolean {
  const access = Number((value >> 40n) & 0xffn);
  const { kind, error, base, limit } = descriptorOf(value);
  return (
    (access & 0x90) === 0x90 && kind !== "system" && error === undefined && base < 1n << 32n && limit > 0n
  );
}
