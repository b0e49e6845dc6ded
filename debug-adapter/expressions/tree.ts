/**
 * The shape of a parsed expression. Offsets are columns in the text, for error messages and completions.
 *
 * Elsewhere: text to tree (`parser.ts`), tree to value (`evaluator.ts`).
 */
import type { Space } from "../memory/space.ts";

/** A type as it is written: `const struct page **`, `unsigned long`, `uint8_t[16]`. */
export interface TypeName {
  /** Words without qualifiers, blanks between them ("struct page", "unsigned long"). */
  readonly base: string;
  readonly pointers: number;
  /** Lengths of the array, outermost first. */
  readonly arrays: readonly number[];
}

export type UnaryOperator = "+" | "-" | "!" | "~" | "*" | "&";
export type BinaryOperator =
  | "*" | "/" | "%" | "+" | "-" | "<<" | ">>" | "<" | ">" | "<=" | ">=" | "==" | "!=" | "&" | "^" | "|" | "&&" | "||"; // oxfmt-ignore

export type Expression =
  | {
      readonly kind: "integer";
      readonly value: bigint;
      readonly suffix: string;
      readonly decimal: boolean;
      readonly offset: number;
    }
  | { readonly kind: "float"; readonly value: number; readonly offset: number }
  | { readonly kind: "string"; readonly value: string; readonly offset: number }
  | { readonly kind: "character"; readonly value: number; readonly offset: number }
  | { readonly kind: "name"; readonly name: string; readonly offset: number }
  | { readonly kind: "register"; readonly name: string; readonly offset: number }
  /** `v:…`, `p:…`, `r:…` */
  | { readonly kind: "space"; readonly space: Space; readonly operand: Expression; readonly offset: number }
  /** `cs:…`, `0xf000:…` */
  | {
      readonly kind: "segmented";
      readonly segment: Expression;
      readonly operand: Expression;
      readonly offset: number;
    }
  | {
      readonly kind: "unary";
      readonly operator: UnaryOperator;
      readonly operand: Expression;
      readonly offset: number;
    }
  | {
      readonly kind: "binary";
      readonly operator: BinaryOperator;
      readonly left: Expression;
      readonly right: Expression;
      readonly offset: number;
    }
  | {
      readonly kind: "conditional";
      readonly condition: Expression;
      readonly consequent: Expression;
      readonly alternative: Expression;
      readonly offset: number;
    }
  /** `operator` is null for plain `=`. */
  | {
      readonly kind: "assign";
      readonly operator: BinaryOperator | null;
      readonly target: Expression;
      readonly value: Expression;
      readonly offset: number;
    }
  | { readonly kind: "cast"; readonly type: TypeName; readonly operand: Expression; readonly offset: number }
  | { readonly kind: "sizeof"; readonly of: TypeName | Expression; readonly offset: number }
  | { readonly kind: "index"; readonly base: Expression; readonly index: Expression; readonly offset: number }
  | {
      readonly kind: "member";
      readonly base: Expression;
      readonly name: string;
      readonly arrow: boolean;
      readonly offset: number;
    };

/** What follows the last comma: `,x` `,10` `,10x`. */
export interface Format {
  /** x hexadecimal, d decimal, u unsigned, o octal, b binary, c character, s string, f float, p pointer, h without a prefix */
  readonly letter: "x" | "d" | "u" | "o" | "b" | "c" | "s" | "f" | "p" | "h" | null;
  /** Number of elements to show from a pointer or an array. */
  readonly count: number | null;
}

export interface Parsed {
  readonly expression: Expression;
  readonly format: Format;
}
