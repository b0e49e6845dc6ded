/** Boots the workspace's copy of the sample kernel as soon as the window is there. */
const vscode = require("vscode");

exports.activate = async () => {
  const folder = vscode.workspace.workspaceFolders?.[0];
  if (folder === undefined) return;
  const kernel = vscode.Uri.joinPath(folder.uri, "sample.elf").fsPath;
  await vscode.debug.startDebugging(folder, {
    type: "redzone",
    request: "launch",
    name: "Sample kernel",
    kernel,
  });
};
