/**
 * Where instructions go, in a sentence each: jumps, calls, loops, interrupts, conditions; and string instructions.
 *
 * Source: Intel SDM volume 2; headings as there. Conditions: volume 1, appendix B "EFLAGS Condition Codes".
 */
import type { Row } from "./row.ts";

export const control: readonly Row[] = [
  [
    "jmp",
    "Goes on at the target, in the same code segment.",
    "JMP—Jump",
    "#GP(0) if the target is outside the code segment or not canonical",
  ],
  [
    "jmp far",
    "Loads CS and the instruction pointer: after setting CR0.PE or EFER.LMA it is what brings the new mode into force. With a TSS or task gate it changes tasks.",
    "JMP—Jump",
    "#GP, #NP, #TS by the descriptor",
  ],
  [
    "call",
    "Pushes the address of the next instruction and goes to the target.",
    "CALL—Call Procedure",
    "#SS(0); #GP(0) if the target is outside the code segment or not canonical",
  ],
  [
    "call far",
    "Pushes CS and the instruction pointer and loads both; through a call gate it may change to a higher privilege level and its stack.",
    "CALL—Call Procedure",
    "#GP, #NP, #SS, #TS by the descriptor",
  ],
  [
    "ret",
    "Pops the address to go on at; an operand removes so many bytes more.",
    "RET—Return From Procedure",
    "#SS(0); #GP(0) if the address is outside the code segment or not canonical",
  ],
  [
    "retf",
    "Pops the instruction pointer and CS; to a lower privilege level also the stack pointer and SS. Without REX.W the values are 32 bits wide even in 64-bit mode.",
    "RET—Return From Procedure",
    "#GP, #NP, #SS by the descriptors",
  ],
  [
    "iret",
    "Returns from an interrupt: pops IP, CS and FLAGS, 16 bits each.",
    "IRET/IRETD/IRETQ—Interrupt Return",
    "#GP, #NP, #SS, #TS by what is on the stack",
  ],
  [
    "iretd",
    "Returns from an interrupt: pops EIP, CS and EFLAGS, 32 bits each. A handler in 64-bit mode needs IRETQ.",
    "IRET/IRETD/IRETQ—Interrupt Return",
    "#GP, #NP, #SS, #TS by what is on the stack",
  ],
  [
    "iretq",
    "Returns from an interrupt in 64-bit mode: pops RIP, CS, RFLAGS, RSP and SS, 64 bits each.",
    "IRET/IRETD/IRETQ—Interrupt Return",
    "#GP, #NP, #SS by what is on the stack",
  ],
  [
    "int",
    "Calls the handler of an interrupt vector, as if the interrupt had come.",
    "INT n/INTO/INT3/INT1—Call to Interrupt Procedure",
    "#GP(vector · 8 + 2) if the gate is missing, wrong, or its DPL is below CPL; #NP",
  ],
  [
    "int3",
    "Breakpoint: raises #BP, vector 3, with a gate that level 3 may use.",
    "INT n/INTO/INT3/INT1—Call to Interrupt Procedure",
    "#BP",
  ],
  [
    "int1",
    "Raises #DB, vector 1; meant for hardware debuggers.",
    "INT n/INTO/INT3/INT1—Call to Interrupt Procedure",
    "#DB",
  ],
  [
    "into",
    "Raises #OF, vector 4, if OF is set.",
    "INT n/INTO/INT3/INT1—Call to Interrupt Procedure",
    "#OF; #UD in 64-bit mode",
  ],
  ["ud2", "Raises #UD: an instruction that will never exist.", "UD—Undefined Instruction", "#UD"],
  ["ud0 ud1", "Raises #UD, after its operands have been decoded.", "UD—Undefined Instruction", "#UD"],
  [
    "loop",
    "Counts rCX down and jumps unless it has become 0; no flag changes.",
    "LOOP/LOOPcc—Loop According to ECX Counter",
  ],
  [
    "loope",
    "Counts rCX down and jumps unless it has become 0 or ZF is clear.",
    "LOOP/LOOPcc—Loop According to ECX Counter",
  ],
  [
    "loopne",
    "Counts rCX down and jumps unless it has become 0 or ZF is set.",
    "LOOP/LOOPcc—Loop According to ECX Counter",
  ],
  ["jcxz", "Jumps if CX is 0.", "Jcc—Jump if Condition Is Met"],
  ["jecxz", "Jumps if ECX is 0.", "Jcc—Jump if Condition Is Met"],
  ["jrcxz", "Jumps if RCX is 0.", "Jcc—Jump if Condition Is Met"],
  [
    "endbr64",
    "Marks a place that indirect jumps and calls may go to in 64-bit mode; does nothing where CET is off.",
    "ENDBR64—Terminate an Indirect Branch in 64-bit Mode",
  ],
  [
    "endbr32",
    "Marks a place that indirect jumps and calls may go to in 32-bit mode; does nothing where CET is off.",
    "ENDBR32—Terminate an Indirect Branch in 32-bit and Compatibility Mode",
  ],
  [
    "syscall",
    "Enters the kernel: RIP from LSTAR, CS and SS from STAR, RCX gets the return address, R11 the flags, which FMASK clears. RSP stays the program's.",
    "SYSCALL—Fast System Call",
    "#UD if EFER.SCE is 0",
  ],
  [
    "sysret sysretq",
    "Returns from SYSCALL to level 3: RIP from RCX, flags from R11, CS and SS from STAR.",
    "SYSRET—Return From Fast System Call",
    "#UD if EFER.SCE is 0; #GP(0) if CPL is not 0 or RCX is not canonical",
  ],
  [
    "sysenter",
    "Enters the kernel with CS, EIP and ESP from MSRs 0x174–0x176; where it came from is not kept.",
    "SYSENTER—Fast System Call",
    "#GP(0) in real mode or if SYSENTER_CS is 0",
  ],
  [
    "sysexit sysexitq",
    "Returns from SYSENTER to level 3, to EDX with the stack ECX.",
    "SYSEXIT—Fast Return from Fast System Call",
    "#GP(0) if CPL is not 0 or SYSENTER_CS is 0",
  ],
  [
    "xbegin",
    "Begins a transaction; where it aborts, the processor goes to the target.",
    "XBEGIN—Transactional Begin",
  ],
  ["xend", "Commits a transaction.", "XEND—Transactional End", "#GP(0) outside a transaction"],
  ["xabort", "Aborts the transaction with a code in EAX.", "XABORT—Transactional Abort"],
  ["xtest", "Clears ZF inside a transaction.", "XTEST—Test if in Transactional Execution"],
  [
    "movsb",
    "Copies a byte from DS:rSI to ES:rDI and moves both by 1; REP repeats it rCX times.",
    "MOVS/MOVSB/MOVSW/MOVSD/MOVSQ—Move Data From String to String",
  ],
  [
    "movsw",
    "Copies 2 bytes from DS:rSI to ES:rDI and moves both by 2; REP repeats it rCX times.",
    "MOVS/MOVSB/MOVSW/MOVSD/MOVSQ—Move Data From String to String",
  ],
  [
    "movsd string",
    "Copies 4 bytes from DS:rSI to ES:rDI and moves both by 4; REP repeats it rCX times.",
    "MOVS/MOVSB/MOVSW/MOVSD/MOVSQ—Move Data From String to String",
  ],
  [
    "movsq",
    "Copies 8 bytes from RSI to RDI and moves both by 8; REP repeats it RCX times.",
    "MOVS/MOVSB/MOVSW/MOVSD/MOVSQ—Move Data From String to String",
  ],
  [
    "stosb",
    "Stores AL at ES:rDI and moves rDI by 1; REP repeats it rCX times.",
    "STOS/STOSB/STOSW/STOSD/STOSQ—Store String",
  ],
  [
    "stosw",
    "Stores AX at ES:rDI and moves rDI by 2; REP repeats it rCX times.",
    "STOS/STOSB/STOSW/STOSD/STOSQ—Store String",
  ],
  [
    "stosd",
    "Stores EAX at ES:rDI and moves rDI by 4; REP repeats it rCX times.",
    "STOS/STOSB/STOSW/STOSD/STOSQ—Store String",
  ],
  [
    "stosq",
    "Stores RAX at RDI and moves it by 8; REP repeats it RCX times.",
    "STOS/STOSB/STOSW/STOSD/STOSQ—Store String",
  ],
  [
    "lodsb lodsw lodsd lodsq",
    "Loads AL, AX, EAX or RAX from DS:rSI and moves rSI by the size.",
    "LODS/LODSB/LODSW/LODSD/LODSQ—Load String",
  ],
  [
    "scasb scasw scasd scasq",
    "Compares AL, AX, EAX or RAX with ES:rDI and moves rDI by the size; REPNE searches, REPE skips.",
    "SCAS/SCASB/SCASW/SCASD—Scan String",
  ],
  [
    "cmpsb cmpsw cmpsq",
    "Compares DS:rSI with ES:rDI and moves both by the size; REPE goes on while they are equal.",
    "CMPS/CMPSB/CMPSW/CMPSD/CMPSQ—Compare String Operands",
  ],
  [
    "cmpsd string",
    "Compares 4 bytes at DS:rSI with those at ES:rDI and moves both by 4; REPE goes on while they are equal.",
    "CMPS/CMPSB/CMPSW/CMPSD/CMPSQ—Compare String Operands",
  ],
  [
    "insb insw insd",
    "Reads port DX to ES:rDI and moves rDI by the size; REP repeats it rCX times.",
    "INS/INSB/INSW/INSD—Input from Port to String",
    "#GP(0) if CPL is above IOPL and the I/O permission bitmap does not let it",
  ],
  [
    "outsb outsw outsd",
    "Writes DS:rSI to port DX and moves rSI by the size; REP repeats it rCX times.",
    "OUTS/OUTSB/OUTSW/OUTSD—Output String to Port",
    "#GP(0) if CPL is above IOPL and the I/O permission bitmap does not let it",
  ],
];

/** By the disassembler's name of the condition. */
export const conditions: ReadonlyMap<string, string> = new Map([
  ["o", "there was an overflow (OF = 1)"],
  ["no", "there was no overflow (OF = 0)"],
  ["b", "below, without signs (CF = 1)"],
  ["ae", "above or equal, without signs (CF = 0)"],
  ["e", "equal, or zero (ZF = 1)"],
  ["ne", "not equal, or not zero (ZF = 0)"],
  ["be", "below or equal, without signs (CF = 1 or ZF = 1)"],
  ["a", "above, without signs (CF = 0 and ZF = 0)"],
  ["s", "negative (SF = 1)"],
  ["ns", "not negative (SF = 0)"],
  ["p", "the low byte has an even number of ones (PF = 1)"],
  ["np", "the low byte has an odd number of ones (PF = 0)"],
  ["l", "less, with signs (SF ≠ OF)"],
  ["ge", "greater or equal, with signs (SF = OF)"],
  ["le", "less or equal, with signs (ZF = 1 or SF ≠ OF)"],
  ["g", "greater, with signs (ZF = 0 and SF = OF)"],
]);
