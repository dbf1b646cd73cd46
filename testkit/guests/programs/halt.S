// SPDX-License-Identifier: ISC

# The smallest guest: HALT with status 0 is all it does.

        .section .text.start, "ax"
        .global _start
_start:
        push    $0                      # status
        push    $0                      # no cookie
        mov     %esp, %eax
        mov     $0x508, %edx
        out     %eax, %dx
        hlt
        .section .note.GNU-stack, "", @progbits
