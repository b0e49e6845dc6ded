/**
 * A script's lines before they are parsed: comments and lines of the C preprocessor found, and replaced by blanks in the code that is left.
 *
 * Invariant: the code has as many lines as the text and every character that is left stands where it stood. Where branches of a condition do not balance
 * their braces (two heads for one body), only the first is code, so that what follows is read as it would be with that branch.
 * Source: the ld manual, "Simple Linker Script Commands" (comments); the C standard, 6.10 (directives).
 */
import type { Span } from "../syntax.ts";
import type { Branch, Directive, ScriptError } from "./tree.ts";

export interface Source {
  readonly code: readonly string[];
  readonly comments: readonly (readonly Span[])[];
  /** Of each line: whether it begins inside a comment. */
  readonly inComment: readonly boolean[];
  readonly branches: readonly (Branch | null)[];
  /** Lines of conditions, where two branches meet: an error that comes just behind one may only be the other branch's. */
  readonly seams: ReadonlySet<number>;
  readonly directives: readonly Directive[];
  readonly isPreprocessed: boolean;
  readonly errors: readonly ScriptError[];
}

const directivePattern =
  /^\s*#\s*(include_next|include|define|undef|ifdef|ifndef|if|elif|else|endif|error|warning|pragma|line)\b/;

const isDirective = (text: string): boolean => text.includes("#") && directivePattern.test(text);

export function sourceOf(uri: string, lines: readonly string[]): Source {
  const isPreprocessed = uri.endsWith(".S") || lines.some(isDirective);
  const blanked = lines.map(() => "");
  const comments: (readonly Span[])[] = [];
  const inComment: boolean[] = [];
  const errors: ScriptError[] = [];
  const directives: Directive[] = [];
  let isOpen = false;
  let openedAt = 0;
  let continued: { directive: Directive; index: number } | null = null;
  for (const [number, text] of lines.entries()) {
    inComment.push(isOpen);
    const was = isOpen;
    const part = blankComments(text, isOpen, isPreprocessed);
    if (part.isOpen && !was) {
      openedAt = number;
    }
    isOpen = part.isOpen;
    comments.push(part.comments);
    const mayBeDirective = continued === null && part.code.includes("#");
    const name = mayBeDirective ? directivePattern.exec(part.code)?.[1] : undefined;
    if (name !== undefined) {
      const start = part.code.indexOf("#");
      const end = part.code.indexOf(name, start) + name.length;
      const directive: Directive = { line: number, endLine: number, name, start, end, branch: null };
      directives.push(directive);
      continued = { directive, index: directives.length - 1 };
    }
    if (continued) {
      directives[continued.index] = { ...continued.directive, endLine: number };
      if (!text.endsWith("\\")) {
        continued = null;
      }
    } else {
      const code = withoutHash(part.code);
      blanked[number] = code.endsWith("\\") ? `${code.slice(0, -1)} ` : code;
    }
  }
  if (isOpen) {
    const start = comments[openedAt]?.at(-1)?.start ?? 0;
    errors.push({
      line: openedAt,
      start,
      end: start + 2,
      message: 'The comment has no end: "*/" is missing.',
    });
  }
  const conditions = conditionsOf(blanked, directives, errors);
  return { code: blanked, comments, inComment, isPreprocessed, errors, ...conditions };
}

const none: readonly never[] = [];

/** Comments become blanks; strings protect what looks like one. */
function blankComments(
  text: string,
  isOpen: boolean,
  isPreprocessed: boolean,
): { code: string; comments: readonly Span[]; isOpen: boolean } {
  if (!isOpen && !text.includes("/*") && !(isPreprocessed && text.includes("//"))) {
    return { code: text, comments: none, isOpen: false };
  }
  const comments: Span[] = [];
  let code = "";
  let at = 0;
  let open = isOpen;
  while (at < text.length) {
    if (open) {
      const close = text.indexOf("*/", at);
      const end = close < 0 ? text.length : close + 2;
      comments.push({ start: at, end });
      code += " ".repeat(end - at);
      open = close < 0;
      at = end;
    } else {
      const found = /"[^"]*"|\/\*|\/\//g;
      found.lastIndex = at;
      const match = nextComment(found, text, isPreprocessed);
      const start = match ?? text.length;
      code += text.slice(at, start);
      at = start;
      if (match !== undefined && text.startsWith("//", start)) {
        comments.push({ start, end: text.length });
        code += " ".repeat(text.length - start);
        at = text.length;
      } else if (match !== undefined) {
        const close = text.indexOf("*/", start + 2);
        const end = close < 0 ? text.length : close + 2;
        comments.push({ start, end });
        code += " ".repeat(end - start);
        open = close < 0;
        at = end;
      }
    }
  }
  return { code, comments, isOpen: open || (isOpen && text === "") };
}

function nextComment(pattern: RegExp, text: string, isPreprocessed: boolean): number | undefined {
  for (let match = pattern.exec(text); match; match = pattern.exec(text)) {
    if (match[0] === "/*" || (match[0] === "//" && isPreprocessed)) {
      return match.index;
    }
  }
  return undefined;
}

/** ld takes "#" for the beginning of a comment. */
function withoutHash(code: string): string {
  if (!code.includes("#")) {
    return code;
  }
  for (const match of code.matchAll(/"[^"]*"|#/g)) {
    if (match[0] === "#") {
      return code.slice(0, match.index).padEnd(code.length);
    }
  }
  return code;
}

interface Opened {
  readonly condition: number;
  readonly outer: Branch | null;
  branch: number;
  /** Lines at which its branches begin. */
  readonly starts: number[];
  readonly line: number;
  readonly directive: Directive;
  /** Inside the brackets of an expression, where one branch alone can be read. */
  readonly isInBrackets: boolean;
}

function conditionsOf(
  code: string[],
  directives: Directive[],
  errors: ScriptError[],
): Pick<Source, "branches" | "seams" | "directives"> {
  const branches: (Branch | null)[] = [];
  const seams = new Set<number>();
  const open: Opened[] = [];
  let branch: Branch | null = null;
  let count = 0;
  if (directives.length === 0) {
    return { branches, seams, directives };
  }
  let next = 0;
  let brackets = 0;
  for (let number = 0; number < code.length; number += 1) {
    brackets = bracketsBehind(code[number] ?? "", brackets);
    const directive = directives[next];
    if (directive?.line === number) {
      const top = open.at(-1);
      if (directive.name.startsWith("if")) {
        const opened: Opened = {
          condition: count,
          outer: branch,
          branch: 0,
          starts: [directive.endLine + 1],
          line: number,
          directive,
          isInBrackets: brackets > 0,
        };
        count += 1;
        open.push(opened);
        directives[next] = { ...directive, branch };
        branch = { condition: opened.condition, branch: 0, outer: opened.outer };
      } else if (/^el|^endif/.test(directive.name)) {
        if (!top) {
          errors.push({
            line: number,
            start: directive.start,
            end: directive.end,
            message: `"#${directive.name}" without "#if".`,
          });
        } else if (directive.name === "endif") {
          open.pop();
          branch = top.outer;
          top.starts.push(number);
          dropOthers(code, top.starts, top.isInBrackets);
        } else {
          top.branch += 1;
          top.starts.push(directive.endLine + 1);
          branch = { condition: top.condition, branch: top.branch, outer: top.outer };
        }
        directives[next] = { ...directive, branch: top?.outer ?? branch };
      } else {
        directives[next] = { ...directive, branch };
      }
      if (/^(?:if|el|endif)/.test(directive.name)) {
        seams.add(number);
      }
      next += 1;
    }
    branches.push(branch);
  }
  for (const { line, directive } of open) {
    const { start, end } = directive;
    errors.push({ line, start, end, message: '"#if" without "#endif".' });
  }
  return { branches, seams, directives };
}

/** `starts`: of every branch, and the line of `#endif`. */
function dropOthers(code: string[], starts: readonly number[], isInBrackets: boolean): void {
  const isBalanced = starts
    .slice(0, -1)
    .every((start, at) => depthOf(code, start, starts[at + 1] ?? start) === 0);
  if (isInBrackets || !isBalanced) {
    for (let line = starts[1] ?? code.length; line < (starts.at(-1) ?? 0); line += 1) {
      code[line] = "";
    }
  }
}

/** Brackets that are open behind a line; statements end all of them. */
function bracketsBehind(code: string, before: number): number {
  let depth = before;
  if (/[(){};]/.test(code)) {
    for (const match of code.matchAll(/"[^"]*"|[(){};]/g)) {
      depth =
        match[0] === "("
          ? depth + 1
          : match[0] === ")"
            ? Math.max(0, depth - 1)
            : /^[{};]$/.test(match[0])
              ? 0
              : depth;
    }
  }
  return depth;
}

function depthOf(code: readonly string[], from: number, to: number): number {
  let depth = 0;
  for (let line = from; line < to; line += 1) {
    for (const match of (code[line] ?? "").matchAll(/"[^"]*"|[{}()]/g)) {
      depth += match[0] === "{" || match[0] === "(" ? 1 : match[0] === "}" || match[0] === ")" ? -1 : 0;
    }
  }
  return depth;
}
