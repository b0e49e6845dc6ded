/**
 * A mnemonic family: its forms and their common meaning. Either `meaning` emits WebAssembly in the words of `semantics/vocabulary.ts`, or
 * the family is an operation that TypeScript executes, found by name in the processor's table.
 */
import { parseForm, type Access, type Family, type FamilyTraits, type Form, type Meaning } from "./form.ts";

export type { Family, Meaning } from "./form.ts";

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
