/**
 * What the decoder asks of a form, worked out once for each: bits instead of names and sets, operands as small numbers.
 *
 * Elsewhere: forms themselves (`isa/form.ts`), the decoder that follows a recipe (`decode.ts`).
 */
import { assert } from "../assert.ts";
import { families, type Family, type Form } from "../isa/index.ts";
import type { Variant } from "./interpreter/variant.ts";

/** Bits of `Recipe.bits`. */
export const IS = {
  /** Invalid in 64-bit mode, or anywhere else. */
  not64: 1,
  only64: 2,
  modrm: 4,
  /** ModRM.mod and rm are an operand. */
  addressed: 8,
  /** That operand must be in memory, or must not. */
  memoryOnly: 0x10,
  registerOnly: 0x20,
  /** ModRM.mod is ignored: MOV to and from control and debug registers. */
  modIgnored: 0x40,
  /** 90, which is XCHG with REX.B. F3 90 is PAUSE even then, as on processors. */
  nop: 0x80,
  /** Operand size: 32, or 64 with REX.W; in 64-bit mode always 64; there 64 unless 66 says 16. */
  size32: 0x100,
  size64: 0x200,
  default64: 0x400,
  lockable: 0x800,
  enter: 0x1000,
  escapes: 0x2000,
  string: 0x4000,
  stack: 0x8000,
} as const;

/** Mandatory prefixes as numbers; 0: the form does not care. */
export const PREFIX = { "": 0, np: 1, "66": 2, f3: 3, f2: 4 } as const;

/** What the decoder does for an operand. */
export const TAKE = {
  /** nothing */
  one: 0,
  /** general register or memory by ModRM.rm; register in ModRM.reg; in the opcode; AL or rAX; CL */
  rm: 1,
  reg: 2,
  opcode: 3,
  accumulator: 4,
  counter: 5,
  /** immediates: signed and unsigned byte, word, 2 or 4 bytes sign-extended, 2, 4 or 8 bytes */
  byteSigned: 6,
  byte: 7,
  word: 8,
  sized: 9,
  full: 10,
  /** branch distances of one byte, of 2 or 4 */
  near: 11,
  far: 12,
  offset: 13,
  pointer: 14,
  xmm1: 15,
  xmm2: 16,
  mm1: 17,
  mm2: 18,
  segment: 19,
  segmentOpcode: 20,
  control: 21,
  /** implicit: no form the decoder meets has it */
  implicit: 22,
} as const;
export type Take = (typeof TAKE)[keyof typeof TAKE];
export type TakeImmediate = Extract<Take, 6 | 7 | 8 | 9 | 10 | 11 | 12>;

export interface Taking {
  readonly take: Take;
  /** Bits, or 0 for the operand size. */
  readonly size: number;
  /** Its letter in `Variant.operands`; "m" instead if the instruction's memory operand is this one. */
  readonly letter: string;
  readonly mayBeMemory: boolean;
}

/** A handler of the form that has been asked for. */
export interface Known {
  readonly form: Form;
  readonly family: Family;
  readonly variant: Variant;
  readonly number: number;
  /** Traits of the family. */
  readonly ends: boolean;
  readonly repeats: boolean;
}

export interface Recipe {
  readonly form: Form;
  readonly bits: number;
  /** A number of PREFIX. */
  readonly prefix: number;
  readonly digit: number;
  readonly exact: number;
  readonly operands: readonly Taking[];
  /** By what the decoder makes of prefixes and ModRM. */
  readonly known: Map<number, Known>;
}

type Operand = Form["operands"][number];

function taking(operand: Operand): Taking {
  const general = (take: Take, letter: string, mayBeMemory = false): Taking => ({
    take,
    size: operand.size,
    letter,
    mayBeMemory,
  });
  switch (operand.kind) {
    case "rm":
    case "m":
      return general(TAKE.rm, "r", true);
    case "r":
      return general(TAKE.reg, "r");
    case "o":
      return general(TAKE.opcode, "r");
    case "a":
      return general(TAKE.accumulator, "r");
    case "c":
      return general(TAKE.counter, "r");
    case "one":
      return general(TAKE.one, "1");
    case "imm":
      return general(immediateOf(operand), "i");
    case "rel":
      return general(operand.encoded === "b" ? TAKE.near : TAKE.far, "i");
    case "moffs":
      return general(TAKE.offset, "m", true);
    case "far":
      return general(TAKE.pointer, "i");
    case "xmm1":
      return general(TAKE.xmm1, "x");
    case "xmm2":
    case "xmm2/m":
      return general(TAKE.xmm2, "x", true);
    case "mm1":
      return general(TAKE.mm1, "y");
    case "mm2":
    case "mm2/m":
      return general(TAKE.mm2, "y", true);
    case "sreg":
      return general(TAKE.segment, "s");
    case "osreg":
      return general(TAKE.segmentOpcode, "s");
    case "creg":
      return general(TAKE.control, "s");
    case "si":
    case "di":
      return general(TAKE.implicit, "r");
  }
}

function immediateOf({ encoded, signed }: Operand): Take {
  switch (encoded) {
    case "b":
      return signed ? TAKE.byteSigned : TAKE.byte;
    case "w":
      return TAKE.word;
    case "z":
      return TAKE.sized;
    case "v":
    case "":
      return TAKE.full;
  }
}

function recipeOf(form: Form): Recipe {
  const { family, traits, operands } = form;
  const has = (...kinds: readonly Operand["kind"][]) => operands.some(({ kind }) => kinds.includes(kind));
  const addressed = form.hasModrm && form.exact < 0;
  const modIgnored = traits.has("nomem") && family.name.startsWith("mov_");
  let bits = 0;
  const set = (bit: number, condition: boolean): void => void (condition && (bits |= bit));
  set(IS.not64, traits.has("i64"));
  set(IS.only64, traits.has("o64"));
  set(IS.modrm, form.hasModrm);
  set(IS.addressed, addressed);
  set(IS.memoryOnly, has("m"));
  set(IS.registerOnly, has("xmm2", "mm2") || (traits.has("nomem") && !modIgnored));
  set(IS.modIgnored, modIgnored);
  set(IS.nop, family.name === "nop" && form.map === 0);
  set(IS.size32, form.isVector || traits.has("x32"));
  set(IS.size64, traits.has("f64"));
  set(IS.default64, traits.has("d64"));
  set(IS.lockable, traits.has("lock"));
  set(IS.enter, family.name === "enter");
  set(IS.escapes, family.traits.escapes === true);
  set(IS.string, family.traits.string === true);
  set(IS.stack, family.traits.stack === true);
  return {
    form,
    bits,
    prefix: PREFIX[form.prefix],
    digit: form.digit,
    exact: form.exact,
    operands: operands.map(taking),
    known: new Map(),
  };
}

/** Forms by map × 256 + opcode, most specific first. */
const forms: readonly (readonly Form[])[] = (() => {
  const table: Form[][] = Array.from({ length: 4 * 256 }, () => []);
  for (const family of families)
    for (const form of family.forms) {
      const last = form.opcodeRegister ? 7 : 0;
      for (let i = 0; i <= last; i++) table[form.map * 256 + form.opcode + i]?.push(form);
    }
  const specificity = (form: Form): number =>
    (form.exact >= 0 ? 4 : 0) +
    (form.prefix === "" ? 0 : 2) +
    (form.digit >= 0 ? 1 : 0) +
    (form.family.name === "nop" ? 1 : 0);
  for (const candidates of table)
    if (candidates.length > 1) candidates.sort((a, b) => specificity(b) - specificity(a));
  return table;
})();

/** By the same number: 1 if a ModRM byte follows, on which all candidates agree. */
export const hasModrm = Uint8Array.from(forms, (candidates) => {
  const having = candidates.filter((form) => form.hasModrm).length;
  assert(having === 0 || having === candidates.length, "forms of one opcode are alike");
  return having === 0 ? 0 : 1;
});

const made = new Map<number, readonly Recipe[]>();

/** The candidates by the same number. They are made when an opcode is met: a program uses few. */
export function recipes(opcode: number): readonly Recipe[] {
  const known = made.get(opcode) ?? forms[opcode]!.map(recipeOf);
  made.set(opcode, known);
  return known;
}
