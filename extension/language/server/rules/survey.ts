/**
 * Where in a file the things stand that rules ask for, so that a rule looks at a few lines and not at all of them.
 *
 * Invariant: what is said of a line depends on the line alone and is kept as long as the line is; a file's survey is as long as the file. Bodies of macros
 * are left out: they are text until somebody calls them.
 */
import type { Line, SyntaxFile } from "../syntax.ts";
import { PerLine } from "./per-line.ts";

/** What a line may be of interest for. */
const interests = {
  /** Has an instruction. */
  code: 1,
  /** Touches CR0, CR3, CR4 or a model-specific register, or loads a descriptor table. */
  control: 2,
  table: 4,
  return: 8,
  /** Gives a name its meaning: a label, or a constant. */
  label: 16,
  constant: 32,
  /** May begin a Multiboot header. */
  multiboot: 64,
  /** Uses names. */
  use: 128,
  include: 256,
  /** May be about the end of a boot sector. */
  sector: 512,
  /** Says what the file shares with others. */
  shared: 1024,
  /** Calls a macro, repeats lines, or is not understood: what it leaves does not show. */
  call: 2048,
  /** Part of a macro's body. */
  macro: 4096,
  /** Says how wide code is. */
  width: 8192,
  /** Returns from an interrupt. */
  interrupt: 16_384,
  /** Lays down 32-bit numbers. */
  long: 32_768,
} as const;

export type Interest = keyof typeof interests;

function look(line: Line): number {
  let found = line.includes.length > 0 ? interests.include : 0;
  found |= line.templates.length > 0 ? interests.macro : 0;
  if (line.before.macros.length > 0) {
    return found | interests.macro;
  }
  for (const definition of line.definitions) {
    const isValue = definition.kind === "constant" || definition.kind === "define";
    found |= isValue ? interests.constant : definition.kind === "section" ? 0 : interests.label;
  }
  found |= line.references.length > 0 ? interests.use : 0;
  found |= line.linkage.length > 0 ? interests.shared : 0;
  for (const statement of line.statements) {
    if (statement.kind === "instruction") {
      found |= interests.code | ofMnemonic(statement.mnemonic.text.toLowerCase());
    } else if (statement.kind === "call" || statement.kind === "unknown") {
      found |= interests.call;
    } else if (/^(?:\.code\d+\w*|bits|use\d+)$/.test(statement.name.text)) {
      found |= interests.width;
    } else if (/^(?:\.(?:long|int|4byte)|dd)$/.test(statement.name.text)) {
      found |= interests.long;
    } else if (/^(?:\.(?:rept|irpc?)|%(?:use|rep|push))$/.test(statement.name.text)) {
      found |= interests.call;
    }
  }
  const { text } = line;
  if ((found & interests.code) !== 0 && /\bcr[034]\b/i.test(text)) {
    found |= interests.control;
  }
  if (/1badb002|e85250d6|magic|multiboot|mboot/i.test(text)) {
    found |= interests.multiboot;
  }
  if (/aa55|55aa|\borg\b|\b0?x?aa\b|\b51[02]\b|0x?1fe/i.test(text)) {
    found |= interests.sector;
  }
  return found;
}

function ofMnemonic(mnemonic: string): number {
  if (/^(?:wrmsr|lmsw)/.test(mnemonic)) {
    return interests.control;
  }
  if (/^l[gi]dt/.test(mnemonic)) {
    return interests.table;
  }
  return mnemonic.startsWith("ret")
    ? interests.return
    : mnemonic.startsWith("iret")
      ? interests.interrupt
      : 0;
}

const perLine = new PerLine(look);

export class Survey {
  readonly #found: readonly number[];
  readonly #lines = new Map<Interest, readonly number[]>();

  constructor(file: SyntaxFile) {
    this.#found = perLine.of(file);
  }

  /** Numbers of lines, in order. */
  linesOf(interest: Interest): readonly number[] {
    const known = this.#lines.get(interest);
    if (known) {
      return known;
    }
    const bit = interests[interest];
    const numbers: number[] = [];
    this.#found.forEach((found, number) => {
      if ((found & bit) !== 0) {
        numbers.push(number);
      }
    });
    this.#lines.set(interest, numbers);
    return numbers;
  }
}

const surveys = new WeakMap<SyntaxFile, Survey>();

export function surveyOf(file: SyntaxFile): Survey {
  let survey = surveys.get(file);
  if (!survey) {
    survey = new Survey(file);
    surveys.set(file, survey);
  }
  return survey;
}
