/**
 * Diagnostics of open files, sent when nothing was typed for a short while.
 *
 * They are pushed, not pulled: only the server knows when another file, the end of the index or a new build has changed what is true of a file. A file that was
 * changed is looked at first, the other open ones, whose names may have gone, a moment later.
 */
import type { Diagnostic } from "vscode-languageserver-types";
import { inSlices } from "./slice.ts";

/** After the last change of the file itself, and of something else. */
const OWN_MILLISECONDS = 150;
const OTHER_MILLISECONDS = 1000;

export interface DiagnosticsSource {
  /** A null is a place to pause at. */
  readonly of: (uri: string) => Iterable<Diagnostic | null>;
  readonly openUris: () => Iterable<string>;
  readonly publish: (uri: string, diagnostics: Diagnostic[]) => void;
  readonly fail: (error: unknown) => void;
}

export class DiagnosticsPush {
  readonly #source: DiagnosticsSource;
  readonly #wanted = new Set<string>();
  /** What was sent last, as text: an answer that is the same again is not sent, unless the text has changed. */
  readonly #sent = new Map<string, string>();
  #own: ReturnType<typeof setTimeout> | undefined;
  #other: ReturnType<typeof setTimeout> | undefined;
  /** Grows with every change of an open file: what was begun before is not finished. */
  #age = 0;

  constructor(source: DiagnosticsSource) {
    this.#source = source;
  }

  /** An open file was opened or changed. */
  changed(uri: string): void {
    this.#age += 1;
    this.#wanted.add(uri);
    // The editor has moved what it shows with the text, perhaps not as we would.
    this.#sent.set(uri, "");
    clearTimeout(this.#own);
    this.#own = setTimeout(() => void this.#run(), OWN_MILLISECONDS);
    this.othersChanged();
  }

  /** Something else that may matter to every open file. */
  othersChanged(): void {
    clearTimeout(this.#other);
    this.#other = setTimeout(() => {
      for (const uri of this.#source.openUris()) {
        this.#wanted.add(uri);
      }
      void this.#run();
    }, OTHER_MILLISECONDS);
  }

  closed(uri: string): void {
    this.#wanted.delete(uri);
    if (this.#sent.delete(uri)) {
      this.#source.publish(uri, []);
    }
  }

  dispose(): void {
    this.#age += 1;
    clearTimeout(this.#own);
    clearTimeout(this.#other);
  }

  async #run(): Promise<void> {
    this.#age += 1;
    const age = this.#age;
    for (const uri of this.#wanted) {
      const found: Diagnostic[] = [];
      const finished = await inSlices(collect(this.#source.of(uri), found), () => age === this.#age).catch(
        (error: unknown) => {
          this.#source.fail(error);
          return { value: undefined };
        },
      );
      if (!finished) {
        return;
      }
      if (this.#wanted.delete(uri)) {
        this.#send(uri, found);
      }
    }
  }

  #send(uri: string, found: Diagnostic[]): void {
    const text = JSON.stringify(found);
    if (this.#sent.get(uri) !== text) {
      this.#sent.set(uri, text);
      this.#source.publish(uri, found);
    }
  }
}

function* collect(
  diagnostics: Iterable<Diagnostic | null>,
  found: Diagnostic[],
): Generator<undefined, undefined> {
  for (const diagnostic of diagnostics) {
    if (diagnostic) {
      found.push(diagnostic);
    }
    yield undefined;
  }
  return undefined;
}
