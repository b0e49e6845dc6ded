/**
 * Files of the build that the client has sent, and what is said of them.
 *
 * Invariant: what is sent is true of the files as they were sent last, and of all of the workspace: while that is still being read, rules that depend on what is
 * not there are silent.
 */
import type { Diagnostic } from "vscode-languageserver-types";
import { buildDiagnostics, buildFactsOf } from "../rules/build-diagnostic.ts";
import type { World } from "../world.ts";

export class BuildFiles {
  readonly #world: World;
  readonly #publish: (uri: string, diagnostics: Diagnostic[]) => void;
  readonly #texts = new Map<string, string>();
  #savesVectors = true;

  constructor(world: World, publish: (uri: string, diagnostics: Diagnostic[]) => void) {
    this.#world = world;
    this.#publish = publish;
  }

  /** @param text null: it is no longer there */
  set(uri: string, text: string | null): void {
    if (text === null) {
      this.#texts.delete(uri);
      this.#publish(uri, []);
    } else {
      const isFirst = this.#texts.size === 0;
      this.#texts.set(uri, text);
      // As long as there were none, changes of the assembly did not matter.
      if (isFirst) {
        this.#look();
      }
      this.#check(uri, text);
    }
  }

  /** Assembly may have come that saves what it did not before. */
  worldChanged(): void {
    if (this.#texts.size > 0 && this.#look()) {
      this.#texts.forEach((text, uri) => this.#check(uri, text));
    }
  }

  /** Whether what is known of the assembly has changed. */
  #look(): boolean {
    const before = this.#savesVectors;
    this.#savesVectors = !this.#world.isComplete || buildFactsOf(this.#world).savesVectors;
    return this.#savesVectors !== before;
  }

  #check(uri: string, text: string): void {
    this.#publish(uri, buildDiagnostics(uri, text, { savesVectors: this.#savesVectors }));
  }
}
