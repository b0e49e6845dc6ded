/**
 * Reads what an output section holds of input: `*(.text .text.*)`, KEEP, EXCLUDE_FILE, the SORT family, INPUT_SECTION_FLAGS, a file's name alone.
 *
 * Source: the ld manual, "Input Section Description".
 */
import { closeBracket, wordOf } from "./expression.ts";
import type { Scanner } from "./scanner.ts";
import type { Branch, InputSection, Keyword, SectionPattern, Word } from "./tree.ts";

const sorts: ReadonlySet<string> = new Set([
  "SORT",
  "SORT_BY_NAME",
  "SORT_BY_ALIGNMENT",
  "SORT_BY_INIT_PRIORITY",
  "SORT_NONE",
  "REVERSE",
]);

/** Of SORTs inside each other: ld takes two. */
const depthLimit = 20;

/** Words that begin one, besides names of files. */
export function beginsInput(text: string): boolean {
  return text === "KEEP" || text === "EXCLUDE_FILE" || text === "INPUT_SECTION_FLAGS" || sorts.has(text);
}

export function input(scanner: Scanner, branch: Branch | null): InputSection | Keyword {
  const first = wordOf(scanner.peek("pattern"));
  const isKept = first.text === "KEEP" && !first.isQuoted;
  if (!isKept) {
    return specification(scanner, branch, false);
  }
  scanner.next("pattern");
  if (!scanner.skip("(", "pattern")) {
    scanner.missing('KEEP needs its input sections in brackets: "KEEP(*(.section))".');
    return { kind: "input", branch, file: null, isKept, hasFlags: false, patterns: [], first, last: first };
  }
  const inner = specification(scanner, branch, true);
  closeBracket(scanner);
  return { ...inner, first, last: wordOf(scanner.last) };
}

function specification(scanner: Scanner, branch: Branch | null, isKept: boolean): InputSection | Keyword {
  const first = wordOf(scanner.peek("pattern"));
  const excluded: Word[] = [];
  const around: Word[] = [];
  let file: Word | null = null;
  let hasFlags = false;
  for (;;) {
    const token = scanner.peek("pattern");
    if (token.kind === "word" && token.text === "EXCLUDE_FILE") {
      scanner.next("pattern");
      excluded.push(...bracketed(scanner));
    } else if (token.kind === "word" && token.text === "INPUT_SECTION_FLAGS") {
      scanner.next("pattern");
      bracketed(scanner);
      hasFlags = true;
    } else if (token.kind === "word" && sorts.has(token.text)) {
      around.push(wordOf(scanner.next("pattern")));
      file = bracketed(scanner)[0] ?? null;
      if (file?.text === "CONSTRUCTORS") {
        return { kind: "keyword", branch, name: file, first, last: wordOf(scanner.last) };
      }
      break;
    } else if (token.kind === "word" || token.kind === "string") {
      file = wordOf(scanner.next("pattern"));
      break;
    } else {
      scanner.missing('The name of an input file is missing: "*" stands for every file.');
      break;
    }
  }
  // "archive : file" with blanks between.
  if (scanner.isAt(":", "pattern")) {
    scanner.next("pattern");
    const member = scanner.peek("pattern");
    file = member.kind === "word" ? wordOf(scanner.next("pattern")) : file;
  }
  const found: SectionPattern[] = [];
  if (scanner.skip("(", "pattern")) {
    list(scanner, found, [], excluded);
    closeBracket(scanner);
  }
  return {
    kind: "input",
    branch,
    file,
    isKept,
    hasFlags,
    patterns: found,
    first,
    last: wordOf(scanner.last),
  };
}

/** What stands between the brackets of `*( … )` or of a SORT. */
function list(
  scanner: Scanner,
  found: SectionPattern[],
  around: readonly Word[],
  outer: readonly Word[],
): void {
  let excluded = outer;
  for (;;) {
    const token = scanner.peek("pattern");
    if (token.kind === "mark" && token.text === ",") {
      scanner.next("pattern");
    } else if (token.kind !== "word" && token.kind !== "string") {
      return;
    } else {
      scanner.next("pattern");
      const name = wordOf(token);
      if (!scanner.isAt("(", "pattern")) {
        found.push({ name, sorts: around, excluded });
      } else if (name.text === "EXCLUDE_FILE") {
        excluded = [...outer, ...bracketed(scanner)];
      } else if (sorts.has(name.text)) {
        scanner.next("pattern");
        if (around.length > depthLimit) {
          return;
        }
        list(scanner, found, [...around, name], excluded);
        closeBracket(scanner);
      } else {
        // A macro that stands for names of sections.
        bracketed(scanner);
      }
    }
  }
}

/** The words up to the bracket that closes the one that comes next. */
export function bracketed(scanner: Scanner): readonly Word[] {
  const found: Word[] = [];
  if (!scanner.skip("(", "pattern")) {
    scanner.missing('A "(" is missing.');
    return found;
  }
  let depth = 1;
  for (;;) {
    const token = scanner.peek("pattern");
    if (token.kind === "end" || (token.kind === "mark" && /[{};]/.test(token.text))) {
      scanner.missing('A ")" is missing.');
      return found;
    }
    scanner.next("pattern");
    if (token.kind === "mark" && token.text === "(") {
      depth += 1;
    } else if (token.kind === "mark" && token.text === ")") {
      depth -= 1;
      if (depth === 0) {
        return found;
      }
    } else if (token.kind !== "mark") {
      found.push(wordOf(token));
    }
  }
}
