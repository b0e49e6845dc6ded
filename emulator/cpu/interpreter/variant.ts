/**
 * Variants: which handlers the interpreter has, and their numbers. A handler is a family at one operand width, with the kinds of its operands
 * (register, memory, immediate), the way memory and stack are addressed, and for string instructions the address size.
 *
 * The decoder asks for a variant's number; emission walks the same list. So a form that decodes has a handler by construction.
 */
import { assert } from "../../assert.ts";
import { families, type Family } from "../../isa/index.ts";
import type { Form, Operand } from "../../isa/form.ts";
import type { Width } from "../../semantics/vocabulary.ts";

/** m64, m32: 64- or 32-bit offsets in flat segments; ms: any, through the segment's base and limit. */
export type MemoryKind = "" | "m64" | "m32" | "ms";
/** s64, s32: rSP in a flat stack segment; ss: any. */
export type StackKind = "" | "s64" | "s32" | "ss";

export interface Variant {
  readonly family: Family;
  readonly width: Width;
  /** "r" general register, "s" another word of the state, "x" XMM, "y" MMX, "m" memory, "i" immediate, "1" the constant 1, one letter per operand. */
  readonly operands: string;
  readonly memory: MemoryKind;
  readonly stack: StackKind;
  readonly address: 16 | 32 | 64;
}

/** Handlers that are no instructions; their numbers come first. */
export const PSEUDO = { end: 0, dead: 1, yield: 2, break: 3, operate: 4 } as const;
const PSEUDO_COUNT = 5;

const letters = (operand: Operand): readonly string[] => {
  switch (operand.kind) {
    case "rm":
      return ["r", "m"];
    case "m":
    case "moffs":
      return ["m"];
    case "imm":
    case "rel":
      return ["i"];
    case "one":
      return ["1"];
    case "xmm1":
    case "xmm2":
      return ["x"];
    case "xmm2/m":
      return ["x", "m"];
    case "mm1":
    case "mm2":
      return ["y"];
    case "mm2/m":
      return ["y", "m"];
    case "a":
    case "c":
    case "r":
    case "o":
    case "far":
    case "si":
    case "di":
      return ["r"];
    case "sreg":
    case "osreg":
    case "creg":
      return ["s"];
  }
};

/** The widths a form can have: the size of its first operand, or every operand size; of a vector form, that of its general register. */
export function widthsOf(form: Form): readonly Width[] {
  if (form.isVector) return usesOperandSize(form) ? [32, 64] : [32];
  if (form.width !== 0) return [form.width];
  const size = form.operands[0]?.size ?? 0;
  if (size !== 0) return [size as Width];
  if (form.traits.has("x32")) return [32, 64];
  return form.traits.has("o64") && form.traits.has("d64") ? [16, 64] : [16, 32, 64];
}

/** Whether a general operand of a vector form has the operand size. */
const usesOperandSize = (form: Form): boolean =>
  form.operands.some(({ kind, size }) => (kind === "r" || kind === "rm") && size === 0);

/** The width of the handler for a form that was decoded with an operand size. */
export function widthFor(form: Form, operandSize: 16 | 32 | 64): Width {
  if (form.isVector) return usesOperandSize(form) ? operandSize : 32;
  if (form.width !== 0) return form.width;
  const size = form.operands[0]?.size ?? 0;
  return size === 0 ? operandSize : (size as Width);
}

const key = (v: Variant): string =>
  `${v.family.name}.${v.width}.${v.operands}.${v.memory}.${v.stack}.${v.address}`;

/** All variants, each once. */
function enumerate(): readonly Variant[] {
  const variants: Variant[] = [];
  const rep = /^(rep|repe|repne)_(.*)$/;
  for (const family of families) {
    if (family.meaning === null) continue;
    const repeated = rep.exec(family.name);
    const forms =
      repeated === null ? family.forms : (families.find((f) => f.name === repeated[2])?.forms ?? []);
    const seen = new Set<string>();
    for (const form of forms) {
      let shapes = [""];
      for (const operand of form.operands)
        shapes = shapes.flatMap((shape) =>
          letters(operand)
            .filter((letter) => letter !== "m" || !form.traits.has("nomem"))
            .map((letter) => shape + letter),
        );
      for (const width of widthsOf(form)) {
        for (const operands of shapes) {
          const shape = `${width}.${operands}`;
          if (!seen.has(shape)) variants.push(...addressings(family, width, operands));
          seen.add(shape);
        }
      }
    }
  }
  return variants;
}

function addressings(family: Family, width: Width, operands: string): Variant[] {
  const usesMemory = operands.includes("m") || family.traits.string === true;
  const fast = family.traits.hot === true || family.traits.string === true;
  const memories: MemoryKind[] = !usesMemory ? [""] : fast ? ["m64", "m32", "ms"] : ["ms"];
  const stacks: StackKind[] = family.traits.stack === true ? ["s64", "s32", "ss"] : [""];
  const all: Variant[] = [];
  for (const memory of memories) {
    for (const stack of stacks) {
      if (
        (memory === "m64" && stack === "s32") ||
        // Of what uses the stack only IRET can have 32 bits there.
        (stack === "s64" && width === 32 && family.name !== "iret") ||
        (stack === "s32" && width === 64)
      )
        continue;
      // Only what computes with offsets itself needs to know the address size; otherwise the record masks it.
      const sizes: (16 | 32 | 64)[] =
        memory === "m64" ? [64] : memory === "m32" ? [32] : needsAddress(family) ? [16, 32, 64] : [64];
      for (const address of sizes) all.push({ family, width, operands, memory, stack, address });
    }
  }
  return all;
}

const needsAddress = (family: Family): boolean =>
  family.traits.string === true || /^bt[src]?$/.test(family.name);

/** Hot families get their fast variants into the loop's own jump table. */
const isHot = (v: Variant): boolean =>
  v.family.traits.hot === true &&
  v.memory !== "ms" &&
  v.stack !== "ss" &&
  v.width !== 16 &&
  !(v.width === 8 && v.memory === "m32");

const all = enumerate();
export const hotVariants: readonly Variant[] = all.filter(isHot);
export const coldVariants: readonly Variant[] = all.filter((v) => !isHot(v));

/** First number of a variant in the jump table, and of one behind the function table. */
export const FIRST_HOT = PSEUDO_COUNT;
export const FIRST_COLD = PSEUDO_COUNT + hotVariants.length;

const numbers = new Map<string, number>();
hotVariants.forEach((v, index) => numbers.set(key(v), FIRST_HOT + index));
coldVariants.forEach((v, index) => numbers.set(key(v), FIRST_COLD + index));

/** Number of the handler for a decoded instruction. Asking for one that does not exist is a defect of the decoder. */
export function handlerNumber(variant: Variant): number {
  const fast = variant.family.traits.hot === true || variant.family.traits.string === true;
  const memory = variant.memory !== "" && !fast ? "ms" : variant.memory;
  const address =
    memory === "m64"
      ? 64
      : memory === "m32"
        ? 32
        : needsAddress(variant.family) && memory !== ""
          ? variant.address
          : 64;
  const normal: Variant = { ...variant, memory, address };
  const number = numbers.get(key(normal));
  assert(number !== undefined, "no handler for", key(normal));
  return number;
}

/** The variant that has a number; undefined for those of handlers that are no instructions. */
export const variantOf = (number: number): Variant | undefined =>
  number < FIRST_COLD ? hotVariants[number - FIRST_HOT] : coldVariants[number - FIRST_COLD];

export const variantName = (v: Variant): string =>
  [v.family.name, v.width, v.operands, v.memory, v.stack, v.address === 64 ? "" : `a${v.address}`]
    .filter((part) => part !== "")
    .join("_");
