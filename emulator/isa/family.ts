/**
 * A mnemonic family: its forms and their common meaning. Either `meaning` emits WebAssembly in the words of `semantics/vocabulary.ts`, or
 * the family is an operation that TypeScript executes, found by name in the processor's table.
 */
import type { Vocabulary } from "../semantics/vocabulary.ts";
import { parseForm, type Form } from "./form.ts";

export type Meaning = (v: Vocabulary) => void;
export type Access = "r" | "w" | "rw" | "a";

export interface Family {
  readonly name: string;
  /** null: an operation in TypeScript. */
  readonly meaning: Meaning | null;
  /** What the meaning does with each operand; "a" only uses its address. */
  readonly access: readonly Access[];
  readonly forms: readonly Form[];
  readonly traits: FamilyTraits;
}

export interface FamilyTraits {
  /** Frequent enough to be dispatched inside the interpreter's loop. */
  readonly hot?: boolean;
  /** Changes the flow of control: ends its trace. */
  readonly ends?: boolean;
  /** Uses the stack implicitly. */
  readonly stack?: boolean;
  /** Uses rSI and rDI with the address size. */
  readonly string?: boolean;
  /** Repeats under REP: stands alone in its trace, since every iteration is an instant. */
  readonly repeats?: boolean;
}

/** A family whose meaning is emitted. `access` has one word per operand. */
export function family(
  name: string,
  access: string,
  meaning: Meaning,
  rows: readonly string[],
  traits: FamilyTraits = {},
): Family {
  const forms: Form[] = [];
  const made: Family = {
    name,
    meaning,
    access: access.split(" ").filter((word) => word !== "") as Access[],
    forms,
    traits,
  };
  for (const row of rows) forms.push(parseForm(made, row));
  return made;
}

/** A family that is executed by the TypeScript operation of the same name. It ends its trace: an operation may change anything. */
export function operation(name: string, rows: readonly string[]): Family {
  const forms: Form[] = [];
  const made: Family = { name, meaning: null, access: [], forms, traits: { ends: true } };
  for (const row of rows) forms.push(parseForm(made, row));
  return made;
}
