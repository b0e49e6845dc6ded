/**
 * What an instruction does, in a sentence; exceptions; where the manual has it.
 *
 * Invariant: a mnemonic that no table has gives nothing. Sentences are of the form that is meant: a move to a control register is no move.
 * Elsewhere: the tables (`meaning/`), forms, flags and modes (`form.ts`).
 */
import type { Form } from "./form.ts";
import { conditions, control } from "./meaning/control.ts";
import { float } from "./meaning/float.ts";
import { general } from "./meaning/general.ts";
import { integer } from "./meaning/integer.ts";
import type { Row } from "./meaning/row.ts";
import { system } from "./meaning/system.ts";
import { vector } from "./meaning/vector.ts";

export interface Meaning {
  readonly sentence: string;
  /** "MOV—Move", or "AMD: VMRUN" where only AMD's manual has it; "" where none does. */
  readonly heading: string;
  /** Besides those of memory operands; "" if there are none. */
  readonly exceptions: string;
}

let table: ReadonlyMap<string, Meaning> | null = null;

function meanings(): ReadonlyMap<string, Meaning> {
  if (table === null) {
    const made = new Map<string, Meaning>();
    for (const rows of [general, control, system, float, vector, integer]) {
      rows.forEach((row) => add(made, row));
    }
    table = made;
  }
  return table;
}

/** Names of a row stand side by side; a second word after one ("mov cr") names a kind of form. */
function add(made: Map<string, Meaning>, [names, sentence, heading, exceptions = ""]: Row): void {
  const [first = "", second = ""] = names.split(" ");
  const list = kinds.has(second) ? [`${first} ${second}`] : names.split(" ");
  for (const name of list) {
    made.set(name, { sentence, heading, exceptions });
  }
}

const kinds: ReadonlySet<string> = new Set(["cr", "dr", "sreg", "far", "string"]);

/** All mnemonics that have a sentence; conditions are spelled out. */
export function meantMnemonics(): readonly string[] {
  const names = [...meanings().keys()].map((key) => key.split(" ")[0] ?? "");
  const stems = ["j", "set", "cmov"].flatMap((stem) => [...conditions.keys()].map((one) => stem + one));
  return [...new Set([...names, ...stems])];
}

/**
 * Of the form that a statement selects, or of the only kind there is among several; where there are several kinds, of the name alone. undefined where nothing
 * is known.
 */
export function meaningOf(forms: readonly Form[], name = ""): Meaning | undefined {
  const found = new Set(forms.map((form) => meaningOfForm(form)));
  if (found.size === 1) {
    return [...found][0];
  }
  const isEither = forms.some((form) => kindOf(form) === "string");
  return isEither ? undefined : (meanings().get(commonName(forms) ?? "") ?? meanings().get(name));
}

/** Forms of several kinds under one name: what is said of the name alone. */
function commonName(forms: readonly Form[]): string | undefined {
  const names = new Set(forms.map(({ mnemonic }) => mnemonic));
  return names.size === 1 ? [...names][0] : undefined;
}

function meaningOfForm(form: Form): Meaning | undefined {
  const { mnemonic } = form;
  const kind = kindOf(form);
  return (
    (kind === undefined ? undefined : meanings().get(`${mnemonic} ${kind}`)) ??
    meanings().get(mnemonic) ??
    conditional(mnemonic) ??
    inThreeOperands(form)
  );
}

function kindOf({ operands }: Form): string | undefined {
  for (const { kind, text } of operands) {
    if (kind === "cr_reg") {
      return "cr";
    }
    if (kind === "dr_reg") {
      return "dr";
    }
    if (kind === "seg_reg" || /^[c-gs]s$|^es$/.test(kind)) {
      return "sreg";
    }
    if (kind.startsWith("farbr") || text.startsWith("m16:")) {
      return "far";
    }
    if (kind === "es_rDI" || kind === "seg_rSI") {
      return "string";
    }
  }
  return undefined;
}

const cache = new Map<string, Meaning>();

function conditional(mnemonic: string): Meaning | undefined {
  const [, stem = "", name = ""] = /^(j|set|cmov)([a-z]+)$/.exec(mnemonic) ?? [];
  const condition = conditions.get(name);
  if (condition === undefined) {
    return undefined;
  }
  return kept(mnemonic, () => {
    switch (stem) {
      case "j":
        return {
          sentence: `Jumps if ${condition}.`,
          heading: "Jcc—Jump if Condition Is Met",
          exceptions: "#GP(0) if the target is outside the code segment or not canonical",
        };
      case "set":
        return {
          sentence: `Sets the byte to 1 if ${condition}, else to 0.`,
          heading: "SETcc—Set Byte on Condition",
          exceptions: "",
        };
      default:
        return {
          sentence: `Copies the source if ${condition}; memory is read either way, and a 32-bit destination is extended with zeros either way.`,
          heading: "CMOVcc—Conditional Move",
          exceptions: "",
        };
    }
  });
}

const vectorNames: ReadonlySet<string> = new Set(
  [...vector, ...integer].flatMap(([names]) => names.split(" ")),
);

/** AVX's forms do what SSE's do, with a destination of its own; the upper part of it becomes 0. */
function inThreeOperands({ mnemonic }: Form): Meaning | undefined {
  const name = mnemonic.slice(1);
  const own = mnemonic.startsWith("v") && vectorNames.has(name) ? meanings().get(name) : undefined;
  return own
    ? kept(mnemonic, () => ({
        ...own,
        exceptions: "#UD without CR4.OSXSAVE or XCR0.AVX; #NM with CR0.TS",
      }))
    : undefined;
}

/** The same value for the same mnemonic, so that forms can be compared. */
function kept(mnemonic: string, make: () => Meaning): Meaning {
  const known = cache.get(mnemonic);
  if (known) {
    return known;
  }
  const made = make();
  cache.set(mnemonic, made);
  return made;
}
