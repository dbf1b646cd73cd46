// SPDX-License-Identifier: ISC

// spawn [-p SHIM TIMES] COMMAND...: runs a command as often as it is asked to, with as little around it as possible, so
// that a process can be timed as its user pays it. Output of the command goes nowhere.
//
// Reads lines from standard input and answers each with one line:
//   run              the command once: nanoseconds from before its start to after its end, nanoseconds in KVM_RUN,
//                    nanoseconds from before its start to the first KVM_RUN and to the first output (0 if there was
//                    none, or no shim), then the most memory that was resident, in KiB
//   load W SECONDS   W at a time, again and again: how many ended, then nanoseconds
//
// With -p, the command runs with SHIM (kvm-run-time.so) preloaded, which notes its times in the file TIMES.
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <spawn.h>
#include <stdatomic.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

extern char **environ;

static posix_spawn_file_actions_t nowhere;

static uint64_t now(void) {
  struct timespec t;
  clock_gettime(CLOCK_MONOTONIC, &t);
  return (uint64_t)t.tv_sec * 1000000000 + (uint64_t)t.tv_nsec;
}

static void fail(const char *what) {
  fprintf(stderr, "spawn: %s: %s\n", what, strerror(errno));
  exit(1);
}

static pid_t start(char **command) {
  pid_t child;
  errno = posix_spawn(&child, command[0], &nowhere, NULL, command, environ);
  if (errno != 0) fail(command[0]);
  return child;
}

// Returns the most memory that was resident, in KiB.
static long finish(pid_t child, const char *command) {
  int status;
  struct rusage usage;
  if (wait4(child, &status, 0, &usage) == -1) fail("wait4");
  if (!WIFEXITED(status) || WEXITSTATUS(status) != 0) {
    fprintf(stderr, "spawn: %s ended with status 0x%x\n", command, status);
    exit(1);
  }
  return usage.ru_maxrss;
}

static uint64_t since(uint64_t begin, uint64_t then) {
  return then == 0 ? 0 : then - begin;
}

static void load(char **command, int workers, int seconds) {
  uint64_t begin = now(), end = begin + (uint64_t)seconds * 1000000000;
  long count = 0;
  for (int i = 0; i < workers; i++) start(command);
  for (int running = workers; running > 0;) {
    finish(-1, command[0]);
    count++;
    if (now() < end) {
      start(command);
    } else {
      running--;
    }
  }
  printf("%ld %lu\n", count, now() - begin);
}

int main(int argc, char **argv) {
  char **command = argv + 1;
  _Atomic uint64_t none[3] = {0}, *times = none;
  if (argc > 4 && strcmp(argv[1], "-p") == 0) {
    int fd = open(argv[3], O_RDWR | O_CREAT | O_CLOEXEC, 0600);
    if (fd == -1 || ftruncate(fd, sizeof none) == -1) fail(argv[3]);
    times = mmap(NULL, sizeof none, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
    if (times == MAP_FAILED) fail("mmap");
    setenv("LD_PRELOAD", argv[2], 1);
    setenv("KVM_RUN_TIME", argv[3], 1);
    command = argv + 4;
  }
  if (command[0] == NULL) {
    fprintf(stderr, "usage: spawn [-p SHIM TIMES] COMMAND...\n");
    return 2;
  }
  posix_spawn_file_actions_init(&nowhere);
  posix_spawn_file_actions_addopen(&nowhere, STDIN_FILENO, "/dev/null", O_RDONLY, 0);
  posix_spawn_file_actions_addopen(&nowhere, STDOUT_FILENO, "/dev/null", O_WRONLY, 0);

  char line[80];
  while (fgets(line, sizeof line, stdin) != NULL) {
    int workers, seconds;
    if (sscanf(line, "load %d %d", &workers, &seconds) == 2) {
      load(command, workers, seconds);
    } else {
      times[0] = times[1] = times[2] = 0;
      uint64_t begin = now();
      long resident = finish(start(command), command[0]);
      uint64_t end = now();
      printf("%lu %lu %lu %lu %ld\n", end - begin, (uint64_t)times[0], since(begin, times[1]), since(begin, times[2]),
             resident);
    }
    fflush(stdout);
  }
  return 0;
}
