// SPDX-License-Identifier: ISC
//
// Compares what a kernel gave with what was recorded, but for what may differ: time, addresses, descriptors, and what
// the kernel leaves behind in parts of an exit that it does not set.

#include "recording.h"

u32 read_u32(const u8 *bytes) {
  u32 value;
  memcpy(&value, bytes, sizeof(value));
  return value;
}

u64 read_u64(const u8 *bytes) {
  u64 value;
  memcpy(&value, bytes, sizeof(value));
  return value;
}

// Names for people; the low byte is the number in the group of vmm's requests.
static const struct name {
  u32 number;
  const char *name;
} calls[] = {
    {SYS_open, "open"},         {SYS_close, "close"},       {SYS_ioctl, "ioctl"},
    {SYS_munmap, "munmap"},     {SYS_madvise, "madvise"},   {SYS_minherit, "minherit"},
    {SYS_mmap, "mmap"},         {SYS_sysctlbyname, "sysctl"},
}, requests[] = {
    {1, "VM_RUN"},
    {2, "VM_SET_CAPABILITY"},
    {3, "VM_GET_CAPABILITY"},
    {4, "VM_SUSPEND"},
    {5, "VM_REINIT"},
    {14, "VM_ALLOC_MEMSEG"},
    {16, "VM_MMAP_MEMSEG"},
    {18, "VM_GLA2GPA_NOFAULT"},
    {19, "VM_MUNMAP_MEMSEG"},
    {20, "VM_SET_REGISTER"},
    {21, "VM_GET_REGISTER"},
    {22, "VM_SET_SEGMENT_DESCRIPTOR"},
    {23, "VM_GET_SEGMENT_DESCRIPTOR"},
    {24, "VM_SET_REGISTER_SET"},
    {25, "VM_GET_REGISTER_SET"},
    {30, "VM_INJECT_EXCEPTION"},
    {39, "VM_RESTART_INSTRUCTION"},
    {80, "VM_ISA_ASSERT_IRQ"},
    {81, "VM_ISA_DEASSERT_IRQ"},
    {83, "VM_ISA_SET_IRQ_TRIGGER"},
    {90, "VM_ACTIVATE_CPU"},
    {92, "VM_SUSPEND_CPU"},
    {93, "VM_RESUME_CPU"},
    {102, "VM_RTC_SETTIME"},
};

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

static const char *find(const struct name *names, u64 count, u32 number) {
  for (u64 i = 0; i < count; i++) {
    if (names[i].number == number) {
      return names[i].name;
    }
  }
  return 0;
}

const char *name_of(const struct call *call) {
  u32 request = (u32)call->arguments[1];
  const char *name = 0;
  if (call->number == SYS_ioctl && (request >> 8 & 0xff) == 'v') {
    name = find(requests, COUNT(requests), request & 0xff);
  }
  if (name == 0) {
    name = find(calls, COUNT(calls), call->number);
  }
  return name == 0 ? "call" : name;
}

int is_known_request(u32 request) {
  return request == VMMCTL_VM_CREATE || request == VMMCTL_VM_DESTROY ||
         ((request >> 8 & 0xff) == 'v' && find(requests, COUNT(requests), request & 0xff) != 0);
}

static u64 read(const u8 *bytes, u32 byte_size) {
  u64 value = 0;
  memcpy(&value, bytes, byte_size);
  return value;
}

// What an exit says, by its code. Anything else in it is left from earlier exits.
static const struct field {
  u32 code, offset, byte_size;
  u64 mask;
  const char *name;
} fields[] = {
    {INOUT, 16, 2, 0x3f, "inout.flags"},
    {INOUT, 18, 2, ~0ul, "inout.port"},
    {INOUT, 20, 4, ~0ul, "inout.eax"},
    {VMX, 16, 4, ~0ul, "vmx.status"},
    {VMX, 20, 4, ~0ul, "vmx.exit_reason"},
    {RDMSR, 16, 4, ~0ul, "msr.code"},
    {WRMSR, 16, 4, ~0ul, "msr.code"},
    {WRMSR, 24, 8, ~0ul, "msr.wval"},
    {INST_EMUL, 16, 8, ~0ul, "inst_emul.gpa"},
    {INST_EMUL, 48, 8, ~0ul, "inst_emul.paging.cr3"},
    {INST_EMUL, 56, 4, ~0ul, "inst_emul.paging.cpl"},
    {INST_EMUL, 60, 4, ~0ul, "inst_emul.paging.cpu_mode"},
    {INST_EMUL, 64, 4, ~0ul, "inst_emul.paging.paging_mode"},
    {INST_EMUL, 128, 1, ~0ul, "inst_emul.vie.decoded"},
    {SUSPENDED, 16, 4, ~0ul, "suspended.how"},
    {INOUT_STR, 16, 2, 0x3f, "inout_str.flags"},
    {INOUT_STR, 18, 2, ~0ul, "inout_str.port"},
    {INOUT_STR, 24, 8, ~0ul, "inout_str.paging.cr3"},
    {INOUT_STR, 32, 4, ~0ul, "inout_str.paging.cpl"},
    {INOUT_STR, 36, 4, ~0ul, "inout_str.paging.cpu_mode"},
    {INOUT_STR, 40, 4, ~0ul, "inout_str.paging.paging_mode"},
    {INOUT_STR, 48, 8, ~0ul, "inout_str.rflags"},
    {INOUT_STR, 64, 8, ~0ul, "inout_str.index"},
    {INOUT_STR, 72, 8, ~0ul, "inout_str.count"},
    {INOUT_STR, 80, 4, ~0ul, "inout_str.addrsize"},
    {INOUT_STR, 84, 4, ~0ul, "inout_str.seg_name"},
    {SVM, 16, 8, 0xffffffff, "svm.exitcode"},
    {SVM, 24, 8, ~0ul, "svm.exitinfo1"},
    {SVM, 32, 8, ~0ul, "svm.exitinfo2"},
    {BPT, 16, 4, ~0ul, "bpt.inst_length"},
    {DB, 16, 4, ~0ul, "dbg.trace_trap"},
    {DB, 20, 4, ~0ul, "dbg.pushf_intercept"},
};

static u64 check(const char *what, u64 index, u64 recorded, u64 here) {
  if (recorded == here) {
    return 0;
  }
  difference(what, index, recorded, here);
  return 1;
}

static u64 compare_exits(const u8 *recorded, const u8 *here) {
  u32 code = read_u32(recorded + EXIT_CODE);
  u64 count = check("exitcode", 0, code, read_u32(here + EXIT_CODE));
  if (count != 0 || code == BOGUS || code == REQIDLE) {
    return count;
  }
  count += check("inst_length", 0, read_u32(recorded + EXIT_LENGTH), read_u32(here + EXIT_LENGTH));
  if (code != DEBUG) { // where the guest is then depends on time
    count += check("rip", 0, read_u64(recorded + EXIT_RIP), read_u64(here + EXIT_RIP));
  }
  for (u64 i = 0; i < COUNT(fields); i++) {
    const struct field *field = &fields[i];
    if (field->code == code) {
      u64 then = read(recorded + field->offset, field->byte_size) & field->mask;
      count += check(field->name, 0, then, read(here + field->offset, field->byte_size) & field->mask);
    }
  }
  if (code == INST_EMUL) {
    for (u32 i = 0; i < read_u32(recorded + EXIT_LENGTH) && i < 15; i++) {
      count += check("inst_emul.vie.inst", i, recorded[72 + i], here[72 + i]);
    }
  }
  return count;
}

// EFER as the guest sees it: on AMD the kernel sets SVME for itself.
static u64 masked_register(u32 number, u64 value) {
  enum { EFER = 32, SVME = 1 << 12 };
  return number == EFER ? value & ~(u64)SVME : value;
}

static u64 compare_registers(struct performed *it) {
  u64 count = 0;
  const struct copy *numbers = &it->copies[1], *values = &it->copies[2];
  for (u32 i = 0; 8 * i + 8 <= values->buffer->byte_size && 4 * i + 4 <= numbers->buffer->byte_size; i++) {
    u32 number = read_u32(numbers->bytes + 4 * i);
    count += check("register", number, masked_register(number, read_u64(values->after + 8 * i)),
                   masked_register(number, read_u64(values->bytes + 8 * i)));
  }
  return count;
}

static u64 compare_register(struct performed *it) {
  u32 number = read_u32(it->copies[0].bytes + 4);
  return check("register", number, masked_register(number, read_u64(it->copies[0].after + 8)),
               masked_register(number, read_u64(it->copies[0].bytes + 8)));
}

// The kernel copies pointers back as they were given to it.
static int is_pointer(const struct performed *it, u32 buffer, u32 offset) {
  for (u32 i = 0; i < it->call->buffers; i++) {
    const struct buffer *other = it->copies[i].buffer;
    if (other->parent == buffer && offset >= other->place && offset < other->place + 8) {
      return 1;
    }
  }
  return 0;
}

// Whether a loaded task segment is busy: the processor that QEMU emulates leaves it available.
static u64 mask_of(const struct performed *it, u32 offset) {
  enum { NUMBER = 4, ACCESS = 20, TR = 29, BUSY = 2 };
  int is_task = (u32)it->call->arguments[1] == VM_GET_SEGMENT_DESCRIPTOR && it->call->number == SYS_ioctl &&
                offset == ACCESS && read_u32(it->copies[0].bytes + NUMBER) == TR;
  return is_task ? ~(u64)BUSY : ~0ul;
}

static u64 compare_bytes(struct performed *it) {
  u64 count = 0;
  for (u32 i = 0; i < it->call->buffers; i++) {
    const struct copy *copy = &it->copies[i];
    u32 size = copy->buffer->byte_size;
    for (u32 at = 0; copy->after != 0 && at < size; at += 4) {
      u32 width = size - at < 4 ? size - at : 4;
      if (!is_pointer(it, i, at)) {
        u64 mask = mask_of(it, at);
        count += check("byte", at, read(copy->after + at, width) & mask, read(copy->bytes + at, width) & mask);
      }
    }
  }
  return count;
}

// Names in the control device's structure were changed on the way in, and values of the kernel are the host's own.
static int is_masked(const struct performed *it) {
  u32 request = (u32)it->call->arguments[1];
  return it->call->number == SYS_sysctlbyname ||
         (it->call->number == SYS_ioctl && (request == VMMCTL_VM_CREATE || request == VMMCTL_VM_DESTROY));
}

static int is_request(const struct call *call, u32 request) {
  return call->number == SYS_ioctl && (u32)call->arguments[1] == request;
}

int is_run(const struct call *call) {
  return is_request(call, VM_RUN_13) || is_request(call, VM_RUN_14);
}

// The exit is at the end of the last buffer: FreeBSD 13 has it in the argument, later versions behind a pointer.
const u8 *exit_recorded(const struct performed *it) {
  const struct copy *last = &it->copies[it->call->buffers - 1];
  return last->after + last->buffer->byte_size - EXIT_BYTE_SIZE;
}

u8 *exit_here(struct performed *it) {
  const struct copy *last = &it->copies[it->call->buffers - 1];
  return last->bytes + last->buffer->byte_size - EXIT_BYTE_SIZE;
}

u64 compare(struct performed *it) {
  const struct call *call = it->call;
  i64 recorded = call->result, here = it->result;
  int gives_reference = call->number == SYS_open || call->number == SYS_mmap;
  if (recorded < 0 || here < 0 || !gives_reference) {
    u64 count = check("result", 0, (u64)recorded, (u64)here);
    if (count != 0) {
      return count;
    }
  }
  if (is_masked(it)) {
    return 0;
  }
  if (here >= 0 && is_run(call) && it->copies[call->buffers - 1].after != 0) {
    return compare_exits(exit_recorded(it), exit_here(it));
  }
  if (here >= 0 && is_request(call, VM_GET_REGISTER_SET) && call->buffers == 3 && it->copies[2].after != 0) {
    return compare_registers(it);
  }
  if (here >= 0 && is_request(call, VM_GET_REGISTER) && call->buffers == 1 && it->copies[0].after != 0) {
    return compare_register(it);
  }
  return compare_bytes(it);
}
