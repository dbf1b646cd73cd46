// SPDX-License-Identifier: ISC

# Entry and exception stubs. Everything else is C.

# The monitor enters here with the boot info's address in rdi and rsp + 8 a multiple of 16. A program with an entry of
# its own defines _start and may jump to guest_start afterwards.
        .section .text.start, "ax"
        .weak   _start
        .global guest_start
_start:
guest_start:
        xor     %ebp, %ebp
        push    %rbp
        call    guest_main

# void cpu_load(const struct table_pointer *gdt, const struct table_pointer *idt)
        .text
        .global cpu_load
cpu_load:
        lgdt    (%rdi)
        push    $0x08
        push    $1f
        lretq
1:      mov     $0x10, %eax
        mov     %eax, %ss
        mov     %eax, %ds
        mov     %eax, %es
        mov     $0x18, %eax
        ltr     %ax
        lidt    (%rsi)
        ret

# One stub of 16 bytes for each vector: completes the trap frame with an error code where the processor pushes none. The
# interrupted program ends, so no registers are kept.
        .balign 16
        .global trap_stubs
trap_stubs:
        .irp    vector, 0,1,2,3,4,5,6,7,8,9,10,11,12,13,14,15,16,17,18,19,20,21,22,23,24,25,26,27,28,29,30,31
        .balign 16
        .if     !(\vector == 8 || (\vector >= 10 && \vector <= 14) || \vector == 17 || \vector == 21)
        push    $0
        .endif
        mov     $\vector, %edi
        jmp     trap_entry
        .endr

# Only a failed can_read or can_write comes back, with the rsp to return on: those two touch no stack.
trap_entry:
        mov     %cr2, %rax
        push    %rax
        mov     %rsp, %rsi
        call    trap
        mov     %rax, %rsp
        xor     %eax, %eax
        ret

        .global can_read, can_write, probes_end
can_read:
        mov     (%rdi), %al
        mov     $1, %eax
        ret
can_write:
        mov     (%rdi), %al
        mov     %al, (%rdi)
        mov     $1, %eax
        ret
probes_end:

        .section .note.GNU-stack, "", @progbits
