/** The language status item: what the file at hand is taken for, the width of code at the cursor, and how far the workspace is read. */
import * as vscode from "vscode";
import { isOurs, languageIds } from "./identifier.ts";
import { MOST_BYTES, MOST_FILES } from "./files.ts";
import type { DocumentState, IndexState, StateParams } from "./server/protocol.ts";

/** The cursor rests. */
const REST_MILLISECONDS = 150;
const BYTES_PER_MEBIBYTE = 1024 * 1024;

export interface StatusSource {
  readonly stateAt: (params: StateParams) => Promise<DocumentState | null>;
  readonly stopCommand: string;
  readonly readCommand: string;
}

export class LanguageStatus implements vscode.Disposable {
  readonly #source: StatusSource;
  readonly #item: vscode.LanguageStatusItem;
  readonly #parts: vscode.Disposable;
  #timer: ReturnType<typeof setTimeout> | undefined;
  #index: IndexState | undefined;
  #state: DocumentState | null = null;

  constructor(source: StatusSource) {
    this.#source = source;
    this.#item = vscode.languages.createLanguageStatusItem("redzone.language", [...languageIds]);
    this.#item.name = "Redzone";
    this.#parts = vscode.Disposable.from(
      this.#item,
      vscode.window.onDidChangeActiveTextEditor(() => this.#ask()),
      vscode.window.onDidChangeTextEditorSelection(() => this.#ask()),
      vscode.workspace.onDidChangeTextDocument(() => this.#ask()),
    );
    this.#show();
  }

  /** The server has begun to answer. */
  started(): void {
    this.#ask();
  }

  indexed(state: IndexState): void {
    this.#index = state;
    this.#show();
  }

  dispose(): void {
    clearTimeout(this.#timer);
    this.#parts.dispose();
  }

  #ask(): void {
    clearTimeout(this.#timer);
    this.#timer = setTimeout(() => {
      const editor = vscode.window.activeTextEditor;
      if (!editor || !isOurs(editor.document)) return;
      const { document, selection } = editor;
      void this.#source
        .stateAt({ uri: document.uri.toString(), line: selection.active.line })
        .then((state) => {
          this.#state = state;
          this.#show();
        });
    }, REST_MILLISECONDS);
  }

  #show(): void {
    const { text, detail } = describeStatus(this.#state, this.#index);
    this.#item.text = text;
    this.#item.detail = detail;
    const isRunning = this.#index?.isRunning === true;
    this.#item.busy = isRunning;
    this.#item.command = isRunning
      ? { title: "Stop Reading", command: this.#source.stopCommand }
      : { title: "Read Again", command: this.#source.readCommand };
  }
}

/** What the item says; `text` is also what a screen reader says. */
export function describeStatus(
  state: DocumentState | null,
  index: IndexState | undefined,
): { readonly text: string; readonly detail: string } {
  const width = state?.bits ? `, ${state.bits}-bit code` : "";
  const text = state ? (state.foreign ?? `${state.dialect}${width}`) : "Assembly";
  const foreign = state?.foreign ? "Only names and structure are known of it." : "";
  return { text, detail: [foreign, describeIndex(index)].filter((part) => part !== "").join(" ") };
}

function describeIndex(index: IndexState | undefined): string {
  if (!index) return "";
  const { isRunning, isStopped, readCount, totalCount, skippedCount } = index;
  if (isRunning) return `Reading ${readCount} of ${totalCount} files`;
  if (isStopped)
    return `Stopped after ${readCount} of ${totalCount} files: names of the others are not known.`;
  const skipped =
    skippedCount === 0
      ? ""
      : `, ${skippedCount} left out (more than ${MOST_FILES} files, larger than ${MOST_BYTES / BYTES_PER_MEBIBYTE} MiB, or no text)`;
  return `${readCount} ${readCount === 1 ? "file" : "files"} read${skipped}`;
}
