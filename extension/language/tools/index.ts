/**
 * The user's own assembler and linker, in the editor: a file that is shown is checked when it is opened, saved, or not typed in for a moment.
 *
 * Invariant: nothing runs in a workspace that is not trusted, for a file that is not on a disk of this machine, or where `redzone.language.tools` is off. A run ends
 * when the next of the same file begins. What our own rules already say of a line is not said again.
 * Elsewhere: what is run and what is believed (`check.ts`).
 */
import path from "node:path";
import * as vscode from "vscode";
import { isOurs } from "../identifier.ts";
import { tell } from "../server/dialect.ts";
import { diagnosticSource } from "../server/protocol.ts";
import type { Programs } from "./attempt.ts";
import { check, type Found } from "./check.ts";
import { Databases } from "./database.ts";
import { unsaid } from "./duplicate.ts";
import { placeOf } from "./output.ts";
import { findPrograms } from "./program.ts";

const PAUSE_MILLISECONDS = 800;
const LENGTH_MAX = 4 * 1024 * 1024;
const DATABASES = "**/compile_commands.json";
const DATABASES_MAX = 20;
/** The workspace is being read: asked again after this time. */
const READING_MILLISECONDS = 2000;

/** What the server knows of a file and no text shows. */
export interface ToolFacts {
  /** Another file includes it: by itself it may not make sense. null: not known yet. */
  readonly isIncluded: boolean | null;
}

export class Tools implements vscode.Disposable {
  readonly #collection = vscode.languages.createDiagnosticCollection("redzone-tools");
  readonly #factsOf: (uri: vscode.Uri) => Promise<ToolFacts>;
  readonly #log: (text: string) => void;
  readonly #databases = new Databases();
  readonly #timers = new Map<string, NodeJS.Timeout>();
  readonly #runs = new Map<string, AbortController>();
  /** By the file that was checked, then by the file that is wrong. */
  readonly #found = new Map<string, ReadonlyMap<string, readonly vscode.Diagnostic[]>>();
  /** Files that need not be checked when they are shown again. */
  readonly #checked = new Set<string>();
  #programs: Promise<Programs> | undefined;
  #databasePaths: Promise<readonly string[]> | undefined;
  readonly #subscriptions: vscode.Disposable[];

  constructor(factsOf: (uri: vscode.Uri) => Promise<ToolFacts>, log: (text: string) => void) {
    this.#factsOf = factsOf;
    this.#log = log;
    const watcher = vscode.workspace.createFileSystemWatcher(DATABASES, false, true, false);
    const otherDatabases = (): void => {
      this.#databasePaths = undefined;
      this.#all();
    };
    this.#subscriptions = [
      this.#collection,
      watcher,
      watcher.onDidCreate(otherDatabases),
      watcher.onDidDelete(otherDatabases),
      vscode.workspace.onDidChangeWorkspaceFolders(otherDatabases),
      vscode.workspace.onDidSaveTextDocument((document) => this.#soon(document, 0)),
      vscode.workspace.onDidChangeTextDocument(({ document, contentChanges }) => {
        if (contentChanges.length > 0) this.#soon(document, PAUSE_MILLISECONDS);
      }),
      vscode.workspace.onDidCloseTextDocument(({ uri }) => this.#forget(uri.toString())),
      vscode.workspace.onDidGrantWorkspaceTrust(() => this.#all()),
      vscode.workspace.onDidChangeConfiguration((change) => {
        if (change.affectsConfiguration("redzone.language.tools")) this.#all();
      }),
      vscode.window.onDidChangeVisibleTextEditors((editors) => {
        for (const { document } of editors)
          if (!this.#checked.has(document.uri.toString())) this.#soon(document, 0);
      }),
      vscode.languages.onDidChangeDiagnostics(({ uris }) =>
        uris.forEach((uri) => this.#publish(uri.toString())),
      ),
    ];
    this.#all();
  }

  dispose(): void {
    for (const timer of this.#timers.values()) clearTimeout(timer);
    for (const run of this.#runs.values()) run.abort();
    for (const subscription of this.#subscriptions) subscription.dispose();
  }

  /** What was checked was checked under other circumstances. */
  #all(): void {
    this.#checked.clear();
    for (const { document } of vscode.window.visibleTextEditors) this.#soon(document, 0);
  }

  #soon(document: vscode.TextDocument, milliseconds: number): void {
    const key = document.uri.toString();
    if (!isOurs(document)) return;
    clearTimeout(this.#timers.get(key));
    this.#timers.set(
      key,
      setTimeout(() => {
        this.#timers.delete(key);
        this.#check(document).catch((error: unknown) => this.#log(String(error)));
      }, milliseconds),
    );
  }

  #forget(key: string): void {
    clearTimeout(this.#timers.get(key));
    this.#timers.delete(key);
    this.#runs.get(key)?.abort();
    this.#runs.delete(key);
    this.#keep(key, new Map());
    this.#found.delete(key);
    this.#checked.delete(key);
  }

  async #check(document: vscode.TextDocument): Promise<void> {
    const key = document.uri.toString();
    this.#runs.get(key)?.abort();
    const controller = new AbortController();
    this.#runs.set(key, controller);
    const text = document.getText();
    const { version } = document;
    const isCurrent = (): boolean => !controller.signal.aborted && document.version === version;
    const told = mayRun(document) && text.length <= LENGTH_MAX ? tell(key, document.languageId, text) : null;
    if (told === null || told.foreign !== null) {
      this.#keep(key, new Map());
      return;
    }
    const file = document.uri.fsPath;
    const command = await this.#databases.commandFor(file, await this.#databaseFiles());
    // A part of another file is checked with that, unless it is built by itself.
    const isIncluded = command === null && (await this.#factsOf(document.uri)).isIncluded;
    if (isIncluded !== false) {
      this.#keep(key, new Map());
      if (isIncluded === null && isCurrent()) this.#soon(document, READING_MILLISECONDS);
      return;
    }
    const folder = path.dirname(file);
    const programs = await this.#findPrograms(folder);
    const root = vscode.workspace.getWorkspaceFolder(document.uri)?.uri.fsPath ?? folder;
    const source = { path: file, folder, root, language: told.language, text, command };
    if (!isCurrent()) return;
    const { messages, log } = await check(source, !document.isDirty, programs, controller.signal);
    for (const line of log) this.#log(line);
    if (!isCurrent()) return;
    this.#runs.delete(key);
    this.#keep(key, await diagnosticsOf(messages));
  }

  /** Looked for once, or until there is one. */
  async #findPrograms(folder: string): Promise<Programs> {
    const { signal } = new AbortController();
    const programs = await (this.#programs ??= findPrograms({ directory: folder, scratch: folder, signal }));
    if (Object.values(programs).every((program) => program === null)) this.#programs = undefined;
    return programs;
  }

  /** Looked for once, and when one comes or goes. */
  #databaseFiles(): Promise<readonly string[]> {
    this.#databasePaths ??= Promise.resolve(
      vscode.workspace.findFiles(DATABASES, "**/{node_modules,.git}/**", DATABASES_MAX),
    ).then((found) => found.map(({ fsPath }) => fsPath));
    return this.#databasePaths;
  }

  /** Replaces what was found when a file was checked last. */
  #keep(key: string, found: ReadonlyMap<string, readonly vscode.Diagnostic[]>): void {
    const before = this.#found.get(key);
    this.#found.set(key, found);
    this.#checked.add(key);
    for (const uri of new Set([...(before?.keys() ?? []), ...found.keys()])) this.#publish(uri);
  }

  /** What all checks say of one file, but for the lines of which our own rules speak. */
  #publish(key: string): void {
    const uri = vscode.Uri.parse(key);
    const all = [...this.#found.values()].flatMap((found) => found.get(key) ?? []);
    const shown = this.#collection.get(uri) ?? [];
    if (all.length === 0 && shown.length === 0) return;
    const ours = vscode.languages.getDiagnostics(uri).filter(({ source }) => source === diagnosticSource);
    const wanted = unsaid(all, ours);
    if (wanted.length !== shown.length || wanted.some((each, index) => each !== shown[index]))
      this.#collection.set(uri, wanted);
  }
}

const mayRun = ({ uri }: vscode.TextDocument): boolean =>
  vscode.workspace.isTrusted &&
  uri.scheme === "file" &&
  vscode.workspace.getConfiguration("redzone", uri).get<string>("language.tools", "auto") === "auto";

async function diagnosticsOf(
  messages: readonly Found[],
): Promise<ReadonlyMap<string, readonly vscode.Diagnostic[]>> {
  const found = new Map<string, vscode.Diagnostic[]>();
  for (const message of messages) {
    const uri = vscode.Uri.file(message.path);
    const document = await vscode.workspace.openTextDocument(uri).then(
      (opened) => opened,
      // A name that is no file: "<command-line>".
      () => undefined,
    );
    if (document) {
      const key = uri.toString();
      found.set(key, [...(found.get(key) ?? []), diagnosticOf(message, document)]);
    }
  }
  return found;
}

function diagnosticOf(message: Found, document: vscode.TextDocument): vscode.Diagnostic {
  const { line, start, end } = placeOf(message, document.getText().split(/\r\n|\n|\r/));
  const diagnostic = new vscode.Diagnostic(
    new vscode.Range(line, start, line, end),
    message.message,
    message.severity === "error" ? vscode.DiagnosticSeverity.Error : vscode.DiagnosticSeverity.Warning,
  );
  diagnostic.source = message.program;
  diagnostic.relatedInformation = message.calls.map(
    (call) =>
      new vscode.DiagnosticRelatedInformation(
        new vscode.Location(vscode.Uri.file(call.path), new vscode.Position(Math.max(0, call.line - 1), 0)),
        call.message,
      ),
  );
  return diagnostic;
}
