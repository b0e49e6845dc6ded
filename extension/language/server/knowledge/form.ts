/**
 * Forms of instructions as the manuals list them: an encoding, its operands, the modes it exists in, what it does to the flags.
 *
 * Invariant: facts come from iced-x86 (its table of op codes), nothing here is said by hand. A mnemonic's forms are made when they are first asked for and
 * kept; nothing of iced-x86 is touched before.
 * Elsewhere: how assemblers spell mnemonics (`spelling.ts`), which form given operands select (`operand.ts`), bytes (`encoding.ts`), what it all means
 * (`meaning/`).
 */
import * as iced from "iced-x86";

export type Width = 16 | 32 | 64;

export interface FormOperand {
  /** In the manual's column: "r/m64", "imm8", "CL"; "" for operands that are not written (the memory of string instructions). */
  readonly text: string;
  /** iced-x86's name of it: "r64_or_mem", "imm8sex64". */
  readonly kind: string;
  /** Of an operand that may be in memory, the bits there, where the manual says them. */
  readonly memoryBits: number | undefined;
}

/** Names of flags, from CF up. */
export interface FlagUse {
  readonly read: readonly string[];
  /** By the result. */
  readonly written: readonly string[];
  readonly cleared: readonly string[];
  readonly set: readonly string[];
  readonly undefined: readonly string[];
}

export interface Form {
  /** iced-x86's number. */
  readonly code: number;
  /** In Intel's spelling, lower case. */
  readonly mnemonic: string;
  /** "ADD r/m64, imm32" */
  readonly text: string;
  /** All of them, also those that are not written. */
  readonly operands: readonly FormOperand[];
  /** How many of them the manual's column has, and so the assemblers. */
  readonly writtenCount: number;
  /** "REX.W 81 /0 id" */
  readonly encoding: string;
  /** Operand size; 0 where it has none. */
  readonly size: 0 | 8 | 16 | 32 | 64;
  readonly modes: readonly Width[];
  /** "kernel": only at privilege level 0. "may": at level 0, elsewhere where IOPL or a bit in CR4 lets it. */
  readonly privilege: "none" | "kernel" | "may";
  /** Uses the stack, or goes somewhere: without operands that say more, the mode decides its size. */
  readonly isModeSized: boolean;
  readonly isVector: boolean;
  readonly canLock: boolean;
  readonly canRepeat: boolean;
}

/** Bits as iced-x86 numbers them, in the order of RFLAGS, then the x87's condition codes. */
const flagBits: readonly (readonly [number, string])[] = [
  [16, "CF"],
  [32, "PF"],
  [8, "AF"],
  [4, "ZF"],
  [2, "SF"],
  [128, "IF"],
  [64, "DF"],
  [1, "OF"],
  [256, "AC"],
  [512, "UIF"],
  [1024, "C0"],
  [2048, "C1"],
  [4096, "C2"],
  [8192, "C3"],
];

let index: ReadonlyMap<string, readonly number[]> | null = null;

/** Codes of the same encoding twice, which no assembler writes (82 /0 and the like). */
const twice = /_(?:82|F[67]r1|D[CDEF][CD][08])$/;
/** Of processors that never had 64 bits, or never were: no kernel of this century has them. */
const foreign =
  /^(?:VEX_KNC|MVEX)_|^(?:INVALID|Declare|Zero_bytes|Reservednop|Cmpxchg486|Pmulhrw_|Sal_|Bb[01]_|Cpu_|Cyrix|D3NOW_P(?:addsiw|aveb|distib|machriw|magw|mulhriw|mulhrwc|mvg|mvl|mvn|mvz|subsiw)|Cflsh|Dmint|Rdm$|Rdshr|Wrshr|Rsdc|Rsldt|Rsts|Svdc|Svldt|Svts|Smint|Umov|Xbts|Ibts|Storeall|Loadall|Altinst|Jmpe|Undoc|Xcrypt|Xsha|Xstore|Montmul|Ccs_)/;

/** Numbers of codes by mnemonic in lower case. */
function codes(): ReadonlyMap<string, readonly number[]> {
  if (index !== null) {
    return index;
  }
  const made = new Map<string, number[]>();
  for (const [name, code] of Object.entries(iced.Code)) {
    if (typeof code === "number" && !foreign.test(name) && !twice.test(name)) {
      const info = iced.CodeExt.opCode(code);
      const mnemonic = iced.Mnemonic[info.mnemonic]?.toLowerCase() ?? "";
      info.free();
      const list = made.get(mnemonic);
      if (list) {
        list.push(code);
      } else {
        made.set(mnemonic, [code]);
      }
    }
  }
  index = made;
  return made;
}

/** Every mnemonic, in Intel's spelling. */
export function mnemonics(): Iterable<string> {
  return codes().keys();
}

export function hasForms(mnemonic: string): boolean {
  return codes().has(mnemonic);
}

const cache = new Map<string, readonly Form[]>();

export function formsOf(mnemonic: string): readonly Form[] {
  const known = cache.get(mnemonic);
  if (known) {
    return known;
  }
  const forms = (codes().get(mnemonic) ?? []).map((code) => make(code, mnemonic));
  cache.set(mnemonic, forms);
  return forms;
}

function make(code: number, mnemonic: string): Form {
  const info = iced.CodeExt.opCode(code);
  const operands = operandsOf(info);
  const text = info.instructionString;
  const form: Form = {
    code,
    mnemonic,
    text,
    operands,
    writtenCount: columns(text).length,
    encoding: encodingOf(info),
    size: sizeOf(info, operands),
    modes: ([16, 32, 64] as const).filter((bits) => info.isAvailableInMode(bits)),
    privilege: privilegeOf(info, mnemonic),
    isModeSized:
      info.isStackInstruction ||
      operands.some(({ kind }) => kind.startsWith("br") || kind.startsWith("farbr")) ||
      /^(?:jmp|call|[ls][gi]dt|ret|iret)/.test(mnemonic),
    isVector: operands.some(({ kind }) => /^[xyz]?mm/.test(kind)),
    canLock: info.canUseLockPrefix,
    canRepeat: info.canUseRepPrefix || info.canUseRepnePrefix,
  };
  info.free();
  return form;
}

/** Ports and IF are guarded by IOPL (SDM volume 1, 19.5), which iced-x86 counts as privileged. */
function privilegeOf(info: iced.OpCodeInfo, mnemonic: string): Form["privilege"] {
  if (info.isInputOutput || mnemonic === "cli" || mnemonic === "sti") {
    return "may";
  }
  return info.isPrivileged || (info.cpl0 && !info.cpl3) ? "kernel" : info.mayRequireCpl0 ? "may" : "none";
}

/** Operands in the manual's column, without those that only stand there to be seen ("<XMM0>"). */
function columns(text: string): readonly string[] {
  const space = text.indexOf(" ");
  const list = space < 0 ? [] : text.slice(space + 1).split(", ");
  return list.filter((column) => !column.startsWith("<"));
}

function operandsOf(info: iced.OpCodeInfo): readonly FormOperand[] {
  const written = columns(info.instructionString);
  // Operands that are not written stand first (FXCH ST(i), MASKMOVQ), or none is written.
  const skip = info.opCount - written.length;
  return Array.from({ length: info.opCount }, (_, number) => {
    const text = written[number - skip] ?? "";
    const bits = /(?:^|\/)m(\d+)(?:fp|int|bcd|byte)?(?:\/m\d+bcst)?$/.exec(text.replace(/ ?\{.*/, ""))?.[1];
    return {
      text,
      kind: iced.OpCodeOperandKind[info.opKind(number)] ?? "",
      memoryBits: bits === undefined ? undefined : Number(bits) * (text.endsWith("byte") ? 8 : 1),
    };
  });
}

function encodingOf(info: iced.OpCodeInfo): string {
  const isImplied = info.defaultOpSize64 || info.forceOpSize64;
  return info.opCodeString
    .replace(/\b[oa](?:16|32) /g, "")
    .replace(/\bo64 /, isImplied ? "" : "REX.W ")
    .replace(/\ba64 /, "");
}

function sizeOf(info: iced.OpCodeInfo, operands: readonly FormOperand[]): Form["size"] {
  const size = info.operandSize;
  if (size === 16 || size === 32 || size === 64) {
    return size;
  }
  const general = operands
    .map(({ kind }) => /^r(32|64)_(?:rm|reg|or_mem)$/.exec(kind)?.[1])
    .find((bits) => bits !== undefined);
  if (general !== undefined && !operands.some(({ kind }) => /^[xyz]?mm|^k_/.test(kind))) {
    return general === "32" ? 32 : 64;
  }
  const isByte =
    operands.some(({ kind }) => /^(?:r8_|al$)/.test(kind)) ||
    /^(?:in|out|mov|cmp|sto|lod|sca)s?b$/i.test(info.instructionString);
  return isByte ? 8 : 0;
}

function namesIn(bits: number): readonly string[] {
  return flagBits.filter(([bit]) => (bits & bit) !== 0).map(([, name]) => name);
}

export function flagsOfInstruction(instruction: iced.Instruction): FlagUse {
  return {
    read: namesIn(instruction.rflagsRead),
    written: namesIn(instruction.rflagsWritten),
    cleared: namesIn(instruction.rflagsCleared),
    set: namesIn(instruction.rflagsSet),
    undefined: namesIn(instruction.rflagsUndefined),
  };
}

const features = new Map<number, readonly string[]>();

/** Names of the CPUID features it needs, iced-x86's: "SSE2", "FSGSBASE"; nothing for what every x86-64 processor has. */
export function featuresOf(form: Form): readonly string[] {
  const known = features.get(form.code);
  if (known) {
    return known;
  }
  const instruction = new iced.Instruction();
  instruction.code = form.code;
  const found = [...instruction.cpuidFeatures()]
    .map((feature) => iced.CpuidFeature[feature] ?? "")
    .filter((name) => !/^(?:INTEL\d+|INTEL\d+_.*|X64|CPUID|FPU.*|)$/.test(name));
  instruction.free();
  features.set(form.code, found);
  return found;
}
