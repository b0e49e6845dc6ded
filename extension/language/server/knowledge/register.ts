/**
 * Registers: what they are for, their parts, their bits.
 *
 * Source: Intel SDM volume 1, 3.4 "Basic Program Execution Registers"; volume 3A, 2.5 "Control Registers", 17.2 "Debug Registers"; System V ABI for AMD64, 3.2.
 */
import { fieldsFrom, type Field } from "./field.ts";
import { registerClass } from "./operand.ts";

export interface RegisterFacts {
  readonly title: string;
  readonly text: string;
  /** Wider and narrower registers it shares bits with: name and bits. */
  readonly parts: readonly (readonly [name: string, bits: string])[];
  readonly fields: readonly Field[];
  /** Volume and section of the SDM. */
  readonly reference: string;
}

const roles: Readonly<Record<string, string>> = {
  a: "Accumulator: MUL, DIV, IN, OUT, CPUID, RDMSR and string instructions use it. System V: return value, not kept by calls.",
  b: "System V: kept by calls.",
  c: "Counter: REP, LOOP, shifts by CL; RDMSR and WRMSR take the MSR's number from it, SYSCALL leaves the return address there. System V: 4th argument, not kept by calls.",
  d: "Upper half of MUL and DIV, port number of IN and OUT. System V: 3rd argument, not kept by calls.",
  si: "Source of string instructions. System V: 2nd argument, not kept by calls.",
  di: "Destination of string instructions. System V: 1st argument, not kept by calls.",
  bp: "Frame pointer; as a base it uses SS. System V: kept by calls.",
  sp: "Stack pointer. System V: a multiple of 16 before every CALL.",
  r8: "System V: 5th argument, not kept by calls.",
  r9: "System V: 6th argument, not kept by calls.",
  r10: "System V: not kept by calls; Linux's 4th argument of a system call.",
  r11: "SYSCALL leaves RFLAGS there. System V: not kept by calls.",
  r12: "System V: kept by calls.",
  r13: "System V: kept by calls.",
  r14: "System V: kept by calls.",
  r15: "System V: kept by calls.",
};

const general = "SDM 1, 3.4.1";

function generalFacts(name: string): RegisterFacts | undefined {
  const letter = /^[re]?([abcd])x$|^([abcd])[lh]$/.exec(name);
  const stem = letter?.[1] ?? letter?.[2];
  const pointer = /^[re]?(si|di|bp|sp)l?$/.exec(name)?.[1];
  const numbered = /^(r\d+)[dwbl]?$/.exec(name)?.[1];
  const role = roles[stem ?? pointer ?? numbered ?? ""];
  if (role === undefined) {
    return undefined;
  }
  const parts: readonly (readonly [string, string])[] =
    stem !== undefined
      ? [
          [`r${stem}x`, "63–0"],
          [`e${stem}x`, "31–0"],
          [`${stem}x`, "15–0"],
          [`${stem}h`, "15–8"],
          [`${stem}l`, "7–0"],
        ]
      : pointer !== undefined
        ? [
            [`r${pointer}`, "63–0"],
            [`e${pointer}`, "31–0"],
            [pointer, "15–0"],
            [`${pointer}l`, "7–0, 64-bit code"],
          ]
        : [
            [numbered ?? "", "63–0"],
            [`${numbered}d`, "31–0"],
            [`${numbered}w`, "15–0"],
            [`${numbered}b`, "7–0"],
          ];
  const own = parts.find(([part]) => part === name.replace(/^(r\d+)l$/, "$1b"))?.[1] ?? "";
  const whole = parts[0]?.[0] ?? "";
  const is32 = own.startsWith("31–0");
  const title =
    name === whole
      ? `general register, 64 bits`
      : `bits ${own.split(",")[0] ?? ""} of ${whole.toUpperCase()}`;
  const text = is32 ? `${role} Writing it clears bits 63–32 in 64-bit code.` : role;
  return { title, text, parts, fields: [], reference: general };
}

const cr0 = fieldsFrom([
  "31 PG paging is on; needs PE, and in long mode PAE and EFER.LME",
  "30 CD no caching",
  "29 NW no write-through; only with CD",
  "18 AM alignment is checked where RFLAGS.AC is set, at level 3",
  "16 WP read-only pages are read-only for the kernel too",
  "5 NE x87 errors are #MF, not an interrupt by the PIC",
  "4 ET always 1",
  "3 TS the task has changed: x87 and SSE raise #NM until CLTS",
  "2 EM no x87: its instructions raise #NM, SSE's #UD",
  "1 MP WAIT raises #NM too where TS is set",
  "0 PE protected mode",
]);
const cr3 = fieldsFrom([
  "51:12 base physical address of the top table (PAE outside long mode: 31–5)",
  "4 PCD the top table is not cached",
  "3 PWT the top table is written through",
  "11:0 PCID with CR4.PCIDE: the address space's number, instead of PCD and PWT",
]);
const cr4 = fieldsFrom([
  "24 PKS protection keys of the kernel's pages",
  "23 CET shadow stacks and ENDBR",
  "22 PKE protection keys of user pages",
  "21 SMAP the kernel cannot touch user pages unless RFLAGS.AC is set",
  "20 SMEP the kernel cannot execute user pages",
  "18 OSXSAVE XSAVE, XGETBV and AVX are the system's to use",
  "17 PCIDE CR3 holds a PCID; only in long mode",
  "16 FSGSBASE RDFSBASE and its like at any level",
  "14 SMXE safer-mode extensions",
  "13 VMXE VMX may be entered",
  "12 LA57 5-level paging; only changed outside long mode",
  "11 UMIP SGDT, SIDT, SLDT, STR, SMSW only for the kernel",
  "10 OSXMMEXCPT SSE errors are #XM, not #UD",
  "9 OSFXSR SSE and FXSAVE are the system's to use",
  "8 PCE RDPMC at any level",
  "7 PGE global pages",
  "6 MCE machine checks are #MC",
  "5 PAE 64-bit entries in page tables; long mode needs it",
  "4 PSE 4 MiB pages in 32-bit paging",
  "3 DE breakpoints on I/O; DR4 and DR5 raise #UD",
  "2 TSD RDTSC only for the kernel",
  "1 PVI virtual interrupts in protected mode",
  "0 VME virtual interrupts in virtual-8086 mode",
]);
const dr6 = fieldsFrom([
  "16 RTM 0: in a transaction",
  "15 BT a task switch",
  "14 BS a single step",
  "13 BD a debug register was touched with DR7.GD",
  "11 BLD 0: a bus lock",
  "3 B3 breakpoint 3",
  "2 B2 breakpoint 2",
  "1 B1 breakpoint 1",
  "0 B0 breakpoint 0",
]);
const dr7 = fieldsFrom([
  "31:30 LEN3 bytes of breakpoint 3: 0 one, 1 two, 2 eight, 3 four",
  "29:28 R/W3 kind of breakpoint 3: 0 execution, 1 writes, 2 I/O, 3 reads and writes",
  "27:26 LEN2 of breakpoint 2",
  "25:24 R/W2 of breakpoint 2",
  "23:22 LEN1 of breakpoint 1",
  "21:20 R/W1 of breakpoint 1",
  "19:18 LEN0 of breakpoint 0",
  "17:16 R/W0 of breakpoint 0",
  "13 GD touching a debug register raises #DB",
  "9 GE exact; ignored since the P6",
  "8 LE exact in the task; ignored since the P6",
  "7 G3 breakpoint 3 everywhere",
  "6 L3 breakpoint 3 in this task",
  "5 G2 breakpoint 2 everywhere",
  "4 L2 breakpoint 2 in this task",
  "3 G1 breakpoint 1 everywhere",
  "2 L1 breakpoint 1 in this task",
  "1 G0 breakpoint 0 everywhere",
  "0 L0 breakpoint 0 in this task",
]);
export const rflags = fieldsFrom([
  "21 ID CPUID exists where it can be flipped",
  "20 VIP a virtual interrupt waits",
  "19 VIF virtual interrupt flag",
  "18 AC alignment check; with CR4.SMAP: the kernel may touch user pages",
  "17 VM virtual-8086 mode",
  "16 RF no breakpoint on the next instruction",
  "14 NT nested task: IRET goes back by the TSS",
  "13:12 IOPL level that may use IN, OUT, CLI and STI",
  "11 OF overflow, with signs",
  "10 DF string instructions go down",
  "9 IF maskable interrupts come",
  "8 TF single step: #DB after every instruction",
  "7 SF the result is negative",
  "6 ZF the result is zero",
  "4 AF carry out of bit 3",
  "2 PF the low byte has an even number of ones",
  "0 CF carry or borrow, without signs",
]);
const selector = fieldsFrom([
  "15:3 index number of the descriptor",
  "2 TI 1: in the LDT",
  "1:0 RPL privilege level that is asked for",
]);

const controls: Readonly<Record<string, Omit<RegisterFacts, "parts">>> = {
  cr0: {
    title: "control register 0: mode of the processor",
    text: "Written only at level 0. Behind a change of PE or PG the code goes on with a far jump.",
    fields: cr0,
    reference: "SDM 3A, 2.5",
  },
  cr2: {
    title: "control register 2: page-fault address",
    text: "The linear address that the last #PF was about.",
    fields: [],
    reference: "SDM 3A, 2.5",
  },
  cr3: {
    title: "control register 3: page tables",
    text: "Writing it empties the TLB but for global pages (and other PCIDs).",
    fields: cr3.filter(({ name }) => name !== "PCID"),
    reference: "SDM 3A, 2.5 and 4.5",
  },
  cr4: {
    title: "control register 4: what is switched on",
    text: "Setting a bit that the processor has not raises #GP(0).",
    fields: cr4,
    reference: "SDM 3A, 2.5",
  },
  cr8: {
    title: "control register 8: task priority",
    text: "The local APIC's TPR, bits 7–4: interrupts of this class and below wait. Only in 64-bit mode.",
    fields: fieldsFrom(["3:0 TPL class of interrupts up to which they wait"]),
    reference: "SDM 3A, 2.5 and 10.8.6",
  },
  dr6: {
    title: "debug register 6: why #DB came",
    text: "The processor sets bits and never clears B0–B3; a handler does.",
    fields: dr6,
    reference: "SDM 3B, 17.2.3",
  },
  dr7: {
    title: "debug register 7: breakpoints",
    text: "Switches the breakpoints of DR0–DR3 on and says of what kind they are.",
    fields: dr7,
    reference: "SDM 3B, 17.2.4",
  },
};

const segments: Readonly<Record<string, string>> = {
  cs: "Code segment: its descriptor says the width of code and, with its DPL, the privilege level. Loaded only by far jumps, calls, returns and interrupts.",
  ss: "Stack segment: addresses through rSP and rBP. In 64-bit mode its base is 0; a null selector is allowed below level 3.",
  ds: "Data segment: most addresses. In 64-bit mode its base is 0.",
  es: "Extra segment: the destination of string instructions. In 64-bit mode its base is 0.",
  fs: "Segment with a base of its own even in 64-bit mode: MSR FS_BASE. Loading a selector replaces it.",
  gs: "Segment with a base of its own even in 64-bit mode: MSR GS_BASE, which SWAPGS exchanges. Loading a selector replaces it.",
};

/** By its name in lower case, without "%". */
export function registerFacts(name: string): RegisterFacts | undefined {
  const control = controls[name.replace(/^db/, "dr")];
  if (control) {
    return { ...control, parts: [] };
  }
  const segment = segments[name];
  if (segment !== undefined) {
    const reference = "SDM 1, 3.4.2; SDM 3A, 3.4";
    return { title: "segment register", text: segment, parts: [], fields: selector, reference };
  }
  return generalFacts(name) ?? otherFacts(name);
}

function otherFacts(name: string): RegisterFacts | undefined {
  const make = (title: string, text: string, reference: string): RegisterFacts => ({
    title,
    text,
    parts: [],
    fields: [],
    reference,
  });
  switch (registerClass(name)) {
    case "ip":
      return name === "rip"
        ? make(
            "instruction pointer",
            "As a base: the address behind the instruction, so that code can stand anywhere.",
            "SDM 2A, 2.2.1.6",
          )
        : undefined;
    case "dr":
      return /^d[rb][0-3]$/.test(name)
        ? make(
            "debug register: a breakpoint",
            "Linear address of a breakpoint that DR7 switches on.",
            "SDM 3B, 17.2.1",
          )
        : undefined;
    case "st":
      return make("x87 register", "80 bits; counted from the top of the x87 stack.", "SDM 1, 8.1.2");
    case "mm":
      return make(
        "MMX register, 64 bits",
        "The significand of an x87 register: EMMS frees them for the x87.",
        "SDM 1, 9.2",
      );
    case "xmm":
      return make(
        "vector register, 128 bits",
        "The low part of the YMM and ZMM register of the same number. System V: not kept by calls; XMM0–XMM7 hold arguments.",
        "SDM 1, 10.2",
      );
    case "ymm":
      return make(
        "vector register, 256 bits",
        "Its low 128 bits are the XMM register of the same number.",
        "SDM 1, 14.1",
      );
    case "zmm":
      return make(
        "vector register, 512 bits",
        "Its low 256 bits are the YMM register of the same number.",
        "SDM 1, 15.1",
      );
    case "k":
      return make("mask register", "A bit for each element of an AVX-512 operand.", "SDM 1, 15.1");
    case "r8":
    case "r16":
    case "r32":
    case "r64":
    case "seg":
    case "cr":
    case "tr":
    case "bnd":
    case "tmm":
    case undefined:
      return undefined;
  }
}
