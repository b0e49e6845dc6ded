/**
 * What an entry of the manual is: a word of linker scripts, how it is written, what it does, and where the ld manual says so.
 *
 * Elsewhere: the tables (`commands.ts`, `functions.ts`), looking up (`index.ts`).
 */

/**
 * Where a word can stand: at the top of a script, in SECTIONS, in an output section, in MEMORY, in PHDRS; between ":" and "{" of an output section (`head`), in
 * the brackets before its colon (`type`), behind a program header's type (`header`), in the brackets of `*(…)` (`pattern`), in an expression.
 */
export type Place =
  | "script"
  | "sections"
  | "section"
  | "memory"
  | "phdrs"
  | "head"
  | "type"
  | "header"
  | "pattern"
  | "expression";

export interface Entry {
  readonly name: string;
  readonly places: readonly Place[];
  /** As it is written: "ENTRY(symbol)". */
  readonly form: string;
  readonly text: string;
  /** The node of the ld manual. */
  readonly section: string;
  /** What completion inserts, in the protocol's snippet syntax, where it is more than the name. */
  readonly snippet?: string;
}

/** Words for the places above, the first letters that tell them apart. */
const letters: Readonly<Record<string, Place>> = {
  f: "script",
  S: "sections",
  o: "section",
  m: "memory",
  p: "phdrs",
  h: "head",
  t: "type",
  H: "header",
  i: "pattern",
  e: "expression",
};

export type Row = readonly [
  name: string,
  places: string,
  form: string,
  section: string,
  text: string,
  snippet?: string,
];

export function entriesOf(rows: readonly Row[]): readonly Entry[] {
  return rows.map(([name, places, form, section, text, snippet]) => ({
    name,
    places: places.split("").flatMap((letter) => letters[letter] ?? []),
    form,
    section,
    text,
    ...(snippet === undefined ? {} : { snippet }),
  }));
}
