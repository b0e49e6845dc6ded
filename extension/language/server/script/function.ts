/**
 * What the arguments of ld's functions name: a section, a memory region, a symbol, or nothing that is defined in a script.
 *
 * Source: the ld manual, "Builtin Functions".
 */
import type { Expression, Word } from "./tree.ts";

export type NameKind = "symbol" | "section" | "region";

const ofSections: ReadonlySet<string> = new Set(["ADDR", "LOADADDR", "SIZEOF", "ALIGNOF"]);
const ofRegions: ReadonlySet<string> = new Set(["ORIGIN", "LENGTH"]);

/** Names without brackets that are no symbols. */
const constants: ReadonlySet<string> = new Set([".", "SIZEOF_HEADERS", "sizeof_headers"]);

const known: ReadonlySet<string> = new Set([
  ...ofSections,
  ...ofRegions,
  "ABSOLUTE",
  "ALIGN",
  "ASSERT",
  "BLOCK",
  "CONSTANT",
  "DATA_SEGMENT_ALIGN",
  "DATA_SEGMENT_END",
  "DATA_SEGMENT_RELRO_END",
  "DEFINED",
  "LOG2CEIL",
  "MAX",
  "MIN",
  "NEXT",
  "SEGMENT_START",
]);

export function isFunction(name: string): boolean {
  return known.has(name);
}

/** A name in an expression that means something defined elsewhere; `isAsked` inside DEFINED, where it need not be. */
export interface Use {
  readonly kind: NameKind | "macro";
  readonly name: Word;
  readonly isAsked: boolean;
}

export function usesOf(expression: Expression, kind: NameKind = "symbol", isAsked = false): readonly Use[] {
  switch (expression.kind) {
    case "name": {
      const { name } = expression;
      return constants.has(name.text) ? [] : [{ kind, name, isAsked }];
    }
    case "call": {
      const { name, arguments: args } = expression;
      if (name.text === "CONSTANT") {
        return [];
      }
      const inner: NameKind = ofSections.has(name.text)
        ? "section"
        : ofRegions.has(name.text)
          ? "region"
          : "symbol";
      const given =
        name.text === "SEGMENT_START" ? args.slice(1) : name.text === "ASSERT" ? args.slice(0, 1) : args;
      const found = given.flatMap((argument) => usesOf(argument, inner, isAsked || name.text === "DEFINED"));
      return isFunction(name.text) ? found : [{ kind: "macro", name, isAsked }, ...found];
    }
    case "unary":
      return usesOf(expression.operand, kind, isAsked);
    case "binary":
      return [...usesOf(expression.left, kind, isAsked), ...usesOf(expression.right, kind, isAsked)];
    case "conditional":
      return [expression.test, expression.whenTrue, expression.whenFalse].flatMap((part) =>
        usesOf(part, kind, isAsked),
      );
    case "number":
    case "missing":
      return [];
  }
}
