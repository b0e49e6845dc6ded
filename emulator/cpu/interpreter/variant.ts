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

/** One letter for each thing that an operand can be. */
const letters = (operand: Operand): string => {
  switch (operand.kind) {
    case "rm":
      return "rm";
    case "m":
    case "moffs":
      return "m";
    case "imm":
    case "rel":
      return "i";
    case "one":
      return "1";
    case "xmm1":
    case "xmm2":
      return "x";
    case "xmm2/m":
      return "xm";
    case "mm1":
    case "mm2":
      return "y";
    case "mm2/m":
      return "ym";
    case "a":
    case "c":
    case "r":
    case "o":
    case "far":
    case "si":
    case "di":
      return "r";
    case "sreg":
    case "osreg":
    case "creg":
      return "s";
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

/** What the operands of a form can be together. */
function shapesOf(form: Form): readonly string[] {
  let shapes = [""];
  for (const operand of form.operands) {
    const longer: string[] = [];
    for (const shape of shapes)
      for (const letter of letters(operand))
        if (letter !== "m" || !form.traits.has("nomem")) longer.push(shape + letter);
    shapes = longer;
  }
  return shapes;
}

/** A family that repeats another has its forms. */
function formsOf(family: Family): readonly Form[] {
  const repeated = /^(?:rep|repe|repne)_(.*)$/.exec(family.name)?.[1];
  return repeated === undefined
    ? family.forms
    : (families.find(({ name }) => name === repeated)?.forms ?? []);
}

/** The variants of a family, each once. */
function variantsOf(family: Family): readonly Variant[] {
  const variants: Variant[] = [];
  if (family.meaning === null) return variants;
  const seen = new Set<string>();
  for (const form of formsOf(family)) {
    const shapes = shapesOf(form);
    for (const width of widthsOf(form)) {
      for (const operands of shapes) {
        const shape = `${width}.${operands}`;
        if (seen.has(shape)) continue;
        seen.add(shape);
        addVariants(variants, family, width, operands);
      }
    }
  }
  return variants;
}

/** Adds a variant for each way in which memory and the stack can be addressed. */
function addVariants(variants: Variant[], family: Family, width: Width, operands: string): void {
  const usesMemory = operands.includes("m") || family.traits.string === true;
  const fast = family.traits.hot === true || family.traits.string === true;
  const memories: readonly MemoryKind[] = !usesMemory ? MEMORY.none : fast ? MEMORY.any : MEMORY.slow;
  const stacks: readonly StackKind[] = family.traits.stack === true ? STACK.any : STACK.none;
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
      const sizes =
        memory === "m64"
          ? ADDRESS.long
          : memory === "m32"
            ? ADDRESS.protected
            : needsAddress(family)
              ? ADDRESS.any
              : ADDRESS.long;
      for (const address of sizes) variants.push({ family, width, operands, memory, stack, address });
    }
  }
}

const MEMORY = { none: [""], slow: ["ms"], any: ["m64", "m32", "ms"] } as const;
const STACK = { none: [""], any: ["s64", "s32", "ss"] } as const;
const ADDRESS = { long: [64], protected: [32], any: [16, 32, 64] } as const;

const needsAddress = (family: Family): boolean =>
  family.traits.string === true || BIT_TESTS.includes(family.name);
const BIT_TESTS = ["bt", "bts", "btr", "btc"];

/** Hot families get their fast variants into the loop's own jump table. */
const isHot = (v: Variant): boolean =>
  v.family.traits.hot === true &&
  v.memory !== "ms" &&
  v.stack !== "ss" &&
  v.width !== 16 &&
  !(v.width === 8 && v.memory === "m32");

const byFamily = new Map(families.map((family) => [family, variantsOf(family)]));
const all = families.flatMap((family) => byFamily.get(family)!);
export const hotVariants: readonly Variant[] = all.filter(isHot);
export const coldVariants: readonly Variant[] = all.filter((v) => !isHot(v));

/** First number of a variant in the jump table, and of one behind the function table. */
export const FIRST_HOT = PSEUDO_COUNT;
export const FIRST_COLD = PSEUDO_COUNT + hotVariants.length;

const numbers = new Map<Variant, number>();
hotVariants.forEach((v, index) => numbers.set(v, FIRST_HOT + index));
coldVariants.forEach((v, index) => numbers.set(v, FIRST_COLD + index));

/** Number of the handler for a decoded instruction. Asking for one that does not exist is a defect of the decoder. */
export function handlerNumber(wanted: Variant): number {
  const { family, width, operands, stack } = wanted;
  const fast = family.traits.hot === true || family.traits.string === true;
  const memory = wanted.memory !== "" && !fast ? "ms" : wanted.memory;
  const address =
    memory === "m64"
      ? 64
      : memory === "m32"
        ? 32
        : needsAddress(family) && memory !== ""
          ? wanted.address
          : 64;
  const variant = byFamily
    .get(family)
    ?.find(
      (v) =>
        v.width === width &&
        v.operands === operands &&
        v.memory === memory &&
        v.stack === stack &&
        v.address === address,
    );
  assert(variant !== undefined, "no handler for", variantName({ ...wanted, memory, address }));
  return numbers.get(variant)!;
}

/** The variant that has a number; undefined for those of handlers that are no instructions. */
export const variantOf = (number: number): Variant | undefined =>
  number < FIRST_COLD ? hotVariants[number - FIRST_HOT] : coldVariants[number - FIRST_COLD];

export const variantName = (v: Variant): string =>
  [v.family.name, v.width, v.operands, v.memory, v.stack, v.address === 64 ? "" : `a${v.address}`]
    .filter((part) => part !== "")
    .join("_");
