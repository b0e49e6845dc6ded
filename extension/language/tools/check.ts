/**
 * Checks a file with the user's own tools: what they find wrong with it, wherever it stands.
 *
 * Invariant: nothing of the workspace is changed; all that is written is in a folder of its own, which is removed. What could come from not knowing how the
 * file is built (an include that is not found, a name that a build defines, a width that nobody says) is not reported.
 */
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import { attemptsFor, type Attempt, type Programs, type Source } from "./attempt.ts";
import { parseOutput, type ToolMessage } from "./output.ts";
import { run } from "./run.ts";

/** With absolute paths. */
export interface Found extends ToolMessage {
  /** Who says it: "as", "nasm". */
  readonly program: string;
}

export interface Checked {
  readonly messages: readonly Found[];
  /** For the log: what was run, and what came of it. */
  readonly log: readonly string[];
}

/** The build knows more: what it would include, or define for conditions. What comes behind such a message follows from it. */
const BUILD_MISSING =
  /No such file or directory|can't open .* for reading|unable to open (?:include|input) file|file not found|cannot open (?:linker script )?file|unable to find|not defined before use|#error/i;
/** Names in capitals are what builds define (`-DSTACK_SIZE=…`). */
const BUILD_NAME = /symbol `[A-Z][A-Z\d_]*' (?:not defined|undefined)/;
/** What a script alone cannot know. */
const OBJECT_MISSING =
  /undefined (?:symbol|section)|cannot move location counter|overflowed|will not fit|no input files|assert/i;

/** @param isSaved the file on the disk has this text */
export async function check(
  source: Source,
  isSaved: boolean,
  programs: Programs,
  signal: AbortSignal,
): Promise<Checked> {
  const scratch = await mkdtemp(path.join(tmpdir(), "redzone-tools-"));
  try {
    const copy = path.join(scratch, path.basename(source.path));
    const input = isSaved ? source.path : copy;
    if (!isSaved) {
      await writeFile(copy, source.text);
    }
    const attempts = attemptsFor(source, programs, input, path.join(scratch, "result"));
    return await attemptAll(source, attempts, { input, scratch, signal });
  } finally {
    await rm(scratch, { recursive: true, force: true });
  }
}

interface Place {
  readonly input: string;
  readonly scratch: string;
  readonly signal: AbortSignal;
}

async function attemptAll(source: Source, attempts: readonly Attempt[], place: Place): Promise<Checked> {
  const log: string[] = [];
  let common: readonly Found[] | null = null;
  for (const attempt of attempts) {
    const { status, output } = await run(attempt.program, attempt.arguments, {
      ...place,
      directory: attempt.directory,
    });
    log.push(`${attempt.program} ${attempt.arguments.join(" ")}`, ...(status === null ? ["  stopped"] : []));
    const messages = parseOutput(output, attempt.output).map((message) =>
      located(message, attempt, source, place),
    );
    log.push(...messages.map(({ path: file, line, message }) => `  ${file}:${line}: ${message}`));
    // A program that did not come to an end has said nothing that can be relied on.
    if (status === null) {
      return { messages: [], log };
    }
    // Nothing about a place, and yet no success: it was not the text, `-m64` perhaps where there is no such width.
    if (status !== 0 && messages.length === 0) {
      continue;
    }
    const found = isCertain(source, messages) ? messages.filter((message) => isMeant(source, message)) : [];
    common =
      common === null ? found : common.filter((message) => found.some((other) => isSame(message, other)));
    if (common.length === 0) {
      break;
    }
  }
  return { messages: common ?? [], log };
}

/** What a missing include or a missing name leaves is not the file's fault. */
function isCertain({ command }: Source, messages: readonly Found[]): boolean {
  return command !== null || !messages.some(({ message }) => BUILD_MISSING.test(message));
}

function isMeant({ command, language }: Source, { severity, message }: ToolMessage): boolean {
  if (language === "linkerscript") {
    return !OBJECT_MISSING.test(message);
  }
  return command !== null || (severity === "error" && !BUILD_NAME.test(message));
}

const isSame = (one: ToolMessage, other: ToolMessage): boolean =>
  one.path === other.path && one.line === other.line;

/** Paths as programs print them start from their folder; the copy stands for the file. */
function located(message: ToolMessage, attempt: Attempt, source: Source, { input }: Place): Found {
  const absolute = (name: string): string => {
    const file = path.resolve(attempt.directory, name);
    return file === path.resolve(input) ? source.path : file;
  };
  return {
    ...message,
    program: path.basename(attempt.program).replace(/^(?:[\w.]+-)+(?=[a-z])|\.exe$/gi, ""),
    path: absolute(message.path),
    calls: message.calls.map((call) => ({ ...call, path: absolute(call.path) })),
  };
}
