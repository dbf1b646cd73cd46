// SPDX-License-Identifier: ISC

/* Prints the facts about Linux and its C library that the module relies on, from this host's headers. */

#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <linux/ethtool.h>
#include <linux/if.h>
#include <linux/if_tun.h>
#include <linux/seccomp.h>
#include <linux/sockios.h>
#include <linux/version.h>
#include <poll.h>
#include <signal.h>
#include <stddef.h>
#include <stdio.h>
#include <sys/eventfd.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/un.h>
#include <time.h>

#define FACT(name, value) printf("  \"%s\": %ld,\n", name, (long)(value))
#define NUMBER(name) FACT(#name, name)
#define SIZE(type) FACT("sizeof " #type, sizeof(struct type))
#define FIELD(type, field) FACT(#type "." #field, offsetof(struct type, field))

int main(void) {
  printf("{\n");
  printf("  \"source\": \"Linux %d.%d for x86-64 and the C library's headers\",\n",
         LINUX_VERSION_CODE >> 16, LINUX_VERSION_CODE >> 8 & 0xff);

  NUMBER(SYS_read);
  NUMBER(SYS_write);
  NUMBER(SYS_close);
  NUMBER(SYS_mmap);
  NUMBER(SYS_munmap);
  NUMBER(SYS_rt_sigprocmask);
  NUMBER(SYS_ioctl);
  NUMBER(SYS_madvise);
  NUMBER(SYS_getpid);
  NUMBER(SYS_socket);
  NUMBER(SYS_connect);
  NUMBER(SYS_prctl);
  NUMBER(SYS_gettid);
  NUMBER(SYS_tgkill);
  NUMBER(SYS_openat);
  NUMBER(SYS_ppoll);
  NUMBER(SYS_eventfd2);
  NUMBER(SYS_seccomp);
  NUMBER(AT_FDCWD);
  NUMBER(SIG_UNBLOCK);
  NUMBER(PR_SET_TIMERSLACK);
  NUMBER(PR_SET_NO_NEW_PRIVS);
  NUMBER(SECCOMP_SET_MODE_FILTER);
  NUMBER(SECCOMP_FILTER_FLAG_TSYNC);

  NUMBER(O_RDWR);
  NUMBER(O_NONBLOCK);
  NUMBER(O_CLOEXEC);
  NUMBER(EFD_NONBLOCK);
  NUMBER(EFD_CLOEXEC);
  NUMBER(PROT_READ);
  NUMBER(PROT_WRITE);
  NUMBER(MAP_SHARED);
  NUMBER(MAP_PRIVATE);
  NUMBER(MAP_ANONYMOUS);
  NUMBER(MAP_NORESERVE);
  NUMBER(MADV_DONTFORK);
  NUMBER(MADV_HUGEPAGE);
  NUMBER(MADV_NOHUGEPAGE);
  NUMBER(MADV_DONTDUMP);
  NUMBER(POLLIN);
  NUMBER(POLLERR);
  NUMBER(POLLHUP);
  NUMBER(POLLNVAL);
  NUMBER(POLLOUT);
  NUMBER(AF_UNIX);
  NUMBER(AF_INET);
  NUMBER(SOCK_STREAM);
  NUMBER(SOCK_DGRAM);
  NUMBER(SOCK_NONBLOCK);
  NUMBER(SOCK_CLOEXEC);
  NUMBER(FIONBIO);
  NUMBER(SIOCGIFFLAGS);
  NUMBER(SIOCGIFMTU);
  NUMBER(SIOCETHTOOL);
  NUMBER(ETHTOOL_SGSO);
  NUMBER(ETHTOOL_SGRO);
  NUMBER(IFF_UP);
  FACT("TUNSETIFF", (int)TUNSETIFF);
  FACT("TUNGETIFF", (int)TUNGETIFF);
  NUMBER(IFF_TAP);
  NUMBER(IFF_NO_PI);
  NUMBER(IFF_VNET_HDR);
  NUMBER(SA_RESTART);
  NUMBER(SA_ONSTACK);
  NUMBER(SIG_DFL);
  NUMBER(SIG_IGN);
  NUMBER(SIGRTMIN);

  NUMBER(EPERM);
  NUMBER(ENOENT);
  NUMBER(ESRCH);
  NUMBER(EINTR);
  NUMBER(EIO);
  NUMBER(ENXIO);
  NUMBER(E2BIG);
  NUMBER(EBADF);
  NUMBER(EAGAIN);
  NUMBER(EACCES);
  NUMBER(EFAULT);
  NUMBER(EBUSY);
  NUMBER(ENODEV);
  NUMBER(EINVAL);
  NUMBER(EBADFD);
  NUMBER(ENOSYS);

  SIZE(pollfd);
  FIELD(pollfd, fd);
  FIELD(pollfd, events);
  FIELD(pollfd, revents);
  SIZE(ifreq);
  FIELD(ifreq, ifr_name);
  FIELD(ifreq, ifr_ifru);
  SIZE(sockaddr_un);
  FIELD(sockaddr_un, sun_family);
  FIELD(sockaddr_un, sun_path);
  SIZE(timespec);
  FIELD(timespec, tv_sec);
  FIELD(timespec, tv_nsec);
  SIZE(sigaction);
  FIELD(sigaction, sa_handler);
  FIELD(sigaction, sa_mask);
  FIELD(sigaction, sa_flags);
  FIELD(sigaction, sa_restorer);

  printf("  \"end\": 0\n}\n");
  return 0;
}
