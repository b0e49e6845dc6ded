/**
 * Completion in linker scripts: the words that are valid at the place, and the names it asks for.
 *
 * Invariant: a list is never a wall: names of the built program come only behind two letters, and not more than can be looked over.
 * Elsewhere: where the cursor is (`context.ts`), what the words mean (`manual/`).
 */
import {
  CompletionItemKind,
  InsertTextFormat,
  MarkupKind,
  type CompletionItem,
  type CompletionList,
  type Range,
} from "vscode-languageserver-types";
import type { Position, SyntaxFile } from "../syntax.ts";
import type { World } from "../world.ts";
import { contextAt, type Context } from "./context.ts";
import { treeOf } from "./file.ts";
import { entriesAt, entryOf, linkOf, type Entry } from "./manual/index.ts";
import { headersOf, regionsOf, sectionsOf } from "./tree.ts";

const limit = 200;

/** Without an order of its own an item stands by its name. */
interface Offer {
  readonly label: string;
  readonly kind: CompletionItemKind;
  readonly order: number;
  readonly detail?: string;
  readonly insert?: string;
  readonly entry?: Entry;
}

export function scriptCompletion(world: World, uri: string, position: Position): CompletionList {
  const file = world.file(uri);
  const context = file && contextAt(file, position);
  if (!context || (context.place === null && context.wants === null)) {
    return { isIncomplete: false, items: [] };
  }
  const offers = new Map<string, Offer>();
  for (const offer of offersAt(world, file, context, position)) {
    if (isLike(offer.label, context.prefix) && !offers.has(offer.label)) {
      offers.set(offer.label, offer);
    }
  }
  const all = [...offers.values()].toSorted((a, b) => a.order - b.order);
  const { line, column } = position;
  const range = { start: { line, character: context.start }, end: { line, character: column } };
  return {
    isIncomplete: all.length > limit || context.prefix.length < 2,
    items: all.slice(0, limit).map((offer) => itemOf(offer, range)),
  };
}

/** Whether a name begins as what is typed does; signs before the first letter do not count. */
function isLike(label: string, prefix: string): boolean {
  const [first] = prefix.replace(/^\W+/, "");
  return first === undefined || label.replace(/^\W+/, "").slice(0, 1).toLowerCase() === first.toLowerCase();
}

function itemOf(offer: Offer, range: Range): CompletionItem {
  const { label, kind, order, detail, insert, entry } = offer;
  return {
    label,
    kind,
    sortText: `${order}${label}`,
    filterText: label,
    textEdit: { range, newText: insert ?? label },
    ...(insert === undefined ? {} : { insertTextFormat: InsertTextFormat.Snippet }),
    ...(detail === undefined ? {} : { labelDetails: { description: detail } }),
    ...(entry
      ? {
          documentation: {
            kind: MarkupKind.Markdown,
            value: `${entry.text}\n\nld manual: [${entry.section}](${linkOf(entry)})`,
          },
        }
      : {}),
  };
}

function* offersAt(world: World, file: SyntaxFile, context: Context, position: Position): Iterable<Offer> {
  const { wants, place, prefix } = context;
  switch (wants) {
    case "section":
      yield* outputSections(file);
      return;
    case "input":
      yield* inputSections(world);
      break;
    case "region":
      for (const region of regionsOf(treeOf(file))) {
        yield { label: region.name.text, kind: CompletionItemKind.Module, order: 0, detail: "region" };
      }
      return;
    case "header":
      for (const header of headersOf(treeOf(file))) {
        yield { label: header.name.text, kind: CompletionItemKind.Module, order: 0, detail: "segment" };
      }
      yield { label: "NONE", kind: CompletionItemKind.Keyword, order: 1, detail: "no segment" };
      return;
    case "symbol":
      yield* symbols(world, file, position, prefix);
      return;
    case "constant":
      yield* words(["MAXPAGESIZE", "COMMONPAGESIZE"], "page size");
      return;
    case "format":
      yield* words(["elf64-x86-64", "elf32-i386", "elf32-x86-64", "binary"], "format");
      return;
    case "architecture":
      yield* words(["i386:x86-64", "i386", "i386:x64-32"], "architecture");
      return;
    case "segment-type":
      for (const name of segmentTypes) {
        const entry = entryOf(name);
        yield { label: name, kind: CompletionItemKind.EnumMember, order: 0, ...(entry ? { entry } : {}) };
      }
      return;
    case null:
  }
  switch (place) {
    case "memory":
      yield {
        label: "ORIGIN",
        kind: CompletionItemKind.Keyword,
        order: 0,
        insert: "ORIGIN = ${1:0x100000}, LENGTH = ${2:1M}",
      };
      yield { label: "LENGTH", kind: CompletionItemKind.Keyword, order: 0, insert: "LENGTH = ${1:1M}" };
      return;
    case "expression":
      yield* ofManual(place);
      yield* symbols(world, file, position, prefix);
      return;
    case "sections":
      yield* outputTemplates(file);
      yield* ofManual(place);
      return;
    case "script":
    case "section":
    case "head":
    case "type":
    case "header":
    case "pattern":
      yield* ofManual(place);
      return;
    case "phdrs":
    case null:
  }
}

const segmentTypes = [
  "PT_LOAD",
  "PT_NOTE",
  "PT_TLS",
  "PT_DYNAMIC",
  "PT_INTERP",
  "PT_PHDR",
  "PT_NULL",
  "PT_GNU_STACK",
];

function* ofManual(place: NonNullable<Context["place"]>): Iterable<Offer> {
  for (const entry of entriesAt(place)) {
    const { name, snippet } = entry;
    const isUsual = usual.has(name);
    const kind = place === "expression" ? CompletionItemKind.Function : CompletionItemKind.Keyword;
    yield {
      label: name,
      kind,
      order: isUsual ? 1 : 3,
      entry,
      ...(snippet === undefined ? {} : { insert: snippet }),
    };
  }
}

/** What most scripts of kernels use. */
const usual: ReadonlySet<string> = new Set(
  "ENTRY SECTIONS PHDRS OUTPUT_FORMAT OUTPUT_ARCH PROVIDE KEEP ALIGN ADDR LOADADDR SIZEOF AT NOLOAD FLAGS COMMON ASSERT /DISCARD/ BYTE LONG QUAD . ABSOLUTE DEFINED SIZEOF_HEADERS SORT".split(
    " ",
  ),
);

function* words(list: readonly string[], detail: string): Iterable<Offer> {
  for (const label of list) {
    yield { label, kind: CompletionItemKind.EnumMember, order: 0, detail };
  }
}

function* outputSections(file: SyntaxFile): Iterable<Offer> {
  for (const { name } of sectionsOf(treeOf(file))) {
    if (name.text !== "/DISCARD/") {
      yield { label: name.text, kind: CompletionItemKind.Struct, order: 0, detail: "output section" };
    }
  }
}

/** Sections that assembly of the workspace has, and those that compilers make. */
function* inputSections(world: World): Iterable<Offer> {
  for (const name of world.names.known()) {
    const isSection =
      /^\.[\w.]+$/.test(name) &&
      world.names.named(name).some(({ definition }) => definition.kind === "section");
    if (isSection) {
      yield { label: name, kind: CompletionItemKind.Struct, order: 0, detail: "input section" };
    }
  }
  for (const name of compilerSections) {
    yield { label: name, kind: CompletionItemKind.Struct, order: 2, detail: "of compilers" };
  }
}

const compilerSections =
  ".text .text.* .rodata .rodata.* .data .data.* .bss .bss.* .init_array .fini_array .eh_frame .comment .note.GNU-stack .note.gnu.build-id .tdata .tbss .got .got.plt".split(
    " ",
  );

/** Sections that the script has not yet. */
function* outputTemplates(file: SyntaxFile): Iterable<Offer> {
  const known = new Set([...sectionsOf(treeOf(file))].map(({ name }) => name.text));
  for (const name of [".text", ".rodata", ".data", ".bss"]) {
    if (!known.has(name)) {
      const common = name === ".bss" ? "\n\t*(COMMON)" : "";
      yield {
        label: name,
        kind: CompletionItemKind.Struct,
        order: 2,
        detail: "output section",
        insert: `${name} : {\n\t*(${name} ${name}.*)${common}$0\n}`,
      };
    }
  }
}

function* symbols(world: World, file: SyntaxFile, position: Position, prefix: string): Iterable<Offer> {
  const admits = (name: string): boolean => isLike(name, prefix);
  for (const { uri, definition } of world.names.visibleAt(file.uri, position, admits)) {
    const isOwn = uri === file.uri;
    if (definition.kind === "label" || definition.kind === "constant" || definition.kind === "define") {
      yield {
        label: definition.name,
        kind: definition.kind === "label" ? CompletionItemKind.Variable : CompletionItemKind.Constant,
        order: isOwn ? 0 : 2,
        ...(definition.value === undefined ? {} : { detail: definition.value.slice(0, 40) }),
      };
    }
  }
  if (prefix.length < 2) {
    return;
  }
  let count = 0;
  for (const symbol of world.built[0]?.symbols.values() ?? []) {
    if (
      count < limit &&
      symbol.name.toLowerCase().startsWith(prefix.toLowerCase()) &&
      symbol.kind !== "file" &&
      symbol.kind !== "section"
    ) {
      count += 1;
      yield {
        label: symbol.name,
        kind: symbol.kind === "function" ? CompletionItemKind.Function : CompletionItemKind.Variable,
        order: 3,
        detail: symbol.address,
      };
    }
  }
}
