// SPDX-License-Identifier: ISC
//
// Performs the calls of recordings on this kernel: gives them descriptors, addresses and names of this process in the
// place of the recorded ones, writes to guest memory what the monitor wrote, and compares what comes back.

#include "recording.h"

enum { SCRATCH = 1 << 18, MAX_LINES = 32 };
enum { RUN_SECONDS = 20, SPIN_MICROSECONDS = 50000 };

static u8 scratch[SCRATCH] __attribute__((aligned(16)));

static struct {
  u64 recordings, calls, not_performed, differences, abandoned, early, unreadable, same_words, other_words;
} counts;

static const struct mark *mark;
static u64 call_number; // in the recording
static u64 lines;       // printed since the mark
static int skipping;    // to the next mark
static const struct call *current;

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

static void put_value(u64 value) {
  if ((i64)value < 0 && (i64)value > -256) { // an errno
    put("errno ");
    put_number(-value, 10);
  } else {
    put_number(value, 16);
  }
}

void print_failure(const char *what, i64 result) {
  put("replay: ");
  put(what);
  put(" failed: ");
  put_value((u64)result);
  end_line();
}

static void put_where(void) {
  put("replay: ");
  if (mark != 0) {
    for (u32 i = 0; i < mark->byte_size && i < 120; i++) {
      char text[2] = {(u8)mark->text[i] < ' ' ? '?' : mark->text[i], 0};
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

// Calls.

// Which calls concern the kernel's vmm. Those of devices and waiting are the monitor's own affair, and what the
// monitor does not do is not done for a recording either.
static int is_performed(const struct call *call) {
  switch (call->number) {
  case SYS_open:
  case SYS_sysctlbyname:
    return 1;
  case SYS_mmap:
    return descriptor_here(call->arguments[4]) >= 0;
  case SYS_close:
    return descriptor_here(call->arguments[0]) >= 0;
  case SYS_ioctl:
    return descriptor_here(call->arguments[0]) >= 0 && is_known_request((u32)call->arguments[1]);
  case SYS_munmap:
  case SYS_minherit:
  case SYS_madvise:
    return mapping_of(call->arguments[0]) != 0;
  default:
    return 0;
  }
}

// Whether the pointer to a buffer would lie over that to an earlier one.
static int overlaps(const struct performed *it, u32 number) {
  const struct buffer *buffer = it->copies[number].buffer;
  u32 width = buffer->parent == OF_ARGUMENT ? 1 : 8;
  for (u32 i = 0; i < number; i++) {
    const struct buffer *other = it->copies[i].buffer;
    if (other->parent == buffer->parent && other->place + (u64)width > buffer->place &&
        buffer->place + (u64)width > other->place) {
      return 1;
    }
  }
  return 0;
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
    if (overlaps(it, i)) {
      return 0;
    }
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
  if (!prepare(&it) || !is_sound(&it) ||
      (may_run && (it.copies[call->buffers - 1].before == 0 || it.copies[call->buffers - 1].after == 0))) {
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
  begin_names();
  if (byte_size == 0) {
    unreadable("no recording");
  }
  while (bytes < end) {
    const struct record *record = (const struct record *)bytes;
    u64 left = (u64)(end - bytes), size = left < 8 ? 0 : record->byte_size;
    static const u8 least[] = {8, sizeof(struct start), sizeof(struct mark), sizeof(struct call),
                               sizeof(struct wrote), sizeof(struct wrote), 16};
    if (size < 8 || size > left || size % 8 != 0 || record->kind == 0 || record->kind > END ||
        size < least[record->kind]) {
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
      if (read_u64((const u8 *)(record + 1)) != call_number) {
        unreadable("calls are missing in the recording");
      }
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
