// SPDX-License-Identifier: ISC
//
// Which calls can be made without harm to this program and to what is not vmm's: recordings come from anywhere.

#include "recording.h"

// Returns the buffer at this place of a parent, or null.
static const struct copy *buffer_at(const struct performed *it, u32 parent, u32 place) {
  for (u32 i = 0; i < it->call->buffers; i++) {
    const struct buffer *buffer = it->copies[i].buffer;
    if (buffer->parent == parent && buffer->place == place) {
      return &it->copies[i];
    }
  }
  return 0;
}

// Whether what an argument or a field points to is ours and has so many bytes; a null pointer has none.
static int has(const struct performed *it, u32 parent, u32 place, u64 byte_size) {
  const struct copy *copy = buffer_at(it, parent, place);
  return copy == 0 ? byte_size == 0 : copy->buffer->byte_size >= byte_size;
}

// A request is given as many bytes as its number says, and no pointer to anything but buffers.
static int is_sound_request(struct performed *it) {
  enum { SIZE_SHIFT = 16, SIZE = 0x1fff, NUMBERS = 8, VALUES = 16, SET = 8, EXIT = 24 };
  u32 request = (u32)it->arguments[1];
  const struct copy *argument = buffer_at(it, OF_ARGUMENT, 2);
  if (!has(it, OF_ARGUMENT, 2, request >> SIZE_SHIFT & SIZE)) {
    return 0;
  }
  if (argument == 0) {
    it->arguments[2] = 0;
    return 1;
  }
  if (argument != &it->copies[0]) {
    return 0;
  }
  u8 *bytes = it->copies[0].bytes;
  switch (request) {
  case VM_RUN_13:
    return argument->buffer->byte_size >= EXIT_BYTE_SIZE && it->call->buffers == 1;
  case VM_RUN_14:
    if (buffer_at(it, 0, SET) == 0) {
      memset(bytes + SET, 0, 16); // the set and its size
    }
    return has(it, 0, SET, read_u64(bytes + SET + 8)) && it->call->buffers >= 2 &&
           buffer_at(it, 0, EXIT) == &it->copies[it->call->buffers - 1] && has(it, 0, EXIT, EXIT_BYTE_SIZE);
  case VM_GET_REGISTER_SET:
  case VM_SET_REGISTER_SET:
    return it->call->buffers == 3 && buffer_at(it, 0, NUMBERS) == &it->copies[1] &&
           buffer_at(it, 0, VALUES) == &it->copies[2] && has(it, 0, NUMBERS, 4ul * read_u32(bytes + 4)) &&
           has(it, 0, VALUES, 8ul * read_u32(bytes + 4));
  default:
    return 1;
  }
}

// A value is read, or one of vmm is set.
static int is_sound_value(struct performed *it) {
  enum { NAME, NAME_SIZE, VALUE, VALUE_SIZE, WANTED, WANTED_SIZE };
  const struct copy *size = buffer_at(it, OF_ARGUMENT, VALUE_SIZE);
  const struct copy *wanted = buffer_at(it, OF_ARGUMENT, WANTED);
  it->arguments[VALUE] = buffer_at(it, OF_ARGUMENT, VALUE) == 0 ? 0 : it->arguments[VALUE];
  it->arguments[VALUE_SIZE] = size == 0 ? 0 : it->arguments[VALUE_SIZE];
  it->arguments[WANTED] = wanted == 0 ? 0 : it->arguments[WANTED];
  it->arguments[WANTED_SIZE] = wanted == 0 ? 0 : it->arguments[WANTED_SIZE];
  if (buffer_at(it, OF_ARGUMENT, NAME) != &it->copies[0] || !has(it, OF_ARGUMENT, NAME, it->arguments[NAME_SIZE])) {
    return 0;
  }
  if (size != 0 && (size->buffer->byte_size < 8 || !has(it, OF_ARGUMENT, VALUE, read_u64(size->bytes)))) {
    return 0;
  }
  return wanted == 0 || (is_value(it, "hw.vmm.") && has(it, OF_ARGUMENT, WANTED, it->arguments[WANTED_SIZE]));
}

int is_sound(struct performed *it) {
  u64 *arguments = it->arguments;
  const struct copy *first = &it->copies[0];
  switch (it->call->number) {
  case SYS_open:
    return it->call->buffers == 1 && first->buffer->parent == OF_ARGUMENT && first->buffer->place == 0 &&
           starts_with(first->bytes, first->buffer->byte_size, "/dev/vmm");
  case SYS_mmap:
    arguments[0] = 0; // where the kernel likes
    arguments[2] &= PROT_READ | PROT_WRITE;
    arguments[3] &= MAP_SHARED | MAP_NOCORE;
    return arguments[2] == (PROT_READ | PROT_WRITE) && it->call->buffers == 0;
  case SYS_ioctl:
    return is_sound_request(it);
  case SYS_sysctlbyname:
    return it->call->buffers >= 1 && is_sound_value(it);
  case SYS_munmap:
  case SYS_minherit:
  case SYS_madvise: {
    const struct mapping *mapping = mapping_of(arguments[0]);
    return arguments[0] == mapping->recorded && arguments[1] == mapping->byte_size;
  }
  default:
    return 1;
  }
}
