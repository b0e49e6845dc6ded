/** What the extension and its analysis worker say to each other. A worker has one question at a time. */
import type { FileAnalysisBody } from "../../media/protocol.ts";

export interface Question {
  readonly path: string;
  /** Directories that sources are looked for in. */
  readonly roots: readonly string[];
  readonly sourceMap: readonly (readonly [from: string, to: string])[];
  /** Archives that may have been linked in. */
  readonly archives: readonly string[];
}

export type Answer =
  | { readonly kind: "progress"; readonly fraction: number }
  | { readonly kind: "done"; readonly body: FileAnalysisBody; readonly text: string }
  | { readonly kind: "failed"; readonly message: string };
