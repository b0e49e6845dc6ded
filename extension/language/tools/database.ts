/**
 * Compilation databases of the workspace: which command builds a file.
 *
 * A database is read when a file is looked for and it has changed since; the largest have tens of megabytes, so of its commands only those of assembly are kept.
 */
import { readFile, stat } from "node:fs/promises";
import path from "node:path";
import { commandsIn, withoutWrapper } from "../server/rules/build-command.ts";
import type { Command } from "./attempt.ts";
import { familyOf } from "./argument.ts";

interface Kept {
  readonly stamp: string;
  readonly commands: ReadonlyMap<string, Command>;
}

const NONE: ReadonlyMap<string, Command> = new Map();
/** What assemblers read, at the end of a string. */
const ASSEMBLY = /\.(?:s|sx|asm|nasm|inc)"/i;

export class Databases {
  readonly #kept = new Map<string, Kept>();

  /** The first of these databases that knows the file says how it is built; null where none does. */
  async commandFor(file: string, databases: readonly string[]): Promise<Command | null> {
    for (const database of databases) {
      const command = (await this.#read(database)).get(path.normalize(file));
      if (command) {
        return command;
      }
    }
    return null;
  }

  async #read(database: string): Promise<ReadonlyMap<string, Command>> {
    try {
      const { mtimeMs, size } = await stat(database);
      const stamp = `${mtimeMs} ${size}`;
      const known = this.#kept.get(database);
      if (known?.stamp === stamp) {
        return known.commands;
      }
      const commands = assemblyCommands(await readFile(database, "utf8"), path.dirname(database));
      this.#kept.set(database, { stamp, commands });
      return commands;
    } catch {
      // It is gone, or not to be read: then nothing is known of it.
      this.#kept.delete(database);
      return NONE;
    }
  }
}

/** By absolute paths of the files. @param folder the database's own, from which its directories start */
export function assemblyCommands(text: string, folder: string): ReadonlyMap<string, Command> {
  const found = new Map<string, Command>();
  for (const { file, directory, words } of commandsIn(text, (entry) => ASSEMBLY.test(entry))) {
    const command = {
      directory: path.resolve(folder, directory),
      words: withoutWrapper(words).map(({ text: word }) => word),
    };
    const absolute = path.resolve(command.directory, file);
    // A file may be built twice; the first is as good as the second.
    if (familyOf(command.words[0] ?? "") !== null && !found.has(absolute)) {
      found.set(absolute, command);
    }
  }
  return found;
}
