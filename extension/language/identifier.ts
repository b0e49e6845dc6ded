/** Languages of documents that the server takes: our own, and those by which other extensions know assembly. */
import type { TextDocument } from "vscode";

export const languageIds = [
  "gas",
  "nasm",
  "linkerscript",
  "asm",
  "assembly",
  "asm-intel-x86-generic",
  "asm-collection",
  "gnu-as",
  "x86asm",
] as const;

const known: ReadonlySet<string> = new Set(languageIds);

export function isOurs({ languageId }: TextDocument): boolean {
  return known.has(languageId);
}
