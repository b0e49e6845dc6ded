/**
 * One instruction as the stack analysis sees it: what it does to general registers and to the stack pointer, what memory it touches, where it goes.
 *
 * Invariant: a register that an instruction may change in a way that `action` does not say is in `clobbers`.
 * Elsewhere: making one of bytes (`instruction.ts`), what it means for a frame (`frame.ts`).
 */

export type Bits = 32 | 64;

/** General registers by their number in encodings. */
export const RSP = 4;
export const RBP = 5;
/** No register: an operand without base or index, a push of something that is no register. */
export const NONE = -1;
/** An operand relative to RIP; its displacement is the address, relative to the function's lowest. */
export const RIP = -2;

/** An explicit memory operand. Segments with a base of their own (FS, GS) are not the stack's and are left out. */
export interface Operand {
  readonly base: number;
  readonly index: number;
  readonly scale: number;
  readonly displacement: number;
  /** 0 if it is not known. */
  readonly sizeBytes: number;
  readonly reads: boolean;
  readonly writes: boolean;
  /** Repeated or walking (string instructions): begins there, ends elsewhere. */
  readonly isOpen: boolean;
}

/** What an instruction does to registers, where the analysis can follow it. */
export type Action =
  | { readonly kind: "none" }
  /** to = from + add; `flags` tell of the result. */
  | {
      readonly kind: "move";
      readonly to: number;
      readonly from: number;
      readonly add: number;
      readonly flags?: true;
    }
  /** to = from + add + something */
  | { readonly kind: "derive"; readonly to: number; readonly from: number; readonly add: number }
  /** to = to + from */
  | { readonly kind: "sum"; readonly to: number; readonly from: number }
  /** to = to - from */
  | { readonly kind: "difference"; readonly to: number; readonly from: number }
  /** to = to & -bytes */
  | { readonly kind: "align"; readonly to: number; readonly bytes: number }
  | { readonly kind: "constant"; readonly to: number; readonly value: bigint }
  /** to = the address of its operand, which is RIP-relative. */
  | { readonly kind: "address"; readonly to: number; readonly at: number }
  /** to = the operand in memory; `isWhole` if that is as wide as a register, else it was extended. */
  | { readonly kind: "load"; readonly to: number; readonly isWhole: boolean }
  /** to = itself, sign-extended: what is known of a table's entry stays. */
  | { readonly kind: "extend"; readonly to: number; readonly from: number }
  | { readonly kind: "store"; readonly from: number }
  /** The operand in memory, as wide as a register, plus a number. */
  | { readonly kind: "adjust"; readonly add: number }
  | { readonly kind: "push"; readonly from: number; readonly bytes: number }
  | { readonly kind: "pop"; readonly to: number; readonly bytes: number }
  | { readonly kind: "leave" }
  | { readonly kind: "enter"; readonly bytes: number }
  /** Goes to where a register points. */
  | { readonly kind: "go"; readonly to: number }
  /** The flags of `left` compared with a register, or with a number. */
  | {
      readonly kind: "compare";
      readonly left: number;
      readonly right: number;
      readonly value: number | null;
      /** Only the lower halves are compared. */
      readonly isHalf: boolean;
    };

export type Flow =
  | "next"
  | "branch"
  | "conditional"
  | "call"
  | "indirect-call"
  | "indirect-branch"
  | "return"
  | "stop"
  | "bad";

/** A condition that says something about the operands of the comparison before it. */
export type Condition =
  | "equal"
  | "not-equal"
  | "above"
  | "above-or-equal"
  | "below"
  | "below-or-equal"
  | "greater"
  | "greater-or-equal"
  | "less"
  | "less-or-equal"
  | "sign"
  | "not-sign";

export interface Step {
  /** From the function's lowest address, in bytes; so is `target`. */
  readonly at: number;
  readonly length: number;
  readonly flow: Flow;
  readonly target: number | null;
  readonly condition: Condition | null;
  readonly action: Action;
  readonly operands: readonly Operand[];
  /** Bit n: register n has an unknown value afterwards. */
  readonly clobbers: number;
  /** May be interrupted between its parts and resumed. */
  readonly isRepeated: boolean;
}
