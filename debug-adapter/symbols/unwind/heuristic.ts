/**
 * Unwinding without call frame information: assembly, boot code, images stripped of it.
 *
 * In order of trust: the function's first instructions say where its return address is; a frame pointer does; the stack holds a word
 * that points behind a call, or the frame an interrupt left. What is found is marked with how.
 */
import type { Architecture } from "../model.ts";
import { convention, type RegisterConvention } from "./registers.ts";
import {
  type FrameState,
  lookupAddress,
  type Outermost,
  readWord,
  type UnwindSymbols,
  type Unwound,
} from "./state.ts";

// How far up the stack a return address is looked for: first one that is certain, then one that is likely.
const CERTAIN_WORDS = 64;
const LIKELY_WORDS = 512;

export function guess(state: FrameState, symbols: UnwindSymbols): Unwound | Outermost {
  const names = convention(state.architecture);
  const pc = state.registers.get(names.instructionPointer) ?? 0n;
  const stack = state.registers.get(names.stackPointer);
  if (stack === undefined) return { kind: "outermost", reason: "the stack pointer is not known" };
  const start = symbols.functionStart(lookupAddress(state, pc));
  return (
    byPrologue(state, names, pc, stack, start) ??
    byScan(state, names, stack, start, symbols) ??
    byFramePointer(state, names, symbols, true) ?? {
      kind: "outermost",
      reason: "no call frame information, and neither a frame pointer nor a return address on the stack",
    }
  );
}

interface Prologue {
  /** Bytes before `push rbp`. */
  readonly pushAt: number;
  /** Bytes up to and with `mov rbp, rsp`. */
  readonly end: number;
}

/** `push rbp; mov rbp, rsp`, after an `endbr` if there is one; null for any other start. */
export function prologueOf(code: Uint8Array, architecture: Architecture): Prologue | null {
  const isEndbr =
    code[0] === 0xf3 && code[1] === 0x0f && code[2] === 0x1e && (code[3] === 0xfa || code[3] === 0xfb);
  const pushAt = (isEndbr ? 4 : 0) + alignmentBytes(code.subarray(isEndbr ? 4 : 0));
  if (code[pushAt] !== 0x55) return null;
  let at = pushAt + 1;
  if (architecture === "x86-64") {
    if (code[at] !== 0x48) return null;
    at++;
  }
  const isMove = (code[at] === 0x89 && code[at + 1] === 0xe5) || (code[at] === 0x8b && code[at + 1] === 0xec);
  return isMove ? { pushAt, end: at + 2 } : null;
}

/** Bytes of the sequence with which GCC aligns the stack of `main` on i386: `lea ecx, [esp+4]; and esp, -16; push [ecx-4]`. */
function alignmentBytes(code: Uint8Array): number {
  const starts = code[0] === 0x8d && code[1] === 0x4c && code[2] === 0x24 && code[3] === 0x04;
  return starts &&
    code[4] === 0x83 &&
    code[5] === 0xe4 &&
    code[7] === 0xff &&
    code[8] === 0x71 &&
    code[9] === 0xfc
    ? 10
    : 0;
}

function byPrologue(
  state: FrameState,
  names: RegisterConvention,
  pc: bigint,
  stack: bigint,
  start: bigint | null,
): Unwound | null {
  const here = state.isExact ? state.readMemory(pc, 1) : null;
  if (here && (here[0] === 0xc3 || here[0] === 0xc2)) return caller(state, names, stack, "prologue");
  if (start === null) return null;
  const code = state.readMemory(start, 24);
  if (!code) return null;
  const prologue = prologueOf(code, state.architecture);
  const offset = pc - start;
  if (state.isExact && offset <= BigInt(prologue?.pushAt ?? 0))
    return caller(state, names, stack, "prologue");
  if (!prologue) return null;
  const word = BigInt(names.wordBytes);
  if (state.isExact && offset < BigInt(prologue.end))
    return caller(state, names, stack + word, "prologue", stack);
  return byFramePointer(state, names, null, false);
}

/** Two words at the frame pointer: the caller's frame pointer and the return address. */
function byFramePointer(
  state: FrameState,
  names: RegisterConvention,
  symbols: UnwindSymbols | null,
  mustBeCall: boolean,
): Unwound | null {
  const frame = state.registers.get(names.framePointer);
  const stack = state.registers.get(names.stackPointer);
  if (frame === undefined || stack === undefined || frame < stack || frame === 0n) return null;
  const at = frame + BigInt(names.wordBytes);
  if (mustBeCall) {
    const target = readWord(state.readMemory, at, names.wordBytes);
    if (target === undefined || !isBehindCall(state, target, null)) return null;
    if (symbols && !symbols.hasCode(target)) return null;
  }
  return caller(state, names, at, "frame-pointer", frame);
}

/** The caller, given where its return address is and where its frame pointer was saved (absent: it still is in the register). */
function caller(
  state: FrameState,
  names: RegisterConvention,
  returnAt: bigint,
  method: Unwound["method"],
  savedFramePointerAt?: bigint,
): Unwound | null {
  const pc = readWord(state.readMemory, returnAt, names.wordBytes);
  if (pc === undefined || pc === 0n) return null;
  const registers = preserved(state, names);
  if (savedFramePointerAt !== undefined) {
    const framePointer = readWord(state.readMemory, savedFramePointerAt, names.wordBytes);
    if (framePointer === undefined) registers.delete(names.framePointer);
    else registers.set(names.framePointer, framePointer);
  }
  const cfa = returnAt + BigInt(names.wordBytes);
  registers.set(names.stackPointer, cfa);
  registers.set(names.instructionPointer, pc);
  return { kind: "caller", registers, cfa, method, isExact: false };
}

function preserved(state: FrameState, names: RegisterConvention): Map<number, bigint> {
  return new Map([...state.registers].filter(([register]) => names.preserved.has(register)));
}

function byScan(
  state: FrameState,
  names: RegisterConvention,
  stack: bigint,
  start: bigint | null,
  symbols: UnwindSymbols,
): Unwound | null {
  const word = BigInt(names.wordBytes);
  const words: bigint[] = [];
  for (let i = 0; i < LIKELY_WORDS; i++) {
    const value = readWord(state.readMemory, stack + word * BigInt(i), names.wordBytes);
    if (value === undefined) break;
    words.push(value);
  }
  const search = (count: number, callee: bigint | null): Unwound | null => {
    for (let i = 0; i < Math.min(count, words.length); i++) {
      if (!symbols.hasCode(words[i]!)) continue;
      const interrupted = byInterrupt(state, names, words, i, stack);
      if (interrupted) return interrupted;
      if (isBehindCall(state, words[i]!, callee))
        return caller(state, names, stack + word * BigInt(i), "scan");
    }
    return null;
  };
  return (start === null ? null : search(CERTAIN_WORDS, start)) ?? search(LIKELY_WORDS, null);
}

/**
 * Whether a call ends at `address`: `e8` with a relative target, or `ff /2` in one of its lengths. With `callee` a direct call must go
 * there.
 */
function isBehindCall(state: FrameState, address: bigint, callee: bigint | null): boolean {
  if (address < 8n) return false;
  const code = state.readMemory(address - 7n, 7);
  if (!code) return false;
  const bits = state.architecture === "x86-64" ? 64 : 32;
  if (code[2] === 0xe8) {
    const distance = BigInt(new DataView(code.buffer, code.byteOffset, 7).getInt32(3, true));
    if (callee === null || BigInt.asUintN(bits, address + distance) === callee) return true;
  }
  // A call through a register or memory: its length follows from ModRM (SDM vol. 2, §2.1.5).
  for (let length = 2; length <= 7; length++) {
    if (code[7 - length] !== 0xff) continue;
    const modrm = code[8 - length]!;
    if (((modrm >> 3) & 7) !== 2) continue;
    if (modrmBytes(modrm, code[9 - length] ?? 0) + 1 === length) return true;
  }
  return false;
}

/** Bytes of ModRM, SIB and displacement with 32- or 64-bit addresses. */
function modrmBytes(modrm: number, sib: number): number {
  const mode = modrm >> 6;
  const base = modrm & 7;
  if (mode === 3) return 1;
  const hasSib = base === 4;
  const displacement = mode === 1 ? 1 : mode === 2 ? 4 : base === 5 || (hasSib && (sib & 7) === 5) ? 4 : 0;
  return 1 + (hasSib ? 1 : 0) + displacement;
}

// RFLAGS: bit 1 is always set, bits 3, 5, 15 and those from 22 on are always clear (SDM vol. 1, figure 3-8).
const FLAGS_ALWAYS = 0x2n;
const FLAGS_NEVER = ~0x3f_7fd7n;

/** The frame an interrupt left: instruction pointer, code selector, flags, and in long mode always the stack (SDM vol. 3, §6.12, §6.14). */
function byInterrupt(
  state: FrameState,
  names: RegisterConvention,
  words: readonly bigint[],
  index: number,
  stack: bigint,
): Unwound | null {
  const selector = words[index + 1];
  const flags = words[index + 2];
  if (selector === undefined || flags === undefined || !isSelector(selector) || (selector & ~3n) === 0n)
    return null;
  if ((flags & FLAGS_ALWAYS) === 0n || (flags & BigInt.asUintN(64, FLAGS_NEVER)) !== 0n) return null;
  const word = BigInt(names.wordBytes);
  const at = stack + word * BigInt(index);
  const registers = preserved(state, names);
  registers.set(names.instructionPointer, words[index]!);
  if (names.wordBytes === 8) {
    const stackPointer = words[index + 3];
    const stackSelector = words[index + 4];
    if (stackPointer === undefined || stackSelector === undefined || !isSelector(stackSelector)) return null;
    registers.set(names.stackPointer, stackPointer);
    return { kind: "caller", registers, cfa: at + word * 5n, method: "interrupt", isExact: true };
  }
  // In protected mode the stack is there only if the privilege level changed; the code selector tells.
  const changed = (selector & 3n) !== 0n;
  registers.set(names.stackPointer, changed ? (words[index + 3] ?? 0n) : at + word * 3n);
  return {
    kind: "caller",
    registers,
    cfa: at + word * (changed ? 5n : 3n),
    method: "interrupt",
    isExact: true,
  };
}

function isSelector(value: bigint): boolean {
  return value < 0x1_0000n && (value & 4n) === 0n;
}
