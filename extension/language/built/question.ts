/** What the extension and the worker that reads built programs say to each other. */
import type { BuiltUpdate } from "../server/built.ts";
import type { Language } from "../server/syntax.ts";

export interface Target {
  readonly path: string;
  /** When the file was written, in milliseconds since 1970. */
  readonly modified: number;
  /** Directories that sources are looked for in. */
  readonly roots: readonly string[];
  readonly sourceMap: readonly (readonly [from: string, to: string])[];
}

export interface LinesQuestion {
  readonly uri: string;
  readonly path: string;
  readonly language: Language;
  /** As it is on the disk, where what was built of it is. */
  readonly text: string;
  readonly modified: number;
}

/** Everything about the program anew, or lines of more files of it. */
export interface Question {
  readonly id: number;
  readonly target: Target;
  readonly isNew: boolean;
  readonly files: readonly LinesQuestion[];
}

export type Answer =
  | { readonly kind: "update"; readonly id: number; readonly update: BuiltUpdate }
  /** Nothing more comes for this question. */
  | { readonly kind: "done"; readonly id: number }
  /** No program: a bzImage, a disk, damage. */
  | { readonly kind: "failed"; readonly id: number; readonly message: string };
