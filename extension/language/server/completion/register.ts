/**
 * Registers by the width of code they exist in.
 *
 * Invariant: a register that is offered can be written there; those of a width that is not known are those of all widths.
 * Source: Intel SDM, volume 1, 3.4 "Basic Program Execution Registers", 3.7.5 "Specifying an Offset".
 * Elsewhere: what their bits mean (hovers).
 */
import { registerClass } from "../knowledge/operand.ts";
import type { Bits } from "../syntax.ts";

const numbers = (from: number, to: number): readonly number[] =>
  Array.from({ length: to - from }, (_, number) => from + number);

const low = ["al", "cl", "dl", "bl", "ah", "ch", "dh", "bh"];
const words = ["ax", "bx", "cx", "dx", "si", "di", "bp", "sp"];
const doubles = words.map((name) => `e${name}`);
const quads = words.map((name) => `r${name}`);
const segments = ["cs", "ds", "es", "fs", "gs", "ss"];
const control = ["cr0", "cr2", "cr3", "cr4"];
const debug = ["dr0", "dr1", "dr2", "dr3", "dr6", "dr7"];
const vectors = (count: number, width: string): readonly string[] =>
  numbers(0, count).map((number) => `${width}mm${number}`);
const x87 = ["st", ...numbers(1, 8).map((number) => `st(${number})`)];
const masks = numbers(0, 8).map((number) => `k${number}`);

const everywhere = [...low, ...words, ...doubles, ...segments, ...control, ...debug];
const otherEverywhere = [
  ...x87,
  ...vectors(8, ""),
  ...masks,
  ...["x", "y", "z"].flatMap((width) => vectors(8, width)),
];

const longOnly = [
  ...quads,
  ...numbers(8, 16).flatMap((number) => [`r${number}`, `r${number}d`, `r${number}w`, `r${number}b`]),
  "spl",
  "bpl",
  "sil",
  "dil",
  "cr8",
];
const otherLongOnly = ["x", "y", "z"].flatMap((width) =>
  numbers(8, width === "z" ? 32 : 16).map((number) => `${width}mm${number}`),
);

export function registersIn(bits: Bits): readonly string[] {
  return bits === 16 || bits === 32
    ? [...everywhere, ...otherEverywhere]
    : [...everywhere, ...longOnly, ...otherEverywhere, ...otherLongOnly];
}

/** Those an address can be made of, the mode's own first. */
export function addressRegistersIn(bits: Bits): readonly string[] {
  const short = ["bx", "bp", "si", "di"];
  switch (bits) {
    case 16:
      return [...short, ...doubles];
    case 32:
      return [...doubles, ...short];
    case 64:
    case null: {
      const long = [...quads, ...numbers(8, 16).map((number) => `r${number}`), "rip"];
      const others = [...doubles, ...numbers(8, 16).map((number) => `r${number}d`)];
      return bits === 64 ? [...long, ...others] : [...long, ...others, ...short];
    }
  }
}

/** Numbers by which registers are told apart: `xmm31`, `r15d`. */
const groups: Readonly<Record<string, number>> = {
  seg: 4,
  cr: 5,
  dr: 6,
  st: 7,
  mm: 7,
  xmm: 7,
  ymm: 8,
  zmm: 8,
  k: 8,
  ip: 4,
};

/** The smaller the earlier in a list: the mode's own width, then the others, then what is not general. */
export function registerRank(name: string, bits: Bits): number {
  const found = registerClass(name) ?? "";
  const special = groups[found];
  if (special !== undefined) {
    return special;
  }
  const own: Readonly<Record<number, string>> = { 16: "r16", 32: "r32", 64: "r64" };
  const isNumbered = /^r\d/.test(name) ? 0.5 : 0;
  return (found === own[bits ?? 64] ? 0 : 1) + isNumbered;
}

const kinds: Readonly<Record<string, string>> = {
  r8: "8 bits",
  r16: "16 bits",
  r32: "32 bits",
  r64: "64 bits",
  seg: "segment",
  cr: "control",
  dr: "debug",
  st: "x87",
  mm: "MMX",
  xmm: "128 bits",
  ymm: "256 bits",
  zmm: "512 bits",
  k: "mask",
  ip: "instruction pointer",
};

export function registerKind(name: string): string {
  return kinds[registerClass(name) ?? ""] ?? "";
}
