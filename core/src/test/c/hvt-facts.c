// SPDX-License-Identifier: ISC
/*
 * Prints what Solo5's public headers say about the hvt ABI, one fact a line. Its output for v0.12.1
 * is ../resources/dev/tealight/solo5/hvt-abi.facts. With the headers in DIR:
 *
 *   cc -I DIR -o hvt-facts hvt-facts.c && ./hvt-facts
 */
#define HVT_HOST
#include <stdbool.h>
#include <stdio.h>

#include "hvt_abi.h"
#include "hvt_ring.h"
#include "mft_abi.h"
#include "solo5.h"
#include "version.h"

#define VALUE(x) printf("%s = %llu\n", #x, (unsigned long long)(x))
#define SIZE(type) printf("sizeof %s = %zu\n", #type, sizeof(struct type))
#define FIELD(type, field)                                                \
    printf("%s.%s = %zu, %zu\n", #type, #field, offsetof(struct type, field), \
           sizeof(((struct type *)0)->field))

int main(void)
{
    printf("# Solo5 %s, include/hvt_abi.h, hvt_ring.h, elf_abi.h, mft_abi.h and solo5.h, x86-64;"
           " printed by src/test/c/hvt-facts.c\n", SOLO5_VERSION);
    printf("# constants; then sizes; then fields as offset, size\n");
    VALUE(HVT_ABI_VERSION);
    VALUE(HVT_ABI_TARGET);
    VALUE(SPT_ABI_TARGET);
    VALUE(VIRTIO_ABI_TARGET);
    VALUE(MUEN_ABI_TARGET);
    VALUE(GENODE_ABI_TARGET);
    VALUE(XEN_ABI_TARGET);
    VALUE(HVT_GUEST_MIN_BASE);
    VALUE(HVT_HYPERCALL_PIO_BASE);
    VALUE(HVT_CMDLINE_SIZE);
    VALUE(HVT_HALT_COOKIE_MAX);
    VALUE(HVT_HYPERCALL_WALLTIME);
    VALUE(HVT_HYPERCALL_PUTS);
    VALUE(HVT_HYPERCALL_POLL);
    VALUE(HVT_HYPERCALL_BLOCK_WRITE);
    VALUE(HVT_HYPERCALL_BLOCK_READ);
    VALUE(HVT_HYPERCALL_NET_WRITE);
    VALUE(HVT_HYPERCALL_NET_READ);
    VALUE(HVT_HYPERCALL_HALT);
    VALUE(HVT_HYPERCALL_MAX);
    VALUE(ABI1_NOTE_TYPE);
    VALUE(ABI1_NOTE_ALIGN);
    VALUE(ABI1_NOTE_MAX_SIZE);
    VALUE(MFT1_NOTE_TYPE);
    VALUE(MFT1_NOTE_ALIGN);
    VALUE(MFT1_NOTE_MAX_SIZE);
    VALUE(MFT_VERSION);
    VALUE(MFT_MAX_ENTRIES);
    VALUE(MFT_NAME_SIZE);
    VALUE(MFT_DEV_BLOCK_BASIC);
    VALUE(MFT_DEV_NET_BASIC);
    VALUE(MFT_RESERVED_FIRST);
    VALUE(SOLO5_R_OK);
    VALUE(SOLO5_R_AGAIN);
    VALUE(SOLO5_R_EINVAL);
    VALUE(SOLO5_R_EUNSPEC);
    SIZE(abi1_nhdr);
    SIZE(abi1_info);
    SIZE(mft);
    SIZE(mft_entry);
    SIZE(hvt_boot_info);
    SIZE(hvt_hc_walltime);
    SIZE(hvt_hc_puts);
    SIZE(hvt_hc_poll);
    SIZE(hvt_hc_block_write);
    SIZE(hvt_hc_block_read);
    SIZE(hvt_hc_net_write);
    SIZE(hvt_hc_net_read);
    SIZE(hvt_hc_halt);
    FIELD(abi1_info, abi_target);
    FIELD(abi1_info, abi_version);
    FIELD(mft, version);
    FIELD(mft, entries);
    FIELD(mft_entry, name);
    FIELD(mft_entry, type);
    FIELD(mft_entry, u);
    FIELD(mft_entry, b);
    FIELD(mft_entry, attached);
    FIELD(hvt_boot_info, mem_size);
    FIELD(hvt_boot_info, kernel_end);
    FIELD(hvt_boot_info, cpu_cycle_freq);
    FIELD(hvt_boot_info, cmdline);
    FIELD(hvt_boot_info, mft);
    FIELD(hvt_boot_info, host_features);
    FIELD(hvt_boot_info, guest_features);
    FIELD(hvt_boot_info, net_ring);
    FIELD(hvt_hc_walltime, nsecs);
    FIELD(hvt_hc_puts, data);
    FIELD(hvt_hc_puts, len);
    FIELD(hvt_hc_poll, timeout_nsecs);
    FIELD(hvt_hc_poll, ready_set);
    FIELD(hvt_hc_poll, ret);
    FIELD(hvt_hc_halt, cookie);
    FIELD(hvt_hc_halt, exit_status);
    VALUE(HVT_FEATURE_RING_IO);
    VALUE(HVT_RING_KICK_PIO_BASE);
    VALUE(HVT_RING_SIZE);
    VALUE(HVT_RING_NET_WRITE);
    VALUE(HVT_RING_NET_READ);
    SIZE(hvt_ring);
    SIZE(hvt_ring_entry);
    SIZE(hvt_ring_commit);
    FIELD(hvt_ring, ent_tail);
    FIELD(hvt_ring, com_head);
    FIELD(hvt_ring, ent_head);
    FIELD(hvt_ring, com_tail);
    FIELD(hvt_ring, needs_kick);
    FIELD(hvt_ring, entries);
    FIELD(hvt_ring, commits);
    FIELD(hvt_ring_entry, operation);
    FIELD(hvt_ring_entry, handle);
    FIELD(hvt_ring_entry, data);
    FIELD(hvt_ring_entry, len);
    FIELD(hvt_ring_entry, id);
    FIELD(hvt_ring_commit, id);
    FIELD(hvt_ring_commit, ret);
    FIELD(hvt_ring_commit, len);
    return 0;
}
