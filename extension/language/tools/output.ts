/**
 * What assemblers, compilers and linkers print, as messages with places.
 *
 *     boot.s:12: Error: no such instruction: `foo'          GNU as
 *     boot.S:7:10: fatal error: none.h: No such file        GCC and Clang
 *     boot.asm:3: error: symbol `x' not defined             NASM with -X gnu
 *     ld:kernel.ld:3: syntax error                          GNU ld
 *
 * Invariant: a line that has none of these forms says nothing about a place and is no message. Programs are run with LC_ALL=C, so that they speak English.
 */

export interface ToolMessage {
  /** As the program names it. */
  readonly path: string;
  /** Counted from 1; 0 where the program knows none: the end of the file (GNU ld), or all of it. */
  readonly line: number;
  /** Counted from 1; 0 where the program says none. */
  readonly column: number;
  readonly severity: "error" | "warning";
  readonly message: string;
  /** Where the macro was called whose body it is about. */
  readonly calls: readonly { readonly path: string; readonly line: number; readonly message: string }[];
}

/** A path may begin with a drive; the linker puts its own name before it. */
const PLACE = String.raw`(?<path>(?:[A-Za-z]:[\\/])?[^:\n]+)`;
const ASSEMBLER = new RegExp(
  String.raw`^${PLACE}:(?:(?<line>\d+):)?(?:(?<column>\d+):)? *(?<kind>Error|Warning|Fatal error|Info|error|warning|fatal error|fatal|panic|note): *(?<message>.*)$`,
);
const LINKER = new RegExp(
  String.raw`^(?:(?:[A-Za-z]:)?[^:\n]*?(?:^|[\\/-])ld(?:\.bfd)?(?:\.exe)?: ?)${PLACE}:(?<line>\d+): (?:(?<kind>warning|error): )?(?<message>.*)$`,
);
const NASM_CALL = new RegExp(String.raw`^${PLACE}:(?<line>\d+): \.\.\. (?<message>.*)$`);

type Groups = Readonly<Record<string, string | undefined>>;

export function parseOutput(output: string, program: "assembler" | "linker"): readonly ToolMessage[] {
  const messages: ToolMessage[] = [];
  for (const line of output.split(/\r?\n/)) {
    const call = program === "assembler" ? NASM_CALL.exec(line)?.groups : undefined;
    const groups = (program === "assembler" ? ASSEMBLER : LINKER).exec(line)?.groups;
    if (call) {
      addCall(messages, call);
    } else if (groups) {
      add(messages, groups);
    }
  }
  return messages;
}

function add(messages: ToolMessage[], groups: Groups): void {
  const kind = (groups["kind"] ?? "error").toLowerCase();
  if (kind === "info" || kind === "note") {
    addCall(messages, groups);
    return;
  }
  messages.push({
    path: groups["path"] ?? "",
    line: Number(groups["line"] ?? 0),
    column: Number(groups["column"] ?? 0),
    severity: kind === "warning" ? "warning" : "error",
    // NASM says which switch turns a warning off, which is of use where it is run.
    message: (groups["message"] ?? "").replace(/ \[-w\+[\w-]+\]$/, ""),
    calls: [],
  });
}

function addCall(messages: ToolMessage[], groups: Groups): void {
  const last = messages.pop();
  if (last) {
    const call = {
      path: groups["path"] ?? "",
      line: Number(groups["line"] ?? 0),
      message: groups["message"] ?? "",
    };
    messages.push({ ...last, calls: [...last.calls, call] });
  }
}

/** A line of a file, counted from 0, and a part of it. */
export interface Part {
  readonly line: number;
  readonly start: number;
  readonly end: number;
}

/** GNU ld has read on when it speaks of a name: it may stand this many lines before. */
const LINES_BEFORE = 3;

/** Where a message is shown: what it quotes, the word at its column, or all that is written in its line. @param lines of the file, one at least */
export function placeOf(
  { line, column, message }: Pick<ToolMessage, "line" | "column" | "message">,
  lines: readonly string[],
): Part {
  const number = line === 0 ? lastOf(lines) : Math.min(line, lines.length) - 1;
  const text = lines[number] ?? "";
  if (column > 0 && column <= text.length) {
    const word = /^(?:[\w.$%]+|\S)/.exec(text.slice(column - 1))?.[0];
    if (word !== undefined) {
      return { line: number, start: column - 1, end: column - 1 + word.length };
    }
  }
  for (const [, quoted = ""] of message.matchAll(/[`'"]([^`'"]+)['"]/g)) {
    for (let before = number; before >= Math.max(0, number - LINES_BEFORE); before -= 1) {
      const start = codeOf(lines[before] ?? "").indexOf(quoted);
      if (start >= 0) {
        return { line: before, start, end: start + quoted.length };
      }
    }
  }
  const end = codeOf(text).length;
  return { line: number, start: Math.min(text.length - text.trimStart().length, end), end };
}

const codeOf = (text: string): string => text.trimEnd().replace(/\s+(?:;|\/\/|\/\*).*$/, "");

/** The last line with a text. */
function lastOf(lines: readonly string[]): number {
  return Math.max(
    0,
    lines.findLastIndex((text) => text.trim() !== ""),
  );
}
