/**
 * The two jumps of a boot: real mode to protected mode, protected mode to long mode.
 *
 * Source: Intel SDM, volume 3, 9.9.1 "Switching to Protected Mode", 9.8.5 "Initializing IA-32e Mode": PAE before LME before PG, and a far jump at the end.
 */
import { plainText, type Snippet } from "../snippet.ts";
import { descriptors } from "./descriptor.ts";

/** The base in two halves, so that it assembles for 32-bit objects as well: at this time of a boot tables lie below 4 GiB. */
const tableOf = (name: string, notation: "att" | "nasm"): string =>
  plainText(descriptors.find((snippet) => snippet.name === name)?.texts[notation] ?? "")
    .replace(".quad gdt64", ".long gdt64, 0")
    .replace("dq gdt64", "dd gdt64, 0");

const protectedAtt = `\
/* Needs ds = 0 and addresses below 64 KiB. */
enter_protected_mode:
    cli
    inb $0x92, %al                          # A20: addresses with bit 20 set reach memory
    orb $0x02, %al
    andb $0xFE, %al                         # bit 0 would reset the machine
    outb %al, $0x92
    lgdt gdt_pointer
    movl %cr0, %eax
    orl $0x1, %eax                          # PE
    movl %eax, %cr0
    ljmp $0x08, $protected_mode             # loads cs: from here on code has 32 bits

${tableOf("gdt", "att")}
    .code32
protected_mode:
    movw $0x10, %ax
    movw %ax, %ds
    movw %ax, %es
    movw %ax, %fs
    movw %ax, %gs
    movw %ax, %ss
    movl $«1:0x7C00», %esp
«0»1:
    hlt
    jmp 1b
`;

const protectedIntel = `\
/* Needs ds = 0 and addresses below 64 KiB. */
enter_protected_mode:
    cli
    in al, 0x92                             # A20: addresses with bit 20 set reach memory
    or al, 0x02
    and al, 0xFE                            # bit 0 would reset the machine
    out 0x92, al
    lgdt [gdt_pointer]
    mov eax, cr0
    or eax, 0x1                             # PE
    mov cr0, eax
    ljmp 0x08, OFFSET protected_mode        # loads cs: from here on code has 32 bits

${tableOf("gdt", "att")}
    .code32
protected_mode:
    mov ax, 0x10
    mov ds, ax
    mov es, ax
    mov fs, ax
    mov gs, ax
    mov ss, ax
    mov esp, «1:0x7C00»
«0»1:
    hlt
    jmp 1b
`;

const protectedNasm = `\
; Needs ds = 0 and addresses below 64 KiB.
enter_protected_mode:
    cli
    in al, 0x92                             ; A20: addresses with bit 20 set reach memory
    or al, 0x02
    and al, 0xFE                            ; bit 0 would reset the machine
    out 0x92, al
    lgdt [gdt_pointer]
    mov eax, cr0
    or eax, 0x1                             ; PE
    mov cr0, eax
    jmp 0x08:protected_mode                 ; loads cs: from here on code has 32 bits

${tableOf("gdt", "nasm")}
    bits 32
protected_mode:
    mov ax, 0x10
    mov ds, ax
    mov es, ax
    mov fs, ax
    mov gs, ax
    mov ss, ax
    mov esp, «1:0x7C00»
«0».halt:
    hlt
    jmp .halt
`;

const longDataGas = `\
    .pushsection .rodata
${tableOf("gdt64", "att")}    .popsection
    .pushsection .bss
    .balign 4096
pml4:
    .skip 4096
pdpt:
    .skip 4096
page_directory:
    .skip 4096
    .skip «1:16384»
stack_top:
    .popsection
`;

const longAtt = `\
/* Needs flat 32-bit segments, paging off and a .bss of zeros, as Multiboot has it.
   The 64-bit code finds eax and ebx of the loader in edi and esi. */
enter_long_mode:
    movl %eax, %edi
    movl %ebx, %esi
    movl $0x80000000, %eax
    cpuid
    cmpl $0x80000001, %eax
    jb no_long_mode
    movl $0x80000001, %eax
    cpuid
    testl $1 << 29, %edx                    # LM
    jz no_long_mode

    movl $pdpt + 0x3, pml4                  # present, writable
    movl $page_directory + 0x3, pdpt
    movl $0x83, %eax                        # present, writable, a page of 2 MiB
    xorl %ecx, %ecx
1:
    movl %eax, page_directory(, %ecx, 8)    # 512 times 2 MiB: the first GiB is where it was
    addl $0x200000, %eax
    incl %ecx
    cmpl $512, %ecx
    jne 1b

    movl %cr4, %eax
    orl $1 << 5, %eax                       # PAE
    movl %eax, %cr4
    movl $pml4, %eax
    movl %eax, %cr3
    movl $0xC0000080, %ecx                  # EFER
    rdmsr
    orl $1 << 8, %eax                       # LME
    wrmsr
    movl %cr0, %eax
    orl $0x80000001, %eax                   # PG and PE: long mode is active
    movl %eax, %cr0
    lgdt gdt64_pointer
    ljmp $0x08, $long_mode                  # loads cs: from here on code has 64 bits

no_long_mode:
    cli
    hlt
    jmp no_long_mode

    .code64
long_mode:
    movw $0x10, %ax
    movw %ax, %ds
    movw %ax, %es
    movw %ax, %fs
    movw %ax, %gs
    movw %ax, %ss
    leaq stack_top(%rip), %rsp
    movl %edi, %edi                         # the upper halves are not defined after the jump
    movl %esi, %esi
«0»1:
    cli
    hlt
    jmp 1b

${longDataGas}`;

const longIntel = `\
/* Needs flat 32-bit segments, paging off and a .bss of zeros, as Multiboot has it.
   The 64-bit code finds eax and ebx of the loader in edi and esi. */
enter_long_mode:
    mov edi, eax
    mov esi, ebx
    mov eax, 0x80000000
    cpuid
    cmp eax, 0x80000001
    jb no_long_mode
    mov eax, 0x80000001
    cpuid
    test edx, 1 << 29                       # LM
    jz no_long_mode

    mov dword ptr [pml4], OFFSET pdpt + 0x3  # present, writable
    mov dword ptr [pdpt], OFFSET page_directory + 0x3
    mov eax, 0x83                           # present, writable, a page of 2 MiB
    xor ecx, ecx
1:
    mov [page_directory + ecx * 8], eax     # 512 times 2 MiB: the first GiB is where it was
    add eax, 0x200000
    inc ecx
    cmp ecx, 512
    jne 1b

    mov eax, cr4
    or eax, 1 << 5                          # PAE
    mov cr4, eax
    mov eax, OFFSET pml4
    mov cr3, eax
    mov ecx, 0xC0000080                     # EFER
    rdmsr
    or eax, 1 << 8                          # LME
    wrmsr
    mov eax, cr0
    or eax, 0x80000001                      # PG and PE: long mode is active
    mov cr0, eax
    lgdt [gdt64_pointer]
    ljmp 0x08, OFFSET long_mode             # loads cs: from here on code has 64 bits

no_long_mode:
    cli
    hlt
    jmp no_long_mode

    .code64
long_mode:
    mov ax, 0x10
    mov ds, ax
    mov es, ax
    mov fs, ax
    mov gs, ax
    mov ss, ax
    lea rsp, [rip + stack_top]
    mov edi, edi                            # the upper halves are not defined after the jump
    mov esi, esi
«0»1:
    cli
    hlt
    jmp 1b

${longDataGas}`;

const longNasm = `\
; Needs flat 32-bit segments, paging off and a .bss of zeros, as Multiboot has it.
; The 64-bit code finds eax and ebx of the loader in edi and esi.
enter_long_mode:
    mov edi, eax
    mov esi, ebx
    mov eax, 0x80000000
    cpuid
    cmp eax, 0x80000001
    jb no_long_mode
    mov eax, 0x80000001
    cpuid
    test edx, 1 << 29                       ; LM
    jz no_long_mode

    mov dword [pml4], pdpt + 0x3            ; present, writable
    mov dword [pdpt], page_directory + 0x3
    mov eax, 0x83                           ; present, writable, a page of 2 MiB
    xor ecx, ecx
.map:
    mov [page_directory + ecx * 8], eax     ; 512 times 2 MiB: the first GiB is where it was
    add eax, 0x200000
    inc ecx
    cmp ecx, 512
    jne .map

    mov eax, cr4
    or eax, 1 << 5                          ; PAE
    mov cr4, eax
    mov eax, pml4
    mov cr3, eax
    mov ecx, 0xC0000080                     ; EFER
    rdmsr
    or eax, 1 << 8                          ; LME
    wrmsr
    mov eax, cr0
    or eax, 0x80000001                      ; PG and PE: long mode is active
    mov cr0, eax
    lgdt [gdt64_pointer]
    jmp 0x08:long_mode                      ; loads cs: from here on code has 64 bits

no_long_mode:
    cli
    hlt
    jmp no_long_mode

    bits 64
long_mode:
    mov ax, 0x10
    mov ds, ax
    mov es, ax
    mov fs, ax
    mov gs, ax
    mov ss, ax
    lea rsp, [rel stack_top]
    mov edi, edi                            ; the upper halves are not defined after the jump
    mov esi, esi
«0».halt:
    cli
    hlt
    jmp .halt

section .rodata
${tableOf("gdt64", "nasm")}section .bss
    alignb 4096
pml4:
    resb 4096
pdpt:
    resb 4096
page_directory:
    resb 4096
    resb «1:16384»
stack_top:
section .text
`;

export const modes: readonly Snippet[] = [
  {
    name: "protected-mode",
    title: "Enter protected mode",
    description:
      "From real mode: A20, GDT, CR0.PE, the far jump, segments and a stack, with the GDT it needs. Ends in 32-bit code with interrupts off; there is no IDT yet.",
    bits: [16],
    texts: { att: protectedAtt, intel: protectedIntel, nasm: protectedNasm },
  },
  {
    name: "long-mode",
    title: "Enter long mode",
    description:
      "From 32-bit protected mode without paging: asks CPUID, maps the first GiB with pages of 2 MiB, then CR4.PAE, CR3, EFER.LME, CR0.PG and the far jump, with its tables, GDT and stack. Ends in 64-bit code with interrupts off; there is no IDT yet.",
    bits: [32],
    texts: { att: longAtt, intel: longIntel, nasm: longNasm },
  },
];
