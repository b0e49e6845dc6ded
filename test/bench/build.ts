/** Builds the benchmark's kernel with GCC, for both word sizes, into a folder. */
import { spawnSync } from "node:child_process";
import { mkdirSync, readdirSync } from "node:fs";
import path from "node:path";

/** What a compiler would make of a kernel: optimised, SSE2 for floating point, loops as they are written. */
const FLAGS = [
  "-O2", "-std=gnu11", "-Wall", "-Wextra", "-Werror", "-ffreestanding", "-fno-pic", "-fno-pie", "-fno-stack-protector", "-fno-tree-vectorize",
  "-fno-tree-loop-distribute-patterns", "-fno-asynchronous-unwind-tables", "-fcf-protection=none", "-nostdlib", "-static", "-no-pie",
  "-Wl,--build-id=none", "-Wl,-z,noexecstack", "-Wl,-z,max-page-size=4096",
]; // oxfmt-ignore
const WORD_SIZE = {
  64: ["-m64", "-mno-red-zone", "-DBITS=64"],
  32: ["-m32", "-msse2", "-mfpmath=sse", "-DBITS=32"],
} as const;

/** Gives the kernel's path; a text says why there is none. The 64-bit kernel is in an ELF file for 32 bits: QEMU's Multiboot loader takes no other. */
export function buildKernel(
  sources: string,
  folder: string,
  bits: 32 | 64,
): { readonly path: string } | string {
  mkdirSync(folder, { recursive: true });
  const linked = path.join(folder, `bench${bits}.linked`);
  const kernel = path.join(folder, `bench${bits}.elf`);
  const files = readdirSync(sources).filter(
    (name) => /\.[cS]$/.test(name) && !(bits === 32 && name.startsWith("storm")),
  );
  const words = [
    ...FLAGS,
    ...WORD_SIZE[bits],
    "-T",
    path.join(sources, "bench.lds"),
    "-o",
    linked,
    ...files.map((name) => path.join(sources, name)),
  ];
  const compiled = spawnSync("gcc", words, { encoding: "utf8" });
  if (compiled.status !== 0) return `gcc -m${bits}: ${compiled.error?.message ?? compiled.stderr.trim()}`;
  const converted = spawnSync("objcopy", ["-O", "elf32-i386", linked, kernel], { encoding: "utf8" });
  if (converted.status !== 0) return `objcopy: ${converted.error?.message ?? converted.stderr.trim()}`;
  return { path: kernel };
}
