/**
 * The files the server knows, kept up to date: opened and changed by the editor, read in the background.
 *
 * Invariant: a file that the editor has open is never replaced by what was read from elsewhere. Every change reaches the index before anything is asked.
 * Elsewhere: what features see of it (`world.ts`), names (`index/`).
 */
import type { Built } from "./built.ts";
import { changeCounted, open, opening } from "./document.ts";
import { NameIndex } from "./index/index.ts";
import type { Language, LineChange, SyntaxFile } from "./syntax.ts";
import { defaultSettings, type Settings, type World } from "./world.ts";

export class Workspace implements World {
  readonly #files = new Map<string, SyntaxFile>();
  readonly #open = new Set<string>();
  readonly names = new NameIndex();
  built: readonly Built[] = [];
  settings: Settings = defaultSettings;
  isComplete = true;

  file(uri: string): SyntaxFile | undefined {
    return this.#files.get(uri);
  }

  files(): Iterable<SyntaxFile> {
    return this.#files.values();
  }

  /** The editor has opened it. */
  open(uri: string, language: Language, text: string): void {
    this.#open.add(uri);
    this.#set(open(uri, language, text));
  }

  /** Returns how many lines were parsed. The file must be open. */
  change(uri: string, edit: LineChange): number {
    const file = this.#files.get(uri);
    if (!file) {
      return 0;
    }
    const changed = changeCounted(file, edit);
    this.#set(changed.file);
    return changed.parsedCount;
  }

  /** The editor has closed it; it stays known as it was. */
  close(uri: string): void {
    this.#open.delete(uri);
  }

  /** A file of the workspace as it was read. One that is open stays as the editor has it. */
  read(uri: string, language: Language, text: string): void {
    if (!this.#open.has(uri)) {
      this.#set(open(uri, language, text));
    }
  }

  /** `read`, with places to pause at. The file is known when it has ended. */
  *reading(uri: string, language: Language, text: string): Generator<undefined, undefined> {
    if (!this.#open.has(uri)) {
      const file = yield* opening(uri, language, text);
      if (!this.#open.has(uri)) {
        this.#set(file);
      }
    }
    return undefined;
  }

  isOpen(uri: string): boolean {
    return this.#open.has(uri);
  }

  /** It is no longer there. */
  remove(uri: string): void {
    if (!this.#open.has(uri) && this.#files.delete(uri)) {
      this.names.remove(uri);
    }
  }

  #set(file: SyntaxFile): void {
    this.#files.set(file.uri, file);
    this.names.update(file);
  }
}
