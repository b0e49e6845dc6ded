/**
 * What can stand behind a directive: sections and their flags, kinds of symbols, widths, names.
 *
 * Invariant: words that only one argument of one directive takes are offered there and nowhere else; where a new name is given, nothing is.
 */
import { CompletionItemKind } from "vscode-languageserver-types";
import type { SyntaxFile } from "../syntax.ts";
import type { DefinitionAt, World } from "../world.ts";
import type { ArgumentPlace, Context } from "./context.ts";
import { isLabel, isValue, namesAt } from "./name.ts";
import type { Offer } from "./offer.ts";
import { registerKind, registerRank, registersIn } from "./register.ts";

/** `name index`, or `name` for every argument: words with what they mean. */
const words: ReadonlyMap<string, readonly (readonly [string, string])[]> = new Map([
  [
    ".section 1",
    [
      ['"a"', "in memory, read only"],
      ['"ax"', "code"],
      ['"aw"', "writable data"],
      ['"awx"', "writable code"],
      ['"aMS"', "strings that can be merged"],
      ['""', "not in memory"],
    ],
  ],
  [
    ".section 2",
    [
      ["@progbits", "has bytes in the file"],
      ["@nobits", "zeros, no bytes in the file"],
      ["@note", "notes"],
    ],
  ],
  [
    ".type 1",
    [
      ["@function", "code"],
      ["@object", "data"],
      ["@notype", "neither"],
      ["@common", "data that files share"],
      ["@tls_object", "data of a thread"],
    ],
  ],
  [
    ".intel_syntax 0",
    [
      ["noprefix", "registers without %"],
      ["prefix", "registers with %"],
    ],
  ],
  [
    ".att_syntax 0",
    [
      ["prefix", "registers with %"],
      ["noprefix", "registers without %"],
    ],
  ],
  [
    "bits 0",
    [
      ["16", "real mode"],
      ["32", "protected mode"],
      ["64", "long mode"],
    ],
  ],
  [
    "default 0",
    [
      ["rel", "addresses are relative to rip"],
      ["abs", "addresses are absolute"],
    ],
  ],
  [
    "section",
    [
      ["progbits", "has bytes in the file"],
      ["nobits", "zeros, no bytes in the file"],
      ["alloc", "in memory"],
      ["noalloc", "not in memory"],
      ["exec", "code"],
      ["noexec", "no code"],
      ["write", "writable"],
      ["nowrite", "read only"],
      ["align=", "bytes"],
    ],
  ],
  [
    "%use 0",
    [
      ["smartalign", "better filling"],
      ["altreg", "other names of registers"],
      ["fp", "floating point"],
      ["ifunc", "functions of integers"],
      ["masm", "words of MASM"],
    ],
  ],
  [
    "%stacksize 0",
    [
      ["flat", "32 bits"],
      ["flat64", "64 bits"],
      ["large", "16 bits, far"],
      ["small", "16 bits"],
    ],
  ],
]);

const sameAs: Readonly<Record<string, string>> = { ".pushsection": ".section", segment: "section" };

/** Directives whose first argument is a name that they make. */
const naming = new Set(
  ".macro .set .equ .equiv .eqv .comm .lcomm .common .irp .irpc .weakref #define #undef %define %xdefine %idefine %ixdefine %assign %iassign %macro %imacro %rmacro %defstr %deftok %defalias %strlen %strcat %substr %local %arg %push struc common".split(
    " ",
  ),
);
const sharing = new Set(
  ".globl .global .weak .hidden .internal .protected .local .type .size .symver global static".split(" "),
);
const importing = new Set("extern required .extern .xref".split(" "));
const texts = new Set(
  ".ascii .asciz .string .error .warning .print .ident .title .sbttl .file .arch .err .fail .abort .end #error #warning #pragma #line #ident %error %warning %note %fatal %pragma %line warning cpu list debug map".split(
    " ",
  ),
);
const usualSections = {
  gas: [".text", ".data", ".rodata", ".bss", ".multiboot", ".init", ".note.GNU-stack"],
  nasm: [".text", ".data", ".rodata", ".bss", ".multiboot"],
} as const;

const isMacroName = ({ definition: { kind } }: DefinitionAt): boolean => kind === "macro";
const isDefine = ({ definition: { kind } }: DefinitionAt): boolean =>
  kind === "define" || kind === "constant";
const isSymbol = ({ definition: { kind } }: DefinitionAt): boolean => kind === "label";

export function* argumentOffers(world: World, context: Context, place: ArgumentPlace): Iterable<Offer> {
  const name = sameAs[place.name] ?? place.name;
  if (place.isMacro) {
    yield* macroArguments(world, context);
    return;
  }
  const isSectionName = (name === ".section" || name === "section") && place.index === 0;
  if (isSectionName && place.wordCount === 0) {
    yield* sections(world, context);
    return;
  }
  const own = words.get(`${name} ${place.index}`) ?? (name === "section" ? words.get(name) : undefined);
  if (own) {
    yield* own.map(([label, description], number): Offer => ({
      label,
      kind: CompletionItemKind.EnumMember,
      rank: number / 10,
      description,
    }));
    return;
  }
  if (
    texts.has(name) ||
    name === ".section" ||
    (naming.has(name) && place.index === 0 && place.wordCount === 0)
  ) {
    return;
  }
  if (sharing.has(name) && place.index === 0) {
    yield* namesAt(world, context, (found) => isSymbol(found) && found.uri === context.file.uri);
  } else if (importing.has(name)) {
    yield* namesAt(world, context, (found) => isSymbol(found) && found.uri !== context.file.uri);
  } else if (name === ".purgem" || name === "%unmacro") {
    yield* namesAt(world, context, isMacroName);
  } else if (/^(?:#(?:el)?if|%(?:el)?ifn?(?:def)?$|\.ifn?def)/.test(name)) {
    yield* namesAt(world, context, (found) => isDefine(found) || (name.startsWith(".") && isLabel(found)));
  } else if (name.startsWith(".cfi_")) {
    yield* registerOffers(context, 0);
  } else {
    yield* namesAt(world, context, isValue);
  }
}

function* macroArguments(world: World, context: Context): Iterable<Offer> {
  yield* registerOffers(context, 3);
  if (!context.word.startsWith("%") || context.dialect === "nasm") {
    yield* namesAt(world, context, isValue, () => 1);
  }
}

function* registerOffers({ dialect, before }: Context, rank: number): Iterable<Offer> {
  for (const name of registersIn(before.bits)) {
    const own = registerRank(name, before.bits);
    if (own < 4) {
      yield {
        label: (dialect === "att" ? "%" : "") + name,
        kind: CompletionItemKind.Variable,
        rank: rank + own,
        description: registerKind(name),
        subject: { kind: "register", name },
      };
    }
  }
}

/** Of this file, of linker scripts, and what everybody uses. */
function* sections(world: World, { file, position }: Context): Iterable<Offer> {
  const found = new Map<string, number>();
  for (const one of [file, ...scripts(world)]) {
    for (const [number, { definitions }] of one.lines.entries()) {
      for (const { kind, name } of definitions) {
        if (kind === "section" && name !== "/DISCARD/" && !(one === file && number === position.line)) {
          found.set(name, one === file ? 0 : (found.get(name) ?? 1));
        }
      }
    }
  }
  for (const name of usualSections[file.language === "nasm" ? "nasm" : "gas"]) {
    found.set(name, found.get(name) ?? 2);
  }
  for (const [label, rank] of found) {
    yield { label, kind: CompletionItemKind.Module, rank };
  }
}

const scriptLimit = 20;

function* scripts(world: World): Iterable<SyntaxFile> {
  let count = 0;
  for (const one of world.files()) {
    if (one.language === "linkerscript" && count < scriptLimit) {
      count += 1;
      yield one;
    }
  }
}
