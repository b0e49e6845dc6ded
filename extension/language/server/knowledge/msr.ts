/**
 * Model-specific registers that boot code and kernels use: name, meaning, bits.
 *
 * Source: Intel SDM volume 4; AMD APM volume 2, appendix A.
 */
import { fieldsFrom, type Field } from "./field.ts";

export interface Msr {
  readonly number: number;
  /** As Linux and the manuals name it, without "IA32_" and "MSR_". */
  readonly name: string;
  readonly text: string;
  readonly fields: readonly Field[];
}

type Row = readonly [number: number, name: string, text: string, fields?: readonly string[]];

const rows: readonly Row[] = [
  [0x10, "TSC", "Time-stamp counter."],
  [0x17, "PLATFORM_ID", "Which platform the processor is made for; microcode is chosen by it."],
  [
    0x1b,
    "APIC_BASE",
    "Local APIC: where it is, and whether it is on.",
    [
      "51:12 base physical address, 0xFEE00000 after reset",
      "11 EN the APIC is on",
      "10 EXTD x2APIC: its registers are MSRs",
      "8 BSP this is the bootstrap processor",
    ],
  ],
  [
    0x3a,
    "FEATURE_CONTROL",
    "What VMX and SGX may do; locked until reset.",
    [
      "18 SGX SGX may be used",
      "2 VMXON VMX outside SMX",
      "1 SMX VMX inside SMX",
      "0 LOCK nothing here can be changed any more",
    ],
  ],
  [0x3b, "TSC_ADJUST", "What has been added to the time-stamp counter."],
  [
    0x48,
    "SPEC_CTRL",
    "Limits of speculation.",
    [
      "2 SSBD loads do not pass unknown stores",
      "1 STIBP branch prediction is not shared between threads",
      "0 IBRS indirect branches are restricted",
    ],
  ],
  [0x49, "PRED_CMD", "Commands to the branch predictor; written only.", ["0 IBPB forgets indirect branches"]],
  [0x79, "BIOS_UPDT_TRIG", "Loads the microcode at the linear address that is written."],
  [0x8b, "BIOS_SIGN_ID", "Revision of the microcode, after CPUID; AMD: PATCH_LEVEL."],
  [0xce, "PLATFORM_INFO", "Bits 15–8: the nominal frequency in units of 100 MHz."],
  [0xe7, "MPERF", "Counts at the nominal frequency."],
  [0xe8, "APERF", "Counts at the frequency the processor really has."],
  [
    0xfe,
    "MTRRCAP",
    "Which memory-type range registers there are.",
    [
      "11 SMRR a range for SMM",
      "10 WC write-combining is known",
      "8 FIX fixed ranges",
      "7:0 VCNT number of variable ranges",
    ],
  ],
  [0x10a, "ARCH_CAPABILITIES", "Which flaws the processor does not have."],
  [0x10b, "FLUSH_CMD", "Bit 0 empties the first-level data cache; written only."],
  [0x174, "SYSENTER_CS", "Code selector of SYSENTER; the others follow it. 0: SYSENTER raises #GP."],
  [0x175, "SYSENTER_ESP", "Stack pointer of SYSENTER."],
  [0x176, "SYSENTER_EIP", "Entry point of SYSENTER."],
  [0x179, "MCG_CAP", "Banks and abilities of the machine check."],
  [0x17a, "MCG_STATUS", "State of a machine check."],
  [0x17b, "MCG_CTL", "Switches the machine check's sources on."],
  [0x19c, "THERM_STATUS", "Temperature and its alarms."],
  [
    0x1a0,
    "MISC_ENABLE",
    "Switches of the processor.",
    [
      "34 XD no NX bit in page tables",
      "22 LIMIT CPUID ends at leaf 2",
      "18 MONITOR MONITOR and MWAIT exist",
      "0 FAST fast string instructions",
    ],
  ],
  [
    0x1d9,
    "DEBUGCTL",
    "Records of branches, and single step by branches.",
    ["1 BTF TF steps from branch to branch", "0 LBR branches are recorded"],
  ],
  [
    0x277,
    "PAT",
    "Memory types that PWT, PCD and PAT of an entry choose from; 8 bytes, 0 UC, 1 WC, 4 WT, 5 WP, 6 WB, 7 UC−. After reset 0x0007040600070406.",
  ],
  [
    0x2ff,
    "MTRR_DEF_TYPE",
    "Memory type where no range says another.",
    ["11 E the ranges count at all", "10 FE the fixed ranges count", "7:0 type 0 UC, 1 WC, 4 WT, 5 WP, 6 WB"],
  ],
  [0x309, "FIXED_CTR0", "Counts instructions that have retired."],
  [0x345, "PERF_CAPABILITIES", "What performance monitoring can do."],
  [0x38d, "FIXED_CTR_CTRL", "Switches the fixed performance counters on."],
  [0x38f, "PERF_GLOBAL_CTRL", "Switches all performance counters on."],
  [0x480, "VMX_BASIC", "Revision of the VMCS and its size."],
  [
    0x6a0,
    "U_CET",
    "Control-flow enforcement at level 3.",
    ["2 ENDBR indirect branches must land at ENDBR", "0 SHSTK shadow stacks"],
  ],
  [
    0x6a2,
    "S_CET",
    "Control-flow enforcement below level 3.",
    ["2 ENDBR indirect branches must land at ENDBR", "0 SHSTK shadow stacks"],
  ],
  [
    0x6e0,
    "TSC_DEADLINE",
    "The local APIC's timer fires when the time-stamp counter has this value; 0 switches it off.",
  ],
  [0x802, "X2APIC_APICID", "The local APIC's number (x2APIC)."],
  [0x808, "X2APIC_TPR", "Task priority (x2APIC)."],
  [0x80b, "X2APIC_EOI", "End of interrupt; 0 is written (x2APIC)."],
  [
    0x80f,
    "X2APIC_SIVR",
    "Spurious vector, and the APIC's switch (x2APIC).",
    ["8 EN the APIC is on", "7:0 vector of spurious interrupts"],
  ],
  [
    0x830,
    "X2APIC_ICR",
    "Interrupts to other processors (x2APIC).",
    [
      "63:32 destination number of the APIC",
      "19:18 shorthand 1 self, 2 all, 3 all others",
      "15 trigger 1: level",
      "14 level 1: assert",
      "11 mode 1: logical destination",
      "10:8 delivery 0 fixed, 4 NMI, 5 INIT, 6 STARTUP",
      "7:0 vector of the interrupt, or the page of STARTUP",
    ],
  ],
  [0x832, "X2APIC_LVT_TIMER", "The timer's interrupt (x2APIC)."],
  [0x838, "X2APIC_INIT_COUNT", "The timer's start value (x2APIC)."],
  [0x83e, "X2APIC_DIV_CONF", "The timer's divider (x2APIC)."],
  [0xda0, "XSS", "Parts of the state that XSAVES keeps besides XCR0's."],
  [
    0xc000_0080,
    "EFER",
    "Extended features: long mode, SYSCALL, NX.",
    [
      "15 TCE AMD: INVLPG keeps upper entries",
      "14 FFXSR AMD: FXSAVE without XMM at level 0",
      "12 SVME AMD: virtual machines",
      "11 NXE the NX bit of page tables counts",
      "10 LMA long mode is active (read only)",
      "8 LME long mode comes with paging",
      "0 SCE SYSCALL and SYSRET exist",
    ],
  ],
  [
    0xc000_0081,
    "STAR",
    "Selectors of SYSCALL and SYSRET.",
    [
      "63:48 SYSRET 64-bit code is this + 16, stack this + 8",
      "47:32 SYSCALL code selector; the stack is this + 8",
      "31:0 EIP entry point in legacy mode",
    ],
  ],
  [0xc000_0082, "LSTAR", "Entry point of SYSCALL from 64-bit code."],
  [0xc000_0083, "CSTAR", "Entry point of SYSCALL from compatibility mode; AMD only."],
  [0xc000_0084, "FMASK", "Flags that SYSCALL clears; kernels clear IF, DF and TF. Also SFMASK."],
  [0xc000_0100, "FS_BASE", "Base of FS in 64-bit mode."],
  [0xc000_0101, "GS_BASE", "Base of GS in 64-bit mode."],
  [0xc000_0102, "KERNEL_GS_BASE", "What SWAPGS exchanges the base of GS with."],
  [0xc000_0103, "TSC_AUX", "What RDTSCP and RDPID put into ECX; kernels keep the processor's number there."],
  [
    0xc001_0010,
    "SYSCFG",
    "AMD: memory types and encryption.",
    [
      "23 SMEE encrypted memory",
      "22 TOM2WB memory above 4 GiB is write-back",
      "21 TOM2 TOP_MEM2 counts",
      "20 MVDM variable MTRRs count",
      "19 MFDM fixed ranges can be changed",
      "18 MFDE fixed ranges say where DRAM is",
    ],
  ],
  [0xc001_0015, "HWCR", "AMD: switches of the processor."],
  [0xc001_001a, "TOP_MEM", "AMD: end of memory below 4 GiB."],
  [0xc001_001d, "TOP_MEM2", "AMD: end of memory above 4 GiB."],
  [
    0xc001_0114,
    "VM_CR",
    "AMD: whether virtual machines are allowed.",
    ["4 SVMDIS EFER.SVME cannot be set", "3 LOCK SVMDIS cannot be changed", "1 R_INIT INIT is intercepted"],
  ],
  [0xc001_0117, "VM_HSAVE_PA", "AMD: where VMRUN keeps the host's state."],
  [0xc001_0130, "SEV_ES_GHCB", "AMD: the page through which an encrypted machine talks to its hypervisor."],
  [
    0xc001_0131,
    "SEV_STATUS",
    "AMD: which encryption this machine runs with.",
    ["2 SNP nested paging is protected", "1 ES registers are encrypted", "0 SEV memory is encrypted"],
  ],
  [0x4000_0000, "HV_GUEST_OS_ID", "Hyper-V: who the guest is."],
  [0x4000_0001, "HV_HYPERCALL", "Hyper-V: the page with its call."],
  [0x4b56_4d00, "KVM_WALL_CLOCK", "KVM: the time of day."],
  [0x4b56_4d01, "KVM_SYSTEM_TIME", "KVM: the clock page of this processor."],
];

/** In the order of their numbers, but for those of families. */
export const msrs: readonly Msr[] = rows.map(([number, name, text, fields]) => ({
  number,
  name,
  text,
  fields: fieldsFrom(fields ?? []),
}));

const byNumber = new Map(msrs.map((msr) => [msr.number, msr]));

export function msrOf(number: bigint): Msr | undefined {
  const value = Number(BigInt.asUintN(32, number));
  return byNumber.get(value) ?? familyOf(value);
}

/** Pairs and banks of the same kind. */
function familyOf(number: number): Msr | undefined {
  const make = (name: string, text: string): Msr => ({ number, name, text, fields: [] });
  if (number >= 0x200 && number < 0x214) {
    const range = (number - 0x200) >> 1;
    return number % 2 === 0
      ? make(`MTRR_PHYSBASE${range}`, `Base of memory range ${range} and, in bits 7–0, its type.`)
      : make(`MTRR_PHYSMASK${range}`, `Mask of memory range ${range}; bit 11 says that it counts.`);
  }
  if (number >= 0x400 && number < 0x480) {
    const bank = (number - 0x400) >> 2;
    const [name, text] = bankRegisters[number % 4] ?? bankRegisters[0];
    return make(`MC${bank}_${name}`, `Machine check, bank ${bank}: ${text}.`);
  }
  return undefined;
}

const bankRegisters = [
  ["CTL", "what it reports"],
  ["STATUS", "what was wrong"],
  ["ADDR", "where it was wrong"],
  ["MISC", "more about it"],
] as const;

/** Whether a constant is called as somebody calls an MSR. */
export function isMsrName(name: string): boolean {
  const upper = name.toUpperCase();
  return (
    /(?:^|_)(?:MSR|IA32|EFER|STAR|LSTAR|CSTAR|FMASK|SFMASK|PAT|TSC)(?:_|$)/.test(upper) ||
    msrs.some((msr) => msr.name.length > 5 && upper.includes(msr.name))
  );
}
