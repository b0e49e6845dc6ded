/**
 * Something to offer at the cursor, and lists of it: filtered by what has been typed, the useful first, never a wall.
 *
 * Invariant: what takes time or room to tell (documentation) is not in a list; `data` says what to tell when an item is looked at.
 * Elsewhere: where offers come from (`statement.ts`, `operand.ts`, …), what is told of them (`documentation.ts`).
 */
import {
  InsertTextFormat,
  type CompletionItem,
  type CompletionItemKind,
  type CompletionList,
} from "vscode-languageserver-types";
import type { Width } from "../knowledge/instructions.ts";
import type { Dialect } from "../knowledge/spelling.ts";
import type { Context } from "./context.ts";
import type { Notation } from "./snippet.ts";

/** What an item is about: plain data, which the client sends back. */
export type Subject =
  | {
      readonly kind: "instruction";
      readonly name: string;
      readonly dialect: Dialect;
      readonly bits: Width | null;
    }
  | { readonly kind: "directive"; readonly language: "gas" | "nasm"; readonly name: string }
  | { readonly kind: "snippet"; readonly name: string; readonly notation: Notation }
  | { readonly kind: "name"; readonly uri: string; readonly line: number; readonly name: string }
  | { readonly kind: "register"; readonly name: string }
  | { readonly kind: "msr"; readonly number: string }
  | { readonly kind: "port"; readonly number: string };

export interface Offer {
  readonly label: string;
  readonly kind: CompletionItemKind;
  /** The smaller the earlier. */
  readonly rank: number;
  /** Behind the label, and at the right side of the menu. */
  readonly detail?: string;
  readonly description?: string;
  readonly insertText?: string;
  /** In the editor's notation of snippets. */
  readonly isSnippet?: boolean;
  /** Takes the blanks before the word with it: labels of a snippet begin at the margin. */
  readonly isWholeLine?: boolean;
  /** Other words by which it can be found. */
  readonly filterText?: string;
  readonly subject?: Subject;
}

/** 0: begins with what was typed; 1: has its letters in order, after the same first one; undefined: neither. */
export type Matcher = (candidate: string) => 0 | 1 | undefined;

export function matcher(typed: string): Matcher {
  const wanted = typed.toLowerCase();
  const first = wanted[0];
  const capital = first?.toUpperCase();
  return (candidate) => {
    // Most names fail here.
    if (first !== undefined && candidate[0] !== first && candidate[0] !== capital) {
      return undefined;
    }
    const text = candidate.toLowerCase();
    return text.startsWith(wanted) ? 0 : hasLetters(text, wanted) ? 1 : undefined;
  };
}

function hasLetters(text: string, wanted: string): boolean {
  let at = 0;
  for (const letter of wanted) {
    at = text.indexOf(letter, at) + 1;
    if (at === 0) {
      return false;
    }
  }
  return true;
}

/** A dot, a "$" or a "%" that was not typed keeps nothing from being found. */
export function lenientMatcher(typed: string): Matcher {
  const match = matcher(typed);
  if (sigils.has(typed[0] ?? "")) {
    return match;
  }
  return (text) =>
    match(text) ?? (sigils.has(text[0] ?? "") ? match(text.replace(/^[.$%#\\]+/, "")) : undefined);
}

const sigils: ReadonlySet<string> = new Set([".", "$", "%", "#", "\\"]);

/** More than this nobody reads; what is typed next brings the others. */
export const limit = 200;

export function listOf(context: Context, offers: Iterable<Offer>): CompletionList {
  const { word, span, position } = context;
  const match = lenientMatcher(word);
  const found: { readonly offer: Offer; readonly rank: number }[] = [];
  const seen = new Set<string>();
  for (const offer of offers) {
    const fit = word === "" ? 0 : match(offer.filterText ?? offer.label);
    if (fit !== undefined && !seen.has(offer.label)) {
      seen.add(offer.label);
      found.push({ offer, rank: fit * 10 + offer.rank });
    }
  }
  found.sort((a, b) => a.rank - b.rank || compare(a.offer.label, b.offer.label));
  const { line } = position;
  return {
    // What is typed next may bring others: without a word only the usual is offered, and long lists are cut.
    isIncomplete: word === "" || found.length > limit,
    itemDefaults: {
      editRange: { start: { line, character: span.start }, end: { line, character: span.end } },
    },
    items: found.slice(0, limit).map(({ offer }, number) => itemOf(offer, number, context)),
  };
}

function compare(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0;
}

function itemOf(offer: Offer, number: number, { position, span }: Context): CompletionItem {
  const { label, kind, detail, description, insertText, isSnippet, isWholeLine, filterText, subject } = offer;
  const { line } = position;
  const range = { start: { line, character: 0 }, end: { line, character: span.end } };
  const labelDetails = {
    ...(detail === undefined ? {} : { detail: ` ${detail}` }),
    ...(description === undefined ? {} : { description }),
  };
  return {
    label,
    kind,
    sortText: String(number).padStart(3, "0"),
    ...(detail === undefined && description === undefined ? {} : { labelDetails }),
    ...(insertText === undefined
      ? {}
      : isWholeLine === true
        ? { textEdit: { range, newText: insertText } }
        : { textEditText: insertText }),
    ...(isSnippet === true ? { insertTextFormat: InsertTextFormat.Snippet } : {}),
    ...(filterText === undefined ? {} : { filterText }),
    ...(subject === undefined ? {} : { data: subject }),
  };
}
