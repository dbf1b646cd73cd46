// SPDX-License-Identifier: ISC

# For single steps, breakpoints and watchpoints: known instructions from the entry on, which is 0x100020.

        .section .text.start, "ax"
        .global _start
_start:
        nop                             # 0x100020
        mov     $1, %eax                # 0x100021
        add     $2, %eax                # 0x100026 eax = 3
        mov     %rax, %rbx              # 0x100029 rbx = 3
        push    %rbx                    # 0x10002c stores 8 bytes at mem_size - 16
        pop     %rcx                    # 0x10002d rcx = 3
        mov     $3, %edx                # 0x10002e
1:      dec     %edx                    # 0x100033 three times
        jne     1b                      # 0x100035
        call    2f                      # 0x100037
        xor     %ebx, %ebx              # 0x10003c rbx = 0, ZF = 1
        push    $0                      # 0x10003e status
        push    $0                      # 0x100040 no cookie
        mov     %esp, %eax              # 0x100042
        mov     $0x508, %edx            # 0x100044
        out     %eax, %dx               # 0x100049 HALT
        hlt                             # 0x10004a
2:      inc     %rcx                    # 0x10004b rcx = 4
        ret                             # 0x10004e
        .section .note.GNU-stack, "", @progbits
