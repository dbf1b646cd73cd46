// SPDX-License-Identifier: ISC
//
// Performs the calls of recordings on this kernel: gives them descriptors, addresses and names of this process in the
// place of the recorded ones, writes to guest memory what the monitor wrote, and compares what comes back.

#include "recording.h"

enum { MAX_DESCRIPTORS = 4096, MAX_MAPPINGS = 64, MAX_VMS = 64, SCRATCH = 1 << 18, MAX_LINES = 32 };
enum { NOT_OPEN = -1, RUN_SECONDS = 20, SPIN_MICROSECONDS = 50000 };

// What belongs to a mark is left behind when its course was left, and freed then.
static struct {
  u32 descriptor; // plus 1; 0 if not open
  u32 mark;
} descriptors[MAX_DESCRIPTORS];

static struct mapping {
  u64 recorded, here, byte_size;
  u32 mark;
} mappings[MAX_MAPPINGS];

static struct vm {
  u8 name[232];
  u32 mark; // 0: free
} vms[MAX_VMS];

static u8 scratch[SCRATCH] __attribute__((aligned(16)));

static struct {
  u64 recordings, calls, not_performed, differences, abandoned, early, unreadable, same_words, other_words;
} counts;

static const struct mark *mark;
static u32 mark_number;
static u64 call_number; // in the recording
static u64 lines;       // printed since the mark
static int skipping;    // to the next mark
static const struct call *current;
static u64 name_salt;

// An exit that this kernel made while the recording has one that means nothing.
static u8 pending_exit[EXIT_BYTE_SIZE];
static int has_pending_exit;

// Printing.

static i64 console = 1;

void set_console(i64 descriptor) {
  console = descriptor < 0 ? 1 : descriptor;
}

static char line[512];
static u64 line_size;

static void put(const char *text) {
  while (*text != 0 && line_size < sizeof(line) - 1) {
    line[line_size++] = *text++;
  }
}

static void put_number(u64 value, u32 base) {
  char digits[24];
  u32 at = sizeof(digits) - 1;
  digits[at] = 0;
  do {
    digits[--at] = "0123456789abcdef"[value % base];
    value /= base;
  } while (value != 0);
  put(base == 16 ? "0x" : "");
  put(digits + at);
}

static void end_line(void) {
  line[line_size++] = '\n';
  system_call(SYS_write, (u64)console, (u64)line, line_size, 0, 0, 0);
  line_size = 0;
}

void print(const char *text) {
  put("replay: ");
  put(text);
  end_line();
}

static void put_where(void) {
  put("replay: ");
  if (mark != 0) {
    for (u32 i = 0; i < mark->byte_size && i < 120; i++) {
      char text[2] = {mark->text[i], 0};
      put(text);
    }
    put(": ");
  }
  put("call ");
  put_number(call_number, 10);
  if (current != 0) {
    put(" ");
    put(name_of(current));
    if (current->number == SYS_ioctl) {
      put(" ");
      put_number((u32)current->arguments[1], 16);
    }
  }
  put(": ");
}

static void report(const char *text) {
  if (lines++ < MAX_LINES) {
    put_where();
    put(text);
    end_line();
  }
}

static void put_value(u64 value) {
  if ((i64)value < 0 && (i64)value > -256) { // an errno
    put("errno ");
    put_number(-value, 10);
  } else {
    put_number(value, 16);
  }
}

static int depends_on_time(void) {
  return mark != 0 && (mark->flags & DEPENDS_ON_TIME) != 0;
}

void difference(const char *what, u64 index, u64 recorded, u64 here) {
  if (depends_on_time()) {
    return;
  }
  counts.differences++;
  if (lines++ < MAX_LINES) {
    put_where();
    put(what);
    put(" ");
    put_number(index, 10);
    put(" was ");
    put_value(recorded);
    put(", is ");
    put_value(here);
    end_line();
  }
}

// What is this process's own: descriptors, addresses, names.

static i64 descriptor_here(u64 recorded) {
  return recorded < MAX_DESCRIPTORS ? (i64)descriptors[recorded].descriptor - 1 : NOT_OPEN;
}

static struct mapping *mapping_of(u64 recorded) {
  for (u32 i = 0; i < MAX_MAPPINGS; i++) {
    struct mapping *it = &mappings[i];
    if (it->byte_size != 0 && recorded - it->recorded < it->byte_size) {
      return it;
    }
  }
  return 0;
}

static u64 address_here(u64 recorded) {
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

static int starts_with(const u8 *text, u64 size, const char *prefix) {
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

// Frees what the calls since a mark made and did not free.
static void clean_up(u32 since) {
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

// Calls.

// Which calls concern the kernel's vmm. Those of devices and waiting are the monitor's own affair.
static int is_performed(const struct call *call) {
  switch (call->number) {
  case SYS_open:
  case SYS_mmap:
  case SYS_sysctlbyname:
    return 1;
  case SYS_close:
  case SYS_ioctl:
    return descriptor_here(call->arguments[0]) >= 0;
  case SYS_munmap:
  case SYS_minherit:
  case SYS_madvise:
    return mapping_of(call->arguments[0]) != 0;
  default:
    return 0;
  }
}

// Copies the buffers of a call, and puts pointers to the copies where the recording has pointers. Returns whether the
// record makes sense.
static int prepare(struct performed *it) {
  const struct call *call = it->call;
  const u8 *at = (const u8 *)(call + 1), *end = (const u8 *)call + call->head.byte_size;
  u64 used = 0;
  memcpy(it->arguments, call->arguments, sizeof(it->arguments));
  if (call->buffers > MAX_BUFFERS) {
    return 0;
  }
  for (u32 i = 0; i < call->buffers; i++) {
    struct copy *copy = &it->copies[i];
    const struct buffer *buffer = (const struct buffer *)at;
    u64 left = (u64)(end - at);
    if (left < sizeof(*buffer)) {
      return 0;
    }
    at += sizeof(*buffer);
    left -= sizeof(*buffer);
    u64 padded = ((u64)buffer->byte_size + 7) & ~7ul;
    u64 sides = (u64)((buffer->direction & IN) != 0) + ((buffer->direction & OUT) != 0);
    if (padded * sides > left || used + padded + 8 > SCRATCH) {
      return 0;
    }
    copy->buffer = buffer;
    copy->before = (buffer->direction & IN) != 0 ? at : 0;
    at += copy->before != 0 ? padded : 0;
    copy->after = (buffer->direction & OUT) != 0 ? at : 0;
    at += copy->after != 0 ? padded : 0;
    copy->bytes = scratch + used;
    used += padded + 8;
    memset(copy->bytes, 0, padded + 8);
    if (copy->before != 0) {
      memcpy(copy->bytes, copy->before, buffer->byte_size);
    }
    u64 address = (u64)copy->bytes;
    if (buffer->parent == OF_ARGUMENT && buffer->place < 6) {
      it->arguments[buffer->place] = address;
    } else if (buffer->parent < i && (u64)buffer->place + 8 <= it->copies[buffer->parent].buffer->byte_size) {
      memcpy(it->copies[buffer->parent].bytes + buffer->place, &address, 8);
    } else {
      return 0;
    }
  }
  return 1;
}

static u32 control_request(const struct performed *it) {
  u32 request = (u32)it->call->arguments[1];
  int is_control = it->call->number == SYS_ioctl && (request == VMMCTL_VM_CREATE || request == VMMCTL_VM_DESTROY);
  return is_control && it->call->buffers == 1 ? request : 0;
}

static int is_value(const struct performed *it, const char *name) {
  const struct copy *first = &it->copies[0];
  return it->call->number == SYS_sysctlbyname && it->call->buffers == 2 &&
         starts_with(first->bytes, first->buffer->byte_size, name);
}

static void relocate(struct performed *it) {
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

static void arm(u64 seconds, u64 microseconds) {
  const u64 timer[4] = {0, 0, seconds, microseconds};
  alarmed = 0;
  system_call(SYS_setitimer, ITIMER_REAL, (u64)timer, 0, 0, 0, 0);
}

static i64 make(const struct performed *it) {
  const u64 *a = it->arguments;
  return system_call(it->call->number, a[0], a[1], a[2], a[3], a[4], a[5]);
}

static int means_nothing(const u8 *exit) {
  u32 code = read_u32(exit + EXIT_CODE);
  return code == BOGUS || code == REQIDLE;
}

// Runs until an exit that means something, unless the recording has one that means nothing. Returns whether the guest
// came out in time.
static int run(struct performed *it) {
  const struct copy *last = &it->copies[it->call->buffers - 1];
  int wants_nothing = it->call->result >= 0 && means_nothing(exit_recorded(it));
  u8 *exit = exit_here(it);
  if (has_pending_exit) {
    it->result = 0;
    if (wants_nothing) {
      memcpy(exit, exit_recorded(it), EXIT_BYTE_SIZE);
    } else {
      memcpy(exit, pending_exit, EXIT_BYTE_SIZE);
      has_pending_exit = 0;
    }
    return 1;
  }
  // A guest that spins in the kernel, as after a triple fault on AMD, comes out by the signal.
  arm(wants_nothing ? 0 : RUN_SECONDS, wants_nothing ? SPIN_MICROSECONDS : 0);
  do {
    memcpy(last->bytes, last->before, last->buffer->byte_size);
    it->result = make(it);
  } while (!alarmed && (it->result == -EINTR || (it->result >= 0 && !wants_nothing && means_nothing(exit))));
  int in_time = !alarmed || wants_nothing;
  arm(0, 0);
  if (wants_nothing && it->result == -EINTR) {
    it->result = 0;
    memcpy(exit, exit_recorded(it), EXIT_BYTE_SIZE);
  }
  if (wants_nothing && it->result >= 0 && !means_nothing(exit)) {
    memcpy(pending_exit, exit, EXIT_BYTE_SIZE);
    memcpy(exit, exit_recorded(it), EXIT_BYTE_SIZE);
    has_pending_exit = 1;
  }
  return in_time;
}

static void remember(struct performed *it) {
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

// From where the guest takes another course, nothing can be compared.
static void abandon(const char *why) {
  skipping = 1;
  if (depends_on_time()) {
    counts.early++;
  } else {
    counts.abandoned++;
    report(why);
  }
}

static int took_another_course(const struct performed *it) {
  int recorded_in = it->call->result >= 0, here_in = it->result >= 0;
  if (!is_run(it->call)) {
    return recorded_in && !here_in; // what was to come of it is missing
  }
  if (!recorded_in || !here_in) {
    return it->call->result != it->result;
  }
  const u8 *recorded = exit_recorded(it), *here = exit_here((struct performed *)it);
  u32 code = read_u32(recorded + EXIT_CODE);
  return code != read_u32(here + EXIT_CODE) ||
         (code == INOUT && read_u32(recorded + 16) >> 16 != read_u32(here + 16) >> 16);
}

static void perform(const struct call *call) {
  struct performed it = {.call = call};
  current = call;
  call_number++;
  if (!is_performed(call)) {
    counts.not_performed++;
    return;
  }
  int may_run = is_run(call);
  if (!prepare(&it) || (may_run && (call->buffers == 0 ||
                                    it.copies[call->buffers - 1].buffer->byte_size < EXIT_BYTE_SIZE ||
                                    it.copies[call->buffers - 1].before == 0 ||
                                    it.copies[call->buffers - 1].after == 0))) {
    counts.unreadable++;
    skipping = 1;
    report("the record makes no sense");
    return;
  }
  relocate(&it);
  int in_time = 1;
  if (may_run) {
    in_time = run(&it);
  } else {
    it.result = make(&it);
  }
  counts.calls++;
  compare(&it);
  remember(&it);
  if (!in_time) {
    counts.differences += !depends_on_time();
    abandon("the guest did not come out");
  } else if (took_another_course(&it)) {
    abandon("what follows, up to the next mark, is left out");
  }
}

// Whoever has recorded did not see this exit.
static void check_pending(void) {
  if (has_pending_exit) {
    difference("an exit that the recording has not", 0, 0, read_u32(pending_exit + EXIT_CODE));
  }
  has_pending_exit = 0;
}

static void begin_mark(const struct mark *next) {
  check_pending();
  if (mark != 0) {
    clean_up(mark_number); // what came before the first mark is for all
  }
  mark = next;
  mark_number++;
  lines = 0;
  skipping = 0;
}

static void write_memory(const struct wrote *it) {
  u64 here = address_here(it->address);
  if (here == 0 || address_here(it->address + it->byte_size - 1) != here + it->byte_size - 1) {
    return;
  }
  if (it->head.kind == MONITOR_WROTE) {
    memcpy((void *)here, it->bytes, it->byte_size);
    return;
  }
  for (u64 at = 0; at + 8 <= it->byte_size; at += 8) {
    int same = read_u64(it->bytes + at) == read_u64((const u8 *)here + at);
    counts.same_words += (u64)same;
    counts.other_words += (u64)!same;
  }
}

static void unreadable(const char *why) {
  counts.unreadable++;
  print(why);
}

void replay(const u8 *bytes, u64 byte_size) {
  const u8 *end = bytes + byte_size;
  int inside = 0;
  name_salt = (u64)system_call(SYS_getpid, 0, 0, 0, 0, 0, 0) * 2654435761ul;
  if (byte_size == 0) {
    unreadable("no recording");
  }
  while (bytes < end) {
    const struct record *record = (const struct record *)bytes;
    u64 left = (u64)(end - bytes), size = left < 8 ? 0 : record->byte_size;
    static const u8 least[] = {8, sizeof(struct start), sizeof(struct mark), sizeof(struct call),
                               sizeof(struct wrote), sizeof(struct wrote), 16};
    if (size < 8 || size > left || size % 8 != 0 || record->kind > END || size < least[record->kind]) {
      unreadable("the recording is cut off or is none");
      break;
    }
    if (record->kind == START) {
      const struct start *start = (const struct start *)record;
      if (inside || start->magic != MAGIC || start->format != FORMAT) {
        unreadable("a recording in a format that is not known, or without an end");
        break;
      }
      inside = 1;
      mark = 0;
      call_number = 0;
      lines = 0;
      skipping = 0;
      counts.recordings++;
    } else if (!inside) {
      unreadable("a recording without a start");
      break;
    } else if (record->kind == MARK) {
      const struct mark *next = (const struct mark *)record;
      if (next->byte_size > size - sizeof(*next)) {
        unreadable("a mark that makes no sense");
        break;
      }
      begin_mark(next);
    } else if (record->kind == END) {
      inside = 0;
      check_pending();
      clean_up(0);
    } else if (record->kind == CALL) {
      if (!skipping) {
        perform((const struct call *)record);
      } else {
        call_number++;
      }
    } else {
      const struct wrote *wrote = (const struct wrote *)record;
      if (wrote->byte_size > size - sizeof(*wrote) || wrote->byte_size == 0) {
        unreadable("a change of memory that makes no sense");
        break;
      }
      if (!skipping) {
        write_memory(wrote);
      }
    }
    bytes += size;
    if (bytes == end && inside) {
      unreadable("the recording has no end");
    }
  }
  clean_up(0);
}

static void put_count(u64 value, const char *what) {
  put_number(value, 10);
  put(what);
}

int finish(void) {
  put("replay: ");
  put_count(counts.recordings, " recordings, ");
  put_count(counts.calls, " calls, ");
  put_count(counts.not_performed, " not performed, ");
  put_count(counts.differences, " differences, ");
  put_count(counts.abandoned, " abandoned, ");
  put_count(counts.early, " ended early, ");
  put_count(counts.unreadable, " unreadable; guest memory: ");
  put_count(counts.same_words, " words as recorded, ");
  put_count(counts.other_words, " others");
  end_line();
  return counts.unreadable != 0 ? 2 : counts.differences != 0 ? 1 : 0;
}
