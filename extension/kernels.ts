/**
 * Finds what could be booted: files of the workspace that look like kernels by name and prove it by their first bytes.
 *
 * Only the first 32 KiB are read, as a boot loader looks there. What a name promises but the bytes do not keep is not offered;
 * a user may still name any file in launch.json, and then the boot doctor says what is wrong with it.
 */
import { open } from "node:fs/promises";
import * as vscode from "vscode";

const HEADER_BYTES = 32 * 1024;
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

/** What a file's first bytes say it is. */
export type KernelKind = "Multiboot 2" | "Multiboot" | "Linux bzImage" | "ELF64" | "ELF32";

const ELF_MAGIC = 0x464c457f;
const MULTIBOOT_MAGIC = 0x1badb002;
const MULTIBOOT2_MAGIC = 0xe85250d6;
const MULTIBOOT_SEARCH = 8192;
const ELF_EXECUTABLE = 2;
const ELF_SHARED = 3;
const MACHINE_386 = 3;
const MACHINE_X86_64 = 62;
const PROGRAM_INTERPRETER = 3;

/** @param bytes the file's beginning, up to 32 KiB. Null for everything that is no kernel for a PC, user programs included. */
export function kernelKind(bytes: Uint8Array): KernelKind | null {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  for (let offset = 0; offset + 16 <= bytes.length; offset += 4) {
    const word = view.getUint32(offset, true);
    if (word === MULTIBOOT2_MAGIC && offset % 8 === 0 && headerSum(view, offset, 4) === 0)
      return "Multiboot 2";
    if (word === MULTIBOOT_MAGIC && offset + 12 <= MULTIBOOT_SEARCH && headerSum(view, offset, 3) === 0)
      return "Multiboot";
  }
  // The setup header's signature (Linux, Documentation/arch/x86/boot.rst).
  if (bytes.length > 0x206 && view.getUint32(0x202, true) === 0x53726448) return "Linux bzImage";
  if (bytes.length < 64 || view.getUint32(0, true) !== ELF_MAGIC || bytes[5] !== 1) return null;
  const type = view.getUint16(16, true);
  const machine = view.getUint16(18, true);
  if (type !== ELF_EXECUTABLE && type !== ELF_SHARED) return null;
  if (machine !== MACHINE_386 && machine !== MACHINE_X86_64) return null;
  const wide = bytes[4] === 2;
  const headers = wide ? Number(view.getBigUint64(32, true)) : view.getUint32(28, true);
  const size = view.getUint16(wide ? 54 : 42, true);
  const count = view.getUint16(wide ? 56 : 44, true);
  for (let index = 0; index < count; index++) {
    const at = headers + index * size;
    if (at + 4 <= bytes.length && view.getUint32(at, true) === PROGRAM_INTERPRETER) return null;
  }
  return wide ? "ELF64" : "ELF32";
}

function headerSum(view: DataView, offset: number, words: number): number {
  let sum = 0;
  for (let index = 0; index < words; index++) sum = (sum + view.getUint32(offset + index * 4, true)) >>> 0;
  return sum;
}

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
