/**
 * What rules for scripts share: findings at words, and which input a script places where.
 */
import type { Finding, Related } from "../../rules/rule.ts";
import type { SyntaxFile } from "../../syntax.ts";
import { tokenOfWord } from "../line.ts";
import {
  allStatements,
  type InputSection,
  type OutputSection,
  type ScriptTree,
  type SectionPattern,
  type Word,
} from "../tree.ts";

export function at(word: Word, message: string, more: Pick<Finding, "fixes" | "related"> = {}): Finding {
  const { start, end } = tokenOfWord(word);
  return { line: word.line, start, end, message, ...more };
}

export function related(file: SyntaxFile, word: Word, message: string): Related {
  const { start, end } = tokenOfWord(word);
  return { uri: file.uri, line: word.line, start, end, message };
}

/** One pattern of an input section description, with all that is around it. */
export interface Placing {
  readonly output: OutputSection;
  readonly input: InputSection;
  readonly pattern: SectionPattern;
}

/** In the order in which ld tries them: the first that fits takes the section. */
export function* placings(tree: ScriptTree): Generator<Placing> {
  for (const { statement, around } of allStatements(tree.statements)) {
    if (statement.kind === "input" && around) {
      for (const pattern of statement.patterns) {
        yield { output: around, input: statement, pattern };
      }
    }
  }
}

/** Takes whatever has the name, from every file, however it is linked. */
export function takesAll({ output, input, pattern }: Placing): boolean {
  return (
    input.file?.text === "*" &&
    pattern.excluded.length === 0 &&
    !input.hasFlags &&
    input.branch === null &&
    output.branch === null &&
    output.constraint === null
  );
}

/** Whether every name that the second pattern finds is found by the first: equal ones, and "prefix*" before what begins so. */
export function covers(first: string, second: string): boolean {
  if (first === second) {
    return true;
  }
  const prefix = prefixOf(first);
  return prefix !== undefined && second.startsWith(prefix) && !isCommon(second);
}

/** What stands before the asterisk of a pattern that has this one wildcard, at its end. */
export const prefixOf = (pattern: string): string | undefined => /^([^*?[\]]*)\*$/.exec(pattern)?.[1];

/** A word for the common symbols, which no pattern of names finds. */
export const isCommon = (pattern: string): boolean => /^(?:LARGE_)?COMMON$/.test(pattern);

/** A script that is not read by ld as it stands here: macros and included files may say more. */
export function isOpenEnded(tree: ScriptTree): boolean {
  if (tree.includes.length > 0) {
    return true;
  }
  for (const { statement } of allStatements(tree.statements)) {
    if (statement.kind === "call") {
      return true;
    }
  }
  return false;
}
