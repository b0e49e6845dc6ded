/** Programs of the analysis tests: compiled by this machine's compilers, once per command, and analysed. */
import { execFileSync, spawnSync } from "node:child_process";
import { createHash } from "node:crypto";
import { existsSync, mkdirSync, readFileSync, renameSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { Program, type FunctionStack } from "../../debug-adapter/analysis/index.ts";
import { nodeFiles } from "../../debug-adapter/node-files.ts";
import { openImage, SymbolError } from "../../debug-adapter/symbols/index.ts";

export const PROGRAMS = fileURLToPath(new URL("programs/", import.meta.url));
const CACHE = fileURLToPath(new URL("../../.cache/analysis/", import.meta.url));

export const has = (program: string): boolean =>
  spawnSync("sh", ["-c", `command -v ${program}`]).status === 0;

export const COMPILERS = ["gcc", "clang"].filter(has);

/** The file that a shell command makes (and `$O.map`, if it makes that), in which `$P` is the folder of programs and `$O` the file to make. */
export function build(name: string, command: string, sources: readonly string[]): string {
  const hash = createHash("sha256").update(command);
  for (const source of sources) hash.update(readFileSync(join(PROGRAMS, source)));
  const path = join(CACHE, `${name}-${hash.digest("hex").slice(0, 12)}`);
  if (existsSync(path)) return path;
  mkdirSync(CACHE, { recursive: true });
  const temporary = `${path}.${process.pid}`;
  execFileSync("sh", ["-c", command], {
    cwd: PROGRAMS,
    env: { ...process.env, P: PROGRAMS, O: temporary },
    stdio: "pipe",
  });
  // A linker's map stays beside what was linked.
  if (existsSync(`${temporary}.map`)) renameSync(`${temporary}.map`, `${path}.map`);
  renameSync(temporary, path);
  return path;
}

export function open(path: string): Program {
  const image = openImage(nodeFiles.open(path), { name: path, decompress: nodeFiles.decompress });
  if (image instanceof SymbolError) throw image;
  return new Program(image);
}

export function analyseAll(path: string): Map<string, FunctionStack> {
  const program = open(path);
  return new Map(program.functions.map((bounds) => [bounds.name, program.analyse(bounds)]));
}

/** Functions of assembly in GNU's syntax, by name. */
export function assemble(source: string): Map<string, FunctionStack> {
  const command = `gcc -c -x assembler - -o $O << 'END'\n${source}\nEND`;
  return analyseAll(build("assembly", command, []));
}
