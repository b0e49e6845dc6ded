/**
 * Flags that are not computed yet: what the last instruction that set them did, in locals of the region. The words that the rest of the processor knows are made
 * of it when a region is left, or when somebody asks for a flag whose origin is not known in that place.
 *
 * A recipe's number, in a local at run time, is operation × 4 + log2(width / 8).
 */
import { HandlerVocabulary, functionEnding } from "../interpreter/handler.ts";
import { hotVariants } from "../interpreter/variant.ts";
import type { Width } from "../../semantics/vocabulary.ts";
import {
  FunctionBuilder,
  block,
  get,
  i32,
  i64,
  label,
  op,
  ret,
  type FunctionBody,
  type Label,
  type Node,
  type Signature,
} from "../../wasm/index.ts";

/**
 * What set the flags, and what of it is kept as `(a, r, carry)`; a region reads all of it wherever it is left, so every value less is a register more.
 *
 * - "words": the two flag words are `r` and `carry`.
 * - "logic": the result `r`.
 * - "add", "sub": the first operand and the result; the second is their difference.
 * - "adc", "sbb": the same, and the carry that came in.
 * - "inc", "dec" keep CF: the result, and CF.
 * - "product" of IMUL has the flags of its low half, and CF = OF if the high half says something else: the factors `a` and `r`.
 */
export const OPERATIONS = ["words", "logic", "add", "adc", "sub", "sbb", "inc", "dec", "product"] as const;
export type FlagOperation = (typeof OPERATIONS)[number];

export const FLAG_WORDS: Signature = { params: ["i32", "i64", "i64", "i32"], result: "void" };

export interface Recipe {
  readonly operation: FlagOperation;
  readonly width: Width;
}

/** The words are there; their width does not matter. */
export const WORDS: Recipe = { operation: "words", width: 8 };

export const recipeNumber = ({ operation, width }: Recipe): number =>
  OPERATIONS.indexOf(operation) * 4 + Math.log2(width / 8);
/** First recipe that keeps CF in the local for it, and one behind the last. */
export const FIRST_STEP = OPERATIONS.indexOf("inc") * 4;
export const END_STEP = FIRST_STEP + 8;

/** Writes the flag words to the CPU's state: `flagWords(recipe, a, r, carry)`. Not for "words". */
export function flagWordsFunction(): FunctionBody {
  const f = new FunctionBuilder("flagWords", FLAG_WORDS);
  const [recipe, a64, r64, carry] = f.params.map(get) as [Node, Node, Node, Node];
  const [first] = hotVariants;
  if (first === undefined) throw new Error("no handlers");
  const v = new HandlerVocabulary(f, first, f.param(0), functionEnding);
  const arms: { label: Label; code: readonly Node[] }[] = [];
  for (const operation of OPERATIONS) {
    for (const width of [8, 16, 32, 64] as const) {
      const [a, r] = width === 64 ? [a64, r64] : [op("i32.wrap_i64", a64), op("i32.wrap_i64", r64)];
      const code = f.collect(() =>
        f.scope(() => {
          // The second operand, as far as the width goes.
          const second = (difference: Node): Node => v.let(v.zext(difference, width));
          const carried = width === 64 ? op("i64.extend_i32_u", carry) : carry;
          if (operation === "logic") v.flagsLogic(r, width);
          else if (operation === "add") v.flagsAdd(a, second(v.sub(r, a)), r, width);
          else if (operation === "adc") v.flagsAdd(a, second(v.sub(v.sub(r, a), carried)), r, width);
          else if (operation === "sub") v.flagsSub(a, second(v.sub(a, r)), r, width);
          else if (operation === "sbb") v.flagsSub(a, second(v.sub(v.sub(a, r), carried)), r, width);
          else if (operation === "product") v.flagsProduct(a, r, v.let(v.mul(a, r)), width);
          else if (operation !== "words") {
            const one = v.k(1, width);
            const before = v.let(operation === "inc" ? v.sub(r, one) : v.add(r, one));
            v.setFlagWords(null, v.shl(carry, i32(31)));
            v.flagsStep(before, r, operation, width);
          }
          f.emit(ret());
        }),
      );
      arms.push({ label: label(`${operation}${width}`), code });
    }
  }
  const inner = label("recipe");
  const [words] = arms;
  if (words === undefined) throw new Error("no recipes");
  let body: readonly Node[] = [
    {
      kind: "br_table",
      type: "void",
      index: recipe,
      labels: arms.map((arm) => arm.label),
      default: words.label,
    },
  ];
  body = [block(inner, body)];
  for (const arm of arms) body = [block(arm.label, body), ...arm.code];
  f.emit(...body);
  return { ...f.finish(), exported: true };
}

/** Sign of a value of `width` bits: −1 or 0 as i32. */
export const isNegative = (value: Node): Node =>
  value.type === "i64" ? op("i64.lt_s", value, i64(0n)) : op("i32.lt_s", value, i32(0));
