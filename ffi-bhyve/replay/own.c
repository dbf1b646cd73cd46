// SPDX-License-Identifier: ISC
//
// What is this process's own: the descriptors, addresses and names that stand here for the recorded ones.

#include "recording.h"

enum { MAX_DESCRIPTORS = 4096, MAX_MAPPINGS = 64, MAX_VMS = 64, NOT_OPEN = -1 };

// What belongs to a mark is left behind when its course was left, and freed then.
static struct {
  u32 descriptor; // plus 1; 0 if not open
  u32 mark;
} descriptors[MAX_DESCRIPTORS];

static struct mapping mappings[MAX_MAPPINGS];

static struct vm {
  u8 name[232];
  u32 mark; // 0: free
} vms[MAX_VMS];

u32 mark_number;
static u64 name_salt;

void begin_names(void) {
  name_salt = (u64)system_call(SYS_getpid, 0, 0, 0, 0, 0, 0) * 2654435761ul;
}

i64 descriptor_here(u64 recorded) {
  return recorded < MAX_DESCRIPTORS ? (i64)descriptors[recorded].descriptor - 1 : NOT_OPEN;
}

struct mapping *mapping_of(u64 recorded) {
  for (u32 i = 0; i < MAX_MAPPINGS; i++) {
    struct mapping *it = &mappings[i];
    if (it->byte_size != 0 && recorded - it->recorded < it->byte_size) {
      return it;
    }
  }
  return 0;
}

u64 address_here(u64 recorded) {
  struct mapping *it = mapping_of(recorded);
  return it == 0 ? 0 : it->here + (recorded - it->recorded);
}

static u64 length(const u8 *text, u64 limit) {
  u64 size = 0;
  while (size < limit && text[size] != 0) {
    size++;
  }
  return size;
}

int starts_with(const u8 *text, u64 size, const char *prefix) {
  u64 at = 0;
  while (prefix[at] != 0) {
    if (at == size || text[at] != (u8)prefix[at]) {
      return 0;
    }
    at++;
  }
  return 1;
}

// Gives a VM the name of this run in the place of the recorded one, equally long: another digit for each of the last eight.
static void rename_vm(u8 *name, u64 limit) {
  u64 size = length(name, limit);
  if (size < 16 || !starts_with(name, size, "tealight-")) {
    return;
  }
  for (u32 i = 0; i < 8; i++) {
    u8 *digit = &name[size - 1 - i];
    u32 value = *digit <= '9' ? *digit - '0' : *digit - 'a' + 10;
    *digit = (u8) "0123456789abcdef"[(value ^ (name_salt >> (4 * i))) & 15];
  }
}

static void remember_vm(const u8 *name, u64 limit, int exists) {
  u64 size = length(name, limit < 231 ? limit : 231);
  struct vm *free = 0;
  for (u32 i = 0; i < MAX_VMS; i++) {
    struct vm *vm = &vms[i];
    if (vm->mark == 0) {
      free = vm;
    } else if (length(vm->name, 231) == size && starts_with(name, size, (const char *)vm->name)) {
      vm->mark = exists ? vm->mark : 0;
      return;
    }
  }
  if (exists && free != 0) {
    memset(free->name, 0, sizeof(free->name));
    memcpy(free->name, name, size);
    free->mark = mark_number + 1;
  }
}

static void destroy_vm(struct vm *vm) {
  static const char name[] = "hw.vmm.destroy";
  system_call(SYS_sysctlbyname, (u64)name, sizeof(name) - 1, 0, 0, (u64)vm->name, length(vm->name, 231));
  vm->mark = 0;
}

void clean_up(u32 since) {
  for (u32 i = 0; i < MAX_MAPPINGS; i++) {
    if (mappings[i].byte_size != 0 && mappings[i].mark >= since) {
      system_call(SYS_munmap, mappings[i].here, mappings[i].byte_size, 0, 0, 0, 0);
      mappings[i].byte_size = 0;
    }
  }
  for (u32 i = 0; i < MAX_DESCRIPTORS; i++) {
    if (descriptors[i].descriptor != 0 && descriptors[i].mark >= since) {
      system_call(SYS_close, descriptors[i].descriptor - 1, 0, 0, 0, 0, 0);
      descriptors[i].descriptor = 0;
    }
  }
  for (u32 i = 0; i < MAX_VMS; i++) {
    if (vms[i].mark > since) {
      destroy_vm(&vms[i]);
    }
  }
}

static u32 control_request(const struct performed *it) {
  u32 request = (u32)it->call->arguments[1];
  int is_control = it->call->number == SYS_ioctl && (request == VMMCTL_VM_CREATE || request == VMMCTL_VM_DESTROY);
  return is_control && it->call->buffers == 1 ? request : 0;
}

int is_value(const struct performed *it, const char *name) {
  const struct copy *first = &it->copies[0];
  return it->call->number == SYS_sysctlbyname && it->call->buffers == 2 &&
         starts_with(first->bytes, first->buffer->byte_size, name);
}

void relocate(struct performed *it) {
  u64 *arguments = it->arguments;
  switch (it->call->number) {
  case SYS_open:
    if (it->call->buffers == 1 && starts_with(it->copies[0].bytes, it->copies[0].buffer->byte_size, "/dev/vmm/")) {
      rename_vm(it->copies[0].bytes + 9, it->copies[0].buffer->byte_size - 9);
    }
    return;
  case SYS_mmap:
    arguments[4] = (u64)descriptor_here(arguments[4]);
    return;
  case SYS_ioctl:
    if (control_request(it) != 0) {
      rename_vm(it->copies[0].bytes, it->copies[0].buffer->byte_size);
    }
    arguments[0] = (u64)descriptor_here(arguments[0]);
    return;
  case SYS_close:
    arguments[0] = (u64)descriptor_here(arguments[0]);
    return;
  case SYS_sysctlbyname:
    if (is_value(it, "hw.vmm.")) {
      rename_vm(it->copies[1].bytes, it->copies[1].buffer->byte_size);
    }
    return;
  default:
    arguments[0] = address_here(arguments[0]);
  }
}

void remember(struct performed *it) {
  const struct call *call = it->call;
  int both = call->result >= 0 && it->result >= 0;
  switch (call->number) {
  case SYS_open:
    if (both && (u64)call->result < MAX_DESCRIPTORS) {
      descriptors[call->result].descriptor = (u32)it->result + 1;
      descriptors[call->result].mark = mark_number;
    } else if (it->result >= 0) {
      system_call(SYS_close, (u64)it->result, 0, 0, 0, 0, 0);
    }
    return;
  case SYS_close:
    descriptors[call->arguments[0]].descriptor = 0;
    return;
  case SYS_mmap:
    for (u32 i = 0; both && i < MAX_MAPPINGS; i++) {
      if (mappings[i].byte_size == 0) {
        mappings[i] = (struct mapping){(u64)call->result, (u64)it->result, call->arguments[1], mark_number};
        return;
      }
    }
    return;
  case SYS_munmap: {
    struct mapping *mapping = mapping_of(call->arguments[0]);
    mapping->byte_size = 0;
    return;
  }
  default:
    break;
  }
  if (it->result >= 0 && control_request(it) != 0) {
    remember_vm(it->copies[0].bytes, it->copies[0].buffer->byte_size, control_request(it) == VMMCTL_VM_CREATE);
  }
  if (it->result >= 0 && is_value(it, "hw.vmm.")) {
    remember_vm(it->copies[1].bytes, it->copies[1].buffer->byte_size, is_value(it, "hw.vmm.create"));
  }
}
