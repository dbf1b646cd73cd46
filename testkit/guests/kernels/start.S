// SPDX-License-Identifier: ISC

// Multiboot header, entry, and the first half of the interrupt handlers of a kernel.

  .code32
  .section .header, "a"
  .long 0x1badb002
  .long 3                       // modules at pages, memory information
  .long -(0x1badb002 + 3)

  .text
  .globl _start
_start:
  movl $stack_end, %esp
  pushl %ebx
  pushl %eax
  call prepare
  call main
  pushl %eax
  call end

// One stub for each line: 16 bytes, so that their addresses can be computed.
  .globl stubs
  .balign 16
stubs:
  .set line, 0
  .rept 16
  .balign 16
  pushl $line
  jmp common
  .set line, line + 1
  .endr

common:
  pushal
  pushl 32(%esp)
  call interrupted
  addl $4, %esp
  popal
  addl $4, %esp
  // As IRET, which a KVM without hardware virtualisation cannot do; the code segment is the same.
  pushl 8(%esp)
  popfl
  ret $8

  .bss
  .balign 16
  .skip 16384
stack_end:
