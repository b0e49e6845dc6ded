/**
 * Bytes of an instruction, where all of it is written out: the shortest encoding, the first of equally short ones in the order of the op code table, which
 * is what both assemblers choose.
 *
 * Invariant: no bytes rather than wrong ones: an operand that a linker or another line decides (names, branch targets) gives none.
 * Elsewhere: which forms come into question (`operand.ts`).
 */
import * as iced from "iced-x86";
import { flagsOfInstruction, type FlagUse, type Form, type Width } from "./form.ts";
import type { Evaluate, Given, GivenMemory } from "./operand.ts";

export interface Encoded {
  readonly form: Form;
  readonly bytes: Uint8Array;
  /** Of this very instruction: `xor eax, eax` reads nothing and sets ZF. */
  readonly flags: FlagUse;
}

/** The shortest of the forms' encodings; undefined where none can be told. */
export function encode(
  forms: readonly Form[],
  written: readonly Given[],
  bits: Width,
  evaluate: Evaluate,
): Encoded | undefined {
  let best: Encoded | undefined;
  for (const form of forms) {
    const found = encodeForm(form, written, bits, evaluate);
    if (found && (best === undefined || isBetter(found, best))) {
      best = found;
    }
  }
  return best;
}

/** Shorter, or as long with a number of one byte: `add ax, 1` is 83 /0 and not 05. */
function isBetter(found: Encoded, best: Encoded): boolean {
  const difference = found.bytes.length - best.bytes.length;
  const isByte = ({ form }: Encoded): boolean => form.operands.some(({ kind }) => kind.startsWith("imm8sex"));
  return difference < 0 || (difference === 0 && isByte(found) && !isByte(best));
}

/** Assemblers choose among encodings that do the same: a selector is 16 bits whatever it stands in, XCHG has two orders, MOVQ two op codes. */
const hasFreeSize =
  /^(?:[ls]ldt|ltr|str|[ls]msw|ver[rw]|arpl|la?r|lsl|extractps|pextr[bw]|pinsr[bw]|p?movmsk(?:b|p[sd])|invpcid|enqcmds?|rdpid|ptwrite|xchg)$/;

function isChosenFreely(
  { mnemonic, operands, encoding, isVector }: Form,
  written: readonly Given[],
): boolean {
  const [first] = written;
  return (
    hasFreeSize.test(mnemonic) ||
    (mnemonic === "movq" && isVector) ||
    // 3DNow!: iced-x86 leaves the REX prefix of an index out.
    encoding.startsWith("0F 0F") ||
    operands.some(({ kind }) => kind === "seg_reg") ||
    // INT3 has a byte of its own.
    (mnemonic === "int" && first?.kind === "immediate" && first.value === 3n)
  );
}

function encodeForm(
  form: Form,
  written: readonly Given[],
  bits: Width,
  evaluate: Evaluate,
): Encoded | undefined {
  const instruction = new iced.Instruction();
  try {
    instruction.code = form.code;
    if (isChosenFreely(form, written) || !place(instruction, form, written, bits, evaluate)) {
      return undefined;
    }
    const bytes = bytesOf(instruction, bits);
    return bytes && { form, bytes, flags: flagsOfInstruction(instruction) };
  } finally {
    instruction.free();
  }
}

/** iced-x86 throws where operands cannot be encoded together: a high byte beside a REX prefix, an index that is the stack pointer. */
function bytesOf(instruction: iced.Instruction, bits: Width): Uint8Array | undefined {
  const encoder = new iced.Encoder(bits);
  try {
    encoder.encode(instruction, 0n);
    return encoder.takeBuffer();
  } catch {
    return undefined;
  } finally {
    encoder.free();
  }
}

function place(
  instruction: iced.Instruction,
  form: Form,
  written: readonly Given[],
  bits: Width,
  evaluate: Evaluate,
): boolean {
  const skip = form.operands.length - written.length;
  return form.operands.every(({ kind }, number) => {
    const one = written[number - skip];
    if (isImplied(kind)) {
      // Written or not, it is the one the mode has; another is asked for rarely.
      return one === undefined && placeImplied(instruction, number, kind, bits);
    }
    if (!one) {
      return false;
    }
    switch (one.kind) {
      case "register":
        instruction.setOpKind(number, iced.OpKind.Register);
        return placeRegister(instruction, number, one.name);
      case "immediate":
        return one.value !== undefined && placeImmediate(instruction, number, kind, one.value);
      case "memory":
        instruction.setOpKind(number, iced.OpKind.Memory);
        return placeMemory(instruction, one, kind, bits, evaluate);
      case "target":
      case "far":
      case "any":
        return false;
    }
  });
}

function isImplied(kind: string): boolean {
  return /^(?:es_rDI|seg_rSI|seg_rDI|seg_rBX_al)$/.test(kind);
}

function placeImplied(instruction: iced.Instruction, number: number, kind: string, bits: Width): boolean {
  const { OpKind } = iced;
  if (kind === "es_rDI") {
    const kinds = { 16: OpKind.MemoryESDI, 32: OpKind.MemoryESEDI, 64: OpKind.MemoryESRDI } as const;
    instruction.setOpKind(number, kinds[bits]);
    return true;
  }
  if (kind === "seg_rSI") {
    const kinds = { 16: OpKind.MemorySegSI, 32: OpKind.MemorySegESI, 64: OpKind.MemorySegRSI } as const;
    instruction.setOpKind(number, kinds[bits]);
    return true;
  }
  if (kind === "seg_rBX_al") {
    const { Register } = iced;
    instruction.setOpKind(number, OpKind.Memory);
    instruction.memoryBase = { 16: Register.BX, 32: Register.EBX, 64: Register.RBX }[bits];
    instruction.memoryIndex = Register.AL;
    return true;
  }
  return false;
}

let registers: ReadonlyMap<string, iced.Register> | null = null;

function registerNumber(name: string): iced.Register | undefined {
  if (registers === null) {
    const made = new Map<string, iced.Register>();
    for (const [word, value] of Object.entries(iced.Register)) {
      if (typeof value === "number") {
        made.set(word.toLowerCase(), value);
      }
    }
    registers = made;
  }
  // r8b is R8L there; %st(1) and st1 are ST1; %db7 is DR7.
  const plain = name
    .replace(/^(r\d+)b$/, "$1l")
    .replace(/^st\((\d)\)$/, "st$1")
    .replace(/^st$/, "st0")
    .replace(/^db/, "dr");
  return registers.get(plain);
}

function placeRegister(instruction: iced.Instruction, number: number, name: string): boolean {
  const register = registerNumber(name);
  if (register === undefined) {
    return false;
  }
  instruction.setOpRegister(number, register);
  return true;
}

function placeImmediate(instruction: iced.Instruction, number: number, kind: string, value: bigint): boolean {
  const { OpKind } = iced;
  const isSecond = number > 0 && instruction.opKind(number - 1) === OpKind.Immediate16;
  const kinds: Readonly<Record<string, iced.OpKind>> = {
    imm8: isSecond ? OpKind.Immediate8_2nd : OpKind.Immediate8,
    imm8_const_1: OpKind.Immediate8,
    imm8sex16: OpKind.Immediate8to16,
    imm8sex32: OpKind.Immediate8to32,
    imm8sex64: OpKind.Immediate8to64,
    imm16: OpKind.Immediate16,
    imm32: OpKind.Immediate32,
    imm32sex64: OpKind.Immediate32to64,
    imm64: OpKind.Immediate64,
  };
  const found = kinds[kind];
  if (found === undefined) {
    return false;
  }
  instruction.setOpKind(number, found);
  const size = /sex(\d+)/.exec(kind)?.[1] ?? /^imm(\d+)/.exec(kind)?.[1] ?? "64";
  const isSigned = kind.includes("sex");
  const fitted = isSigned ? BigInt.asIntN(Number(size), value) : BigInt.asUintN(Number(size), value);
  if (isSigned) {
    instruction.setImmediateI64(number, fitted);
  } else {
    instruction.setImmediateU64(number, fitted);
  }
  return true;
}

function placeMemory(
  instruction: iced.Instruction,
  { segment, base, index, scale, displacement }: GivenMemory,
  kind: string,
  bits: Width,
  evaluate: Evaluate,
): boolean {
  const value = displacement === "" ? 0n : evaluate(displacement);
  const [baseNumber, indexNumber, segmentNumber] = [base, index, segment].map((name) =>
    name === undefined ? iced.Register.None : registerNumber(name),
  );
  if (
    value === undefined ||
    baseNumber === undefined ||
    indexNumber === undefined ||
    segmentNumber === undefined
  ) {
    return false;
  }
  // Relative to the instruction's own end: where that is, no line says.
  if ([base, index].some((name) => name !== undefined && /^[er]ip$|iz$/.test(name))) {
    return false;
  }
  instruction.memoryBase = baseNumber;
  instruction.memoryIndex = indexNumber;
  instruction.memoryIndexScale = scale;
  if (segment !== undefined) {
    instruction.segmentPrefix = segmentNumber;
  }
  const addressBits = addressBitsOf(base ?? index) ?? bits;
  const isBare = base === undefined && index === undefined;
  const isShort = displacement === "" ? false : value >= -128n && value < 128n;
  instruction.memoryDisplSize =
    displacement === "" && !isBare
      ? 0
      : isShort && base !== undefined && kind !== "mem_offs"
        ? value === 0n
          ? 0
          : 1
        : addressBits / 8;
  instruction.memoryDisplacement = BigInt.asUintN(64, value);
  return true;
}

function addressBitsOf(name: string | undefined): Width | undefined {
  if (name === undefined) {
    return undefined;
  }
  return /^(?:bx|bp|si|di)$/.test(name) ? 16 : /^e|d$/.test(name) ? 32 : 64;
}

const flags = new Map<number, FlagUse>();

/** What a form does to the flags whatever its operands are: different registers, a count that is not zero. */
export function flagsOf(form: Form): FlagUse {
  const known = flags.get(form.code);
  if (known) {
    return known;
  }
  const instruction = new iced.Instruction();
  instruction.code = form.code;
  const { Register, OpKind } = iced;
  const some = [Register.CL, Register.DL, Register.BL, Register.AL, Register.DH];
  form.operands.forEach(({ kind }, number) => {
    if (kind.startsWith("imm")) {
      placeImmediate(instruction, number, kind, kind === "imm8_const_1" ? 1n : 2n);
    } else if (!/^(?:br|farbr|xbegin)/.test(kind)) {
      instruction.setOpKind(number, OpKind.Register);
      instruction.setOpRegister(number, some[number] ?? Register.CL);
    }
  });
  const found = flagsOfInstruction(instruction);
  instruction.free();
  flags.set(form.code, found);
  return found;
}
