/**
 * Operands as they are written, against the operands of forms: which forms a statement can mean.
 *
 * Invariant: what is not certainly excluded is let in, so that "no form" is certain. Written operands are in Intel's order here, destination first.
 * Elsewhere: forms (`form.ts`), bytes (`encoding.ts`).
 */
import type { Operand } from "../syntax.ts";
import type { Form, FormOperand } from "./form.ts";
import type { Dialect } from "./spelling.ts";

export type RegisterClass =
  | "r8"
  | "r16"
  | "r32"
  | "r64"
  | "seg"
  | "cr"
  | "dr"
  | "tr"
  | "st"
  | "mm"
  | "xmm"
  | "ymm"
  | "zmm"
  | "k"
  | "bnd"
  | "tmm"
  | "ip";

export interface GivenMemory {
  readonly kind: "memory";
  readonly bits: number | undefined;
  readonly segment: string | undefined;
  readonly base: string | undefined;
  readonly index: string | undefined;
  readonly scale: 1 | 2 | 4 | 8;
  /** As written; "" if there is none. */
  readonly displacement: string;
  /** Intel syntax says it ("far", "fword"); AT&T's mnemonic does. */
  readonly isFar: boolean | undefined;
}

export type Given =
  | { readonly kind: "register"; readonly name: string; readonly class: RegisterClass }
  | {
      readonly kind: "immediate";
      readonly text: string;
      readonly value: bigint | undefined;
      /** NASM: `push dword 1`. */
      readonly bits: number | undefined;
    }
  | GivenMemory
  | { readonly kind: "target" }
  | { readonly kind: "far"; readonly bits: number | undefined }
  /** Not understood: may be anything. */
  | { readonly kind: "any" };

const classes: readonly (readonly [RegExp, RegisterClass])[] = [
  [/^(?:[abcd][lh]|(?:si|di|bp|sp)l|r(?:[89]|[12]\d|3[01])[bl])$/, "r8"],
  [/^(?:[abcd]x|si|di|bp|sp|r(?:[89]|[12]\d|3[01])w)$/, "r16"],
  [/^(?:e(?:[abcd]x|si|di|bp|sp)|r(?:[89]|[12]\d|3[01])d)$/, "r32"],
  [/^r(?:[abcd]x|si|di|bp|sp|[89]|[12]\d|3[01])$/, "r64"],
  [/^[cdefgs]s$/, "seg"],
  [/^cr\d+$/, "cr"],
  [/^d[rb]\d+$/, "dr"],
  [/^tr\d$/, "tr"],
  [/^st(?:\(?\d\)?)?$/, "st"],
  [/^mm\d$/, "mm"],
  [/^xmm\d+$/, "xmm"],
  [/^ymm\d+$/, "ymm"],
  [/^zmm\d+$/, "zmm"],
  [/^k\d$/, "k"],
  [/^bnd\d$/, "bnd"],
  [/^tmm\d$/, "tmm"],
  [/^[er]?ip$/, "ip"],
];

export function registerClass(name: string): RegisterClass | undefined {
  return classes.find(([pattern]) => pattern.test(name))?.[1];
}

/** Not reversed in AT&T syntax: "Using as", 9.16.3.1, and instructions with two immediates. */
const unreversed = /^(?:bound|enter|invlpga|extrq|insertq)[wlq]?$/;

/** GNU as takes the count 1 for granted. */
const shifts = /^(?:s[ah][lr]|ro[lr]|rc[lr])[bwlq]?$/i;

/** Gives the value of an expression where it is known; undefined otherwise. */
export type Evaluate = (text: string) => bigint | undefined;

export function givenOperands(
  mnemonic: string,
  operands: readonly Operand[],
  dialect: Dialect,
  evaluate: Evaluate,
): readonly Given[] {
  const list = operands.map((operand) => given(operand, dialect, evaluate));
  if (list.length === 1 && dialect !== "nasm" && shifts.test(mnemonic)) {
    return [...list, { kind: "immediate", text: "1", value: 1n, bits: undefined }];
  }
  const isFar = /^l?(?:jmp|call)[wlq]?$/i.test(mnemonic);
  if (
    isFar &&
    list.length === 2 &&
    list.every(({ kind }) => kind === "immediate" || kind === "any" || kind === "target")
  ) {
    return [{ kind: "far", bits: undefined }];
  }
  return dialect === "att" && !unreversed.test(mnemonic.toLowerCase()) ? list.toReversed() : list;
}

function given(operand: Operand, dialect: Dialect, evaluate: Evaluate): Given {
  const first = operand.registers[0]?.text;
  const bits = operand.sizeBits;
  switch (operand.kind) {
    case "register": {
      const found = first === undefined ? undefined : registerClass(first);
      return found && first !== undefined ? { kind: "register", name: first, class: found } : { kind: "any" };
    }
    case "immediate": {
      const text = operand.text.replace(/^\$/, "");
      return { kind: "immediate", text, value: operand.value ?? evaluate(text), bits };
    }
    case "memory":
      return first === "dx" && operand.registers.length === 1 && /^\(\s*%dx\s*\)$/.test(operand.text)
        ? { kind: "register", name: "dx", class: "r16" }
        : memory(operand, dialect);
    case "target":
      return /^[^"']*[^:]:[^:]/.test(operand.text) ? { kind: "far", bits } : { kind: "target" };
    case "string":
    case "expression":
    case "unknown":
      return { kind: "any" };
  }
}

function memory(operand: Operand, dialect: Dialect): Given {
  const names = operand.registers.map(({ text }) => text);
  const known = names.map(registerClass);
  const segment = known[0] === "seg" ? names[0] : undefined;
  const [first, second] = segment === undefined ? names : names.slice(1);
  // "[rcx*4]", "(,%rcx,4)": an index alone. Without the scale the place of the only register is its role.
  const isIndexOnly = second === undefined && (operand.scale !== undefined || /\(\s*,/.test(operand.text));
  return {
    kind: "memory",
    bits: operand.sizeBits,
    segment,
    base: isIndexOnly ? undefined : first,
    index: isIndexOnly ? first : second,
    scale: operand.scale ?? 1,
    displacement: operand.displacement ?? "",
    isFar: dialect === "att" ? undefined : /\bfar\b|\bfword\b/i.test(operand.text),
  };
}

const fixed: ReadonlySet<string> = new Set("al cl ax dx eax rax es cs ss ds fs gs".split(" "));

/** Whether what is written can be this operand of a form. */
export function admits(operand: FormOperand, written: Given, form: Form): boolean {
  const { kind } = operand;
  switch (written.kind) {
    case "any":
      return true;
    case "register":
      return admitsRegister(kind, written.name, written.class);
    case "immediate":
      return (
        (kind.startsWith("imm") &&
          (written.bits === undefined ||
            written.bits === form.size ||
            kind.startsWith(`imm${written.bits}`)) &&
          admitsValue(kind, written.value)) ||
        // NASM and Intel syntax: a bare number may also be where a branch goes.
        /^(?:br\d|brdisp|xbegin)/.test(kind)
      );
    case "memory":
      return admitsMemory(operand, written, form);
    case "target":
      return /^(?:br\d|brdisp|xbegin)/.test(kind);
    case "far":
      return kind.startsWith("farbr") && (written.bits === undefined || written.bits === form.size);
  }
}

function admitsRegister(kind: string, name: string, found: RegisterClass): boolean {
  if (fixed.has(kind)) {
    return kind === name;
  }
  if (kind === "st0") {
    return /^st(?:\(?0\)?)?$/.test(name);
  }
  const [stem = ""] = kind.split("_");
  switch (stem) {
    case "seg":
      return kind === "seg_reg" && found === "seg";
    case "sti":
      return found === "st";
    case "kp1":
      return found === "k";
    case "r8":
    case "r16":
    case "r32":
    case "r64":
    case "mm":
    case "xmm":
    case "ymm":
    case "zmm":
    case "k":
    case "bnd":
    case "tmm":
    case "cr":
    case "dr":
    case "tr":
      return stem === found;
    default:
      return /^[xyz]mmp3$/.test(stem) && stem.startsWith(found);
  }
}

function admitsMemory(operand: FormOperand, written: GivenMemory, form: Form): boolean {
  const { kind, memoryBits } = operand;
  if (kind === "mem_offs") {
    return written.base === undefined && written.index === undefined && hasSize(written.bits, form.size);
  }
  if (/_or_mem/.test(kind)) {
    if (written.isFar === true) {
      return false;
    }
    const own = /^r(\d+)_/.exec(kind)?.[1];
    return hasSize(written.bits, memoryBits ?? (own === undefined ? undefined : Number(own)));
  }
  if (/^(?:mem|sibmem)/.test(kind)) {
    if (/^(?:jmp|call)$/.test(form.mnemonic)) {
      return written.isFar !== false;
    }
    // A far pointer is asked for by its offset's size, or by the whole.
    return operand.text.startsWith("m16:") || hasSize(written.bits, memoryBits);
  }
  if (/^(?:es_rDI|seg_r)/.test(kind)) {
    return hasSize(written.bits, form.size === 0 ? undefined : form.size);
  }
  return kind.endsWith("_reg_mem");
}

function hasSize(written: number | undefined, own: number | undefined): boolean {
  return written === undefined || own === undefined || written === own;
}

/** Whether a number fits; one that is not known fits wherever no particular one is asked for. */
function admitsValue(kind: string, value: bigint | undefined): boolean {
  if (kind === "imm8_const_1") {
    return value === 1n;
  }
  const [, bits = "64", extended] = /^imm(\d+)(?:sex(\d+))?/.exec(kind) ?? [];
  if (value === undefined || bits === "64") {
    return true;
  }
  const half = 1n << (BigInt(bits) - 1n);
  if (extended === undefined) {
    return value >= -half && value < half * 2n;
  }
  const wrap = 1n << BigInt(extended);
  return (value >= -half && value < half) || (value >= wrap - half && value < wrap);
}

/** The forms that all written operands fit. */
export function matching(forms: readonly Form[], written: readonly Given[]): readonly Form[] {
  return forms.filter((form) => {
    const visible =
      written.length === form.writtenCount
        ? form.operands.slice(form.operands.length - form.writtenCount)
        : written.length === form.operands.length
          ? form.operands
          : null;
    return (
      visible !== null &&
      written.every((one, number) => {
        const operand = visible[number];
        return operand !== undefined && admits(operand, one, form);
      })
    );
  });
}
