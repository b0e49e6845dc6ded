/**
 * What the Variables view shows: nodes with text, and containers that list nodes when they are opened. Everything a debugger shows as a tree is one
 * of these, so paging, setting and formats are done once (`store.ts`).
 */
import type { Address } from "../memory/space.ts";
import type { Format } from "../expressions/index.ts";

export interface Node {
  readonly name: string;
  readonly value: string;
  readonly type?: string | undefined;
  /** Text that evaluates to the same. */
  readonly evaluateName?: string | undefined;
  readonly memoryReference?: string | undefined;
  /** What is inside; absent for a leaf. */
  readonly children?: Container | undefined;
  /** Assigns the value of an expression; absent if it cannot be changed. Throws errors of 3xxx and 4xxx. */
  readonly assign?: ((text: string) => void) | undefined;
  /** Where it is in memory itself, for data breakpoints, and how many bytes it has there. */
  readonly place?: Address | undefined;
  readonly sizeBytes?: number | undefined;
  /** Where it was declared. */
  readonly declaration?:
    | { readonly file: string; readonly line: number; readonly column: number }
    | undefined;
  /** Where a code pointer points. */
  readonly code?: bigint | undefined;
  readonly kind?: "property" | "data" | "virtual" | undefined;
  /** Shown only when asked for, because reading it takes long or many. */
  readonly lazy?: boolean | undefined;
}

export interface Page {
  readonly filter: "named" | "indexed" | "all";
  readonly start: number;
  /** Infinity for all. */
  readonly count: number;
}

export interface Container {
  /** Numbers of children, for paging; not given: found out by listing. */
  readonly named?: number;
  readonly indexed?: number;
  list(page: Page, format: Format): readonly Node[];
}

export const EVERYTHING: Page = { filter: "all", start: 0, count: Number.POSITIVE_INFINITY };

/** A container of fixed nodes. */
export const fixed = (list: (format: Format) => readonly Node[]): Container => ({
  list: ({ start, count }, format) => list(format).slice(start, start + count),
});
