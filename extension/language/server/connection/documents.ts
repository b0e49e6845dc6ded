/**
 * Files that the editor has open: their versions, and what they are written in.
 *
 * Invariant: a file's language is told by its content again when the content has changed, so that an empty `boot.asm` becomes what is typed into it.
 */
import { tell, type Told } from "../dialect.ts";
import type { DocumentState } from "../protocol.ts";
import type { Language, SyntaxFile } from "../syntax.ts";
import type { Workspace } from "../workspace.ts";

interface Document {
  readonly languageId: string;
  version: number;
  told: Told;
  isTold: boolean;
}

const dialects: Readonly<Record<Language, string>> = {
  gas: "GNU as",
  nasm: "NASM",
  linkerscript: "GNU ld",
};

export class Documents {
  readonly #workspace: Workspace;
  readonly #open = new Map<string, Document>();

  constructor(workspace: Workspace) {
    this.#workspace = workspace;
  }

  open(uri: string, languageId: string, version: number, text: string): void {
    const told = tell(uri, languageId, text) ?? { language: "gas", foreign: null };
    this.#open.set(uri, { languageId, version, told, isTold: true });
    this.#workspace.open(uri, told.language, text);
  }

  changed(uri: string, version: number): void {
    const document = this.#open.get(uri);
    if (document) {
      document.version = version;
      document.isTold = false;
    }
  }

  close(uri: string): void {
    this.#open.delete(uri);
    this.#workspace.close(uri);
  }

  uris(): Iterable<string> {
    return this.#open.keys();
  }

  versionOf(uri: string): { readonly version?: number } {
    const document = this.#open.get(uri);
    return document ? { version: document.version } : {};
  }

  /** What its content says, if that has changed. */
  tellAgain(uri: string): void {
    const document = this.#open.get(uri);
    const file = this.#workspace.file(uri);
    if (!document || !file || document.isTold) {
      return;
    }
    document.isTold = true;
    document.told = tell(uri, document.languageId, textOf(file)) ?? document.told;
    if (document.told.language !== file.language) {
      this.#workspace.open(uri, document.told.language, textOf(file));
    }
  }

  /** Whether what it says to the machine is known here. */
  isKnown(uri: string): boolean {
    const document = this.#open.get(uri);
    return document !== undefined && document.told.foreign === null;
  }

  stateAt(uri: string, line: number): DocumentState | null {
    this.tellAgain(uri);
    const document = this.#open.get(uri);
    const state = this.#workspace.file(uri)?.lines[line]?.after;
    if (!document) {
      return null;
    }
    const { language, foreign } = document.told;
    const syntax =
      language === "gas" && !foreign ? (state?.dialect === "intel" ? ", Intel syntax" : ", AT&T syntax") : "";
    return {
      dialect: `${dialects[language]}${syntax}`,
      bits: state?.bits ?? null,
      foreign,
    };
  }
}

const textOf = ({ lines }: SyntaxFile): string => lines.map(({ text }) => text).join("\n");
