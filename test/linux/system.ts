/** A small Linux system: Debian's kernel and busybox, an init that mounts what it needs, and the modules a test asks for. */
import { readdirSync, readFileSync } from "node:fs";
import path from "node:path";
import { gzipSync } from "node:zlib";
import { fetchDebian, fetchLinux } from "../support/debian.mjs";
import { archive, type ArchiveFile } from "./archive.ts";

export const KERNELS = { cloud: "linux-image-cloud-amd64", full: "linux-image-amd64" } as const;
export type KernelName = keyof typeof KERNELS;

export interface LinuxSystem {
  readonly kernelPath: string;
  readonly kernel: Uint8Array;
  /** gzip-compressed initial RAM disk. */
  readonly initrd: Uint8Array;
}

/** What init runs before the shell; "BOOT-OK" on the console is the marker that everything before has worked. */
const INIT = `#!/bin/busybox sh
/bin/busybox --install -s /bin
mount -t proc proc /proc
mount -t sysfs sys /sys
mount -t devtmpfs dev /dev
for module in /modules/*; do insmod $module || echo "$module does not load"; done
echo BOOT-OK
exec setsid -c sh </dev/ttyS0 >/dev/ttyS0 2>&1
`;

/** `modules`: those wanted, by name without ".ko"; what they depend on comes with them. */
export async function linuxSystem(name: KernelName, modules: readonly string[] = []): Promise<LinuxSystem> {
  const kernelPath = await fetchLinux(KERNELS[name]);
  const busybox = readFileSync(path.join(await fetchDebian("busybox-static"), "bin/busybox"));
  const folders = ["bin", "proc", "sys", "dev", "mnt", "modules"];
  const found = await moduleFiles(KERNELS[name], modules);
  const files: ArchiveFile[] = [
    ...folders.map((folder) => ({ path: folder, mode: 0o40755 })),
    { path: "dev/console", mode: 0o20600, device: [5, 1] },
    { path: "bin/busybox", mode: 0o100755, bytes: busybox },
    { path: "init", mode: 0o100755, bytes: new TextEncoder().encode(INIT) },
    ...found.map(({ file, bytes }, index) => ({
      path: `modules/${String(index).padStart(2, "0")}-${file}`,
      mode: 0o100644,
      bytes,
    })),
  ];
  return { kernelPath, kernel: readFileSync(kernelPath), initrd: gzipSync(archive(files)) };
}

interface Module {
  readonly file: string;
  readonly bytes: Uint8Array;
}

/** The modules and what they depend on, each after what it needs. */
async function moduleFiles(kernel: string, wanted: readonly string[]): Promise<readonly Module[]> {
  if (wanted.length === 0) return [];
  const folder = path.join(await fetchDebian(kernel), "lib/modules");
  const paths = new Map<string, string>();
  for (const entry of readdirSync(folder, { recursive: true, withFileTypes: true })) {
    if (entry.name.endsWith(".ko"))
      paths.set(entry.name.slice(0, -3).replaceAll("-", "_"), path.join(entry.parentPath, entry.name));
  }
  const order = new Map<string, Module>();
  const add = (name: string): void => {
    if (order.has(name)) return;
    const file = paths.get(name);
    // What is not a module is built in.
    if (file === undefined) return;
    const bytes = readFileSync(file);
    // .modinfo: zero-terminated "name=value" strings (Linux: include/linux/moduleparam.h).
    const depends = /\0depends=([^\0]*)\0/.exec(bytes.toString("latin1"))?.[1] ?? "";
    for (const needed of depends.split(",")) if (needed !== "") add(needed.replaceAll("-", "_"));
    order.set(name, { file: path.basename(file), bytes });
  };
  for (const name of wanted) add(name);
  return [...order.values()];
}
