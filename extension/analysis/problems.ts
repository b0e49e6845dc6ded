/** The analysis in the Problems panel: functions of a kernel that use the red zone, at their source lines, and a summary of the units that were built with one. */
import path from "node:path";
import * as vscode from "vscode";
import type { FileAnalysisBody, FileFunctionBody } from "../../media/protocol.ts";
import { anchorLine } from "./anchor.ts";
import { accessText, functionProblem, overwriteProblem, unitsProblem, unitsWithRedZone } from "./words.ts";

const SOURCE = "Redzone";
const CODE = "red-zone";
const EXPLANATION = "https://en.wikipedia.org/wiki/Red_zone_(computing)";
const RELATED_MAX = 8;
const WHOLE_LINE = 10_000;
/** A kernel that was built with a red zone throughout has thousands of these functions: their sources are not opened for it. */
const ANCHORED_MAX = 200;

type Found = Map<string, vscode.Diagnostic[]>;

export class Problems implements vscode.Disposable {
  readonly #collection = vscode.languages.createDiagnosticCollection("redzone");
  /** By the kernel's path. */
  readonly #byKernel = new Map<string, Found>();
  readonly #actions = vscode.languages.registerCodeActionsProvider(
    { scheme: "file" },
    { provideCodeActions: (_, __, { diagnostics }) => diagnostics.filter(isOurs).flatMap(actionsFor) },
    { providedCodeActionKinds: [vscode.CodeActionKind.QuickFix] },
  );

  /** Replaces what was said of a kernel. */
  async show(body: FileAnalysisBody): Promise<void> {
    const found: Found = new Map();
    const add = (file: string, diagnostic: vscode.Diagnostic): void => {
      const list = found.get(file);
      if (list === undefined) found.set(file, [diagnostic]);
      else list.push(diagnostic);
    };
    const rows = body.functions.filter((row) => row.redZoneBytes > 0 || row.overwrites.length > 0);
    for (const row of rows) {
      const range = rows.length <= ANCHORED_MAX ? await rangeOf(row) : lineOf(row);
      if (row.redZoneBytes > 0) add(row.path ?? body.file, functionDiagnostic(row, range));
      if (row.overwrites.length > 0) add(row.path ?? body.file, warning(range, overwriteProblem(row)));
    }
    const units = unitsWithRedZone(body);
    const first = units.find(({ path: file }) => file !== null)?.path ?? body.file;
    if (units.length > 0) add(first, unitsDiagnostic(body, first));
    this.#byKernel.set(body.file, found);
    this.#publish();
  }

  forget(kernel: string): void {
    if (this.#byKernel.delete(kernel)) this.#publish();
  }

  dispose(): void {
    this.#collection.dispose();
    this.#actions.dispose();
  }

  #publish(): void {
    const all: Found = new Map();
    for (const found of this.#byKernel.values())
      for (const [file, diagnostics] of found) all.set(file, [...(all.get(file) ?? []), ...diagnostics]);
    this.#collection.clear();
    this.#collection.set([...all].map(([file, diagnostics]) => [vscode.Uri.file(file), diagnostics]));
  }
}

const isOurs = ({ source, code }: vscode.Diagnostic): boolean =>
  source === SOURCE && typeof code === "object" && code.value === CODE;

function functionDiagnostic(row: FileFunctionBody, range: vscode.Range): vscode.Diagnostic {
  const diagnostic = warning(range, functionProblem(row));
  const { path: file } = row;
  if (file !== null) {
    diagnostic.relatedInformation = byLine(row)
      .slice(0, RELATED_MAX)
      .map(([line, access]) => new vscode.DiagnosticRelatedInformation(at(file, line), accessText(access)));
  }
  return diagnostic;
}

/** Of each line the access that tells most: a store before a read, and of those the one to the most bytes. */
function byLine({ accesses }: FileFunctionBody): [number, FileFunctionBody["accesses"][number]][] {
  const found = new Map<number, FileFunctionBody["accesses"][number]>();
  const weight = (access: FileFunctionBody["accesses"][number]): number =>
    (access.writes ? 2 : 0) + (access.isExact ? 0 : 1);
  for (const access of accesses) {
    const known = access.line === null ? undefined : found.get(access.line);
    if (access.line !== null && (known === undefined || weight(access) > weight(known)))
      found.set(access.line, access);
  }
  return [...found];
}

function unitsDiagnostic(body: FileAnalysisBody, shownAt: string): vscode.Diagnostic {
  const text = unitsProblem(path.basename(body.file), body);
  const diagnostic = warning(new vscode.Range(0, 0, 0, 0), text);
  diagnostic.severity = vscode.DiagnosticSeverity.Information;
  diagnostic.relatedInformation = unitsWithRedZone(body)
    .flatMap(({ path: file }) => (file === null || file === shownAt ? [] : [file]))
    .slice(0, RELATED_MAX)
    .map((file) => new vscode.DiagnosticRelatedInformation(at(file, 1), "built without -mno-red-zone"));
  return diagnostic;
}

function warning(range: vscode.Range, text: string): vscode.Diagnostic {
  const diagnostic = new vscode.Diagnostic(range, text, vscode.DiagnosticSeverity.Warning);
  diagnostic.source = SOURCE;
  diagnostic.code = { value: CODE, target: vscode.Uri.parse(EXPLANATION) };
  return diagnostic;
}

const at = (file: string, line: number): vscode.Location =>
  new vscode.Location(vscode.Uri.file(file), new vscode.Position(line - 1, 0));

/** The function's name in its source as that is now; the first line of a kernel without sources. */
async function rangeOf(row: FileFunctionBody): Promise<vscode.Range> {
  const { path: file, line, name } = row;
  if (file === null || line === null) return lineOf(row);
  try {
    const document = await vscode.workspace.openTextDocument(vscode.Uri.file(file));
    const found = anchorLine((each) => document.lineAt(each).text, document.lineCount, line, name);
    const { text, firstNonWhitespaceCharacterIndex } = document.lineAt(found);
    const word = name.split("::").at(-1) ?? name;
    const start = text.indexOf(word);
    return start < 0
      ? new vscode.Range(found, firstNonWhitespaceCharacterIndex, found, text.length)
      : new vscode.Range(found, start, found, start + word.length);
  } catch {
    // The editor cannot open it; a person may find it at its line all the same.
    return lineOf(row);
  }
}

const lineOf = ({ path: file, line }: FileFunctionBody): vscode.Range =>
  file === null || line === null
    ? new vscode.Range(0, 0, 0, 0)
    : new vscode.Range(line - 1, 0, line - 1, WHOLE_LINE);

/** Where a build's switches usually are, to look through for the place to add the one that is missing. */
const BUILD_FILES =
  "**/{Makefile,makefile,GNUmakefile,*.mk,CMakeLists.txt,*.cmake,meson.build,build.zig,build.rs,*.ninja,Cargo.toml,config.toml,*.json}";

function actionsFor(diagnostic: vscode.Diagnostic): vscode.CodeAction[] {
  const make = (title: string, command: string, argument: unknown): vscode.CodeAction => {
    const action = new vscode.CodeAction(title, vscode.CodeActionKind.QuickFix);
    action.diagnostics = [diagnostic];
    action.command = { title, command, arguments: [argument] };
    return action;
  };
  return [
    make("Find where the build sets compiler switches", "workbench.action.findInFiles", {
      query: "-ffreestanding|-mcmodel|-nostdlib|CFLAGS|red-zone|redzone",
      isRegex: true,
      filesToInclude: BUILD_FILES,
      triggerSearch: true,
    }),
    make("What is the red zone?", "vscode.open", EXPLANATION),
  ];
}
