/**
 * Facts of built programs for the language server: the kernels of launch configurations and those that are debugged are read in a worker, anew whenever they
 * are built, and what is found is handed on. This file is the folder's boundary.
 *
 * Invariant: the extension host reads no ELF file. Lines are read for files that are open, and only then.
 * Elsewhere: what is sent and how it is kept (`server/built.ts`); what it is shown as (`server/features/`).
 */
import { readFile, stat } from "node:fs/promises";
import * as vscode from "vscode";
import { configuredTargets, machineTarget } from "../../analysis/target.ts";
import { followFile } from "../../built-file.ts";
import type { Machines } from "../../machines.ts";
import type { BuiltUpdate } from "../server/built.ts";
import type { Language } from "../server/syntax.ts";
import type { LinesQuestion, Target } from "./question.ts";
import { BuiltReader } from "./reader.ts";

const SETTLE_MILLISECONDS = 700;

export interface BuiltOptions {
  readonly extensionPath: string;
  readonly machines: Machines;
  readonly send: (update: BuiltUpdate) => void;
  /** Null for documents that are no assembly. */
  readonly languageOf: (document: vscode.TextDocument) => Language | null;
  /** Hears of each server that has taken the place of another. */
  readonly onRestart: (again: () => void) => vscode.Disposable;
}

export function followBuilt(options: BuiltOptions): vscode.Disposable {
  const { machines } = options;
  const follower = new Follower(options);
  follower.configure();
  return vscode.Disposable.from(
    follower,
    options.onRestart(() => follower.again()),
    machines.onDidStart(() => follower.configure()),
    machines.onDidEnd(() => follower.configure()),
    vscode.workspace.onDidOpenTextDocument((document) => void follower.opened(document)),
    vscode.workspace.onDidChangeWorkspaceFolders(() => follower.configure()),
    vscode.workspace.onDidChangeConfiguration((event) => {
      if (event.affectsConfiguration("launch")) follower.configure();
    }),
  );
}

type Place = Omit<Target, "modified">;

class Follower implements vscode.Disposable {
  readonly #options: BuiltOptions;
  readonly #reader: BuiltReader;
  readonly #followed = new Map<string, { readonly place: Place; readonly watcher: vscode.Disposable }>();
  /** Programs the server knows, as they were read. */
  readonly #known = new Map<string, Target>();

  constructor(options: BuiltOptions) {
    this.#options = options;
    this.#reader = new BuiltReader(options.extensionPath, options.send);
  }

  /** Follows the kernels of the sessions and of the launch configurations as they are now, and no others. */
  configure(): void {
    const { machines } = this.#options;
    const sessions = [machines.active, ...machines.all].map((machine) => machine && machineTarget(machine));
    const places = new Map<string, Place>();
    for (const question of [...sessions, ...configuredTargets()])
      if (question && !places.has(question.path))
        places.set(question.path, {
          path: question.path,
          roots: question.roots,
          sourceMap: question.sourceMap,
        });
    for (const [file, { place }] of this.#followed)
      if (JSON.stringify(places.get(file)) !== JSON.stringify(place)) this.#drop(file);
    for (const place of places.values()) this.#follow(place);
    this.#options.send({ kind: "order", paths: [...places.keys()] });
  }

  /** Tells all of it to a server that knows nothing yet. */
  again(): void {
    this.#options.send({ kind: "order", paths: [...this.#followed.keys()] });
    for (const { place } of this.#followed.values()) void this.#look(place);
  }

  /** Tells the server what was built of a document. */
  async opened(document: vscode.TextDocument): Promise<void> {
    const file = await this.#question(document);
    if (file === null) return;
    for (const target of this.#known.values()) await this.#reader.read(target, false, [file]);
  }

  dispose(): void {
    for (const { watcher } of this.#followed.values()) watcher.dispose();
    this.#followed.clear();
    this.#reader.dispose();
  }

  #follow(place: Place): void {
    if (this.#followed.has(place.path)) return;
    this.#followed.set(place.path, { place, watcher: this.#watch(place) });
    void this.#look(place);
  }

  #drop(file: string): void {
    this.#followed.get(file)?.watcher.dispose();
    this.#followed.delete(file);
    this.#forget(file);
  }

  #forget(file: string): void {
    if (this.#known.delete(file)) this.#options.send({ kind: "gone", path: file });
  }

  #watch(place: Place): vscode.Disposable {
    return followFile(place.path, {
      written: () => void this.#look(place),
      deleted: () => this.#forget(place.path),
      settleMilliseconds: SETTLE_MILLISECONDS,
    });
  }

  /** What is no ELF file (a bzImage, a disk) and what is not built yet are no problem of anybody's: nothing is known of them. */
  async #look(place: Place): Promise<void> {
    const modified = await stat(place.path).then(
      (found) => (found.isFile() ? found.mtimeMs : null),
      () => null,
    );
    const documents = await Promise.all(
      vscode.workspace.textDocuments.map((document) => this.#question(document)),
    );
    if (this.#followed.get(place.path)?.place !== place) return;
    if (modified === null) return this.#forget(place.path);
    const target: Target = { ...place, modified };
    this.#known.set(place.path, target);
    const files = documents.filter((file) => file !== null);
    const isRead = await this.#reader.read(target, true, files);
    if (!isRead && this.#known.get(place.path) === target) this.#forget(place.path);
  }

  async #question(document: vscode.TextDocument): Promise<LinesQuestion | null> {
    const { uri } = document;
    const language = uri.scheme === "file" ? this.#options.languageOf(document) : null;
    if (language === null || language === "linkerscript") return null;
    try {
      const [{ mtimeMs: modified }, text] = await Promise.all([
        stat(uri.fsPath),
        readFile(uri.fsPath, "utf8"),
      ]);
      return { uri: uri.toString(), path: uri.fsPath, language, text, modified };
    } catch {
      return null;
    }
  }
}
