// SPDX-License-Identifier: ISC

# One PUTS and HALT, without the library.

        .section .text.start, "ax"
        .global _start
_start:
        push    $length
        push    $text
        mov     %esp, %eax
        mov     $0x502, %edx
        out     %eax, %dx

        push    $0                      # status
        push    $0                      # no cookie
        mov     %esp, %eax
        mov     $0x508, %edx
        out     %eax, %dx
        hlt

        .section .rodata
text:   .ascii  "SUCCESS\n"
        .set    length, . - text
        .section .note.GNU-stack, "", @progbits
