/**
 * What features see: the files of the workspace as the server knows them now, what names mean across them, facts of what was built of them, settings.
 *
 * Invariant: features read and never change it; while a feature runs nothing else does, so that it sees one moment. Files that are open in the editor are
 * as the editor has them, the others as they were read last.
 * Elsewhere: who keeps it up to date (`workspace.ts`), the connection (`main.ts`).
 */
import type { Built } from "./built.ts";
import type { Definition, Include, Linkage, Position, Reference, SyntaxFile, Token } from "./syntax.ts";

export interface World {
  file(uri: string): SyntaxFile | undefined;
  /** Every file that is known: open ones and those of the workspace. */
  files(): Iterable<SyntaxFile>;
  readonly names: Names;
  /** Programs built of these sources, the one that is debugged first; empty where none is known. */
  readonly built: readonly Built[];
  readonly settings: Settings;
  /** All of the workspace has been read. While it is false, a name that is not found may well exist. */
  readonly isComplete: boolean;
}

/** A token with its place. */
export interface Located {
  readonly uri: string;
  readonly line: number;
  readonly token: Token;
}

export interface DefinitionAt extends Located {
  readonly definition: Definition;
  /** The call of a macro that defines it, where no definition is written out: `token` is then the argument that names it, or the macro's name. */
  readonly byCall?: string;
}

/** A name at a place: where it is defined, used, or shared with other files. */
export type Occurrence = Located &
  (
    | { readonly kind: "definition"; readonly definition: Definition }
    | { readonly kind: "reference"; readonly reference: Reference }
    | { readonly kind: "linkage"; readonly linkage: Linkage }
  );

/** The name that stands there: of NASM's local labels with their scope. */
export function nameOf(occurrence: Occurrence): string {
  switch (occurrence.kind) {
    case "definition":
      return occurrence.definition.name;
    case "reference":
      return occurrence.reference.name;
    case "linkage":
      return occurrence.linkage.token.text;
  }
}

/** What names mean: in the file, through what it includes and is included by, and across files by linkage and linker scripts. */
export interface Names {
  /** The name that stands at a place; a column at its end counts. */
  at(uri: string, position: Position): Occurrence | undefined;
  /** Where that name gets its meaning: the nearest meaning first, none where it comes from C or is not known. */
  definitionsOf(occurrence: Occurrence): readonly DefinitionAt[];
  /** Every place that means the same as it does, its definitions and itself among them; in the order of files and lines. */
  occurrencesOf(occurrence: Occurrence): readonly Occurrence[];
  /** The names that code at a place can use: the file's own, of what it includes, and those that other files share; only those `admits` lets through. */
  visibleAt(uri: string, position: Position, admits?: (name: string) => boolean): Iterable<DefinitionAt>;
  /** Definitions of exactly this name wherever they are, for those that only have a text (the name in a built program). */
  named(name: string): readonly DefinitionAt[];
  /** What a file defines for more than the place where it stands, by calls of macros too; in no order. */
  of(uri: string): Iterable<DefinitionAt>;
  /** Every name that any file defines. */
  known(): Iterable<string>;
  /** The file that an include names, where it is known. */
  included(uri: string, include: Include): string | undefined;
  /** Files that include it themselves. */
  includersOf(uri: string): readonly string[];
  /** Whether a name that the file defines is there for others: by `.globl`, by a macro that says so, because a linker script has it. */
  isShared(uri: string, name: string): boolean;
}

export interface Settings {
  /** Addresses and sizes above labels and functions. */
  readonly codeLens: boolean;
  /** Bytes of each instruction at the end of its line. */
  readonly inlayHints: boolean;
  /** `editor.tabSize`, which bytes at the ends of lines are aligned by. */
  readonly tabSize?: number;
}

export const defaultSettings: Settings = { codeLens: true, inlayHints: false };
