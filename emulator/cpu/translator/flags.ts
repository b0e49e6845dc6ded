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
} from "../../wasm/index.ts";

/**
 * What set the flags. "words": the two words are there. "step" operations keep CF, which is in a local of its own. Products of IMUL have the flags of their low
 * half, and CF = OF if the high half says something else.
 */
export const OPERATIONS = ["words", "logic", "add", "adc", "sub", "sbb", "inc", "dec", "product"] as const;
export type FlagOperation = (typeof OPERATIONS)[number];

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

/**
 * Writes the flag words to the CPU's state: `flagWords(recipe, a, b, r, carry, a64, b64, r64)`, the 32-bit operands for widths up to 32. Not for "words".
 */
export function flagWordsFunction(): FunctionBody {
  const f = new FunctionBuilder("flagWords", {
    params: ["i32", "i32", "i32", "i32", "i32", "i64", "i64", "i64"],
    result: "void",
  });
  const [recipe, a32, b32, r32, carry, a64, b64, r64] = f.params.map(get) as [
    Node, Node, Node, Node, Node, Node, Node, Node,
  ]; // oxfmt-ignore
  const [first] = hotVariants;
  if (first === undefined) throw new Error("no handlers");
  const v = new HandlerVocabulary(f, first, f.param(0), functionEnding);
  const arms: { label: Label; code: readonly Node[] }[] = [];
  for (const operation of OPERATIONS) {
    for (const width of [8, 16, 32, 64] as const) {
      const [a, b, r] = width === 64 ? [a64, b64, r64] : [a32, b32, r32];
      const code = f.collect(() =>
        f.scope(() => {
          if (operation === "logic") v.flagsLogic(r, width);
          else if (operation === "add" || operation === "adc") v.flagsAdd(a, b, r, width);
          else if (operation === "sub" || operation === "sbb") v.flagsSub(a, b, r, width);
          else if (operation === "product") v.flagsProduct(a, b, r, width);
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
