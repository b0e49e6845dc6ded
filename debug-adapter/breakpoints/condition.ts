/** When a breakpoint that is reached counts: hit counts, and the text of log points. */
import { badAttribute } from "../errors.ts";

export interface HitCondition {
  readonly operator: "==" | "!=" | ">" | ">=" | "<" | "<=" | "%";
  readonly count: number;
}

/** "5" and ">= 5" stop from the fifth hit on, "== 5" at the fifth, "% 5" at every fifth. Throws `badAttribute`. */
export function parseHitCondition(text: string | undefined): HitCondition | null {
  if (text === undefined || text.trim() === "") return null;
  const match = /^\s*(==?|!=|>=?|<=?|%)?\s*(\d+|0x[0-9a-fA-F]+)\s*$/.exec(text);
  if (match === null)
    throw badAttribute("hit count", 'a number with an optional operator, such as "5", "> 5" or "% 5"', text);
  const operator =
    match[1] === undefined ? ">=" : match[1] === "=" ? "==" : (match[1] as HitCondition["operator"]);
  const count = Number(match[2]);
  if (operator === "%" && count === 0) throw badAttribute("hit count", "a multiple of at least 1", text);
  return { operator, count };
}

/** Whether hit number `hits` (from 1) counts. */
export function isHit({ operator, count }: HitCondition, hits: number): boolean {
  switch (operator) {
    case "==":
      return hits === count;
    case "!=":
      return hits !== count;
    case ">":
      return hits > count;
    case ">=":
      return hits >= count;
    case "<":
      return hits < count;
    case "<=":
      return hits <= count;
    case "%":
      return hits % count === 0;
  }
}

/** A log message with each `{expression}` replaced; `{{` and `}}` are braces. */
export function interpolate(message: string, evaluate: (expression: string) => string): string {
  return message.replace(/\{\{|\}\}|\{([^{}]*)\}/g, (found, expression: string | undefined) => {
    if (expression === undefined) return found[0]!;
    return evaluate(expression);
  });
}
