; Where everything lies, and the selectors of the global descriptor table.

LOAD          equ 0x100000
REAL          equ 0x8000          ; real-mode and virtual-8086 code and data, in segment 0
REAL_BYTES    equ 0x8000
REAL_STACK    equ 0x7c00

KERNEL_STACK  equ 0x190000        ; where every case at CPL 0 starts
RING0_STACK   equ 0x188000        ; ESP0 of the TSS
RING1_STACK   equ 0x184000
RING2_STACK   equ 0x182000
USER_STACK    equ 0x1a4000        ; in pages of its own, accessible to CPL 3
USER_STACKS   equ 0x1a0000
TABLES        equ 0x1b0000        ; descriptor tables and TSSs, copied anew for each case
GDT           equ TABLES
GDT_BYTES     equ 0x200
IDT           equ TABLES + 0x1000
TABLES_END    equ TABLES + 0x4000
TSS           equ TABLES + 0x2000 ; the current task
TSS_BYTES     equ 0x68 + 0x20 + 0x10
TSS2          equ TABLES + 0x2400 ; another one
TSS16         equ TABLES + 0x2800
TSS16_B       equ TABLES + 0x2a00
LDT           equ TABLES + 0x2c00
PAGES         equ 0x1c0000        ; page tables
PROBE          equ 0x400000        ; linear address of eight pages that cases map as they like
PROBE_FRAMES   equ 0x1e0000        ; the frames they have unless a case says otherwise

; GDT of the legacy modes and of long mode: the same numbers
KCODE         equ 0x08            ; 32-bit code, DPL 0
KDATA         equ 0x10
UCODE         equ 0x18 | 3        ; 32-bit code, DPL 3
UDATA         equ 0x20 | 3
TSSSEL        equ 0x28
TSS2SEL       equ 0x30
LDTSEL        equ 0x38
SCRATCH       equ 0x40            ; cases write these four (16 bytes each in long mode)
SCRATCH2      equ 0x50
GATE          equ 0x60
GATE2         equ 0x70
KCODE16       equ 0x80            ; 16-bit code, DPL 0, base 0
KDATA16       equ 0x88            ; 16-bit data, base 0, limit ffff
UCODE16       equ 0x90 | 3
UDATA16       equ 0x98 | 3
TSS16SEL      equ 0xa0
TSS16BSEL     equ 0xa8
CONFORMING    equ 0xb0            ; 32-bit conforming code, DPL 0
CODE1         equ 0xb8 | 1        ; rings 1 and 2
DATA1         equ 0xc0 | 1
CODE2         equ 0xc8 | 2
DATA2         equ 0xd0 | 2
KCODE64       equ 0xd8
UCODE64       equ 0xe0 | 3        ; SYSRET wants +8: data at e8, 64-bit code at f0
SYS_BASE      equ 0x100           ; SYSCALL/SYSRET: 100 code, 108 data | 110 code32, 118 data, 120 code64
XONLY         equ 0x130           ; execute-only code
UCONFORMING   equ 0x138 | 3       ; conforming code, DPL 3
SMALL         equ 0x140           ; data, base 190000, limit fff, DPL 3
DOWN          equ 0x148           ; expand-down data, base 180000, limit fff, B
RODATA        equ 0x150 | 3       ; read-only data, DPL 3
SYSE_BASE     equ 0x160           ; SYSENTER: 160 code, 168 stack, 170 user code, 178 user stack, 180 user code64, 188 stack

HANDLER_TSS   equ TABLES + 0x3000 ; tasks that handle #TS #NP #SS #GP where nothing else could
HANDLER_STACK equ TABLES + 0x3f00
HANDLER_SEL   equ 0x190           ; and the three after it

DONE          equ 0x40            ; INT 40h ends a case

; A descriptor: base, limit (20 bits, in the unit G says), access byte, flags (G D L AVL in the high nibble's order)
%define DESCRIPTOR(base, limit, access, flags) \
  (((limit) & 0xffff) | (((base) & 0xffffff) << 16) | ((access) << 40) | ((((limit) >> 16) & 0xf) << 48) | ((flags) << 52) | ((((base) >> 24) & 0xff) << 56))
; A gate of 8 bytes: selector, offset, type and DPL, parameter count
%define GATE8(selector, offset, type, count) \
  (((offset) & 0xffff) | ((selector) << 16) | ((count) << 32) | ((type) << 40) | ((((offset) >> 16) & 0xffff) << 48))
