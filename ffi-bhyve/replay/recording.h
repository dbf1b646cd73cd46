// SPDX-License-Identifier: ISC
//
// The format of recordings, docs/bhyve-recordings.md, and what the parts of the replayer tell each other.

#ifndef RECORDING_H
#define RECORDING_H

#include "system.h"

enum { START = 1, MARK = 2, CALL = 3, MONITOR_WROTE = 4, GUEST_WROTE = 5, END = 6 };
enum { FORMAT = 1, DEPENDS_ON_TIME = 1 };
enum { IN = 1, OUT = 2 };

#define MAGIC 0x4345524d4d564c54ul
#define OF_ARGUMENT 0xffffffffu
#define MAX_BUFFERS 8

struct record {
  u32 byte_size, kind;
};

struct start {
  struct record head;
  u64 magic;
  u32 format, zero;
};

struct mark {
  struct record head;
  u32 flags, byte_size;
  char text[];
};

struct call {
  struct record head;
  u32 number, buffers;
  i64 result;
  u64 arguments[6];
};

struct buffer {
  u32 parent, place, byte_size, direction;
};

struct wrote {
  struct record head;
  u64 address, byte_size;
  u8 bytes[];
};

// A buffer of a call: what the recording says of it, and the bytes that are given to this kernel.
struct copy {
  const struct buffer *buffer;
  const u8 *before, *after; // null if not recorded
  u8 *bytes;
};

struct performed {
  const struct call *call;
  struct copy copies[MAX_BUFFERS];
  u64 arguments[6]; // relocated
  i64 result;
};

// Guest memory.
struct mapping {
  u64 recorded, here, byte_size;
  u32 mark;
};

// Requests of vmm, sys/amd64/include/vmm_dev.h. Those of which only the number is known here are the same in all versions.
#define VM_RUN_13 0xc0907601u
#define VM_RUN_14 0x80207601u
#define VM_GET_REGISTER 0xc0107615u
#define VM_GET_SEGMENT_DESCRIPTOR 0xc0187617u
#define VM_GET_REGISTER_SET 0xc0187619u
#define VM_SET_REGISTER_SET 0x80187618u
#define VMMCTL_VM_CREATE 0xc1285600u
#define VMMCTL_VM_DESTROY 0xc1285601u

enum { EXIT_BYTE_SIZE = 136 };

// struct vm_exit, sys/amd64/include/vmm.h.
enum {
  EXIT_CODE = 0,
  EXIT_LENGTH = 4,
  EXIT_RIP = 8,
  INOUT = 0,
  VMX = 1,
  BOGUS = 2,
  RDMSR = 3,
  WRMSR = 4,
  INST_EMUL = 9,
  SUSPENDED = 14,
  INOUT_STR = 15,
  SVM = 19,
  REQIDLE = 20,
  DEBUG = 21,
  BPT = 23,
  DB = 25,
};

const char *name_of(const struct call *call);
int is_run(const struct call *call);

// Returns whether the monitor makes requests of this number.
int is_known_request(u32 request);

// Returns the exit in one side of a run: what was recorded, or what this kernel gave.
const u8 *exit_recorded(const struct performed *it);
u8 *exit_here(struct performed *it);

// Which mark is being replayed; what it makes and does not free is freed with it.
extern u32 mark_number;

void begin_names(void);

// Return what stands here for what was recorded: -1, null or 0 if nothing does.
i64 descriptor_here(u64 recorded);
struct mapping *mapping_of(u64 recorded);
u64 address_here(u64 recorded);

// Returns whether the call is about a value of the kernel that begins so.
int is_value(const struct performed *it, const char *name);
int starts_with(const u8 *text, u64 size, const char *prefix);

// Returns whether the call can be made without harm, with what it does not point to taken out.
int is_sound(struct performed *it);

// Puts what is this process's own in the place of what was recorded, and remembers what a call made of it.
void relocate(struct performed *it);
void remember(struct performed *it);

// Frees what the calls since a mark made and did not free.
void clean_up(u32 since);

u32 read_u32(const u8 *bytes);
u64 read_u64(const u8 *bytes);

// Returns how many values differ, each of which is reported by difference().
u64 compare(struct performed *it);

// Reports a value.
void difference(const char *what, u64 index, u64 recorded, u64 here);

#endif
