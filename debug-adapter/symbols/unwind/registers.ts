/**
 * DWARF's register numbers (x86-64 psABI figure 3.36; i386 psABI table 2.14) and what the calling conventions say of registers.
 */
import type { Architecture } from "../model.ts";

export interface RegisterConvention {
  readonly wordBytes: 4 | 8;
  readonly stackPointer: number;
  readonly framePointer: number;
  /** Column of the return address: the instruction pointer. */
  readonly instructionPointer: number;
  /** Registers a call preserves, so that a caller's value is the callee's unless said otherwise. */
  readonly preserved: ReadonlySet<number>;
}

const X86_64: RegisterConvention = {
  wordBytes: 8,
  stackPointer: 7,
  framePointer: 6,
  instructionPointer: 16,
  // rbx, rbp, r12 to r15
  preserved: new Set([3, 6, 12, 13, 14, 15]),
};

const I386: RegisterConvention = {
  wordBytes: 4,
  stackPointer: 4,
  framePointer: 5,
  instructionPointer: 8,
  // ebx, ebp, esi, edi
  preserved: new Set([3, 5, 6, 7]),
};

export function convention(architecture: Architecture): RegisterConvention {
  return architecture === "x86-64" ? X86_64 : I386;
}

const numbered = (name: string, count: number): string =>
  Array.from({ length: count }, (_, i) => `${name}${i}`).join(" ");
const list = (names: string): string[] => names.split(" ").map((name) => (name === "-" ? "" : name));

/** Names in order of DWARF number; a number without a name is empty. */
export const REGISTER_NAMES: Readonly<Record<Architecture, readonly string[]>> = {
  "x86-64": list(
    `rax rdx rcx rbx rsi rdi rbp rsp r8 r9 r10 r11 r12 r13 r14 r15 rip ${numbered("xmm", 16)} ${numbered("st", 8)} ${numbered("mm", 8)} ` +
      "rflags es cs ss ds fs gs - - fs.base gs.base - - tr ldtr mxcsr fcw fsw",
  ),
  i386: list(
    `eax ecx edx ebx esp ebp esi edi eip eflags - ${numbered("st", 8)} - - ${numbered("xmm", 8)} ${numbered("mm", 8)} ` +
      "fcw fsw mxcsr es cs ss ds fs gs",
  ),
};
