/**
 * What a rule is: something that is certainly wrong with boot code, where it is, why, and how to mend it.
 *
 * Invariant: a rule speaks only when it is certain. Code that it does not understand (a macro it cannot see into, a branch, an expression it cannot count)
 * makes it silent, not loud.
 */
import type { Language, Span, SyntaxFile } from "../syntax.ts";
import type { World } from "../world.ts";

export interface Rule {
  /** In kebab case: "multiboot-checksum". The name of its heading in the explanations. */
  readonly code: string;
  readonly languages: readonly Language[];
  readonly severity: "error" | "warning" | "information";
  /** One line for lists. */
  readonly title: string;
  /** Markdown: what happens on the machine, why, what to write instead, the manual's place. */
  readonly explanation: string;
  /** A null among findings is a place to pause at. */
  readonly check: (file: SyntaxFile, world: World) => Iterable<Finding | null>;
}

export interface Finding extends Span {
  readonly line: number;
  /** Says what is wrong with this very code, with its numbers. */
  readonly message: string;
  readonly fixes?: readonly Fix[];
  readonly related?: readonly Related[];
}

export interface Fix {
  /** As a menu shows it: "Change the checksum to 0xE4524FFB". */
  readonly title: string;
  readonly edits: readonly Edit[];
}

/** Replaces a part of a line of the same file; a text may hold line ends. */
export interface Edit extends Span {
  readonly line: number;
  readonly text: string;
}

/** Another place that has to do with it. */
export interface Related extends Span {
  readonly uri: string;
  readonly line: number;
  readonly message: string;
}
