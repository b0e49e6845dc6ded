/**
 * The arguments of a build's own command that a check keeps: those that say what the text means. All that name files to write, or steps to take, are left
 * out.
 *
 * Invariant: a list of what is kept, not of what is not, so that an option nobody here knows writes no file in the workspace.
 * Elsewhere: which command a file has (`database.ts`), what is added to it (`attempt.ts`).
 */
import { programName } from "../server/rules/build-command.ts";

export type Family = "gas" | "compiler" | "nasm";

/** Which programs a command of a compilation database may name; null for others, which are not run. */
export function familyOf(program: string): Family | null {
  const name = programName(program);
  if (/^nasm(?:\.exe)?$/i.test(name)) {
    return "nasm";
  }
  if (/^(?:[\w.]+-)*as(?:\.exe)?$/.test(name)) {
    return "gas";
  }
  return /^(?:[\w.]+-)*(?:gcc|g\+\+|cc|c\+\+|clang|clang\+\+)(?:-\d[\w.]*)?(?:\.exe)?$/.test(name)
    ? "compiler"
    : null;
}

interface Kept {
  /** Kept as it is. */
  readonly alone: RegExp;
  /** Kept with the word behind it. */
  readonly withNext: RegExp;
  /** Left out with the word behind it. */
  readonly skippedWithNext: RegExp;
}

const kept: Readonly<Record<Family, Kept>> = {
  gas: {
    alone: /^(?:-I.+|--(?:32|64|x32)|-m[\w=,.-]+|-march=.*|--defsym=.+|-n)$/,
    withNext: /^(?:-I|--defsym)$/,
    skippedWithNext: /^(?:-o|--MD)$/,
  },
  compiler: {
    alone:
      /^(?:-I.+|-D.+|-U.+|-m[\w=,.+-]+|--target=.*|--sysroot=.*|-B.+|-std=.*|-ansi|-O\w*|-undef|-nostdinc|-f(?:no-)?(?:pic|PIC|pie|PIE|freestanding|hosted|cf-protection|integrated-as|stack-protector|strict-aliasing|common)(?:=.*)?|-Wa,(?!-a|.*,-a|.*MD|.*-o).*)$/,
    withNext:
      /^(?:-I|-D|-U|-include|-imacros|-isystem|-iquote|-idirafter|-isysroot|-target|--sysroot|-B|-x|-arch)$/,
    skippedWithNext:
      /^(?:-o|-MF|-MT|-MQ|-MJ|-Xlinker|-Xassembler|-Xpreprocessor|-Xclang|-mllvm|--param|-T|-L|-l|-u|-z|-e)$/,
  },
  nasm: {
    alone:
      /^(?:-f\w+|-[Iip].+|-[DdUu].+|-w[+-].*|-W.*|-O[\dvx]*|-t|--(?:include|define|undefine|pre-define|pre-include)=.*|--(?:g?prefix|g?postfix|suffix)=?.*)$/i,
    withNext: /^-(?:f|I|i|P|p|D|d|U|u)$/,
    skippedWithNext: /^-(?:o|l|E|F|s|X|Z|MF|MT|MQ|MW|L)$/,
  },
};

/**
 * Null for a command that is not run: it reads options from files, which may name anything.
 * @param words without the program
 * @param isInput whether a word is the name of the file that is checked
 */
export function argumentsOf(
  family: Family,
  words: readonly string[],
  isInput: (word: string) => boolean,
): readonly string[] | null {
  const { alone, withNext, skippedWithNext } = kept[family];
  const found: string[] = [];
  for (let index = 0; index < words.length; index += 1) {
    const word = words[index] ?? "";
    if (word.startsWith("@") || /^-{1,2}(?:specs|config)\b|^-@/.test(word)) {
      return null;
    }
    if (isInput(word)) {
      continue;
    }
    if (withNext.test(word)) {
      found.push(word, words[index + 1] ?? "");
      index += 1;
    } else if (skippedWithNext.test(word)) {
      index += 1;
    } else if (alone.test(word)) {
      found.push(word);
    }
  }
  return found;
}
