// SPDX-License-Identifier: ISC

# SPDX-License-Identifier: ISC

# The kernels as a multiboot image, for a PC without firmware services: from 32-bit protected mode to 64-bit code.

        .section .multiboot, "a"
        .align  4
        .long   0x1BADB002, 0, -0x1BADB002

        .code32
        .text
        .global _start
_start:
        mov     $stack_end, %esp
        # Page tables: the first GiB in pages of 2 MiB.
        movl    $directories + 3, tables
        movl    $directory + 3, directories
        mov     $0x83, %eax
        mov     $directory, %edi
        mov     $512, %ecx
1:      mov     %eax, (%edi)
        add     $0x200000, %eax
        add     $8, %edi
        loop    1b
        mov     $tables, %eax
        mov     %eax, %cr3
        mov     $0x620, %eax            # PAE, OSFXSR, OSXMMEXCPT
        mov     %eax, %cr4
        mov     $0xc0000080, %ecx
        rdmsr
        or      $0x100, %eax
        wrmsr
        mov     %cr0, %eax
        and     $0xfffffffb, %eax       # no emulation of the FPU
        or      $0x80000002, %eax
        mov     %eax, %cr0
        lgdt    gdt_pointer
        ljmp    $8, $2f
        .code64
2:      mov     $16, %eax
        mov     %eax, %ss
        mov     %eax, %ds
        mov     %eax, %es
        mov     $SCALE, %edi
        call    run_kernels
        mov     $0x501, %dx             # isa-debug-exit
        xor     %eax, %eax
        out     %al, %dx
3:      hlt
        jmp     3b

# void write_line(const char *text, size_t length)
        .global write_line
write_line:
        mov     %rsi, %rcx
        mov     %rdi, %rsi
        mov     $0xe9, %dx              # isa-debugcon
        rep outsb
        ret

        .data
        .align  8
gdt:    .quad   0, 0x00af9b000000ffff, 0x00cf93000000ffff
gdt_pointer:
        .word   23
        .long   gdt

        .bss
        .align  4096
tables: .skip   4096
directories:
        .skip   4096
directory:
        .skip   4096
        .skip   65536
stack_end:


        .section .note.GNU-stack, "", @progbits
