/** Which files are worth analysing without being asked: the kernels of the launch configurations, and those that are being debugged. */
import path from "node:path";
import * as vscode from "vscode";
import { DEBUG_TYPE, type Machine } from "../machines.ts";
import type { Question } from "./question.ts";

interface Configuration {
  readonly [name: string]: unknown;
}

/** The kernels of all launch configurations of the workspace, each once. */
export function configuredTargets(): Question[] {
  const targets = new Map<string, Question>();
  for (const folder of vscode.workspace.workspaceFolders ?? []) {
    if (folder.uri.scheme !== "file") continue;
    const launch = vscode.workspace.getConfiguration("launch", folder);
    const configurations = launch.get<readonly Configuration[]>("configurations", []);
    for (const configuration of configurations) {
      if (configuration["type"] !== DEBUG_TYPE) continue;
      const target = targetOf(configuration, folder.uri.fsPath);
      if (target !== null) targets.set(target.path, target);
    }
  }
  return [...targets.values()];
}

export function machineTarget({ session }: Machine): Question | null {
  return targetOf(session.configuration, session.workspaceFolder?.uri.fsPath ?? "");
}

function targetOf(configuration: Configuration, folder: string): Question | null {
  const string = (name: string): string => {
    const value = configuration[name];
    return typeof value === "string" ? value : "";
  };
  // The file with a Linux kernel's symbols is the kernel itself, uncompressed.
  const named = string("vmlinux") || string("kernel") || /(?:^|\s)-kernel\s+(\S+)/.exec(string("qemu"))?.[1];
  if (named === undefined || named === "") return null;
  const resolve = (text: string): string =>
    text.replaceAll(/\$\{(?:workspaceFolder|workspaceRoot)(?::[^}]*)?\}/g, folder);
  const file = resolve(named);
  // Other variables are known when a session starts.
  if (file.includes("${")) return null;
  const map = configuration["sourceMap"];
  const sourceMap =
    typeof map === "object" && map !== null
      ? Object.entries(map).flatMap(([from, to]) =>
          typeof to === "string" ? [[from, resolve(to)] as const] : [],
        )
      : [];
  const base = string("cwd") === "" ? folder : resolve(string("cwd"));
  const archives = vscode.workspace
    .getConfiguration("redzone.analysis", folder === "" ? null : vscode.Uri.file(folder))
    .get<readonly string[]>("archives", []);
  return {
    path: path.resolve(base, file),
    roots: folder === "" ? [] : [folder],
    sourceMap,
    archives: archives.map((archive) => path.resolve(base, resolve(archive))),
  };
}
