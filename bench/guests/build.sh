#!/bin/sh
# SPDX-License-Identifier: ISC
#
#   build.sh DIR [SCALE]   builds the kernels into DIR: kernels.hvt, kernels.elf (multiboot, with a fixed SCALE, 1) and
#                          kernels (a process); all from the same code, compiled once
set -eu
here=$(cd "$(dirname "$0")" && pwd)
lib=$here/../../testkit/guests/lib
out=$1
scale=${2:-1}
cc=${CC:-gcc}
common="-std=gnu11 -O2 -Wall -Wextra -ffreestanding -fno-pic -mno-red-zone -fcf-protection=none -fno-stack-protector
  -fno-asynchronous-unwind-tables -fno-tree-loop-distribute-patterns -mtune=generic"
plain="-nostdlib -static -no-pie -Wl,--build-id=none,-z,noexecstack"
objects=$(mktemp -d)
trap 'rm -rf "$objects"' EXIT
mkdir -p "$out"
# shellcheck disable=SC2086
{
  "$cc" $common -msse2 -mfpmath=sse -c "$here/kernels.c" -o "$objects/kernels.o"
  for source in "$lib"/*.[cS]; do
    "$cc" $common -mgeneral-regs-only -I"$lib" -c "$source" -o "$objects/lib-$(basename "$source").o"
  done
  ar crD "$objects/libguest.a" "$objects"/lib-*.o
  "$cc" $common -mgeneral-regs-only -I"$lib" -c "$here/on-hvt.c" -o "$objects/on-hvt.o"
  "$cc" $plain -Wl,-z,max-page-size=0x1000 -T "$lib/guest.ld" "$objects/on-hvt.o" "$objects/kernels.o" \
    "$objects/libguest.a" -o "$out/kernels.hvt"
  "$cc" -DSCALE="$scale" -c "$here/on-multiboot.S" -o "$objects/on-multiboot.o"
  # QEMU's loader wants a 32-bit file around the 64-bit code.
  "$cc" $plain -Wl,-N -T "$here/on-multiboot.ld" -Wl,--oformat=elf64-x86-64 "$objects/on-multiboot.o" \
    "$objects/kernels.o" -o "$objects/kernels.elf64"
  objcopy -O elf32-i386 "$objects/kernels.elf64" "$out/kernels.elf"
  "$cc" -O2 -no-pie "$here/native.c" "$objects/kernels.o" -o "$out/kernels"
}
