/**
 * What can begin a statement: instructions that exist in the mode, directives, snippets, macros.
 *
 * Invariant: without a letter typed only what boot code commonly uses is offered; an instruction that the mode has not is never.
 */
import { CompletionItemKind } from "vscode-languageserver-types";
import type { World } from "../world.ts";
import type { Context } from "./context.ts";
import { directives } from "./directive.ts";
import { mnemonicOffers } from "./mnemonic.ts";
import { isCallable, namesAt } from "./name.ts";
import type { Offer } from "./offer.ts";
import { snippetText } from "./snippet.ts";
import { snippets } from "./snippets/index.ts";

const prefixes = ["rep", "repe", "repne", "lock"];

/** Behind `name` without a colon (NASM): what it can label. */
const labelled: ReadonlySet<string> = new Set(
  "db dw dd dq dt do dy dz resb resw resd resq rest reso resy resz equ times incbin istruc".split(" "),
);

export function* statementOffers(
  world: World,
  context: Context,
  prefix: string | undefined,
  label: string | undefined,
): Iterable<Offer> {
  const { word, dialect, before } = context;
  if (label !== undefined) {
    yield* [...directiveOffers(context)].filter(({ label: name }) => labelled.has(name));
    return;
  }
  const isTyped = word !== "";
  if (!/^[.#%$\\]/.test(word)) {
    yield* mnemonicOffers(dialect, before.bits, word, prefix);
  }
  if (prefix !== undefined) {
    return;
  }
  if (!isTyped || /^\w/.test(word)) {
    yield* prefixes.map((label): Offer => ({
      label,
      kind: CompletionItemKind.Keyword,
      rank: 2,
      description: "prefix",
    }));
    yield* snippetOffers(context);
  }
  yield* directiveOffers(context);
  yield* namesAt(world, context, isCallable, () => 1);
}

function* directiveOffers({ file, word, before }: Context): Iterable<Offer> {
  const language = file.language === "nasm" ? "nasm" : "gas";
  for (const { name, operands, rarity } of directives[language].values()) {
    const isPreprocessor = name.startsWith("#");
    if ((word !== "" || rarity === 0) && (!isPreprocessor || before.isPreprocessed)) {
      yield {
        label: name,
        kind: isPreprocessor || name.startsWith("%") ? CompletionItemKind.Event : CompletionItemKind.Property,
        rank: 1 + rarity * 2,
        ...(operands === "" ? {} : { detail: operands }),
        subject: { kind: "directive", language, name },
      };
    }
  }
}

function* snippetOffers({ dialect, before, file, position, span }: Context): Iterable<Offer> {
  if (before.macros.length > 0) {
    return;
  }
  const isFirst = (file.lines[position.line]?.text.slice(0, span.start) ?? "").trim() === "";
  for (const { name, title, bits, texts } of snippets) {
    const text = texts[dialect];
    if (text !== undefined && (before.bits === null || bits.includes(before.bits))) {
      yield {
        label: name,
        kind: CompletionItemKind.Snippet,
        rank: 1,
        description: title,
        insertText: snippetText(text),
        isSnippet: true,
        isWholeLine: isFirst,
        subject: { kind: "snippet", name, notation: dialect },
      };
    }
  }
}
