/**
 * Which programs to run for a file, and with what: the build's own command where there is one, else what could be meant.
 *
 * Without a command nobody says whether a file without `.code32` or `bits` is 16, 32 or 64 bits wide, or which format it is for. Then each is tried, and only what
 * all of them find wrong is wrong (`check.ts`).
 * Elsewhere: running them (`run.ts`), where the programs are (`program.ts`).
 */
import { programName } from "../server/rules/build-command.ts";
import type { Language } from "../server/syntax.ts";
import { argumentsOf, familyOf, type Family } from "./argument.ts";

/** What the build says of a file. */
export interface Command {
  readonly directory: string;
  /** The program first. */
  readonly words: readonly string[];
}

export interface Source {
  /** Of the file in the workspace. */
  readonly path: string;
  readonly folder: string;
  /** Of the workspace, or of the file where it is in none. */
  readonly root: string;
  readonly language: Language;
  readonly text: string;
  readonly command: Command | null;
}

/** What programs there are: names that can be run, null for what is not there or makes code for another machine. */
export interface Programs {
  readonly as: string | null;
  readonly compiler: string | null;
  readonly nasm: string | null;
  readonly ld: string | null;
}

export interface Attempt {
  readonly program: string;
  readonly arguments: readonly string[];
  readonly directory: string;
  readonly output: "assembler" | "linker";
}

/** @param input the file to read: the source itself or a copy elsewhere; @param result a file to write */
export function attemptsFor(
  source: Source,
  programs: Programs,
  input: string,
  result: string,
): readonly Attempt[] {
  switch (source.language) {
    case "linkerscript":
      return script(source, programs, input, result);
    case "gas":
    case "nasm":
      return source.command
        ? commanded(source, source.command, input, result)
        : guessed(source, programs, input, result);
  }
}

/** GNU ld reads a script before it looks for what to link: with nothing to link, it stops when it has read it. */
function script({ path, folder, root, text }: Source, { ld }: Programs, input: string, result: string) {
  const isPreprocessed = path.endsWith(".S") || /^[ \t]*#[ \t]*(?:include|if|ifdef|define)\b/m.test(text);
  if (ld === null || isPreprocessed) {
    return [];
  }
  const words = ["-L", folder, "-L", root, "-T", input, "-o", result];
  return [{ program: ld, arguments: words, directory: folder, output: "linker" as const }];
}

function commanded(
  { path, folder }: Source,
  { directory, words }: Command,
  input: string,
  result: string,
): readonly Attempt[] {
  const program = words[0] ?? "";
  const family = familyOf(program);
  const name = programName(path);
  const rest = family && argumentsOf(family, words.slice(1), (word) => programName(word) === name);
  if (!family || !rest) {
    return [];
  }
  // A name with a folder that is not absolute starts from the command's own.
  const isRelative = /[/\\]/.test(program) && !/^(?:[/\\]|[A-Za-z]:)/.test(program);
  return [
    {
      program: isRelative ? `${directory}/${program}` : program,
      arguments: [...rest, ...ends(family, path, folder, input, result)],
      directory,
      output: "assembler",
    },
  ];
}

/** What comes behind the arguments of a build: the file, what it includes beside itself, and nothing to keep. */
function ends(family: Family, path: string, folder: string, input: string, result: string): string[] {
  const include: Readonly<Record<Family, string[]>> = {
    gas: ["-I", folder],
    compiler: [`-iquote`, folder, ...(path.endsWith(".s") ? [] : ["-x", "assembler-with-cpp"]), "-c"],
    nasm: [`-I${folder}/`, "-Xgnu"],
  };
  return [...include[family], "-o", result, input];
}

function guessed(source: Source, programs: Programs, input: string, result: string): readonly Attempt[] {
  const { language, path, folder, root, text } = source;
  const attempt = (family: Family, program: string, words: readonly string[]): Attempt => ({
    program,
    arguments: [...words, ...ends(family, path, folder, input, result)],
    directory: root,
    output: "assembler",
  });
  if (language === "nasm") {
    const { nasm } = programs;
    const words = [`-I${root}/`];
    return nasm === null
      ? []
      : formatsOf(text).map((format) => attempt("nasm", nasm, ["-f", format, ...words]));
  }
  // In a file that is not preprocessed these are comments, unless somebody preprocesses it all the same.
  const isPreprocessed =
    !path.endsWith(".s") || /^[ \t]*#[ \t]*(?:include|if|ifdef|ifndef|define)\b/m.test(text);
  const { as, compiler } = programs;
  if (!isPreprocessed) {
    return as === null ? [] : ["--64", "--32"].map((width) => attempt("gas", as, [width, "-I", root]));
  }
  const forced = path.endsWith(".s") ? ["-x", "assembler-with-cpp"] : [];
  return compiler === null
    ? []
    : ["-m64", "-m32"].map((width) => attempt("compiler", compiler, [width, ...forced, `-I${root}`]));
}

/** `org` is for flat binaries only, names of other files are for objects only. */
function formatsOf(text: string): readonly string[] {
  if (/^[ \t]*\[?[ \t]*org\b/im.test(text)) {
    return ["bin"];
  }
  return /^[ \t]*\[?[ \t]*(?:global|extern)\b/im.test(text) ? ["elf64", "elf32"] : ["elf64", "elf32", "bin"];
}
