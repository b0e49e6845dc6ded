/**
 * A kernel built in the test and read as the extension reads it: sources are assembled, compiled and linked into a folder of their own, the program's facts go
 * through the messages that a server gets.
 */
import { execFileSync, spawnSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { pathToFileURL } from "node:url";
import { nodeFiles } from "../../debug-adapter/node-files.ts";
import { Program } from "../../extension/language/built/program.ts";
import { applyBuilt, type Built, type BuiltUpdate } from "../../extension/language/server/built.ts";
import { Workspace } from "../../extension/language/server/workspace.ts";
import { languageOf } from "./cursor.ts";

export const hasTools = ["as", "nasm", "gcc", "ld"].every(
  (tool) => spawnSync(tool, ["--version"]).status === 0 || spawnSync(tool, ["-v"]).status === 0,
);

export interface Kernel {
  readonly folder: string;
  readonly path: string;
  readonly world: Workspace;
  uri(name: string): string;
  text(name: string): string;
  /** Asks for a file's lines, as an editor does that opens it. */
  open(name: string, change?: { readonly modified?: number }): BuiltUpdate;
  readonly built: Built;
  remove(): void;
}

/** Builds with one command per source and `ld`; `sources` by name, the linker script among them ends in ".ld". */
export function buildKernel(
  sources: Readonly<Record<string, string>>,
  bits: 32 | 64 = 64,
  ldFlags: readonly string[] = [],
): Kernel {
  const folder = mkdtempSync(path.join(tmpdir(), "redzone-built-"));
  const run = (tool: string, args: readonly string[]): void => {
    execFileSync(tool, args, { cwd: folder, stdio: ["ignore", "ignore", "pipe"] });
  };
  const objects: string[] = [];
  for (const [name, text] of Object.entries(sources)) {
    writeFileSync(path.join(folder, name), text);
    const object = `${name}.o`;
    if (name.endsWith(".s")) run("as", [`--${bits}`, "-g", "-o", object, path.join(folder, name)]);
    else if (name.endsWith(".S") || name.endsWith(".c"))
      run("gcc", [
        `-m${bits}`,
        "-g",
        "-O1",
        "-ffreestanding",
        "-fno-pic",
        "-c",
        "-o",
        object,
        path.join(folder, name),
      ]);
    else if (name.endsWith(".asm"))
      run("nasm", [`-felf${bits}`, "-g", "-Fdwarf", "-o", object, path.join(folder, name)]);
    else continue;
    objects.push(object);
  }
  const script = Object.keys(sources).find((name) => name.endsWith(".ld"));
  const emulation = bits === 64 ? "elf_x86_64" : "elf_i386";
  const layout = script === undefined ? ["-Ttext=0x100000"] : ["-T", script];
  run("ld", [
    "-m",
    emulation,
    "-nostdlib",
    "-z",
    "noexecstack",
    ...layout,
    ...ldFlags,
    "-o",
    "kernel.elf",
    ...objects,
  ]);
  return read(folder, sources);
}

function read(folder: string, sources: Readonly<Record<string, string>>): Kernel {
  const file = path.join(folder, "kernel.elf");
  const { mtimeMs: modified } = statSync(file);
  const program = new Program({ path: file, modified, roots: [folder], sourceMap: [] }, nodeFiles);
  const world = new Workspace();
  const uri = (name: string): string => pathToFileURL(path.join(folder, name)).href;
  // As messages travel.
  const apply = (update: BuiltUpdate): BuiltUpdate => {
    const sent = JSON.parse(JSON.stringify(update)) as BuiltUpdate;
    world.built = applyBuilt(world.built, sent);
    return sent;
  };
  apply(program.facts());
  const steps = program.sources();
  let step = steps.next();
  while (step.done !== true) step = steps.next();
  apply(step.value);
  const text = (name: string): string => readFileSync(path.join(folder, name), "utf8");
  const kernel: Kernel = {
    folder,
    path: file,
    world,
    uri,
    text,
    open(name, change = {}) {
      const place = path.join(folder, name);
      const language = languageOf(name);
      const when = change.modified ?? statSync(place).mtimeMs;
      world.open(uri(name), language, text(name));
      return apply(
        program.lines({ uri: uri(name), path: place, language, text: text(name), modified: when }),
      );
    },
    get built() {
      return world.built[0]!;
    },
    remove: () => rmSync(folder, { recursive: true, force: true }),
  };
  for (const name of Object.keys(sources)) if (/\.(?:s|S|asm|ld)$/.test(name)) kernel.open(name);
  return kernel;
}
