// SPDX-License-Identifier: ISC

# An INT3 at the entry's second instruction, 0x100021, then HALT with status 0. Without a debugger it is a triple fault.

        .section .text.start, "ax"
        .global _start
_start:
        nop
        int3
        push    $0                      # status
        push    $0                      # no cookie
        mov     %esp, %eax
        mov     $0x508, %edx
        out     %eax, %dx
        hlt
        .section .note.GNU-stack, "", @progbits
