/**
 * For each rule of code a mistake and what was meant, as explanations show them.
 *
 * Invariant: none is made up: `file` is one of the faulty files that the rules are tested with, `wrong` stands in it, and with `right` instead it is the corrected
 * one. A test compares.
 */

export interface Example {
  /** Below test/language/faulty/. */
  readonly file: string;
  readonly wrong: string;
  readonly right: string;
}

export const examples: Readonly<Record<string, Example>> = {
  "multiboot-magic": {
    file: "magic-2.asm",
    wrong: `
        dd 0x36D76289
        dd 0                            ; architecture: the PC`,
    right: `
        dd 0xE85250D6
        dd 0                            ; architecture: the PC`,
  },
  "multiboot-checksum": {
    file: "checksum-sign.asm",
    wrong: `
        dd 0x1BADB002
        dd 3
        dd 0x1BADB002 + 3`,
    right: `
        dd 0x1BADB002
        dd 3
        dd -(0x1BADB002 + 3)`,
  },
  "multiboot-flags": {
    file: "flags-reserved.S",
    wrong: `
        .set    FLAGS, 1 << 0 | 1 << 1 | 1 << 3`,
    right: `
        .set    FLAGS, 1 << 0 | 1 << 1`,
  },
  "multiboot-tags": {
    file: "tag-padding.asm",
    wrong: `
        dd 20
        dd 80, 25, 0                    ; text
        dw 0, 0                         ; the end tag
        dd 8`,
    right: `
        dd 20
        dd 80, 25, 0                    ; text
        align 8, db 0
        dw 0, 0                         ; the end tag
        dd 8`,
  },
  "multiboot-alignment": {
    file: "header-unaligned.S",
    wrong: `
        .byte   1                       # version of our own boot information
multiboot_header:
        .long   MAGIC`,
    right: `
        .byte   1                       # version of our own boot information
multiboot_header:
        .balign 4
        .long   MAGIC`,
  },
  "multiboot-position": {
    file: "header-far.asm",
    wrong: `
        times 8192 db 0xFF
        dd 0x1BADB002`,
    right: `
        dd 0x1BADB002`,
  },
  "far-jump": {
    file: "far-jump-protected.asm",
    wrong: `
        mov cr0, eax
bits 32
protected:
        mov ax, 16`,
    right: `
        mov cr0, eax
        jmp 8:protected

bits 32
protected:
        mov ax, 16`,
  },
  "pae-before-paging": {
    file: "pae-missing.asm",
    wrong: `
        mov eax, pml4
        mov cr3, eax
        mov ecx, 0xC0000080             ; EFER`,
    right: `
        mov eax, cr4
        or eax, 1 << 5                  ; PAE
        mov cr4, eax
        mov eax, pml4
        mov cr3, eax
        mov ecx, 0xC0000080             ; EFER`,
  },
  "cr3-alignment": {
    file: "cr3-number.asm",
    wrong: `
        mov eax, 0x1040
        mov cr3, eax`,
    right: `
        mov eax, 0x1000
        mov cr3, eax`,
  },
  "table-limit": {
    file: "gdt-limit.asm",
    wrong: `
gdt_pointer:
        dw gdt_end - gdt
        dd gdt`,
    right: `
gdt_pointer:
        dw gdt_end - gdt - 1
        dd gdt`,
  },
  "table-pointer": {
    file: "gdt-base-64.asm",
    wrong: `
gdt_pointer:
        dw gdt_end - gdt - 1
        dd gdt`,
    right: `
gdt_pointer:
        dw gdt_end - gdt - 1
        dq gdt`,
  },
  "gate-size": {
    file: "gates-256.S",
    wrong: `
idt_pointer:
        .word   256 * 8 - 1
        .quad   idt`,
    right: `
idt_pointer:
        .word   256 * 16 - 1
        .quad   idt`,
  },
  "instruction-mode": {
    file: "push-32.asm",
    wrong: `
        push ebx
        push r12`,
    right: `
        push rbx
        push r12`,
  },
  "iret-width": {
    file: "iret.S",
    wrong: `
        pop     rdx
        pop     rax
        iret`,
    right: `
        pop     rdx
        pop     rax
        iretq`,
  },
  "stack-balance": {
    file: "pop-missing.asm",
    wrong: `
        pop r12
        ret`,
    right: `
        pop r12
        pop rbx
        ret`,
  },
  "boot-sector": {
    file: "signature-swapped.asm",
    wrong: `
times 510 - ($ - $$) db 0
dw 0x55AA`,
    right: `
times 510 - ($ - $$) db 0
dw 0xAA55`,
  },
  "undefined-symbol": {
    file: "undefined-local.asm",
    wrong: `
.next:
        lodsb
        test al, al
        jz .end
        out dx, al
        jmp .next
.done:`,
    right: `
.next:
        lodsb
        test al, al
        jz .done
        out dx, al
        jmp .next
.done:`,
  },
  "duplicate-label": {
    file: "duplicate.S",
    wrong: `
protected:
        hlt
        jmp     protected`,
    right: `
halt:
        hlt
        jmp     halt`,
  },
  "script-overlap": {
    file: "overlap.ld",
    wrong: `
  .rodata : { *(.rodata) }
  .data 1M : { *(.data) }`,
    right: `
  .rodata : { *(.rodata) }
  .data 2M : { *(.data) }`,
  },
  "script-writable-executable": {
    file: "rights.ld",
    wrong: `
  code PT_LOAD FLAGS(7);
  data PT_LOAD FLAGS(6);`,
    right: `
  code PT_LOAD FLAGS(5);
  data PT_LOAD FLAGS(6);`,
  },
  "script-load-address": {
    file: "load-address.ld",
    wrong: `
  data_start = .;
  .data : AT(ADDR(.text) - BASE) { *(.data .data.*) } :data`,
    right: `
  data_start = .;
  .data : AT(ADDR(.data) - BASE) { *(.data .data.*) } :data`,
  },
  "script-undefined-symbol": {
    file: "undefined-symbol.ld",
    wrong: `
  kernel_end = .;
  kernel_size = kernel_end - data_begin;`,
    right: `
  kernel_end = .;
  kernel_size = kernel_end - data_start;`,
  },
  "script-duplicate-symbol": {
    file: "duplicate-symbol.ld",
    wrong: `
  kernel_end = .;
  .data : AT(ADDR(.data) - BASE) { *(.data .data.*) } :data
  .bss : AT(ADDR(.bss) - BASE) { *(COMMON) *(.bss .bss.*) } :data
  kernel_end = .;`,
    right: `
  data_start = .;
  .data : AT(ADDR(.data) - BASE) { *(.data .data.*) } :data
  .bss : AT(ADDR(.bss) - BASE) { *(COMMON) *(.bss .bss.*) } :data
  kernel_end = .;`,
  },
  "script-unknown-region": {
    file: "region.ld",
    wrong: `
  .boot 1M : { KEEP(*(.multiboot)) } >high
  .text : { *(.text .text.*) } >hgih`,
    right: `
  .boot 1M : { KEEP(*(.multiboot)) } >high
  .text : { *(.text .text.*) } >high`,
  },
  "script-unknown-header": {
    file: "header.ld",
    wrong: `
  .data : AT(ADDR(.data) - BASE) { *(.data .data.*) } :date`,
    right: `
  .data : AT(ADDR(.data) - BASE) { *(.data .data.*) } :data`,
  },
  "script-placed-twice": {
    file: "placed-twice.ld",
    wrong: `
  .text : AT(ADDR(.text) - BASE) { *(.text .text.*) } :code
  .init : AT(ADDR(.init) - BASE) { KEEP(*(.text.init)) } :code`,
    right: `
  .init : AT(ADDR(.init) - BASE) { KEEP(*(.text.init)) } :code
  .text : AT(ADDR(.text) - BASE) { *(.text .text.*) } :code`,
  },
  "script-multiboot-discarded": {
    file: "discarded.ld",
    wrong: `
  .boot : AT(ADDR(.boot) - BASE) { LONG(0) } :code
  .init : AT(ADDR(.init) - BASE) { KEEP(*(.text.init)) } :code
  .text : AT(ADDR(.text) - BASE) { *(.text .text.*) } :code
  .rodata : AT(ADDR(.rodata) - BASE) { *(.rodata .rodata.*) } :code
  . = ALIGN(4K);
  data_start = .;
  .data : AT(ADDR(.data) - BASE) { *(.data .data.*) } :data
  .bss : AT(ADDR(.bss) - BASE) { *(COMMON) *(.bss .bss.*) } :data
  kernel_end = .;
  kernel_size = kernel_end - data_start;
  /DISCARD/ : { *(.comment .note.* .multiboot) }`,
    right: `
  .boot : AT(ADDR(.boot) - BASE) { KEEP(*(.multiboot)) } :code
  .init : AT(ADDR(.init) - BASE) { KEEP(*(.text.init)) } :code
  .text : AT(ADDR(.text) - BASE) { *(.text .text.*) } :code
  .rodata : AT(ADDR(.rodata) - BASE) { *(.rodata .rodata.*) } :code
  . = ALIGN(4K);
  data_start = .;
  .data : AT(ADDR(.data) - BASE) { *(.data .data.*) } :data
  .bss : AT(ADDR(.bss) - BASE) { *(COMMON) *(.bss .bss.*) } :data
  kernel_end = .;
  kernel_size = kernel_end - data_start;
  /DISCARD/ : { *(.comment .note.*) }`,
  },
  "script-multiboot-keep": {
    file: "keep.ld",
    wrong: `
  .boot : AT(ADDR(.boot) - BASE) { *(.multiboot) } :code`,
    right: `
  .boot : AT(ADDR(.boot) - BASE) { KEEP(*(.multiboot)) } :code`,
  },
  "script-multiboot-behind": {
    file: "behind.ld",
    wrong: `
  .text 1M : { *(.text .text.*) } >high
  .rodata : { *(.rodata) } >high
  .boot : { KEEP(*(.multiboot)) } >high`,
    right: `
  .boot 1M : { KEEP(*(.multiboot)) } >high
  .text : { *(.text .text.*) } >high
  .rodata : { *(.rodata) } >high`,
  },
  "script-orphan": {
    file: "orphan.ld",
    wrong: `
  .text : { *(.text .text.*) } >high
  .data 2M : { *(.data) } >high`,
    right: `
  .text : { *(.text .text.*) } >high
  .rodata : { *(.rodata) } >high
  .data 2M : { *(.data) } >high`,
  },
};
