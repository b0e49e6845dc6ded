/**
 * What the analysis knows of a register: a place on the stack, a number, an entry of a jump table, or nothing.
 *
 * A place on the stack is relative to a *base*. Base 0 is RSP as the function was entered with; wherever RSP becomes something that is not a known
 * distance from what it was (alignment, `alloca`, another stack, paths that disagree) a new base begins there. So RSP always is exact relative to
 * some base, and two places can be compared if their base is the same: else nothing is said, and never a guess made.
 */

/** RSP at the function's entry. */
export const ENTRY = 0;

export interface StackPlace {
  readonly kind: "stack";
  readonly base: number;
  /** In bytes from the base, negative downwards. */
  readonly offset: number;
  /** False: somewhere in the object that begins, or whose walk began, at `offset`. */
  readonly isExact: boolean;
}

export type Value =
  | StackPlace
  | { readonly kind: "constant"; readonly value: bigint }
  /** An entry of the table at an address; `relativeTo` is what has been added to it. */
  | {
      readonly kind: "entry";
      readonly table: bigint;
      readonly bytes: 4 | 8;
      readonly relativeTo: bigint | null;
    }
  | null;

export const place = (base: number, offset: number, isExact = true): StackPlace => ({
  kind: "stack",
  base,
  offset,
  isExact,
});

/** A value plus a number. A pointer that wanders goes on belonging to where it began. */
export function plus(value: Value, add: number): Value {
  if (value === null || add === 0) return value;
  switch (value.kind) {
    case "stack":
      return value.isExact ? place(value.base, value.offset + add) : value;
    case "constant":
      return { kind: "constant", value: BigInt.asUintN(64, value.value + BigInt(add)) };
    case "entry":
      return null;
  }
}

/** A value plus a number that is not known. */
export const derived = (value: Value): Value =>
  value?.kind === "stack" ? place(value.base, value.offset, false) : null;

export function same(a: Value, b: Value): boolean {
  if (a === b) return true;
  if (a === null || b === null) return false;
  switch (a.kind) {
    case "stack":
      return b.kind === "stack" && a.base === b.base && a.offset === b.offset && a.isExact === b.isExact;
    case "constant":
      return b.kind === "constant" && a.value === b.value;
    case "entry":
      return (
        b.kind === "entry" && a.table === b.table && a.bytes === b.bytes && a.relativeTo === b.relativeTo
      );
  }
}

/** What is known where two paths meet. */
export function join(a: Value, b: Value): Value {
  if (same(a, b)) return a;
  if (a?.kind !== "stack" || b?.kind !== "stack" || a.base !== b.base) return null;
  return place(a.base, Math.min(a.offset, b.offset), false);
}
