/** The page around a panel's front end: its bundle from `dist/media`, and a policy that loads nothing else. */
import { randomBytes } from "node:crypto";
import * as vscode from "vscode";

/** @param name the bundle's name; @param body the page's own elements. */
export function panelHtml(
  webview: vscode.Webview,
  extensionUri: vscode.Uri,
  name: string,
  body: string,
): string {
  const file = (suffix: string): string =>
    webview.asWebviewUri(vscode.Uri.joinPath(extensionUri, "dist", "media", `${name}.${suffix}`)).toString();
  const nonce = randomBytes(16).toString("hex");
  const policy = `default-src 'none'; style-src ${webview.cspSource}; script-src 'nonce-${nonce}'; font-src ${webview.cspSource};`;
  return `<!DOCTYPE html>
<html lang="en">
<head>
  <meta charset="utf-8">
  <meta http-equiv="Content-Security-Policy" content="${policy}">
  <meta name="viewport" content="width=device-width, initial-scale=1">
  <link rel="stylesheet" href="${file("css")}">
</head>
<body data-state="empty">${body}
  <script nonce="${nonce}" src="${file("js")}"></script>
</body>
</html>`;
}
