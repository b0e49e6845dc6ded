/**
 * What the parsers make of a file, and all other parts of the server work on: assembly and linker scripts in one shape.
 *
 * Invariant: values are immutable. A line knows nothing of its number, so that lines around a change stay what they were; whoever needs a place in the
 * file adds the line's number. Columns count UTF-16 units from the start of the line, as the Language Server Protocol does. A parser never fails: what it
 * cannot read is an `unknown` part with an error.
 * Elsewhere: the parsers (`gas/`, `nasm/`, `script/`), what names mean across files (`index/`).
 */

export type Language = "gas" | "nasm" | "linkerscript";

/** From a column up to, not including, another. */
export interface Span {
  readonly start: number;
  readonly end: number;
}

export interface Token extends Span {
  readonly text: string;
}

/** Width of code in bits as `.code16`, `.code32`, `.code64`, `bits N` set it; null where nothing has said so. */
export type Bits = 16 | 32 | 64 | null;

/** What the lines before have left: two equal states make equal lines of equal text. */
export interface LineState {
  readonly bits: Bits;
  /** GNU as: AT&T or Intel; NASM is always "intel". */
  readonly dialect: "att" | "intel";
  /** Inside a comment that goes over several lines. */
  readonly inComment: boolean;
  /** Macros being defined, outermost first: their bodies are templates, not code. */
  readonly macros: readonly string[];
  /** Section by the last directive that changed it; "" before the first. */
  readonly section: string;
  /** The last label that local labels of NASM (".loop") belong to; "" if there is none. */
  readonly scope: string;
  /** GNU as: the C preprocessor reads the file first (`.S`), so that `#if` at the start of a line is no comment and "\\" at its end continues it. */
  readonly isPreprocessed: boolean;
  /** What the line goes on with, where the one before ended in "\\": the body of a `#define`, operands of a statement; or where brackets of a call are open. */
  readonly continues: Continuation | null;
  /** `.previous` goes to the first, `.popsection` to the last pushed of these. */
  readonly sections: readonly string[];
  readonly previous: string;
  /** Conditional parts the line is in, outermost first. */
  readonly conditions: readonly Condition[];
}

export interface Continuation {
  readonly kind: "define" | "directive" | "operands" | "brackets";
  /** The macro being defined, the directive or the mnemonic. */
  readonly name: string;
  readonly parameters: readonly string[];
  /** Brackets still open in the call of a `#define`; 0 otherwise. */
  readonly depth: number;
}

/** `#if`, `.if`, `%if`: every branch starts from what was before; where the branches leave different widths, none is known behind them. */
export interface Condition {
  readonly bits: Bits;
  readonly section: string;
  readonly macros: readonly string[];
  /** Widths at the ends of the branches so far. */
  readonly ends: readonly Bits[];
  readonly hasElse: boolean;
}

export type SymbolKind =
  | "label"
  | "local"
  | "numeric"
  | "constant"
  | "macro"
  | "parameter"
  | "section"
  | "segment"
  | "define"
  | "structure"
  | "field";

/** A name where it gets its meaning. */
export interface Definition {
  readonly kind: SymbolKind;
  /** As others refer to it: NASM's local labels with their scope ("start.loop"). */
  readonly name: string;
  readonly token: Token;
  /** The value's text, of constants and single-line macros. */
  readonly value?: string;
  /** Names of a macro's parameters. */
  readonly parameters?: readonly string[];
  /** What stands behind it says so: `.globl`, `global`, PROVIDE … are `Linkage`, these are of the definition itself. */
  readonly isWeak?: boolean;
}

/** A name where it is used. */
export interface Reference {
  readonly name: string;
  readonly token: Token;
  /** Numeric local labels: 1f, 1b. */
  readonly direction?: "forward" | "backward";
  /** Called like a macro or an instruction: it may be either. */
  readonly isMnemonic?: boolean;
  /** Among a macro's arguments or the values of `.irp`: a name, or only text. Not found, it is no mistake. */
  readonly isArgument?: boolean;
  readonly isWritten?: boolean;
  /** Linker scripts: the place asks for a section, a memory region or a program header, not for a symbol. */
  readonly isSection?: boolean;
}

/**
 * What a call of a macro leaves, as one line of the macro's body says: labels, constants, global names, calls of other macros. Parameters stand in the
 * texts as "\\name" (GNU as and `#define`) or "%1" (NASM).
 */
export interface Template {
  readonly kind: "label" | "constant" | "global" | "call";
  /** The macro (innermost) whose body the line is part of. */
  readonly macro: string;
  readonly name: string;
  readonly arguments: readonly string[];
}

/** `.globl name`, `global name`, `extern name`, `.weak name`: what a file says of names that it shares. */
export interface Linkage {
  readonly kind: "global" | "extern" | "weak" | "hidden" | "common";
  readonly token: Token;
}

export interface Include {
  readonly path: Token;
  /** `#include <…>`, `INCLUDE` and `%include` search the include folders; `#include "…"` the file's own first. */
  readonly isSystem: boolean;
  /** `.incbin`, `incbin`: bytes, not text. */
  readonly isBinary: boolean;
}

export type OperandKind =
  | "register"
  | "immediate"
  | "memory"
  | "target"
  | "string"
  | "expression"
  | "unknown";

export interface Operand extends Span {
  readonly kind: OperandKind;
  readonly text: string;
  /** Registers in it, lower case and without "%": of memory segment, base and index in the order they stand. */
  readonly registers: readonly Token[];
  /** Value, where it is a number written out. */
  readonly value?: bigint;
  /** Memory: scale, displacement's text, `byte`/`dword ptr` … in bits. */
  readonly scale?: 1 | 2 | 4 | 8;
  readonly displacement?: string;
  readonly sizeBits?: number;
  /** AT&T's "*": the target of an indirect jump or call. */
  readonly isIndirect?: boolean;
}

/** One statement. A line may have several (`;` in GNU as), with labels before each. */
export type Statement = Span &
  (
    | {
        readonly kind: "instruction";
        /** Prefixes that are written as words: rep, lock, data16, es … */
        readonly prefixes: readonly Token[];
        readonly mnemonic: Token;
        readonly operands: readonly Operand[];
      }
    | {
        readonly kind: "directive";
        /** As it is written, in lower case: ".globl", "section", "%define", "#include", "SECTIONS". */
        readonly name: Token;
        readonly operands: readonly Operand[];
      }
    | { readonly kind: "assignment"; readonly name: Token; readonly operands: readonly Operand[] }
    /** A name at the beginning that is neither an instruction nor a directive the parser knows: a macro, if there is one. */
    | { readonly kind: "call"; readonly name: Token; readonly operands: readonly Operand[] }
    | { readonly kind: "unknown" }
  );

export type InstructionStatement = Extract<Statement, { kind: "instruction" }>;

export interface SyntaxError extends Span {
  readonly message: string;
}

/** One line of assembly. */
export interface Line {
  readonly text: string;
  readonly before: LineState;
  readonly after: LineState;
  readonly statements: readonly Statement[];
  readonly comments: readonly Span[];
  readonly definitions: readonly Definition[];
  readonly references: readonly Reference[];
  /** Names in `linkage` are not repeated in `references`. */
  readonly linkage: readonly Linkage[];
  /** In bodies of macros only; `template.ts` expands calls. There `definitions` hold patterns ("\\name", "%1"), which define nothing by themselves. */
  readonly templates: readonly Template[];
  readonly includes: readonly Include[];
  readonly errors: readonly SyntaxError[];
  /** Begins or ends a part that can be folded: `.macro`, `.rept`, `.if`, `%if`, `struc`, `#if`, "{" … with what ends what.
   * What opens is named as it is written, what closes names what may have opened it: `.endr` closes ".rept" (`.irp` and `.irpc` open as ".rept"), `#else` closes and opens "#if". */
  readonly fold?: { readonly opens?: string; readonly closes?: string };
}

/** A file. Linker scripts, whose statements go over lines, are also divided into lines, and have a tree besides (`script/tree.ts`). */
export interface SyntaxFile {
  readonly uri: string;
  readonly language: Language;
  readonly lines: readonly Line[];
}

export interface Position {
  readonly line: number;
  readonly column: number;
}

/** A change of a document as the protocol reports it: lines `from` … `to` (not included) became `lines`. */
export interface LineChange {
  readonly from: number;
  readonly to: number;
  readonly lines: readonly string[];
}
