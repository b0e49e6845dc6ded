; A program that is data: does a list of operations 32 bytes each (kind, address, value), one after the other, and halts at its end. A page fault
; goes on with the next operation.
;   -D BITS=32 or 64
STACK equ 0x200000

%if BITS == 64
        bits 64
        %define acc rax
        %define at rbx
        %define value rcx
        %define list rsi
        %define pointer dq
%else
        bits 32
        %define acc eax
        %define at ebx
        %define value ecx
        %define list esi
        %define pointer dd
%endif
        org 0x100000

        ; Where a CPU begins, with its list in rSI, and where a page fault goes.
        dd next, fault

next:   mov eax, [list]
        mov at, [list + 8]
        mov value, [list + 16]
        mov edx, [list + 20]
        add list, 32
        jmp [table + acc * (BITS / 8)]

end:    cli
        hlt
store:  mov [at], value
        jmp next
store4: mov [at], ecx
        jmp next
high4:  mov [at + 4], edx
        jmp next
read:   mov dl, [at]
        jmp next
write:  mov [at], cl
        jmp next
modify: add byte [at], 0
        jmp next
fetch:  call at
        jmp next
invlpg_: invlpg [at]
        jmp next
cr3_:   mov cr3, value
        jmp next
cr4_:   mov cr4, value
        jmp next
        ; As an allocator does that clears a page.
clear:  mov edi, ebx
        xor eax, eax
        mov ecx, 1024
        rep stosd
        jmp next
        ; Tells another CPU, and waits for its answer.
signal: mov [at], cl
        jmp next
wait_:  pause
        cmp [at], cl
        jne wait_
        jmp next

        align 16
fault:  mov esp, STACK
        jmp next

        align 16
table:  pointer end, store, store4, high4, read, write, modify, fetch, invlpg_, cr3_, cr4_, clear, signal, wait_
