/** Facts of an ELF file by which two builds are compared: its symbols, and the bytes that are loaded. */
import { execFileSync } from "node:child_process";
import { temporaryFile } from "./toolchain.ts";

/** Kind and name of every symbol that is not a file or a local label, sorted. */
export function symbols(elf: Uint8Array): readonly string[] {
  const out = execFileSync("nm", ["--defined-only", "--format=posix", temporaryFile("a.elf", elf)], {
    encoding: "utf8",
  });
  return out
    .trim()
    .split("\n")
    .map((line) => line.split(" ").slice(0, 2).reverse().join(" "))
    .toSorted();
}

/** The loadable bytes in hexadecimal, section by section. */
export function loadable(elf: Uint8Array): string {
  const out = execFileSync("objdump", ["--full-contents", "-j", ".multiboot", "-j", ".text", "-j", ".rodata", "-j", ".data", temporaryFile("a.elf", elf)], { encoding: "utf8" }); // oxfmt-ignore
  return out.replace(/^.*file format.*$/m, "");
}
