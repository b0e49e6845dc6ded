/**
 * Reads the workspace in the background: sources first, then what they include and is not known, until nothing is missing.
 *
 * Invariant: it never holds the server longer than a slice, ends when it is stopped, and what was left out is counted and said. A file is read again when the
 * client says that it changed.
 * Elsewhere: who lists and reads files (the client), what is done with names (`index/`).
 */
import { tell } from "../dialect.ts";
import type { FileText, IndexState, WorkspaceFiles } from "../protocol.ts";
import type { Language, SyntaxFile } from "../syntax.ts";
import type { Workspace } from "../workspace.ts";
import { inSlices } from "./slice.ts";

/** Texts under way at one time. */
const BATCH_FILES = 32;
/** Headers of a C program are read as far as assembly needs them. */
const MOST_HEADERS = 4000;
/** A line takes about a kilobyte: what is known of a workspace stays below one or two gigabytes. */
const MOST_LINES = 1_500_000;

export interface IndexClient {
  readonly files: () => Promise<WorkspaceFiles>;
  readonly read: (uris: readonly string[]) => Promise<readonly FileText[]>;
  /** Told after every batch. */
  readonly progress: (state: IndexState) => void;
}

export class Indexer {
  readonly #workspace: Workspace;
  readonly #client: IndexClient;
  /** URIs of headers by the last part of their paths. */
  readonly #headers = new Map<string, string[]>();
  /** Lines of files that were read, to know when there are enough. */
  readonly #lineCounts = new Map<string, number>();
  #lineCount = 0;
  #headerCount = 0;
  #readCount = 0;
  #totalCount = 0;
  #skippedCount = 0;
  #isRunning = false;
  #isStopped = false;

  constructor(workspace: Workspace, client: IndexClient) {
    this.#workspace = workspace;
    this.#client = client;
  }

  get state(): IndexState {
    return {
      isRunning: this.#isRunning,
      isStopped: this.#isStopped,
      readCount: this.#readCount,
      totalCount: this.#totalCount,
      skippedCount: this.#skippedCount,
    };
  }

  stop(): void {
    this.#isStopped = true;
  }

  /** All of the workspace, as it is listed now. Files that are known and no longer listed are forgotten. */
  async readAll(): Promise<void> {
    this.#isRunning = true;
    this.#isStopped = false;
    this.#workspace.isComplete = false;
    this.#readCount = 0;
    this.#skippedCount = 0;
    const { sources, headers, isTruncated } = await this.#client.files();
    this.#skippedCount += isTruncated ? 1 : 0;
    this.#headers.clear();
    for (const uri of headers) {
      const name = nameOf(uri);
      this.#headers.set(name, [...(this.#headers.get(name) ?? []), uri]);
    }
    const listed = new Set(sources);
    for (const { uri } of this.#workspace.files()) {
      if (!listed.has(uri)) {
        this.#workspace.remove(uri);
      }
    }
    await this.#read(sources, () => !this.#isStopped);
    this.#isRunning = false;
    this.#workspace.isComplete = !this.#isStopped && this.#skippedCount === 0;
    this.#client.progress(this.state);
  }

  /** Files that were changed, made or removed since. */
  async update(changed: readonly string[], removed: readonly string[]): Promise<void> {
    for (const uri of removed) {
      this.#workspace.remove(uri);
      this.#lineCount -= this.#lineCounts.get(uri) ?? 0;
      this.#lineCounts.delete(uri);
    }
    // Of headers only those that are known already: the others are read when something includes them.
    const known = changed.filter((uri) => !isHeader(uri) || this.#workspace.file(uri));
    await this.#read(known, () => true);
  }

  async #read(uris: readonly string[], isWanted: () => boolean): Promise<void> {
    const asked = new Set(uris);
    const queue: { uri: string; language: Language | null }[] = uris.map((uri) => ({ uri, language: null }));
    this.#totalCount = queue.length;
    while (queue.length > 0 && isWanted()) {
      const batch = queue.splice(0, BATCH_FILES);
      const languages = new Map(batch.map(({ uri, language }) => [uri, language]));
      const texts = await this.#client.read([...languages.keys()]);
      for (const { uri, text } of texts) {
        const file = await this.#take(uri, languages.get(uri) ?? null, text, isWanted);
        for (const header of file ? this.#includedBy(file) : []) {
          if (!asked.has(header) && !this.#workspace.file(header) && this.#headerCount < MOST_HEADERS) {
            asked.add(header);
            this.#headerCount += 1;
            this.#totalCount += 1;
            queue.push({ uri: header, language: file?.language === "nasm" ? "nasm" : "gas" });
          }
        }
        this.#readCount += 1;
      }
      this.#client.progress(this.state);
    }
  }

  async #take(
    uri: string,
    including: Language | null,
    text: string | null,
    isWanted: () => boolean,
  ): Promise<SyntaxFile | undefined> {
    if (text === null || this.#lineCount > MOST_LINES) {
      this.#skippedCount += 1;
      return undefined;
    }
    const language = tell(uri, null, text)?.language ?? including;
    if (language && isWanted()) {
      await inSlices(this.#workspace.reading(uri, language, text), isWanted);
      const count = this.#workspace.file(uri)?.lines.length ?? 0;
      this.#lineCount += count - (this.#lineCounts.get(uri) ?? 0);
      this.#lineCounts.set(uri, count);
    }
    return this.#workspace.file(uri);
  }

  /** The headers it includes, of several of one name that whose path has most in common with the file's. */
  *#includedBy(file: SyntaxFile): Iterable<string> {
    for (const { includes } of file.lines) {
      for (const { path, isBinary } of includes) {
        const candidates = isBinary ? [] : (this.#headers.get(nameOf(path.text)) ?? []);
        const ending = `/${path.text.replace(/^(?:\.\.?\/)+/, "")}`;
        const found = candidates
          .filter((uri) => uri.endsWith(ending))
          .sort((a, b) => common(b, file.uri) - common(a, file.uri) || a.length - b.length)[0];
        if (found !== undefined) {
          yield found;
        }
      }
    }
  }
}

/** Read only where something includes them. */
export function isHeader(uri: string): boolean {
  return /\.(?:h|hh|hpp|mac|def)$/i.test(uri);
}

const nameOf = (path: string): string => path.slice(path.lastIndexOf("/") + 1);

/** Length of what two URIs begin with. */
function common(a: string, b: string): number {
  let length = 0;
  while (length < a.length && a[length] === b[length]) {
    length += 1;
  }
  return length;
}
