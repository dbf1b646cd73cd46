// SPDX-License-Identifier: ISC

/* Prints the facts about KVM's interface that the backend relies on, from the headers of this host. */

#include <linux/kvm.h>
#include <linux/version.h>
#include <stddef.h>
#include <stdio.h>
#include <sys/ioctl.h>

#define FACT(name, value) printf("  \"%s\": %lu,\n", name, (unsigned long)(value))
#define NUMBER(name) FACT(#name, (unsigned int)(name))
#define SIZE(type) FACT("sizeof " #type, sizeof(struct type))
#define FIELD(type, field) FACT(#type "." #field, offsetof(struct type, field))
#define MEMBER(member, field) FACT(#member "." #field, offsetof(struct kvm_run, member.field))

int main(void) {
  printf("{\n");
  printf("  \"source\": \"Linux %d.%d include/uapi/linux/kvm.h and asm/kvm.h for x86\",\n",
         LINUX_VERSION_CODE >> 16, LINUX_VERSION_CODE >> 8 & 0xff);

  NUMBER(KVM_API_VERSION);

  NUMBER(KVM_GET_API_VERSION);
  NUMBER(KVM_CREATE_VM);
  NUMBER(KVM_CHECK_EXTENSION);
  NUMBER(KVM_GET_VCPU_MMAP_SIZE);
  NUMBER(KVM_GET_SUPPORTED_CPUID);
  NUMBER(KVM_CREATE_VCPU);
  NUMBER(KVM_SET_USER_MEMORY_REGION);
  NUMBER(KVM_IOEVENTFD);
  NUMBER(KVM_RUN);
  NUMBER(KVM_GET_REGS);
  NUMBER(KVM_SET_REGS);
  NUMBER(KVM_GET_SREGS);
  NUMBER(KVM_SET_SREGS);
  NUMBER(KVM_INTERRUPT);
  NUMBER(KVM_SET_CPUID2);
  NUMBER(KVM_SET_GUEST_DEBUG);
  NUMBER(KVM_GET_VCPU_EVENTS);
  NUMBER(KVM_SET_VCPU_EVENTS);
  NUMBER(KVM_GET_XSAVE);
  NUMBER(KVM_SET_XSAVE);
  NUMBER(KVM_GET_TSC_KHZ);

  NUMBER(KVM_CAP_USER_MEMORY);
  NUMBER(KVM_CAP_EXT_CPUID);
  NUMBER(KVM_CAP_SET_GUEST_DEBUG);
  NUMBER(KVM_CAP_IOEVENTFD);
  NUMBER(KVM_CAP_GET_TSC_KHZ);
  NUMBER(KVM_CAP_READONLY_MEM);
  NUMBER(KVM_CAP_IMMEDIATE_EXIT);

  NUMBER(KVM_EXIT_IO);
  NUMBER(KVM_EXIT_DEBUG);
  NUMBER(KVM_EXIT_HLT);
  NUMBER(KVM_EXIT_MMIO);
  NUMBER(KVM_EXIT_IRQ_WINDOW_OPEN);
  NUMBER(KVM_EXIT_SHUTDOWN);
  NUMBER(KVM_EXIT_FAIL_ENTRY);
  NUMBER(KVM_EXIT_INTR);
  NUMBER(KVM_EXIT_SET_TPR);
  NUMBER(KVM_EXIT_INTERNAL_ERROR);
  NUMBER(KVM_EXIT_IO_OUT);
  NUMBER(KVM_INTERNAL_ERROR_EMULATION);

  NUMBER(KVM_MEM_READONLY);
  NUMBER(KVM_CPUID_FLAG_SIGNIFCANT_INDEX);
  NUMBER(KVM_IOEVENTFD_FLAG_PIO);
  NUMBER(KVM_IOEVENTFD_FLAG_DEASSIGN);
  NUMBER(KVM_GUESTDBG_ENABLE);
  NUMBER(KVM_GUESTDBG_SINGLESTEP);
  NUMBER(KVM_GUESTDBG_USE_SW_BP);
  NUMBER(KVM_GUESTDBG_USE_HW_BP);
  NUMBER(KVM_INTERNAL_ERROR_EMULATION_FLAG_INSTRUCTION_BYTES);

  SIZE(kvm_userspace_memory_region);
  FIELD(kvm_userspace_memory_region, slot);
  FIELD(kvm_userspace_memory_region, flags);
  FIELD(kvm_userspace_memory_region, guest_phys_addr);
  FIELD(kvm_userspace_memory_region, memory_size);
  FIELD(kvm_userspace_memory_region, userspace_addr);

  SIZE(kvm_ioeventfd);
  FIELD(kvm_ioeventfd, datamatch);
  FIELD(kvm_ioeventfd, addr);
  FIELD(kvm_ioeventfd, len);
  FIELD(kvm_ioeventfd, fd);
  FIELD(kvm_ioeventfd, flags);

  SIZE(kvm_vcpu_events);
  FACT("kvm_vcpu_events.exception_injected", offsetof(struct kvm_vcpu_events, exception.injected));
  FACT("kvm_vcpu_events.exception_nr", offsetof(struct kvm_vcpu_events, exception.nr));
  FACT("kvm_vcpu_events.exception_has_error_code", offsetof(struct kvm_vcpu_events, exception.has_error_code));
  FACT("kvm_vcpu_events.exception_pending", offsetof(struct kvm_vcpu_events, exception.pending));
  FACT("kvm_vcpu_events.exception_error_code", offsetof(struct kvm_vcpu_events, exception.error_code));
  FIELD(kvm_vcpu_events, exception_has_payload);
  FIELD(kvm_vcpu_events, exception_payload);
  SIZE(kvm_xsave);
  FIELD(kvm_xsave, region);

  SIZE(kvm_interrupt);
  FIELD(kvm_interrupt, irq);

  SIZE(kvm_guest_debug);
  FIELD(kvm_guest_debug, control);
  FIELD(kvm_guest_debug, pad);
  FACT("kvm_guest_debug.debugreg", offsetof(struct kvm_guest_debug, arch.debugreg));

  SIZE(kvm_cpuid2);
  FIELD(kvm_cpuid2, nent);
  FIELD(kvm_cpuid2, padding);
  SIZE(kvm_cpuid_entry2);
  FIELD(kvm_cpuid_entry2, function);
  FIELD(kvm_cpuid_entry2, index);
  FIELD(kvm_cpuid_entry2, flags);
  FIELD(kvm_cpuid_entry2, eax);
  FIELD(kvm_cpuid_entry2, ebx);
  FIELD(kvm_cpuid_entry2, ecx);
  FIELD(kvm_cpuid_entry2, edx);
  FIELD(kvm_cpuid_entry2, padding);

  SIZE(kvm_regs);
  FIELD(kvm_regs, rax);
  FIELD(kvm_regs, rbx);
  FIELD(kvm_regs, rcx);
  FIELD(kvm_regs, rdx);
  FIELD(kvm_regs, rsi);
  FIELD(kvm_regs, rdi);
  FIELD(kvm_regs, rsp);
  FIELD(kvm_regs, rbp);
  FIELD(kvm_regs, r8);
  FIELD(kvm_regs, r9);
  FIELD(kvm_regs, r10);
  FIELD(kvm_regs, r11);
  FIELD(kvm_regs, r12);
  FIELD(kvm_regs, r13);
  FIELD(kvm_regs, r14);
  FIELD(kvm_regs, r15);
  FIELD(kvm_regs, rip);
  FIELD(kvm_regs, rflags);

  SIZE(kvm_segment);
  FIELD(kvm_segment, base);
  FIELD(kvm_segment, limit);
  FIELD(kvm_segment, selector);
  FIELD(kvm_segment, type);
  FIELD(kvm_segment, present);
  FIELD(kvm_segment, dpl);
  FIELD(kvm_segment, db);
  FIELD(kvm_segment, s);
  FIELD(kvm_segment, l);
  FIELD(kvm_segment, g);
  FIELD(kvm_segment, avl);
  FIELD(kvm_segment, unusable);

  SIZE(kvm_dtable);
  FIELD(kvm_dtable, base);
  FIELD(kvm_dtable, limit);

  SIZE(kvm_sregs);
  FIELD(kvm_sregs, cs);
  FIELD(kvm_sregs, ds);
  FIELD(kvm_sregs, es);
  FIELD(kvm_sregs, fs);
  FIELD(kvm_sregs, gs);
  FIELD(kvm_sregs, ss);
  FIELD(kvm_sregs, tr);
  FIELD(kvm_sregs, ldt);
  FIELD(kvm_sregs, gdt);
  FIELD(kvm_sregs, idt);
  FIELD(kvm_sregs, cr0);
  FIELD(kvm_sregs, cr2);
  FIELD(kvm_sregs, cr3);
  FIELD(kvm_sregs, cr4);
  FIELD(kvm_sregs, cr8);
  FIELD(kvm_sregs, efer);
  FIELD(kvm_sregs, apic_base);
  FIELD(kvm_sregs, interrupt_bitmap);

  FIELD(kvm_run, request_interrupt_window);
  FIELD(kvm_run, immediate_exit);
  FIELD(kvm_run, exit_reason);
  FIELD(kvm_run, ready_for_interrupt_injection);
  FIELD(kvm_run, if_flag);
  FIELD(kvm_run, flags);
  FIELD(kvm_run, cr8);
  FIELD(kvm_run, apic_base);
  MEMBER(io, direction);
  MEMBER(io, size);
  MEMBER(io, port);
  MEMBER(io, count);
  MEMBER(io, data_offset);
  MEMBER(mmio, phys_addr);
  MEMBER(mmio, data);
  MEMBER(mmio, len);
  MEMBER(mmio, is_write);
  FACT("debug.exception", offsetof(struct kvm_run, debug.arch.exception));
  FACT("debug.pad", offsetof(struct kvm_run, debug.arch.pad));
  FACT("debug.pc", offsetof(struct kvm_run, debug.arch.pc));
  FACT("debug.dr6", offsetof(struct kvm_run, debug.arch.dr6));
  FACT("debug.dr7", offsetof(struct kvm_run, debug.arch.dr7));
  MEMBER(fail_entry, hardware_entry_failure_reason);
  MEMBER(internal, suberror);
  MEMBER(internal, ndata);
  MEMBER(emulation_failure, suberror);
  MEMBER(emulation_failure, ndata);
  MEMBER(emulation_failure, flags);
  MEMBER(emulation_failure, insn_size);
  FACT("emulation_failure.insn_bytes", offsetof(struct kvm_run, emulation_failure.insn_bytes));

  /* Only in headers of Linux 6.8 and later. */
#ifdef KVM_EXIT_MEMORY_FAULT
  NUMBER(KVM_EXIT_MEMORY_FAULT);
  MEMBER(memory_fault, flags);
  MEMBER(memory_fault, gpa);
#endif

  printf("  \"end\": 0\n}\n");
  return 0;
}
