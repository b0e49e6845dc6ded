/**
 * What can begin a statement: instructions that exist in the mode, directives, snippets, macros.
 *
 * Invariant: without a letter typed only what boot code commonly uses is offered; an instruction that the mode has not is never.
 */
import { CompletionItemKind } from "vscode-languageserver-types";
import { instructions, type Instruction, type Width } from "../knowledge/instructions.ts";
import type { Dialect } from "../knowledge/spelling.ts";
import type { World } from "../world.ts";
import type { Context } from "./context.ts";
import { directives } from "./directive.ts";
import { isCallable, namesAt } from "./name.ts";
import type { Offer } from "./offer.ts";
import { widthOf } from "./register.ts";
import { snippetText, type Notation } from "./snippet.ts";
import { snippets } from "./snippets/index.ts";

const usual: ReadonlySet<string> = new Set(
  (
    "mov add sub and or xor not neg cmp test inc dec shl shr lea push pop call ret jmp je jne jz jnz jc jnc ja jb jae jbe jg jl jge jle loop nop hlt cli sti cld std int " +
    "in out lodsb stosb stosd stosq movsb movzx movsx lgdt lidt ltr rdmsr wrmsr cpuid invlpg iret iretd iretq pushf popf xchg syscall sysret swapgs"
  ).split(" "),
);
const usualInAtt: ReadonlySet<string> = new Set(
  (
    "inb outb iretl ljmp lret movb movw movl movq addl addq subl subq cmpb cmpl cmpq testb testl testq pushl pushq popl popq leal leaq andl andq orl orq xorl xorq " +
    "movzbl movzwl movabs"
  ).split(" "),
);

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
    yield* instructionOffers(dialect, before.bits, word, prefix);
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

interface Listed {
  readonly offer: Offer;
  readonly isUsual: boolean;
  readonly canRepeat: boolean;
  readonly canLock: boolean;
}

const tables = new Map<string, ReadonlyMap<string, readonly Listed[]>>();

/** By their first letter, made once for each mode. */
function tableOf(dialect: Dialect, bits: Context["before"]["bits"]): ReadonlyMap<string, readonly Listed[]> {
  const key = `${dialect} ${bits}`;
  const known = tables.get(key);
  if (known) {
    return known;
  }
  const made = new Map<string, Listed[]>();
  const seen = new Set<string>();
  for (const width of widthOf(bits)) {
    for (const one of instructions(width, dialect)) {
      if (!seen.has(one.name)) {
        seen.add(one.name);
        const first = one.name[0] ?? "";
        const list = made.get(first) ?? [];
        made.set(first, list);
        list.push(listed(one, dialect, bits));
      }
    }
  }
  tables.set(key, made);
  return made;
}

function listed(one: Instruction, dialect: Dialect, bits: Width | null): Listed {
  const { name, forms, modes } = one;
  const isVector = forms.every((form) => form.isVector);
  const isOnly = bits === null && modes.length < 3;
  const isUsual = usual.has(name) || (dialect === "att" && usualInAtt.has(name));
  return {
    isUsual,
    canRepeat:
      /^(?:movs|cmps|stos|lods|scas|ins|outs)[bwldq]?$|^retq?$/.test(name) &&
      forms.some((form) => form.canRepeat),
    canLock: forms.some((form) => form.canLock),
    offer: {
      label: name,
      kind: CompletionItemKind.Keyword,
      rank: isUsual ? 0 : isVector ? 4 : 2,
      ...(isOnly ? { description: `${modes.join("- and ")}-bit code` } : {}),
      subject: { kind: "instruction", name, dialect, bits },
    },
  };
}

function* instructionOffers(
  dialect: Dialect,
  bits: Width | null,
  word: string,
  prefix: string | undefined,
): Iterable<Offer> {
  const table = tableOf(dialect, bits);
  const lists = word === "" ? table.values() : [table.get(word[0]?.toLowerCase() ?? "") ?? []];
  const isRepeat = prefix?.startsWith("rep") ?? false;
  const isLock = prefix === "lock";
  const isCapital = /^[A-Z]/.test(word) && word === word.toUpperCase();
  for (const list of lists) {
    for (const { offer, isUsual, canRepeat, canLock } of list) {
      const isWanted = isRepeat ? canRepeat : isLock ? canLock : word !== "" || isUsual;
      if (isWanted) {
        yield isCapital ? { ...offer, label: offer.label.toUpperCase() } : offer;
      }
    }
  }
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

function* snippetOffers({ dialect, before }: Context): Iterable<Offer> {
  if (before.macros.length > 0) {
    return;
  }
  for (const { name, title, bits, texts } of snippets) {
    const text = texts[dialect];
    if (text !== undefined && (before.bits === null || bits.includes(before.bits))) {
      yield snippetOffer(name, title, dialect, text);
    }
  }
}

export function snippetOffer(name: string, title: string, notation: Notation, text: string): Offer {
  return {
    label: name,
    kind: CompletionItemKind.Snippet,
    rank: 1,
    description: title,
    insertText: snippetText(text),
    isSnippet: true,
    subject: { kind: "snippet", name, notation },
  };
}
