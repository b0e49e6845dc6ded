/**
 * Mnemonics that begin as what was typed, of those a mode has.
 *
 * Invariant: forms of an instruction are made only when its name has been found; those of all instructions would take most of a second.
 * Elsewhere: the forms (`knowledge/`), what else begins a statement (`statement.ts`).
 */
import { CompletionItemKind } from "vscode-languageserver-types";
import { mnemonics } from "../knowledge/form.ts";
import { instruction, suffixedNames, type Instruction } from "../knowledge/instructions.ts";
import { ownNames, type Dialect } from "../knowledge/spelling.ts";
import type { Bits } from "../syntax.ts";
import { matcher, type Offer } from "./offer.ts";

const usual =
  "mov add sub and or xor not neg cmp test inc dec shl shr lea push pop call ret jmp je jne jz jnz jc jnc ja jb jae jbe jg jl jge jle loop nop hlt cli sti cld std int " +
  "in out lodsb stosb stosd stosq movsb movzx movsx lgdt lidt ltr rdmsr wrmsr cpuid invlpg iret iretd iretq pushf popf xchg syscall sysret swapgs";
const usualInAtt =
  "inb outb iretl ljmp lret movb movw movl movq addl addq subl subq cmpb cmpl cmpq testb testl testq pushl pushq popl popq leal leaq andl andq orl orq xorl xorq " +
  "movzbl movzwl movabs stosl";
const strings =
  "movsb movsw movsd movsq movsl cmpsb cmpsw cmpsd cmpsq cmpsl stosb stosw stosd stosq stosl lodsb lodsw lodsd lodsq lodsl scasb scasw scasd scasq scasl insb insw insd insl outsb outsw outsd outsl ret";
const locked =
  "add adc and btc btr bts cmpxchg cmpxchg8b cmpxchg16b dec inc neg not or sbb sub xadd xchg xor";

/** With their places in the list. */
const placed = (names: string): ReadonlyMap<string, number> =>
  new Map(names.split(" ").map((name, place) => [name, place]));
const commonNames: Readonly<Record<Dialect, ReadonlyMap<string, number>>> = {
  att: placed(`${usual} ${usualInAtt}`),
  intel: placed(usual),
  nasm: placed(usual),
};

/** Names that the tables have and the dialect's assemblers have not: instructions of processors long gone, other spellings. */
const gone =
  "undoc cl1invmb fnstdw fnstsg frichop frinear frint2 frstpm fstdw fstpnce fstsg ftstp fnsetpm aor rdudbg wrudbg tcmmimfp16ps tcmmrlfp16ps pcmpestri64 pcmpestrm64 " +
  "pcmpistri64 pcmpistrm64 vpcmpestri64 vpcmpestrm64 pcommit paddsiw paveb pdistib pfrcpv pfrsqrtv pmachriw pmagw pmulhriw pmulhrw pmvgezb pmvlzb pmvnzb pmvzb psubsiw getsecq";
const goneInGas = "icebp salc retn retnw retnd retnl retnq";
const absent: Readonly<Record<Dialect, ReadonlySet<string>>> = {
  att: new Set(
    `${gone} ${goneInGas} insd iretd lodsd outsd popad popfd pushad pushfd scasd stosd`.split(" "),
  ),
  intel: new Set(`${gone} ${goneInGas}`.split(" ")),
  nasm: new Set(`${gone} cmps ins lods movs outs scas stos sysexitq sysretq`.split(" ")),
};

/** What the tables let be anywhere and is of 64-bit code only. */
const longOnly = /^(?:movabs[bwlq]?|prefetchit[01])$/;

/** More than these nobody reads; more letters bring others. */
const limit = 250;

/** Those that begin with a letter: the usual first, vector instructions last. */
const buckets = new Map<string, ReadonlyMap<string, readonly string[]>>();

function namesOf(dialect: Dialect): ReadonlyMap<string, readonly string[]> {
  const known = buckets.get(dialect);
  if (known) {
    return known;
  }
  const made = new Map<string, string[]>();
  const common = commonNames[dialect];
  for (const name of new Set([...common.keys(), ...[...mnemonics(), ...ownNames(dialect)].toSorted()])) {
    const list = made.get(name[0] ?? "") ?? [];
    list.push(name);
    made.set(name[0] ?? "", list);
  }
  buckets.set(dialect, made);
  return made;
}

interface Listed {
  readonly offer: Offer;
  readonly canRepeat: boolean;
  readonly canLock: boolean;
}

const cache = new Map<string, Listed | null>();

/** null: the mode has not got it. */
function listed(name: string, dialect: Dialect, bits: Bits): Listed | null {
  const key = `${bits} ${dialect} ${name}`;
  const known = cache.get(key);
  if (known !== undefined) {
    return known;
  }
  const isHere = !absent[dialect].has(name) && !(longOnly.test(name) && (bits === 16 || bits === 32));
  const one = isHere ? instruction(name, dialect) : undefined;
  const made = one && (bits === null || one.modes.includes(bits)) ? entry(one, dialect, bits) : null;
  cache.set(key, made);
  return made;
}

function entry({ name, forms, modes }: Instruction, dialect: Dialect, bits: Bits): Listed {
  const isVector = forms.every((form) => form.isVector);
  const place = commonNames[dialect].get(name);
  const isOnly = bits === null && modes.length < 3;
  return {
    canRepeat: forms.some((form) => form.canRepeat),
    canLock: forms.some((form) => form.canLock),
    offer: {
      label: name,
      kind: CompletionItemKind.Keyword,
      rank: place === undefined ? (isVector ? 4 : 2) : place / 1000,
      ...(isOnly ? { description: `${modes.join("- and ")}-bit code` } : {}),
      subject: { kind: "instruction", name, dialect, bits },
    },
  };
}

/** `prefix`: "rep" and "lock" go with some instructions only. */
export function* mnemonicOffers(
  dialect: Dialect,
  bits: Bits,
  word: string,
  prefix: string | undefined,
): Iterable<Offer> {
  const isRepeat = prefix?.startsWith("rep") ?? false;
  const isLock = prefix === "lock";
  const isCapital = /^[A-Z]/.test(word) && word === word.toUpperCase();
  let count = 0;
  const words = isRepeat ? strings : isLock && word === "" ? locked : undefined;
  for (const name of words?.split(" ") ?? candidates(dialect, word)) {
    const found = listed(name, dialect, bits);
    if (found && (!isRepeat || found.canRepeat) && (!isLock || found.canLock)) {
      yield isCapital ? { ...found.offer, label: found.offer.label.toUpperCase() } : found.offer;
      count += 1;
    }
    if (count >= limit) {
      return;
    }
  }
}

function* candidates(dialect: Dialect, word: string): Iterable<string> {
  if (word === "") {
    yield* commonNames[dialect].keys();
    return;
  }
  const match = matcher(word);
  const typed = word.toLowerCase();
  const names = namesOf(dialect).get(typed[0] ?? "") ?? [];
  const begin = names.filter((name) => match(name) === 0);
  // "pushq" is not in the tables: its stem is, and may be all there is of what was typed.
  const stems = dialect === "att" ? names.filter((name) => name === typed.slice(0, -1)) : [];
  yield* begin;
  for (const stem of dialect === "att" ? [...stems, ...begin] : []) {
    yield* suffixedNames(stem).filter((name) => match(name) === 0);
  }
  yield* names.filter((name) => match(name) === 1);
}
