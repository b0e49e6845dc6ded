/**
 * Static analysis of the stack in the editor: kernels of launch configurations are analysed in the background when they are built, and what is found becomes problems
 * and lenses; any other file on demand. This file is the folder's boundary.
 *
 * Elsewhere: the analysis itself (`debug-adapter/analysis/`).
 */
import * as vscode from "vscode";
import { followFile } from "../built-file.ts";
import type { Machines } from "../machines.ts";
import { Analyser } from "./analyser.ts";
import { AnalysisDocuments } from "./command.ts";
import { StackLenses } from "./lens.ts";
import { Problems } from "./problems.ts";
import type { Question } from "./question.ts";
import { configuredTargets, machineTarget } from "./target.ts";

const SETTLE_MILLISECONDS = 1000;

export function registerAnalysis(extensionPath: string, machines: Machines): vscode.Disposable {
  const analyser = new Analyser(extensionPath);
  const problems = new Problems();
  const lenses = new StackLenses();
  const background = new Background(analyser, problems, lenses);
  background.configure();
  return vscode.Disposable.from(
    analyser,
    problems,
    lenses,
    background,
    new AnalysisDocuments(analyser),
    machines.onDidStart((machine) => background.add(machineTarget(machine))),
    vscode.workspace.onDidChangeWorkspaceFolders(() => background.configure()),
    vscode.workspace.onDidChangeConfiguration((event) => {
      if (event.affectsConfiguration("launch") || event.affectsConfiguration("redzone.analysis"))
        background.configure();
    }),
  );
}

/** The kernels that are followed, each with a watcher of its file. */
class Background implements vscode.Disposable {
  readonly #analyser: Analyser;
  readonly #problems: Problems;
  readonly #lenses: StackLenses;
  readonly #watched = new Map<string, { question: Question; watcher: vscode.Disposable }>();

  constructor(analyser: Analyser, problems: Problems, lenses: StackLenses) {
    this.#analyser = analyser;
    this.#problems = problems;
    this.#lenses = lenses;
  }

  /** Follows the kernels of the launch configurations, as they are now, and no others. */
  configure(): void {
    const targets = isEnabled() ? configuredTargets() : [];
    for (const kernel of this.#watched.keys())
      if (!targets.some((target) => target.path === kernel)) this.#drop(kernel);
    for (const target of targets) this.add(target);
  }

  add(question: Question | null): void {
    if (question === null || !isEnabled()) return;
    const known = this.#watched.get(question.path);
    if (known !== undefined && JSON.stringify(known.question) === JSON.stringify(question)) return;
    known?.watcher.dispose();
    this.#watched.set(question.path, { question, watcher: this.#watch(question) });
    void this.#look(question);
  }

  dispose(): void {
    for (const kernel of this.#watched.keys()) this.#drop(kernel);
  }

  #drop(kernel: string): void {
    this.#watched.get(kernel)?.watcher.dispose();
    this.#watched.delete(kernel);
    this.#problems.forget(kernel);
    this.#lenses.forget(kernel);
  }

  #watch(question: Question): vscode.Disposable {
    return followFile(question.path, {
      written: () => void this.#look(question),
      deleted: () => {
        this.#problems.forget(question.path);
        this.#lenses.forget(question.path);
      },
      settleMilliseconds: SETTLE_MILLISECONDS,
    });
  }

  /** What cannot be analysed (a bzImage, a disk, a kernel that is not built yet) is no problem of anybody's: whoever asks by a command is told. */
  async #look(question: Question): Promise<void> {
    const analysed = await this.#analyser.analyse(question).catch(() => undefined);
    if (!this.#watched.has(question.path)) return;
    if (analysed === undefined || analysed.body.kind !== "kernel") {
      this.#problems.forget(question.path);
      this.#lenses.forget(question.path);
      return;
    }
    this.#lenses.show(analysed.body);
    await this.#problems.show(analysed.body);
  }
}

const isEnabled = (): boolean => vscode.workspace.getConfiguration("redzone").get("analysis.enabled", true);
