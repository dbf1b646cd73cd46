// SPDX-License-Identifier: ISC

# An exception before there is an IDT.

        .section .text.start, "ax"
        .global _start
_start:
        ud2
        .section .note.GNU-stack, "", @progbits
