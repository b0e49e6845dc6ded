/**
 * The user's own tools: which are installed, and which of them are for a PC.
 *
 * An assembler for another machine would find every line wrong, so each is asked what it was made for. Cross tools for kernels (`x86_64-elf-as`) come before
 * the system's: who has installed them builds with them.
 */
import { access, constants, stat } from "node:fs/promises";
import path from "node:path";
import type { Programs } from "./attempt.ts";
import { run, type Ran, type RunOptions } from "./run.ts";

const PC = /\b(?:x86_64|amd64|i[3-6]86)\b/;

interface Candidate {
  readonly program: string;
  readonly words: readonly string[];
  readonly isFit: (output: string) => boolean;
}

const gnu = (name: string, words: readonly string[], isFit: (output: string) => boolean): Candidate[] =>
  ["x86_64-elf-", "x86_64-unknown-elf-", "", "x86_64-linux-gnu-", "i686-elf-"].map((prefix) => ({
    program: `${prefix}${name}`,
    words,
    isFit,
  }));

const candidates: Readonly<Record<keyof Programs, readonly Candidate[]>> = {
  as: gnu("as", ["--version"], (output) => output.includes("GNU assembler") && PC.test(output)),
  // Clang's own assembler differs from GNU as, so it is taken where there is no GCC. GCC calls itself one in its copyright.
  compiler: [
    ...gnu(
      "gcc",
      ["-v"],
      (output) => output.includes("gcc version") && /^Target: (?:x86_64|i\d86)/m.test(output),
    ),
    { program: "clang", words: ["-v"], isFit: (output) => /^Target: (?:x86_64|i\d86)/m.test(output) },
  ],
  nasm: [{ program: "nasm", words: ["-v"], isFit: (output) => output.startsWith("NASM version") }],
  ld: gnu("ld", ["--version"], (output) => output.startsWith("GNU ld")),
};

/** How programs are found and asked; others in tests. */
export interface Shell {
  readonly locate: (name: string) => Promise<string | null>;
  readonly ask: (program: string, words: readonly string[], options: RunOptions) => Promise<Ran>;
}

export async function findPrograms(
  options: RunOptions,
  { locate, ask }: Shell = { locate: locateInPath, ask: run },
): Promise<Programs> {
  const first = async (list: readonly Candidate[]): Promise<string | null> => {
    for (const { program, words, isFit } of list) {
      const file = await locate(program);
      const { status, output } =
        file === null ? { status: null, output: "" } : await ask(file, words, options);
      if (file !== null && status === 0 && isFit(output)) {
        return file;
      }
    }
    return null;
  };
  return {
    as: await first(candidates.as),
    compiler: await first(candidates.compiler),
    nasm: await first(candidates.nasm),
    ld: await first(candidates.ld),
  };
}

/** Only folders that the user has named: some systems would also take a program from the folder that it is to work in, which is the workspace's. */
async function locateInPath(name: string): Promise<string | null> {
  const isWindows = process.platform === "win32";
  for (const folder of (process.env["PATH"] ?? "").split(path.delimiter)) {
    const file = path.join(folder, isWindows ? `${name}.exe` : name);
    if (path.isAbsolute(folder) && (await isProgram(file))) {
      return file;
    }
  }
  return null;
}

async function isProgram(file: string): Promise<boolean> {
  try {
    await access(file, constants.X_OK);
    return (await stat(file)).isFile();
  } catch {
    // It is not there, or not for this user.
    return false;
  }
}
