/**
 * A freestanding kernel for measuring: Multiboot 1 with address fields, into 64-bit mode, one loop, out through isa-debug-exit. It runs unchanged on
 * QEMU and here, so both do exactly the same work.
 */
import { assemble } from "../support/processor.ts";

export interface Work {
  readonly name: string;
  /** NASM source of the loop, 64-bit code; free to use every register and memory from 4 MiB on. Ends by falling through. */
  readonly source: string;
}

export const works: readonly Work[] = [
  {
    name: "registers and memory",
    source: `
  mov rcx, 8000000
  mov rsi, 0x400000
  xor eax, eax
.loop:
  mov rdx, [rsi]
  add rdx, rax
  mov [rsi + 8], rdx
  add eax, 3
  xor rdx, rcx
  lea rdi, [rdx + rax * 2]
  and edi, 0xfff
  mov [rsi + rdi], al
  dec rcx
  jnz .loop`,
  },
  {
    name: "calls",
    source: `
  mov ebx, 3000000
.loop:
  mov edi, ebx
  call .leaf
  add r12, rax
  push rbx
  pop rdx
  dec ebx
  jnz .loop
  jmp .done
.leaf:
  push rbp
  mov rbp, rsp
  lea eax, [rdi + rdi * 4]
  xor eax, 0x55
  pop rbp
  ret
.done:`,
  },
  {
    name: "branches",
    source: `
  mov ecx, 4000000
  mov eax, 12345
.loop:
  imul eax, eax, 1103515245
  add eax, 12345
  test eax, 0x10000
  jz .even
  inc rbx
  test eax, 0x20000
  jnz .next
  add rbx, 3
  jmp .next
.even:
  sub rbx, 1
.next:
  dec ecx
  jnz .loop`,
  },
  {
    name: "rep movs and stos",
    source: `
  mov ebx, 40
.loop:
  mov edi, 0x400000
  mov ecx, 0x8000
  mov eax, ebx
  rep stosq
  mov esi, 0x400000
  mov edi, 0x500000
  mov ecx, 0x8000
  rep movsq
  dec ebx
  jnz .loop`,
  },
];

/** The kernel as a flat Multiboot 1 image loaded at 1 MiB. */
export function benchKernel(work: Work): Uint8Array {
  return assemble(`
bits 32
org 0x100000
header:
  dd 0x1badb002, 0x10000, -(0x1badb002 + 0x10000)
  dd header, header, image_end, bss_end, start
start:
  mov esp, 0x90000
  mov edi, 0x1000
  xor eax, eax
  mov ecx, 0x1000
  rep stosd
  mov dword [0x1000], 0x2003
  mov dword [0x2000], 0x83
  mov eax, cr4
  or eax, 0x20
  mov cr4, eax
  mov eax, 0x1000
  mov cr3, eax
  mov ecx, 0xc0000080
  rdmsr
  or eax, 0x100
  wrmsr
  mov eax, cr0
  or eax, 0x80000000
  mov cr0, eax
  lgdt [gdt_pointer]
  jmp 8:in_long_mode
align 8
gdt: dq 0, 0x00209a0000000000, 0x0000920000000000
gdt_pointer:
  dw 23
  dd gdt
bits 64
in_long_mode:
  xor eax, eax
  mov ss, ax
  mov esp, 0x90000
  xor ebx, ebx
  xor r12d, r12d
${work.source}
  mov eax, 0
  out 0xf4, eax
.halt:
  hlt
  jmp .halt
image_end:
bss_end equ 0x200000
`);
}
