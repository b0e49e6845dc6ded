/**
 * Finds what could be booted: files of the workspace that look like kernels by name and prove it by their first bytes.
 *
 * Only the first 32 KiB are read, as a boot loader looks there. What a name promises but the bytes do not keep is not offered;
 * a user may still name any file in launch.json, and then the boot doctor says what is wrong with it.
 */
import { open } from "node:fs/promises";
import * as vscode from "vscode";
import { HEADER_BYTES, kernelKind, type KernelKind } from "./kernel-kind.ts";

const MOST_CANDIDATES = 300;
const MOST_KERNELS = 40;

const patterns = [
  "**/*.{elf,bin,sys,kernel,elf32,elf64,img}",
  "**/{kernel,vmlinux,vmlinuz,bzImage,gnumach,xen,mykernel,myos,kernel-*,vmlinuz-*,gnumach-*}",
  "**/{target,zig-out,build,out,bin,obj,dist,iso,sysroot}/**/boot/*",
  "**/{target/**/debug,target/**/release,zig-out/bin,build,out,bin,dist}/*[!.]*",
];
const unwanted =
  "**/{node_modules,.git,.cache,deps,incremental,CMakeFiles}/**,**/*.{o,a,so,d,c,h,rs,zig,ts,js,json,md,py,txt,map,ld,S,s,asm,html,css}";

export interface Kernel {
  readonly uri: vscode.Uri;
  readonly kind: KernelKind;
}

async function readStart(path: string): Promise<Uint8Array> {
  const file = await open(path, "r");
  try {
    const { buffer, bytesRead } = await file.read(new Uint8Array(HEADER_BYTES), 0, HEADER_BYTES, 0);
    return buffer.subarray(0, bytesRead);
  } finally {
    await file.close();
  }
}

/** What a file is, or null; a file that cannot be read is nothing. */
export async function kindOf(uri: vscode.Uri): Promise<KernelKind | null> {
  if (uri.scheme !== "file") return null;
  try {
    return kernelKind(await readStart(uri.fsPath));
  } catch {
    return null;
  }
}

const rank = (kind: KernelKind): number => (kind.startsWith("ELF") ? 1 : 0);

/** Kernels of the workspace (or of one folder), the likeliest first. */
export async function findKernels(folder?: vscode.WorkspaceFolder): Promise<readonly Kernel[]> {
  const found = new Map<string, vscode.Uri>();
  for (const pattern of patterns) {
    const within = folder === undefined ? pattern : new vscode.RelativePattern(folder, pattern);
    for (const uri of await vscode.workspace.findFiles(within, `{${unwanted}}`, MOST_CANDIDATES)) {
      found.set(uri.toString(), uri);
    }
  }
  const kernels: Kernel[] = [];
  for (const uri of found.values()) {
    const kind = await kindOf(uri);
    if (kind !== null) kernels.push({ uri, kind });
  }
  kernels.sort((a, b) => rank(a.kind) - rank(b.kind) || a.uri.path.localeCompare(b.uri.path));
  return kernels.slice(0, MOST_KERNELS);
}
