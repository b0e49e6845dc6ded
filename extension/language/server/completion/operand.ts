/**
 * What can stand in an operand of an instruction: registers that a form takes there, names, sizes of memory.
 *
 * Invariant: a register is left out only where no form of the instruction in this mode takes it with the operands before it. A word that is no instruction
 * (a macro) takes everything.
 */
import { CompletionItemKind } from "vscode-languageserver-types";
import { instruction, type Form, type FormOperand } from "../knowledge/instructions.ts";
import { admits, givenOperands, registerClass, type Given, type GivenMemory } from "../knowledge/operand.ts";
import type { Dialect } from "../knowledge/spelling.ts";
import { isMark } from "../lexeme.ts";
import { isBranch } from "../mnemonic.ts";
import type { World } from "../world.ts";
import type { Context, OperandPlace } from "./context.ts";
import { isReversed } from "./form.ts";
import { isLabel, isValue, namesAt, numericLabels } from "./name.ts";
import { numberOffers } from "./number.ts";
import type { Offer } from "./offer.ts";
import { addressRegistersIn, registerKind, registerRank, registersIn } from "./register.ts";

export function* operandOffers(world: World, context: Context, place: OperandPlace): Iterable<Offer> {
  const { dialect, word } = context;
  const isAtt = dialect === "att";
  const isRegisterTyped = isAtt && word.startsWith("%");
  if (place.isInBrackets) {
    yield* addressRegisters(context, place);
    if (!isRegisterTyped && !(isAtt && place.begun.length > 0)) {
      yield* namesAt(world, context, isValue, () => 2);
    }
    return;
  }
  const candidates = candidatesOf(context, place);
  const isDollar = isMark(place.begun.at(-1), "$");
  if (place.begun.length === 0 || isMark(place.begun.at(-1), "*")) {
    yield* registers(context, candidates, isBranch(place.mnemonic) ? 6 : 0);
  }
  if (isRegisterTyped) {
    return;
  }
  const isGoing = isBranch(place.mnemonic) || isFar.test(place.mnemonic);
  if (isGoing) {
    yield* numericLabels(context);
  }
  yield* numberOffers(context, place, isDollar);
  if (place.begun.length === 0 && !isAtt && takes(candidates, { kind: "memory" })) {
    yield* sizes(context, candidates);
  }
  yield* names(world, context, candidates, isDollar, isGoing);
}

/** Its segment and its offset are two operands, of which the forms have one. */
const isFar = /^l(?:jmp|call)[wlq]?$/i;

/** A form, and its operand at the cursor; undefined: the instruction is not known, anything goes. */
type Candidates = readonly { readonly form: Form; readonly operand: FormOperand }[] | undefined;

function candidatesOf({ dialect, before }: Context, place: OperandPlace): Candidates {
  const { mnemonic, operands, index } = place;
  const { bits } = before;
  const known = instruction(mnemonic, dialect);
  const isPair = isFar.test(mnemonic) && (index > 0 || isMark(place.begun.at(-1), "$"));
  if (!known || isPair) {
    return undefined;
  }
  const forms = known.forms.filter((form) => bits === null || form.modes.includes(bits));
  const isTurned = dialect === "att" && isReversed(mnemonic);
  const written = givenOperands(mnemonic, operands, dialect, () => undefined);
  // `givenOperands` has them in Intel's order; as they are written they are counted from the other end.
  const inOrder = isTurned ? written.toReversed() : written;
  return forms.flatMap((form) =>
    operandLists(form, dialect).flatMap((list) => {
      const listed = isTurned ? list.toReversed() : list;
      const operand = listed[index];
      const fits =
        inOrder.length === index &&
        inOrder.every((one, number) => {
          const own = listed[number];
          return own !== undefined && canBe(own, one, form, dialect);
        });
      return operand && fits ? [{ form, operand }] : [];
    }),
  );
}

/** GNU as: a shift by 1 may leave the count away. */
function operandLists(form: Form, dialect: Dialect): readonly (readonly FormOperand[])[] {
  const visible = form.operands.slice(form.operands.length - form.writtenCount);
  const isShift = /^(?:sh[lr]|sa[lr]|ro[lr]|rc[lr])$/.test(form.mnemonic);
  return isShift && dialect !== "nasm" ? [visible, visible.slice(0, 1)] : [visible];
}

/** `lar` and `lsl` read a selector: 16 bits, also where the destination is wider; NASM takes any name of the register. */
function canBe(operand: FormOperand, given: Given, form: Form, dialect: Dialect): boolean {
  const isSelector = /^l(?:ar|sl)$/.test(form.mnemonic) && /^r\d+_or_mem$/.test(operand.kind);
  const classes = dialect === "nasm" ? /^r(?:16|32|64)$/ : /^r16$/;
  return (
    admits(operand, given, form) || (isSelector && given.kind === "register" && classes.test(given.class))
  );
}

const memory: GivenMemory = {
  isFar: false,
  kind: "memory",
  bits: undefined,
  segment: undefined,
  base: undefined,
  index: undefined,
  scale: 1,
  displacement: "x",
};
const immediate: Given = { kind: "immediate", text: "x", value: undefined, bits: undefined };
const target: Given = { kind: "target" };

function takes(candidates: Candidates, what: { readonly kind: "memory" | "immediate" | "target" }): boolean {
  const given = what.kind === "memory" ? memory : what.kind === "immediate" ? immediate : target;
  return candidates === undefined || candidates.some(({ form, operand }) => admits(operand, given, form));
}

function* registers(
  { dialect, before, word }: Context,
  candidates: Candidates,
  later: number,
): Iterable<Offer> {
  const sigil = dialect === "att" ? "%" : "";
  const isCapital = /^[A-Z]/.test(word) && word === word.toUpperCase();
  for (const name of registersIn(before.bits)) {
    const kind = registerClass(name);
    const isTaken =
      candidates === undefined
        ? registerRank(name, before.bits) < 6
        : kind !== undefined &&
          candidates.some(({ form, operand }) =>
            canBe(operand, { kind: "register", name, class: kind }, form, dialect),
          );
    if (isTaken) {
      yield registerOffer(
        sigil + (isCapital ? name.toUpperCase() : name),
        name,
        later + registerRank(name, before.bits),
      );
    }
  }
  const hasPort =
    dialect === "att" && (candidates ?? []).some(({ form }) => /^(?:in|out)$/.test(form.mnemonic));
  if (hasPort && word === "") {
    yield { label: "(%dx)", kind: CompletionItemKind.Variable, rank: 6, description: "the port in %dx" };
  }
}

function registerOffer(label: string, name: string, rank: number): Offer {
  return {
    label,
    kind: CompletionItemKind.Variable,
    rank,
    description: registerKind(name),
    subject: { kind: "register", name },
  };
}

function* addressRegisters({ dialect, before }: Context, place: OperandPlace): Iterable<Offer> {
  const isAtt = dialect === "att";
  const comesFirst =
    place.begun.length < 2 || isMark(place.begun.at(-1), "[") || isMark(place.begun.at(-1), "(");
  for (const [number, name] of addressRegistersIn(before.bits).entries()) {
    // rip goes with a displacement only; NASM writes "rel".
    const isRip = name === "rip";
    if (!isRip || (dialect !== "nasm" && comesFirst)) {
      yield registerOffer((isAtt ? "%" : "") + name, name, number / 100);
    }
  }
  if (!isAtt && comesFirst) {
    yield* ["fs", "gs", "es", "cs", "ss", "ds"].map((name): Offer => ({
      ...registerOffer(`${name}:`, name, 3),
      description: "segment of the address",
    }));
  }
  if (dialect === "nasm" && comesFirst && before.bits !== 16 && before.bits !== 32) {
    yield { label: "rel", kind: CompletionItemKind.Keyword, rank: 1, description: "relative to rip" };
  }
}

const sizeNames: readonly (readonly [number, string, string])[] = [
  [8, "byte", "byte"],
  [16, "word", "word"],
  [32, "dword", "dword"],
  [64, "qword", "qword"],
  [80, "tbyte", "tword"],
  [128, "xmmword", "oword"],
];

/** byte ptr [, qword [: the sizes that the instruction's memory can have. */
function* sizes({ dialect, before }: Context, candidates: Candidates): Iterable<Offer> {
  for (const [bits, gas, nasm] of sizeNames) {
    const isTaken =
      candidates === undefined
        ? bits <= 64
        : candidates.some(
            ({ form, operand }) => admits(operand, { ...memory, bits }, form) && /mem/.test(operand.kind),
          );
    if (isTaken && (bits !== 64 || candidates !== undefined || before.bits !== 16)) {
      const label = dialect === "nasm" ? nasm : `${gas} ptr`;
      yield { label, kind: CompletionItemKind.Keyword, rank: 3, description: `${bits} bits in memory` };
    }
  }
}

function* names(
  world: World,
  context: Context,
  candidates: Candidates,
  isDollar: boolean,
  isGoing: boolean,
): Iterable<Offer> {
  if (isGoing) {
    yield* namesAt(world, context, isValue, (found) =>
      isLabel(found) ? (found.definition.kind === "local" ? 0 : 1) : 5,
    );
    return;
  }
  const hasMemory = takes(candidates, { kind: "memory" });
  const hasImmediate = takes(candidates, { kind: "immediate" });
  const isAtt = context.dialect === "att";
  if (isDollar ? !hasImmediate : !hasMemory && !hasImmediate) {
    return;
  }
  for (const offer of namesAt(world, context, isValue, () => 2)) {
    const isNumber = offer.kind === CompletionItemKind.Constant;
    // AT&T: a name alone is memory at this address; a constant is meant as a number.
    const needsDollar = isAtt && !isDollar && (isNumber ? hasImmediate : !hasMemory);
    yield needsDollar ? { ...offer, label: `$${offer.label}`, filterText: `$${offer.label}` } : offer;
  }
}
