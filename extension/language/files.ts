/**
 * Files of the workspace for the server, which reads none: listed with `files.exclude` honoured, read through the editor, so that it is the same on a disk, in a virtual
 * workspace and in a browser.
 */
import * as vscode from "vscode";
import type { FileText, WorkspaceFiles } from "./server/protocol.ts";

/** What is more than this is not read, and the language status item says so. */
export const MOST_FILES = 20_000;
export const MOST_BYTES = 4 * 1024 * 1024;
/** Only their names are kept until something includes them. */
const MOST_HEADERS = 100_000;
/** In which a zero byte says that a file is no text. */
const TEXT_BYTES = 1024;

export const sourcePattern = "**/*.{s,S,sx,asm,ASM,nasm,inc,INC,ld,lds,lds.in,ld.in,x}";
export const headerPattern = "**/*.{h,H,hh,hpp,mac,def}";

export async function listFiles(): Promise<WorkspaceFiles> {
  const find = async (pattern: string, most: number): Promise<readonly string[]> =>
    (await vscode.workspace.findFiles(pattern, undefined, most)).map((uri) => uri.toString());
  const [sources, headers] = await Promise.all([
    find(sourcePattern, MOST_FILES + 1),
    find(headerPattern, MOST_HEADERS),
  ]);
  return {
    sources: sources.slice(0, MOST_FILES),
    headers,
    isTruncated: sources.length > MOST_FILES,
  };
}

export function readTexts(uris: readonly string[]): Promise<readonly FileText[]> {
  return Promise.all(uris.map(async (uri) => ({ uri, text: await readText(vscode.Uri.parse(uri, true)) })));
}

async function readText(uri: vscode.Uri): Promise<string | null> {
  try {
    const { size } = await vscode.workspace.fs.stat(uri);
    if (size > MOST_BYTES) return null;
    const bytes = await vscode.workspace.fs.readFile(uri);
    return bytes.subarray(0, TEXT_BYTES).includes(0) ? null : new TextDecoder().decode(bytes);
  } catch {
    // It went away between being listed and being read, or is not ours to read.
    return null;
  }
}
