/**
 * Reads the workspace in the background: sources first, then what they include and is not known, until nothing is missing.
 *
 * Invariant: it never holds the server longer than a slice, ends when it is stopped, and what was left out is counted and said. A file is read again when the
 * client says that it changed.
 * Elsewhere: who lists and reads files (the client), what is done with names (`index/`).
 */
import { tell } from "../dialect.ts";
import { nearest } from "../index/include.ts";
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

/** One reading of some files: of all of the workspace, or of those that were changed. */
interface Reading {
  readonly isWanted: () => boolean;
  /** Of all: what is counted is shown. */
  readonly isCounted: boolean;
}

export class Indexer {
  readonly #workspace: Workspace;
  readonly #client: IndexClient;
  /** URIs of files that may be included, by the last part of their paths. */
  readonly #includable = new Map<string, string[]>();
  /** Files whose language nothing says, until something includes them. */
  readonly #undecided = new Set<string>();
  /** Lines of files that were read, to know when there are enough. */
  readonly #lineCounts = new Map<string, number>();
  #lineCount = 0;
  #headerCount = 0;
  #readCount = 0;
  #totalCount = 0;
  #skippedCount = 0;
  #isRunning = false;
  #isStopped = false;
  /** Counts readings of all: one that is begun anew ends the one before. */
  #age = 0;

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
    this.#age += 1;
    const age = this.#age;
    this.#isRunning = true;
    this.#isStopped = false;
    this.#workspace.isComplete = false;
    const { sources, headers, isTruncated } = await this.#client.files();
    if (age !== this.#age) {
      return;
    }
    this.#readCount = 0;
    this.#headerCount = 0;
    this.#skippedCount = isTruncated ? 1 : 0;
    this.#totalCount = sources.length;
    this.#undecided.clear();
    this.#list([...headers, ...sources]);
    const listed = new Set(sources);
    for (const { uri } of this.#workspace.files()) {
      if (!listed.has(uri)) {
        this.#forget(uri);
      }
    }
    await this.#read(sources, {
      isWanted: () => age === this.#age && !this.#isStopped,
      isCounted: true,
    });
    if (age === this.#age) {
      this.#isRunning = false;
      this.#workspace.isComplete = !this.#isStopped && this.#skippedCount === 0;
      this.#client.progress(this.state);
    }
  }

  /** Files that were changed, made or removed since. */
  async update(changed: readonly string[], removed: readonly string[]): Promise<void> {
    for (const uri of removed) {
      this.#forget(uri);
    }
    changed.forEach((uri) => this.#listOne(uri));
    // Of headers only those that are known or asked for: the others are read when something includes them.
    const { names } = this.#workspace;
    const wanted = changed.filter(
      (uri) => !isHeader(uri) || this.#workspace.file(uri) || names.isAskedFor(uri),
    );
    await this.#read(wanted, { isWanted: () => true, isCounted: false });
  }

  /** What a file that is open has begun to include. @returns whether there was any */
  async readIncluded(uri: string): Promise<boolean> {
    const file = this.#workspace.file(uri);
    const wanted = file ? [...new Set(this.#includedBy(file))] : [];
    const unknown = wanted.filter((header) => !this.#workspace.file(header));
    const language = file?.language === "nasm" ? "nasm" : "gas";
    await this.#read(unknown, { isWanted: () => true, isCounted: false }, language);
    return unknown.length > 0;
  }

  #list(uris: readonly string[]): void {
    this.#includable.clear();
    uris.forEach((uri) => this.#listOne(uri));
  }

  #listOne(uri: string): void {
    const name = nameOf(uri);
    const others = this.#includable.get(name);
    if (!others) {
      this.#includable.set(name, [uri]);
    } else if (!others.includes(uri)) {
      others.push(uri);
    }
  }

  #forget(uri: string): void {
    this.#workspace.remove(uri);
    this.#lineCount -= this.#lineCounts.get(uri) ?? 0;
    this.#lineCounts.delete(uri);
  }

  async #read(uris: readonly string[], reading: Reading, including: Language | null = null): Promise<void> {
    const asked = new Set(uris);
    const queue = uris.map((uri) => ({ uri, language: including }));
    while (queue.length > 0 && reading.isWanted()) {
      const batch = queue.splice(0, BATCH_FILES);
      const languages = new Map(batch.map(({ uri, language }) => [uri, language]));
      const texts = await this.#client.read([...languages.keys()]);
      let count = 0;
      for (const { uri, text } of texts) {
        const file = await this.#take(uri, languages.get(uri) ?? null, text, reading);
        count += 1;
        for (const header of file ? this.#includedBy(file) : []) {
          const isNew = !asked.has(header) || this.#undecided.delete(header);
          if (isNew && !this.#workspace.file(header) && this.#headerCount < MOST_HEADERS) {
            asked.add(header);
            this.#headerCount += 1;
            this.#totalCount += reading.isCounted ? 1 : 0;
            queue.push({ uri: header, language: file?.language === "nasm" ? "nasm" : "gas" });
          }
        }
      }
      if (reading.isCounted && reading.isWanted()) {
        this.#readCount += count;
        this.#client.progress(this.state);
      }
    }
  }

  async #take(
    uri: string,
    including: Language | null,
    text: string | null,
    { isWanted, isCounted }: Reading,
  ): Promise<SyntaxFile | undefined> {
    const isTooMuch = this.#lineCount > MOST_LINES;
    if (text === null || isTooMuch) {
      if (isCounted) {
        this.#skippedCount += 1;
      } else if (!isTooMuch) {
        this.#forget(uri);
      }
      return undefined;
    }
    const language = tell(uri, null, text)?.language ?? including ?? this.#workspace.file(uri)?.language;
    if (!language) {
      this.#undecided.add(uri);
    } else if (isWanted()) {
      await inSlices(this.#workspace.reading(uri, language, text), isWanted);
      const count = this.#workspace.file(uri)?.lines.length ?? 0;
      this.#lineCount += count - (this.#lineCounts.get(uri) ?? 0);
      this.#lineCounts.set(uri, count);
    }
    return this.#workspace.file(uri);
  }

  /** The headers it includes, of several of one name the nearest. */
  *#includedBy(file: SyntaxFile): Iterable<string> {
    for (const { includes } of file.lines) {
      for (const include of includes) {
        const candidates = include.isBinary ? [] : (this.#includable.get(nameOf(include.path.text)) ?? []);
        const found = nearest(file.uri, file.language, include, candidates);
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
