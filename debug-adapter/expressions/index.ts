/**
 * Expressions: from text, over the names of a frame, to values and back to text. This file is the folder's boundary.
 *
 * Knows no DAP; what a name means is asked through `Names`.
 */
import { evaluate, type EvaluateOptions } from "./evaluator.ts";
import type { Names } from "./names.ts";
import { parse } from "./parser.ts";
import type { Format, Parsed } from "./tree.ts";
import { isBuiltinType } from "./type.ts";
import type { Value } from "./value.ts";

export { isTrue } from "./arithmetic.ts";
export { registerType, type EvaluateOptions } from "./evaluator.ts";
export type { Names } from "./names.ts";
export { pointerValue, reference } from "./pointer.ts";
export { childCount, children, formatInteger, formatValue, hex, type Child } from "./format.ts";
export { parse, parseFormat } from "./parser.ts";
export type { Expression, Format, Parsed } from "./tree.ts";
export { arrayOf, bare, isBuiltinType, numeric, UNSIGNED_LONG } from "./type.ts";
export {
  assign,
  computed,
  converted,
  extendedToNumber,
  floatValue,
  integerValue,
  memoryValue,
  numberToExtended,
  toFloat,
  toInteger,
  type Place,
  type Value,
} from "./value.ts";

/** Parses and evaluates. Throws errors of 3xxx and 4xxx. */
export function evaluateText(
  text: string,
  names: Names,
  options: EvaluateOptions,
): { readonly value: Value; readonly format: Format } {
  const { expression, format } = parse(text, (word) => isType(word, names));
  return { value: evaluate(expression, names, options), format };
}

/**
 * An expression that is evaluated again and again, such as the condition of a breakpoint in a loop: it is parsed once, and again only when one of the words
 * that could be types means something else than before.
 */
export class Prepared {
  readonly text: string;
  #parsed: Parsed | null = null;
  /** What the parser asked, and the answers. */
  readonly #words = new Map<string, boolean>();

  constructor(text: string) {
    this.text = text;
  }

  /** Throws errors of 3xxx and 4xxx. */
  evaluate(names: Names, options: EvaluateOptions): { readonly value: Value; readonly format: Format } {
    let parsed = this.#parsed;
    if (parsed === null || [...this.#words].some(([word, answer]) => isType(word, names) !== answer)) {
      this.#words.clear();
      parsed = parse(this.text, (word) => {
        const answer = isType(word, names);
        this.#words.set(word, answer);
        return answer;
      });
      this.#parsed = parsed;
    }
    return { value: evaluate(parsed.expression, names, options), format: parsed.format };
  }
}

/** Whether `(word)` is a cast: a variable of that name comes first, as inner names do in C. */
function isType(word: string, names: Names): boolean {
  return isBuiltinType(word) || (!names.isVariable(word) && names.type(word) !== null);
}
