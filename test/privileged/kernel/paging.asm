; Paging in 32-bit mode: rights, accessed and dirty bits, reserved bits, large pages, PAE, no-execute, SMEP, SMAP, stale translations.
;
; The eight pages at PROBE are what cases play with. Every line of this part ends with the directory entry and the table entry of the first of them (in PAE
; their low halves), as they are after the event.

PD    equ PAGES
PT0   equ PAGES + 0x1000       ; 0 … 4 MiB, identity (in PAE the first 2 MiB, then PT0B)
PT0B  equ PAGES + 0x2000
PT1   equ PAGES + 0x3000       ; PROBE …
PDPT  equ PAGES + 0x4000
PDX   equ PAGES + 0x5000       ; PAE directory

section .data
; Pages that CPL 3 may use: virtual-8086 memory, the user code, its stack.
user_ranges:
  dd 0, 0x10000
  dd user_start, user_end
  dd USER_STACKS, USER_STACK
  dd 0, 0
section .text

  mov dword [paging_reset], reset_legacy
  jmp paging_legacy

; Puts INT 40h into the frames behind PROBE, and their numbers into their eighth bytes.
fill_frames:
  xor eax, eax
.next:
  mov edx, eax
  shl edx, 12
  mov dword [PROBE_FRAMES + edx], 0x90900000 | DONE << 8 | 0xcd
  mov dword [PROBE_FRAMES + edx + 4], 0
  mov [PROBE_FRAMES + edx + 8], eax
  mov dword [PROBE_FRAMES + edx + 12], 0
  mov dword [PROBE_FRAMES + edx + 0xff8], 0
  mov dword [PROBE_FRAMES + edx + 0xffc], 0
  inc eax
  cmp eax, 8
  jb .next
  ret

; eax: address; CF set if CPL 3 may use its page
is_user_page:
  mov esi, user_ranges
.next:
  mov edx, [esi + 4]
  test edx, edx
  jz .no
  cmp eax, edx
  jae .skip
  cmp eax, [esi]
  jb .skip
  stc
  ret
.skip:
  add esi, 8
  jmp .next
.no:
  clc
  ret

; The identity map of the first 4 MiB, with entries of 4 bytes, or of 8 with edx = 4 more. Needs to be made only once.
map_identity:
  mov edi, PD
  mov ecx, 0x6000 / 4
  xor eax, eax
  rep stosd
  mov edi, PT0
  xor ebx, ebx
  mov ecx, edx
.next:
  mov eax, ebx
  call is_user_page
  lea eax, [ebx + 3]
  jnc .kernel
  or eax, 4
.kernel:
  stosd
  add edi, ecx
  add ebx, 0x1000
  cmp ebx, 0x400000
  jb .next
  ret

reset_legacy:
  mov eax, cr0
  and eax, 0x7fffffff
  mov cr0, eax
  call fill_frames
  mov dword [PD], PT0 + 7
  mov dword [PD + 4], PT1 + 7
  mov edi, PT1
  mov eax, PROBE_FRAMES + 7
.probe:
  stosd
  add eax, 0x1000
  cmp eax, PROBE_FRAMES + 0x8000
  jb .probe
  mov eax, PD
  mov cr3, eax
  mov eax, cr0
  or eax, 0x80000000
  mov cr0, eax
  mov dword [show_pde], PD + 4
  mov dword [show_pte], PT1
  ret

%macro KERNEL_WP 0
  mov eax, cr0
  or eax, 0x10000
  mov cr0, eax
%endmacro
%macro KERNEL_NO_WP 0
  mov eax, cr0
  and eax, ~0x10000
  mov cr0, eax
%endmacro
%macro ACCESS_READ 0
  mov ecx, [PROBE]
%endmacro
%macro ACCESS_WRITE 0
  mov [PROBE + 4], ecx
%endmacro
%macro ACCESS_FETCH 0
  mov edx, PROBE
  jmp edx
%endmacro

; The rights matrix: for one pair of entries every kind of access by user, kernel and kernel without write protection
%macro RIGHTS 3 ; name, flags of the directory entry, of the table entry
CASE "page/", %1, "-user-read"
  SET_ENTRIES %2, %3
  USER
  ACCESS_READ
END
CASE "page/", %1, "-user-write"
  SET_ENTRIES %2, %3
  USER
  ACCESS_WRITE
END
CASE "page/", %1, "-user-fetch"
  SET_ENTRIES %2, %3
  USER
  ACCESS_FETCH
END
CASE "page/", %1, "-kernel-read"
  SET_ENTRIES %2, %3
  ACCESS_READ
END
CASE "page/", %1, "-kernel-write"
  SET_ENTRIES %2, %3
  KERNEL_WP
  ACCESS_WRITE
END
CASE "page/", %1, "-kernel-write-no-wp"
  SET_ENTRIES %2, %3
  KERNEL_NO_WP
  ACCESS_WRITE
END
CASE "page/", %1, "-kernel-fetch"
  SET_ENTRIES %2, %3
  ACCESS_FETCH
END
%endmacro
%macro SET_ENTRIES 2
  mov dword [PD + 4], PT1 | (%1)
  mov dword [PT1], PROBE_FRAMES | (%2)
  mov eax, cr3
  mov cr3, eax
%endmacro

paging_legacy:
  xor edx, edx
  call map_identity
  call reset32
RIGHTS "pte-none", 7, 0
RIGHTS "pte-p", 7, 1
RIGHTS "pte-pw", 7, 3
RIGHTS "pte-pu", 7, 5
RIGHTS "pte-pwu", 7, 7
RIGHTS "pte-wu-not-present", 7, 6
RIGHTS "pde-none", 0, 7
RIGHTS "pde-p", 1, 7
RIGHTS "pde-pw", 3, 7
RIGHTS "pde-pu", 5, 7
RIGHTS "pte-accessed", 0x27, 0x27
RIGHTS "pte-dirty", 7, 0x67
RIGHTS "pde-bit7-without-pse", 0x87, 7

CASE "page/cross-second-not-present"
  mov dword [PT1 + 4], 0
  mov ecx, [PROBE + 0xffe]
END
CASE "page/cross-write-second-read-only"
  mov dword [PT1 + 4], PROBE_FRAMES + 0x1000 + 5
  KERNEL_WP
  mov [PROBE + 0xffe], ecx
  mov ecx, [PROBE + 0xffc]
END
CASE "page/cross-write-first-untouched"
  mov dword [PT1 + 4], 0
  RESUME 0
  mov dword [PROBE + 0xffe], 0x11223344
END
CASE "page/cross-fetch"
  mov dword [PT1 + 4], 0
  mov byte [PROBE + 0xfff], 0xb8
  mov eax, PROBE + 0xfff
  jmp eax
END
CASE "page/rep-movs-stops-in-the-middle"
  mov dword [PT1 + 4], 0
  mov esi, PROBE + 0x100
  mov edi, PROBE + 0xff0
  mov ecx, 32
  rep movsb
END
CASE "page/push-fault-keeps-esp"
  mov dword [PT1], 0
  mov eax, cr3
  mov cr3, eax
  USER
  mov esp, PROBE + 0x1000
  push eax
END
CASE "page/pusha-fault"
  mov dword [PT1], 0
  USER
  mov esp, PROBE + 0x1010
  pusha
END
CASE "page/call-fault-keeps-eip"
  mov dword [PT1], 0
  USER
  mov esp, PROBE + 0x1000
  call esp
END
CASE "page/xchg-read-only"
  SET_ENTRIES 7, 5
  KERNEL_WP
  xchg [PROBE], ecx
END
CASE "page/cmpxchg-unequal-read-only"
  SET_ENTRIES 7, 5
  KERNEL_WP
  cmpxchg [PROBE], ecx
END
CASE "page/bts-register-far"
  mov eax, 0x8000
  bts [PROBE], eax
  mov ecx, [PROBE + 0x1000]
END
CASE "page/read-high"
  mov ecx, [0xffffe000]
END
CASE "page/stale-translation"
  mov ecx, [PROBE + 8]
  mov dword [PT1], PROBE_FRAMES + 0x3007
  mov edx, [PROBE + 8]
  invlpg [PROBE]
  mov ebx, [PROBE + 8]
END
CASE "page/stale-cr3"
  mov ecx, [PROBE + 8]
  mov dword [PT1], PROBE_FRAMES + 0x3007
  mov eax, cr3
  mov cr3, eax
  mov ebx, [PROBE + 8]
END
CASE "page/global-survives-cr3"
  mov eax, 0x80
  mov cr4, eax
  mov dword [PT1], PROBE_FRAMES + 0x107
  mov ecx, [PROBE + 8]
  mov dword [PT1], PROBE_FRAMES + 0x3107
  mov eax, cr3
  mov cr3, eax
  mov edx, [PROBE + 8]
  invlpg [PROBE]
  mov ebx, [PROBE + 8]
END
CASE "page/global-flushed-by-cr4"
  mov eax, 0x80
  mov cr4, eax
  mov dword [PT1], PROBE_FRAMES + 0x107
  mov ecx, [PROBE + 8]
  mov dword [PT1], PROBE_FRAMES + 0x3107
  xor eax, eax
  mov cr4, eax
  mov edx, [PROBE + 8]
END
CASE "page/not-present-is-not-cached"
  mov dword [PT1], 0
  invlpg [PROBE]
  mov dword [PT1], PROBE_FRAMES + 7
  mov ebx, [PROBE + 8]
END
CASE "page/dirty-after-read-then-write"
  mov ecx, [PROBE]
  mov ebx, [PT1]
  mov [PROBE], ecx
  mov edx, [PT1]
END
CASE "page/large"
  mov eax, 0x10
  mov cr4, eax
  mov dword [PD + 4], 0x400087
  mov eax, cr3
  mov cr3, eax
  mov [PROBE + 0x123456], eax
  mov ecx, [PROBE + 0x123456]
END
CASE "page/large-read-only"
  mov eax, 0x10
  mov cr4, eax
  mov dword [PD + 4], 0x400085
  KERNEL_WP
  mov [PROBE + 0x123456], eax
END
CASE "page/large-user-supervisor"
  mov eax, 0x10
  mov cr4, eax
  mov dword [PD + 4], 0x400083
  USER
  mov ecx, [PROBE]
END
CASE "page/large-reserved-bit"
  mov eax, 0x10
  mov cr4, eax
  mov dword [PD + 4], 0x600087
  mov ecx, [PROBE]
END
CASE "page/large-invlpg-anywhere"
  mov eax, 0x10
  mov cr4, eax
  mov dword [PD + 4], 0x400087
  mov eax, cr3
  mov cr3, eax
  mov ecx, [PROBE + 0x5008]
  mov dword [PD + 4], PT1 + 7
  invlpg [PROBE + 0x1000]
  mov ebx, [PROBE + 0x5008]
END

; SMEP and SMAP
%macro SMAP_CASE 3 ; name, CR4, flags for AC
CASE "page/", %1, "-read"
  mov eax, %2
  mov cr4, eax
  push dword %3
  popfd
  ACCESS_READ
END
CASE "page/", %1, "-write"
  mov eax, %2
  mov cr4, eax
  push dword %3
  popfd
  ACCESS_WRITE
END
CASE "page/", %1, "-fetch"
  mov eax, %2
  mov cr4, eax
  push dword %3
  popfd
  ACCESS_FETCH
END
%endmacro
SMAP_CASE "smep", 0x100000, 2
SMAP_CASE "smap", 0x200000, 2
SMAP_CASE "smap-ac", 0x200000, 0x40002
SMAP_CASE "smep-smap", 0x300000, 2
CASE "page/smap-stac-clac"
  mov eax, 0x200000
  mov cr4, eax
  stac
  mov ecx, [PROBE]
  clac
  mov edx, [PROBE]
END
CASE "page/smap-user-not-concerned"
  mov eax, 0x300000
  mov cr4, eax
  USER
  mov ecx, [PROBE]
END
CASE "page/smap-implicit-access"
  ; The descriptor table is read by the processor itself, which AC does not excuse.
  mov eax, 0x200000
  mov cr4, eax
  stac
  mov dword [PROBE + 8], 0xffff
  mov dword [PROBE + 12], 0xcf9300
  SET LDTSEL, DESCRIPTOR(PROBE, 0x3f, 0x82, 0)
  mov ax, LDTSEL
  lldt ax
  mov ax, 0x0c
  mov es, ax
END
CASE "page/stac-user"
  mov eax, 0x200000
  mov cr4, eax
  USER
  stac
END
CASE "page/smap-interrupt-keeps-ac-clear"
  mov eax, 0x200000
  mov cr4, eax
  stac
  pushfd
  pop ebx
END

; Faults while an event is delivered
CASE "page/interrupt-stack-not-present"
  call prepare_handlers
  call df_task
  mov dword [PT1], 0
  mov dword [TSS + 4], PROBE + 0x1000
  VECTOR 14, (TSS2SEL << 16) | (0x8500 << 32)
  mov dword [TSS2 + 0x20], stub32_14
  USER
  int DONE
END
CASE "page/fault-then-stack-not-present"
  call df_task
  mov dword [PT1], 0
  mov dword [TSS + 4], PROBE + 0x1000
  USER
  ud2
END
CASE "page/page-fault-then-stack-not-present"
  call df_task
  mov dword [PT1], 0
  mov dword [TSS + 4], PROBE + 0x1000
  USER
  mov eax, [0]
  mov eax, [0x100000]
END
CASE "page/idt-half-not-present"
  mov esi, IDT
  mov edi, PROBE + 0xe00
  mov ecx, 0x200 / 4
  rep movsd
  push dword PROBE + 0xe00
  push word 0x48 * 8 - 1
  mov dword [PT1 + 4], 0
  mov eax, cr3
  mov cr3, eax
  lidt [esp]
  int 0x41
END
CASE "page/gdt-half-not-present"
  mov esi, GDT
  mov edi, PROBE + 0xf00
  mov ecx, 0x100 / 4
  rep movsd
  push dword PROBE + 0xf00
  push word GDT_BYTES - 1
  mov dword [PT1 + 4], 0
  mov eax, cr3
  mov cr3, eax
  lgdt [esp]
  mov ax, SMALL & ~3
  mov es, ax
END
  jmp paging_pae

df_task:
  call prepare_tss2
  mov dword [TSS2 + 0x20], stub32_8
  mov dword [IDT + 8 * 8], TSS2SEL << 16
  mov dword [IDT + 8 * 8 + 4], 0x8500
  ret

; ---------------------------------------------------------------------------------------------------------------------------------------------------
; PAE

reset_pae:
  mov eax, cr0
  and eax, 0x7fffffff
  mov cr0, eax
  call fill_frames
  mov edi, PDPT
  mov ecx, 0x28 / 4
  xor eax, eax
  rep stosd
  mov dword [PDPT], PDX + 1
  mov dword [PDX], PT0 + 7
  mov dword [PDX + 8], PT0B + 7
  mov dword [PDX + 16], PT1 + 7
  mov dword [PDX + 20], 0
  mov edi, PT1
  mov ebx, PROBE_FRAMES + 7
.probe:
  mov eax, ebx
  stosd
  xor eax, eax
  stosd
  add ebx, 0x1000
  cmp ebx, PROBE_FRAMES + 0x8000
  jb .probe
  mov eax, 0x20
  mov cr4, eax
  mov eax, PDPT
  mov cr3, eax
  mov ecx, 0xc0000080
  mov eax, 0x800
  xor edx, edx
  wrmsr
  mov eax, cr0
  or eax, 0x80000000
  mov cr0, eax
  mov dword [show_pde], PDX + 16
  mov dword [show_pte], PT1
  ret

%unmacro SET_ENTRIES 2
%macro SET_ENTRIES 2 ; low 12 bits, and bit 63 as bit 12
  mov dword [PDX + 16], PT1 | ((%1) & 0xfff)
  mov dword [PDX + 20], ((%1) >> 12) << 31
  mov dword [PT1], PROBE_FRAMES | ((%2) & 0xfff)
  mov dword [PT1 + 4], ((%2) >> 12) << 31
  mov eax, cr3
  mov cr3, eax
%endmacro
NX equ 0x1000

paging_pae:
  mov eax, cr0
  and eax, 0x7fffffff
  mov cr0, eax
  mov dword [paging_reset], reset_pae
  mov dword [cr4_reset], 0x20
  mov edx, 4
  call map_identity
  call reset32
RIGHTS "pae-pte-none", 7, 0
RIGHTS "pae-pte-p", 7, 1
RIGHTS "pae-pte-pw", 7, 3
RIGHTS "pae-pte-pu", 7, 5
RIGHTS "pae-pte-pwu", 7, 7
RIGHTS "pae-pte-nx", 7, 7 | NX
RIGHTS "pae-pte-pu-nx", 7, 5 | NX
RIGHTS "pae-pde-nx", 7 | NX, 7
RIGHTS "pae-pde-pu", 5, 7
RIGHTS "pae-pde-none", 0, 7

%macro PAE_RESERVED 3 ; name, address of the upper half, value
CASE "page/pae-reserved-", %1
  mov dword [%2], %3
  mov eax, cr3
  mov cr3, eax
  mov ecx, [PROBE]
END
%endmacro
PAE_RESERVED "pte-bit-62", PT1 + 4, 0x40000000
PAE_RESERVED "pte-bit-52", PT1 + 4, 0x00100000
PAE_RESERVED "pte-bit-40", PT1 + 4, 0x00000100
PAE_RESERVED "pde-bit-62", PDX + 20, 0x40000000
PAE_RESERVED "pde-bit-51", PDX + 20, 0x00080000
PAE_RESERVED "pte-not-present", PT1, 0
CASE "page/pae-nx-without-nxe"
  mov ecx, 0xc0000080
  xor eax, eax
  xor edx, edx
  wrmsr
  mov dword [PT1 + 4], 0x80000000
  mov eax, cr3
  mov cr3, eax
  mov ecx, [PROBE]
END
CASE "page/pae-nx-without-nxe-not-present"
  mov ecx, 0xc0000080
  xor eax, eax
  xor edx, edx
  wrmsr
  mov dword [PT1], 0
  mov dword [PT1 + 4], 0x80000000
  mov eax, cr3
  mov cr3, eax
  mov ecx, [PROBE]
END
CASE "page/pae-pdpte-reserved"
  mov dword [PDPT + 8], PDX + 3
  mov eax, cr3
  mov cr3, eax
END
CASE "page/pae-pdpte-reserved-not-present"
  mov dword [PDPT + 8], PDX + 2
  mov eax, cr3
  mov cr3, eax
END
CASE "page/pae-pdpte-bit-5"
  mov dword [PDPT + 8], PDX + 0x21
  mov eax, cr3
  mov cr3, eax
END
CASE "page/pae-pdpte-upper"
  mov dword [PDPT + 8], PDX + 1
  mov dword [PDPT + 12], 0x100
  mov eax, cr3
  mov cr3, eax
END
CASE "page/pae-pdpte-loaded-by-cr3-only"
  mov dword [PDPT + 8], PDX + 1
  mov ecx, [0x40400008]
END
CASE "page/pae-pdpte-second"
  mov dword [PDPT + 8], PDX + 1
  mov eax, cr3
  mov cr3, eax
  mov ecx, [0x40400008]
END
CASE "page/pae-cr3-bits"
  mov eax, cr3
  or eax, 0x18
  mov cr3, eax
  mov ebx, cr3
END
CASE "page/pae-large"
  mov dword [PDX + 16], 0x400087
  mov eax, cr3
  mov cr3, eax
  mov [PROBE + 0x123456], eax
  mov ecx, [PROBE + 0x123456]
END
CASE "page/pae-large-nx"
  mov dword [PDX + 16], 0x400087
  mov dword [PDX + 20], 0x80000000
  mov word [0x1e0000], 0x40cd
  mov eax, cr3
  mov cr3, eax
  mov eax, PROBE
  jmp eax
END
CASE "page/pae-large-reserved"
  mov dword [PDX + 16], 0x402087
  mov eax, cr3
  mov cr3, eax
  mov ecx, [PROBE]
END
CASE "page/pae-large-pat-bit"
  mov dword [PDX + 16], 0x401087
  mov eax, cr3
  mov cr3, eax
  mov ecx, [PROBE]
END
SMAP_CASE "pae-smep", 0x100020, 2
SMAP_CASE "pae-smap", 0x200020, 2
  mov eax, cr0
  and eax, 0x7fffffff
  mov cr0, eax
  mov dword [paging_reset], no_paging
  mov dword [cr4_reset], 0
  mov dword [show_pte], 0
