/** `redzone analyse`: the static analysis of the stack, for a terminal or for CI. */
import { analyseFile, analysisText } from "../analysis/index.ts";
import type { FileAnalysisBody } from "../../media/protocol.ts";
import type { Host } from "./host.ts";

export interface AnalyseCommand {
  readonly kind: "analyse";
  readonly paths: readonly string[];
  readonly archives: readonly string[];
  readonly json: boolean;
  /** Functions without a red zone are listed, too. */
  readonly all: boolean;
  /** A function that uses the red zone is a failure. */
  readonly noRedZone: boolean;
}

export const ANALYSE_STATUS = { clean: 0, usesRedZone: 1, unreadable: 4 } as const;

export const ANALYSE_USAGE = `usage: redzone analyse FILE… [options]

Which functions of a kernel, an object file (.o) or an archive (.a) keep data in the red zone, the 128 bytes below RSP, and how much stack each takes. By following
RSP through every function: nothing is booted, and debug information only adds lines.
  --all                     list every function, not only those with a red zone
  --json                    everything that was found, as JSON: an object for each file
  --no-red-zone             fail (status 1) if a function uses the red zone
  --archive FILE            name the members of this archive that are in a kernel without a linker's map; may be repeated
Exit status: 0; 1 with --no-red-zone if a function uses it; 2 bad command line; 4 a file cannot be read.
`;

/** The words after "analyse"; a text says what is wrong with them. */
export function parseAnalyse(words: readonly string[]): AnalyseCommand | string {
  const paths: string[] = [];
  const archives: string[] = [];
  let json = false;
  let all = false;
  let noRedZone = false;
  for (let i = 0; i < words.length; i++) {
    const word = words[i]!;
    const equals = word.startsWith("--") ? word.indexOf("=") : -1;
    const value = equals < 0 ? undefined : word.slice(equals + 1);
    switch (equals < 0 ? word : word.slice(0, equals)) {
      case "--json":
        json = true;
        break;
      case "--all":
        all = true;
        break;
      case "--no-red-zone":
        noRedZone = true;
        break;
      case "--archive": {
        const archive = value ?? words[++i];
        if (archive === undefined) return "--archive needs a file";
        archives.push(archive);
        break;
      }
      default:
        if (word.startsWith("-")) return `analyse does not know ${word}`;
        paths.push(word);
    }
  }
  if (paths.length === 0) return "analyse needs a file: a kernel, an object file or an archive";
  return { kind: "analyse", paths, archives, json, all, noRedZone };
}

/** Returns the exit status. */
export function analyse(command: AnalyseCommand, host: Host): number {
  const { files, directory } = host;
  let status: number = ANALYSE_STATUS.clean;
  const found: FileAnalysisBody[] = [];
  const print = (text: string): void => host.stdout(new TextEncoder().encode(text));
  for (const path of command.paths) {
    try {
      const archives = command.archives.map((archive) => files.resolve(directory, archive));
      const steps = analyseFile(files.resolve(directory, path), files, { roots: [directory], archives });
      let step = steps.next();
      while (step.done !== true) step = steps.next();
      found.push(step.value);
    } catch (error) {
      host.stderr(`redzone: ${error instanceof Error ? error.message : String(error)}\n`);
      status = ANALYSE_STATUS.unreadable;
    }
  }
  if (command.json) print(`${JSON.stringify(found, null, 2)}\n`);
  else print(found.map((each) => analysisText(each, command.all)).join("\n"));
  const isUsed = found.some(({ functions }) => functions.some(({ redZoneBytes }) => redZoneBytes > 0));
  return status === ANALYSE_STATUS.clean && command.noRedZone && isUsed ? ANALYSE_STATUS.usesRedZone : status;
}
