/**
 * What a linker script says, as a tree: commands, output sections with what they hold, expressions.
 *
 * Invariant: nodes are immutable and hold every word with its place; a part that is not there in the text is absent, one that cannot be read is `missing`
 * and has an error. Macros of the C preprocessor stay calls: their bodies are seen where they are defined only.
 * Source: the ld manual, chapter "Linker Scripts".
 * Elsewhere: how it is read (`parser.ts`, `expression.ts`, `pattern.ts`), the same as lines (`line.ts`).
 */
import type { Include, Token } from "../syntax.ts";

/** A word, a number, a string or a mark with its place. No token goes over the end of a line. */
export interface Word extends Token {
  readonly line: number;
  /** Written in quotes, which `text` does not hold, but start and end do. */
  readonly isQuoted?: boolean;
}

export interface Extent {
  readonly first: Word;
  /** The last word that belongs to it. */
  readonly last: Word;
}

/** A branch of `#if` … `#endif`; two places with different branches of one condition are never both there. */
export interface Branch {
  readonly condition: number;
  readonly branch: number;
  readonly outer: Branch | null;
}

export type Expression = Extent &
  (
    | { readonly kind: "number"; readonly value: bigint }
    /** A symbol, "." or, as the argument of some functions, a section or a region. */
    | { readonly kind: "name"; readonly name: Word }
    | { readonly kind: "call"; readonly name: Word; readonly arguments: readonly Expression[] }
    | { readonly kind: "unary"; readonly operator: string; readonly operand: Expression }
    | {
        readonly kind: "binary";
        readonly operator: string;
        readonly left: Expression;
        readonly right: Expression;
      }
    | {
        readonly kind: "conditional";
        readonly test: Expression;
        readonly whenTrue: Expression;
        readonly whenFalse: Expression;
      }
    | { readonly kind: "missing" }
  );

/** Every statement: where it is, and in which branch. */
export interface Placed extends Extent {
  readonly branch: Branch | null;
}

/** ENTRY(…), OUTPUT_FORMAT(…), INPUT(…) and whatever takes words in brackets. */
export interface Command extends Placed {
  readonly kind: "command";
  readonly name: Word;
  /** Those of AS_NEEDED(…) among them. */
  readonly arguments: readonly Word[];
}

export interface IncludeCommand extends Placed {
  readonly kind: "include";
  readonly path: Word;
}

export interface Assignment extends Placed {
  readonly kind: "assignment";
  readonly modifier: Word | null;
  readonly target: Word;
  readonly operator: Word;
  readonly value: Expression;
}

export interface Assertion extends Placed {
  readonly kind: "assert";
  readonly expression: Expression;
  readonly message: Word | null;
}

/** A block in braces after a word: SECTIONS, OVERLAY's and output sections' have their own kinds. */
export interface Sections extends Placed {
  readonly kind: "sections";
  readonly body: readonly Statement[];
}

export interface Memory extends Placed {
  readonly kind: "memory";
  readonly regions: readonly Region[];
}

export interface Region extends Placed {
  readonly name: Word;
  /** As written between the brackets: "rwx", "!w". */
  readonly attributes: Word | null;
  readonly origin: Expression | null;
  readonly length: Expression | null;
}

export interface Headers extends Placed {
  readonly kind: "phdrs";
  readonly headers: readonly ProgramHeader[];
}

export interface ProgramHeader extends Placed {
  readonly name: Word;
  /** PT_LOAD, or a number. */
  readonly type: Expression | null;
  readonly hasFileHeader: boolean;
  readonly hasProgramHeaders: boolean;
  readonly at: Expression | null;
  readonly flags: Expression | null;
}

export interface OutputSection extends Placed {
  readonly kind: "section";
  readonly name: Word;
  readonly address: Expression | null;
  /** NOLOAD, DSECT, COPY, INFO, OVERLAY, READONLY, TYPE as written in the brackets. */
  readonly type: Word | null;
  /** AT(…): the address it is loaded at. */
  readonly at: Expression | null;
  readonly align: Expression | null;
  readonly subalign: Expression | null;
  readonly constraint: Word | null;
  readonly body: readonly Statement[];
  readonly region: Word | null;
  readonly loadRegion: Word | null;
  readonly headers: readonly Word[];
  readonly fill: Expression | null;
  /** One of those that an OVERLAY holds. */
  readonly isInOverlay: boolean;
}

export interface Overlay extends Placed {
  readonly kind: "overlay";
  readonly address: Expression | null;
  readonly at: Expression | null;
  readonly sections: readonly OutputSection[];
}

/** `*(.text .text.*)`, `KEEP(…)` around it, or a file's name alone. */
export interface InputSection extends Placed {
  readonly kind: "input";
  readonly file: Word | null;
  readonly isKept: boolean;
  /** INPUT_SECTION_FLAGS chooses among them. */
  readonly hasFlags: boolean;
  readonly patterns: readonly SectionPattern[];
}

export interface SectionPattern {
  /** A section's name, perhaps with wildcards; COMMON. */
  readonly name: Word;
  /** SORT and its kin around it, outermost first. */
  readonly sorts: readonly Word[];
  /** Files of EXCLUDE_FILE that hold for it. */
  readonly excluded: readonly Word[];
}

/** BYTE(1) … SQUAD(…), FILL(…). */
export interface Data extends Placed {
  readonly kind: "data";
  readonly name: Word;
  readonly value: Expression;
}

/** VERSION { … }: the names in it. */
export interface Version extends Placed {
  readonly kind: "version";
  readonly names: readonly Word[];
}

/** CONSTRUCTORS, CREATE_OBJECT_SYMBOLS, FORCE_COMMON_ALLOCATION: a word alone that ld knows. */
export interface Keyword extends Placed {
  readonly kind: "keyword";
  readonly name: Word;
}

/** What no command is: a macro of the C preprocessor, or a mistake. */
export interface Call extends Placed {
  readonly kind: "call";
  readonly name: Word;
  /** Texts between the commas. */
  readonly arguments: readonly string[];
  readonly words: readonly Word[];
}

/** `:header`, `>region` behind a macro that ends with an output section. */
export interface Tail extends Placed {
  readonly kind: "tail";
  readonly headers: readonly Word[];
  readonly region: Word | null;
  readonly loadRegion: Word | null;
}

export type Statement =
  | Command
  | IncludeCommand
  | Assignment
  | Assertion
  | Sections
  | Memory
  | Headers
  | OutputSection
  | Overlay
  | InputSection
  | Data
  | Version
  | Keyword
  | Call
  | Tail;

/** A line of the C preprocessor. */
export interface Directive {
  readonly line: number;
  /** With the lines that a backslash joined to it. */
  readonly endLine: number;
  /** Without "#". */
  readonly name: string;
  /** "#" and the name. */
  readonly start: number;
  readonly end: number;
  readonly branch: Branch | null;
}

export interface ScriptError {
  readonly line: number;
  readonly start: number;
  readonly end: number;
  readonly message: string;
}

/** A pair of braces, or of `#if` and what ends it. */
export interface Block {
  readonly opens: { readonly line: number; readonly name: string };
  readonly closes: { readonly line: number } | null;
}

export interface ScriptTree {
  readonly statements: readonly Statement[];
  readonly directives: readonly Directive[];
  readonly blocks: readonly Block[];
  readonly errors: readonly ScriptError[];
  readonly includes: readonly { readonly line: number; readonly include: Include }[];
  /** The C preprocessor reads it first. */
  readonly isPreprocessed: boolean;
}

/** What is directly inside a statement. */
export function partsOf(statement: Statement): readonly Statement[] {
  switch (statement.kind) {
    case "sections":
    case "section":
      return statement.body;
    case "overlay":
      return statement.sections;
    case "command":
    case "include":
    case "assignment":
    case "assert":
    case "memory":
    case "phdrs":
    case "input":
    case "data":
    case "version":
    case "keyword":
    case "call":
    case "tail":
      return [];
  }
}

/** A statement and all inside it, in the order they stand; `around` is the output section they are in. */
export function* allStatements(
  statements: readonly Statement[],
  around: OutputSection | null = null,
): Generator<{ readonly statement: Statement; readonly around: OutputSection | null }> {
  const open = [{ list: statements, next: 0, around }];
  for (let top = open.at(-1); top; top = open.at(-1)) {
    const statement = top.list[top.next];
    top.next += 1;
    if (!statement) {
      open.pop();
    } else {
      yield { statement, around: top.around };
      const list = partsOf(statement);
      if (list.length > 0) {
        open.push({ list, next: 0, around: statement.kind === "section" ? statement : top.around });
      }
    }
  }
}

export function* sectionsOf(tree: ScriptTree): Generator<OutputSection> {
  for (const { statement } of allStatements(tree.statements)) {
    if (statement.kind === "section") {
      yield statement;
    }
  }
}

export function regionsOf(tree: ScriptTree): readonly Region[] {
  return tree.statements.flatMap((statement) => (statement.kind === "memory" ? statement.regions : []));
}

export function headersOf(tree: ScriptTree): readonly ProgramHeader[] {
  return tree.statements.flatMap((statement) => (statement.kind === "phdrs" ? statement.headers : []));
}

/** The expressions a statement holds itself, not those of what is inside it. */
export function expressionsOf(statement: Statement): readonly Expression[] {
  const given = (...list: readonly (Expression | null)[]): readonly Expression[] =>
    list.filter((part) => part !== null);
  switch (statement.kind) {
    case "assignment":
    case "data":
      return [statement.value];
    case "assert":
      return [statement.expression];
    case "memory":
      return statement.regions.flatMap(({ origin, length }) => given(origin, length));
    case "phdrs":
      return statement.headers.flatMap(({ at, flags }) => given(at, flags));
    case "section":
      return given(statement.address, statement.at, statement.align, statement.subalign, statement.fill);
    case "overlay":
      return given(statement.address, statement.at);
    case "command":
    case "include":
    case "sections":
    case "input":
    case "version":
    case "keyword":
    case "call":
    case "tail":
      return [];
  }
}

/** An expression and all inside it. */
export function* allExpressions(expression: Expression): Generator<Expression> {
  yield expression;
  switch (expression.kind) {
    case "call":
      for (const argument of expression.arguments) {
        yield* allExpressions(argument);
      }
      return;
    case "unary":
      yield* allExpressions(expression.operand);
      return;
    case "binary":
      yield* allExpressions(expression.left);
      yield* allExpressions(expression.right);
      return;
    case "conditional":
      yield* allExpressions(expression.test);
      yield* allExpressions(expression.whenTrue);
      yield* allExpressions(expression.whenFalse);
      return;
    case "number":
    case "name":
    case "missing":
  }
}
