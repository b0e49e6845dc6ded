/**
 * One instruction from bytes: its length, its text in AT&T or Intel syntax, where it goes. iced-x86 decodes; beside this file only `analysis/instruction.ts` knows it.
 *
 * Invariant: every byte sequence decodes to something of at least one byte; what is no instruction is a row "(bad)" of one byte. Nothing of iced-x86 is
 * touched before the first instruction is decoded, because loading it takes longer than starting a machine (`build.mjs` relies on it).
 */
import { Decoder, DecoderOptions, FlowControl, Formatter, FormatterSyntax, Instruction } from "iced-x86";

export type Syntax = "att" | "intel";
export type CodeBits = 16 | 32 | 64;

export type Flow =
  | "next"
  | "branch"
  | "indirect-branch"
  | "conditional"
  | "call"
  | "indirect-call"
  | "return"
  | "interrupt"
  /** Never completes, or is no instruction. */
  | "exception";

export interface Decoded {
  /** Linear. */
  readonly address: bigint;
  readonly bytes: Uint8Array;
  readonly text: string;
  readonly isValid: boolean;
  readonly flow: Flow;
  /** Linear address of a direct branch's or call's target. */
  readonly target: bigint | null;
  /** Linear address of a memory operand that the instruction alone determines: RIP-relative or absolute. */
  readonly operand: bigint | null;
  /** REP, REPE or REPNE: the instruction may be executed many times. */
  readonly isRepeated: boolean;
}

/** The longest instruction, in bytes. */
export const LONGEST = 15;

function flowOf(control: FlowControl): Flow {
  switch (control) {
    case FlowControl.Next:
    case FlowControl.XbeginXabortXend:
      return "next";
    case FlowControl.UnconditionalBranch:
      return "branch";
    case FlowControl.IndirectBranch:
      return "indirect-branch";
    case FlowControl.ConditionalBranch:
      return "conditional";
    case FlowControl.Return:
      return "return";
    case FlowControl.Call:
      return "call";
    case FlowControl.IndirectCall:
      return "indirect-call";
    case FlowControl.Interrupt:
      return "interrupt";
    case FlowControl.Exception:
      return "exception";
  }
}

function formatter(kind: FormatterSyntax): Formatter {
  const result = new Formatter(kind);
  result.hexPrefix = "0x";
  result.hexSuffix = "";
  result.uppercaseHex = false;
  result.spaceAfterOperandSeparator = false;
  result.branchLeadingZeros = false;
  result.ripRelativeAddresses = true;
  result.smallHexNumbersInDecimal = false;
  return result;
}
// They live as long as the adapter, so their memory in iced's WebAssembly is never given back.
const formatters = new Map<Syntax, Formatter>();
function formatterFor(syntax: Syntax): Formatter {
  let found = formatters.get(syntax);
  if (found === undefined) {
    found = formatter(syntax === "att" ? FormatterSyntax.Gas : FormatterSyntax.Intel);
    formatters.set(syntax, found);
  }
  return found;
}

/**
 * Decodes instructions one after the other until `bytes` end or `visit` returns false. `address` is linear; `base` is the base of the code segment,
 * to which branches are relative in 16- and 32-bit code.
 */
export function decode(
  bytes: Uint8Array,
  address: bigint,
  bits: CodeBits,
  syntax: Syntax,
  base: bigint,
  visit: (instruction: Decoded) => boolean,
): void {
  const width = bits === 64 ? 64 : 32;
  const toLinear = (offset: bigint): bigint => BigInt.asUintN(width, offset + base);
  const decoder = new Decoder(bits, bytes, DecoderOptions.None);
  const instruction = new Instruction();
  try {
    decoder.ip = BigInt.asUintN(bits, address - base);
    let at = 0;
    while (at < bytes.length) {
      decoder.position = at;
      decoder.ip = BigInt.asUintN(width, address + BigInt(at) - base);
      decoder.decodeOut(instruction);
      const isValid = !instruction.isInvalid && instruction.length > 0;
      const length = isValid ? instruction.length : 1;
      const flow = isValid ? flowOf(instruction.flowControl) : "exception";
      const isNear =
        isValid &&
        (instruction.isJccShortOrNear ||
          instruction.isJmpShortOrNear ||
          instruction.isCallNear ||
          instruction.isJcxShort ||
          instruction.isLoop ||
          instruction.isLoopcc);
      const rip = isValid && instruction.isIpRelMemoryOperand;
      const row: Decoded = {
        address: address + BigInt(at),
        bytes: bytes.subarray(at, at + length),
        text: isValid ? formatterFor(syntax).format(instruction) : "(bad)",
        isValid,
        flow,
        target: isNear
          ? toLinear(BigInt.asUintN(bits === 16 ? 16 : width, instruction.nearBranchTarget))
          : null,
        operand: rip ? toLinear(instruction.ipRelMemoryAddress) : null,
        isRepeated:
          isValid &&
          (instruction.hasRepPrefix || instruction.hasRepnePrefix) &&
          instruction.isStringInstruction,
      };
      if (!visit(row)) return;
      at += length;
    }
  } finally {
    instruction.free();
    decoder.free();
  }
}
