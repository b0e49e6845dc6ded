/** A file that a build writes, followed: what depends on it is told when it is whole. */
import path from "node:path";
import * as vscode from "vscode";

export interface Following {
  readonly written: () => void;
  readonly deleted?: () => void;
  /** A linker writes a file in several steps; it has ended when nothing has happened for this long. */
  readonly settleMilliseconds: number;
}

export function followFile(file: string, following: Following): vscode.Disposable {
  const { dir, base } = path.parse(file);
  const pattern = new vscode.RelativePattern(vscode.Uri.file(dir), base);
  const watcher = vscode.workspace.createFileSystemWatcher(pattern);
  let timer: NodeJS.Timeout | undefined;
  const changed = (): void => {
    clearTimeout(timer);
    timer = setTimeout(following.written, following.settleMilliseconds);
  };
  return vscode.Disposable.from(
    watcher,
    watcher.onDidChange(changed),
    watcher.onDidCreate(changed),
    watcher.onDidDelete(() => following.deleted?.()),
    new vscode.Disposable(() => clearTimeout(timer)),
  );
}
