/**
 * Where QEMU 7.2's TCG does not do what a processor does: the cases of the privileged kernel in which its line is not taken as the truth, each with the
 * place in Intel's manuals (SDM, by volume) that says so.
 *
 * Not in the table, because it concerns every line: TCG 7.2 pushes RFLAGS with RF clear for faults, and keeps RF set after IRET; RF is compared with the
 * manual instead (SDM 3A 17.3.1.1, 6.8.3).
 */
export interface QemuError {
  readonly cases: readonly string[];
  /** What QEMU does, and what is right. */
  readonly why: string;
  readonly manual: string;
}

export const QEMU_ERRORS: readonly QemuError[] = [
  {
    cases: [
      "real/data-beyond-limit", "real/data-beyond-limit-32", "real/stack-beyond-limit", "v86/ds-limit-iopl3", "v86/ds-limit-iopl0", "v86/ss-limit-iopl3",
      "v86/ss-limit-iopl0", "p32/limit-across", "p32/limit-write-byte", "p32/limit-stack", "p32/expand-down-below", "p32/expand-down-16-top",
      "p32/pop-beyond-limit", "p32/near-jump-beyond-limit", "p32/run-beyond-limit", "compat/limit-applies",
    ], // oxfmt-ignore
    why: "segment limits are not checked when memory is accessed or code runs on",
    manual: "SDM 3A 5.3",
  },
  {
    cases: [
      "p32/write-read-only", "p32/write-code", "p32/rmw-read-only", "p32/cmpxchg-read-only", "p32/read-execute-only", "p32/read-through-null",
      "p32/write-through-null",
    ], // oxfmt-ignore
    why: "segment types, null selectors included, are not checked when memory is accessed",
    manual: "SDM 3A 5.5, 5.4.1",
  },
  {
    cases: ["p32/int-offset-beyond-limit"],
    why: "the offset of a gate is not checked against the limit of its code segment",
    manual: "SDM 2A INT n",
  },
  {
    cases: ["p32/iret-beyond-limit"],
    why: "the limit is checked after IRET, not by it",
    manual: "SDM 2A IRET, #GP(0)",
  },
  {
    cases: ["p32/ac-user", "p32/ac-user-word", "p32/ac-user-push", "long/ac-user"],
    why: "there is no #AC",
    manual: "SDM 3A 6.15, interrupt 17",
  },
  { cases: ["p32/ud-lock"], why: "LOCK is accepted with a load", manual: "SDM 2A LOCK" },
  {
    cases: ["p32/mov-cr8-legacy-lock"],
    why: "LOCK MOV CR0 is taken for CR8, which is AMD's",
    manual: "SDM 2A LOCK",
  },
  {
    cases: ["p32/int1", "v86/int1-iopl3", "v86/int1-iopl0"],
    why: "opcode F1 raises #UD and not #DB",
    manual: "SDM 2A INT1",
  },
  {
    cases: ["p32/ud-in-fault-handler-missing", "p32/pf-class-benign-ud-gate-np"],
    why: "the EXT bit is missing in the error code of a fault during the delivery of an exception",
    manual: "SDM 3A 6.13",
  },
  {
    cases: [
      "long/int-not-present",
      "long/int-286-gate",
      "long/int-task-gate",
      "long/int-beyond-idt",
      "long/user-int-kernel-gate",
      "compat/into",
    ],
    why: "in long mode the error code holds the vector times 16 instead of times 8",
    manual: "SDM 3A 6.13",
  },
  {
    cases: [
      "page/large-reserved-bit", "page/pae-reserved-pte-bit-62", "page/pae-reserved-pte-bit-52", "page/pae-reserved-pte-bit-40",
      "page/pae-reserved-pde-bit-62", "page/pae-reserved-pde-bit-51", "page/pae-nx-without-nxe", "page/pae-large-reserved", "long/pte-bit-51-user-read",
      "long/pte-bit-51-kernel-read", "long/pte-bit-40-user-read", "long/pte-bit-40-kernel-read", "long/pde-large-reserved-13-user-read",
      "long/pde-large-reserved-13-kernel-read", "long/pdpte-1g-reserved-13", "long/pdpte-1g-reserved-29", "long/pml4e-ps-reserved", "long/pml4e-bit-51",
    ], // oxfmt-ignore
    why: "P is clear in the error code of a reserved-bit fault, although reserved bits only count in present entries",
    manual: "SDM 3A 4.7",
  },
  {
    cases: ["page/pae-pdpte-reserved", "page/pae-pdpte-bit-5", "page/pae-pdpte-upper"],
    why: "reserved bits of the PAE directory pointers are not checked when CR3 is loaded",
    manual: "SDM 3A 4.4.1",
  },
  {
    cases: ["page/pae-pdpte-loaded-by-cr3-only"],
    why: "PAE directory pointers are read at every walk instead of when CR3 is loaded",
    manual: "SDM 3A 4.4.1",
  },
  {
    cases: ["page/xchg-read-only", "page/cmpxchg-unequal-read-only"],
    why: "a locked access is done as a load and a store, so a page that refuses the store was already marked as accessed",
    manual: "SDM 3A 8.1.2, 4.8",
  },
  {
    cases: ["page/global-survives-cr3"],
    why: "MOV CR3 flushes global translations too (which is allowed; here they stay, as on processors)",
    manual: "SDM 3A 4.10.2.4, 4.10.4.1",
  },
  {
    cases: ["page/pusha-fault"],
    why: "PUSHA writes its lowest doubleword first; the manual pushes from EAX down",
    manual: "SDM 2B PUSHA",
  },
  {
    cases: ["page/smap-implicit-access"],
    why: "AC excuses the processor's own accesses to descriptor tables",
    manual: "SDM 3A 4.6.1",
  },
  {
    cases: ["p32/accessed-bit-of-code"],
    why: "far transfers do not set the accessed bit of a code segment",
    manual: "SDM 3A 3.4.5.1",
  },
  { cases: ["p32/cr0-nw-without-cd"], why: "NW without CD is accepted", manual: "SDM 3A 2.5, table 11-5" },
  { cases: ["p32/cr0-upper-reserved"], why: "reserved bits of CR0 are kept", manual: "SDM 3A 2.5" },
  {
    cases: ["long/cr0-upper"],
    why: "bits 63:32 of CR0 are accepted",
    manual: "SDM 2B MOV to control registers, #GP(0)",
  },
  { cases: ["long/cr8-reserved"], why: "bits 63:4 of CR8 are accepted", manual: "SDM 3A 10.8.6" },
  {
    cases: ["p32/wrmsr-efer-reserved", "long/wrmsr-efer-lme-off"],
    why: "reserved bits of EFER, and LME while paging is on, are accepted",
    manual: "SDM 3A 2.2.1, 4.1.1",
  },
  {
    cases: ["p32/wrmsr-pat-bad-type"],
    why: "reserved memory types are accepted in the PAT",
    manual: "SDM 3A 11.12.2",
  },
  { cases: ["p32/rdmsr-unknown"], why: "an unknown MSR reads as 0", manual: "SDM 2B RDMSR, #GP(0)" },
  {
    cases: ["long/wrmsr-fsbase-not-canonical", "long/wrmsr-lstar-not-canonical"],
    why: "addresses in MSRs need not be canonical",
    manual: "SDM 2D WRMSR, #GP(0)",
  },
  {
    cases: ["long/wrfsbase-not-canonical"],
    why: "the base need not be canonical",
    manual: "SDM 2D WRFSBASE, #GP(0)",
  },
  {
    cases: ["long/lgdt-not-canonical"],
    why: "the base need not be canonical",
    manual: "SDM 2A LGDT, #GP(0)",
  },
  { cases: ["long/lldt-not-canonical"], why: "the base need not be canonical", manual: "SDM 3A 5.3.1" },
  { cases: ["p32/ltr-null"], why: "LTR accepts a null selector", manual: "SDM 2A LTR, #GP(0)" },
  { cases: ["long/ltr-286"], why: "long mode has no 286 TSS", manual: "SDM 3A 3.5, table 3-2" },
  {
    cases: ["long/inspect-type-01", "long/inspect-type-03", "long/inspect-type-04", "long/inspect-type-05"],
    why: "LAR and LSL accept types that long mode does not have",
    manual: "SDM 2A LAR and LSL",
  },
  {
    cases: ["p32/user-call-gate-ss0-np", "p32/retf-outer-ss-np", "p32/task-ss-np"],
    why: "a stack segment that is not present raises #TS or #NP and not #SS",
    manual: "SDM 2A CALL, 2B RET, 3A 7.3 table 7-1",
  },
  {
    cases: ["p32/task-gate-idt-ldt-selector"],
    why: "a task gate with a selector in the LDT raises #TS and not #GP",
    manual: "SDM 2A INT n",
  },
  { cases: ["p32/task-debug-trap"], why: "the T bit of a TSS is ignored", manual: "SDM 3A 17.3.1.5" },
  {
    cases: ["p32/user-call-gate-conforming"],
    why: "a gate to a conforming segment changes the stack and gives CS another RPL than CPL",
    manual: "SDM 3A 5.8.4, 2A CALL",
  },
  {
    cases: ["v86/int-ring1-gate"],
    why: "an interrupt from virtual-8086 mode may lead to ring 1",
    manual: "SDM 2A INT n, #GP(selector)",
  },
  {
    cases: ["v86/iret-from-ring3-ignores-vm"],
    why: "IRET at CPL 3 returns to virtual-8086 mode",
    manual: "SDM 2A IRET: only if CPL = 0",
  },
  {
    cases: ["p32/mf-at-next-waiting"],
    why: "FDIVRP pops although the unmasked division by zero gave no result",
    manual: "SDM 1 8.5.3",
  },
  {
    cases: ["p32/break-two-at-once"],
    why: "DR6 reports one of two breakpoints that were met",
    manual: "SDM 3A 17.2.3",
  },
  {
    cases: ["p32/break-data-and-step"],
    why: "a data breakpoint under single step is reported once too often, in the handler too",
    manual: "SDM 3A 17.3.1.2, 17.3.1.4",
  },
  {
    cases: ["p32/dr7-gd", "p32/dr7-gd-cleared-in-handler"],
    why: "DR7.GD is ignored",
    manual: "SDM 3A 17.3.1.3",
  },
  { cases: ["p32/dr6-fixed-bits"], why: "bit 12 of DR6 can be set", manual: "SDM 3A 17.2.3" },
  {
    cases: ["long/stack-not-canonical", "long/rbp-not-canonical", "long/push-not-canonical"],
    why: "a non-canonical stack address raises #GP and not #SS",
    manual: "SDM 3A 6.15, interrupt 12",
  },
  {
    cases: ["long/read-across-hole"],
    why: "an access whose last byte is not canonical is a page fault of its first",
    manual: "SDM 1 3.3.7.1 (and the host processor)",
  },
  {
    cases: [
      "long/jmp-not-canonical",
      "long/call-not-canonical",
      "long/ret-not-canonical",
      "long/iretq-not-canonical",
      "long/jmp-far-not-canonical",
    ],
    why: "the target is not looked at before the transfer is done",
    manual: "SDM 2A JMP, CALL, IRET, 2B RET, #GP(0)",
  },
  {
    cases: ["long/int-not-canonical", "long/user-call-gate-not-canonical"],
    why: "the offset in a gate is not looked at before the transfer is done",
    manual: "SDM 2A INT n, CALL, #GP(0)",
  },
  {
    cases: ["long/sysret-not-canonical", "long/sysexit-not-canonical"],
    why: "the target is not looked at before CPL has changed",
    manual: "SDM 2B SYSRET and SYSEXIT, #GP(0)",
  },
  { cases: ["long/ss-null-rpl3"], why: "a null SS needs RPL = CPL", manual: "SDM 2B MOV, #GP(0)" },
  {
    cases: ["long/jmp-far-l-and-d"],
    why: "L and D may not both be set",
    manual: "SDM 2A JMP, #GP(selector)",
  },
  {
    cases: ["long/syscall-from-kernel"],
    why: "SYSCALL clears status flags that FMASK keeps",
    manual: "SDM 2B SYSCALL",
  },
  {
    cases: ["long/sysret-64"],
    why: "SYSRET takes VM from R11, and not VIF and VIP",
    manual: "SDM 2B SYSRET",
  },
  { cases: ["long/cmpxchg16b"], why: "flags other than ZF change", manual: "SDM 2A CMPXCHG16B" },
  {
    cases: ["no-osfxsr", "ts", "em", "em-ts"].flatMap((setting) =>
      ["cvtpi2ps", "cvtpi2pd-memory", "movdq2q"].map((name) => `long/unit-${setting}-${name}`),
    ),
    why: "instructions with an MMX and an XMM operand are not checked for CR0 and CR4",
    manual: "SDM 3A 2.5, 14.1, tables 2-2 and 14-1; 2A CVTPI2PS, CVTPI2PD, MOVDQ2Q",
  },
  {
    cases: ["ts", "em", "em-ts"].map((setting) => `long/unit-${setting}-emms`),
    why: "EMMS is not checked for CR0",
    manual: "SDM 3A 2.5, table 2-2; 2A EMMS",
  },
  {
    cases: ["paddb", "addps", "movaps", "paddb-xmm", "pshufb-mm", "aesenc", "roundsd"].map(
      (name) => `long/unit-em-ts-${name}`,
    ),
    why: "#NM comes before #UD when both CR0.TS and CR0.EM are set",
    manual: "SDM 3A tables 2-2 and 12-1: with EM set, #UD whatever TS is",
  },
  {
    cases: ["long/xm", "long/xm-without-osxmmexcpt", "long/xm-user"],
    why: "unmasked SIMD exceptions are not raised",
    manual: "SDM 3A 6.15, interrupt 19; 1 11.5",
  },
  {
    cases: ["long/ldmxcsr-reserved", "long/fxrstor-mxcsr-reserved", "long/xrstor-mxcsr"],
    why: "reserved bits of MXCSR are dropped",
    manual: "SDM 2A LDMXCSR, FXRSTOR, 2D XRSTOR, #GP(0)",
  },
  { cases: ["long/xsave-ts"], why: "CR0.TS is not looked at", manual: "SDM 2D XSAVE, #NM" },
];
