// SPDX-License-Identifier: ISC

// spawn [-p SHIM TIMES] COMMAND...: runs a command as often as it is asked to, with as little around it as possible, so
// that a process can be timed as its user pays it. Output of the command goes nowhere.
//
// Reads lines from standard input and answers each with one line:
//   run              the command once: nanoseconds from before its start to after its end, then nanoseconds in KVM_RUN
//   load W SECONDS   W at a time, again and again: how many ended, then nanoseconds
//
// With -p, the command runs with SHIM (kvm-run-time.so) preloaded, which adds up its time in KVM_RUN in the file TIMES.
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

static void finish(pid_t child, const char *command) {
  int status;
  if (waitpid(child, &status, 0) == -1) fail("waitpid");
  if (!WIFEXITED(status) || WEXITSTATUS(status) != 0) {
    fprintf(stderr, "spawn: %s ended with status 0x%x\n", command, status);
    exit(1);
  }
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
  _Atomic uint64_t none = 0, *in_kvm_run = &none;
  if (argc > 4 && strcmp(argv[1], "-p") == 0) {
    int fd = open(argv[3], O_RDWR | O_CREAT | O_CLOEXEC, 0600);
    if (fd == -1 || ftruncate(fd, sizeof none) == -1) fail(argv[3]);
    in_kvm_run = mmap(NULL, sizeof none, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
    if (in_kvm_run == MAP_FAILED) fail("mmap");
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
      *in_kvm_run = 0;
      uint64_t begin = now();
      finish(start(command), command[0]);
      uint64_t end = now();
      printf("%lu %lu\n", end - begin, (uint64_t)*in_kvm_run);
    }
    fflush(stdout);
  }
  return 0;
}
