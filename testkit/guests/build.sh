#!/bin/sh
# Builds the guest programs: one image NAME.hvt for each programs/NAME.c or programs/NAME.S, one multiboot kernel
# NAME.elf for each kernels/programs/NAME.c.
#
#   build.sh           rebuilds the images that ship with the testkit
#   build.sh DIR       builds into DIR
#   build.sh --check   builds into a temporary folder and compares with the shipped images
#
# The output depends on the sources and the compiler only, so the check compares byte by byte where the compiler is the
# recorded one, and program headers and notes elsewhere. Exit status: 0, 1 if something differs or does not build, 2 for
# wrong usage, 3 if there is no compiler.
set -eu
export LC_ALL=C

here=$(cd "$(dirname "$0")" && pwd)
shipped=$here/../src/main/resources/dev/tealight/testkit/guests
record=built-with.txt
cc=${CC:-gcc}

# Ring 0 has no red zone, and one of the monitor's hosts has no SSE there: only programs about it use it.
common="-std=gnu11 -O2 -Wall -Wextra -ffreestanding -fno-pic -mno-red-zone -fcf-protection=none
  -fno-asynchronous-unwind-tables -fno-tree-loop-distribute-patterns -mtune=generic"
link="-nostdlib -static -no-pie -Wl,--build-id=none,-s,-z,noexecstack,-z,max-page-size=0x1000"

flags_of() {
  case $1 in
    ssp) echo "-mgeneral-regs-only -fstack-protector-all -mstack-protector-guard=global" ;;
    fpu | sse | nbody | threads) echo "-msse2 -mfpmath=sse -fno-stack-protector" ;;
    *) echo "-mgeneral-regs-only -fno-stack-protector" ;;
  esac
}

compile() { # SOURCE OBJECT NAME
  # shellcheck disable=SC2046,SC2086
  "$cc" $common $(flags_of "$3") -ffile-prefix-map="$here"=. -I"$here/lib" -c "$1" -o "$2"
}

compiler() {
  "$cc" --version | head -n 1
  "$cc" -Wl,--version -nostdlib 2>/dev/null | head -n 1
}

build() { # DIR
  objects=$(mktemp -d)
  trap 'rm -rf "$objects" ${temporary:-}' EXIT
  mkdir -p "$1"
  for source in "$here"/lib/*.[cS]; do
    name=$(basename "${source%.*}")
    compile "$source" "$objects/lib-$name.o" "lib"
  done
  ar crD "$objects/libguest.a" "$objects"/lib-*.o
  for source in "$here"/programs/*.[cS]; do
    name=$(basename "${source%.*}")
    compile "$source" "$objects/$name.o" "$name"
    # shellcheck disable=SC2086
    "$cc" $link -T "$here/lib/guest.ld" "$objects/$name.o" "$objects/libguest.a" -o "$1/$name.hvt"
    chmod 644 "$1/$name.hvt"
  done
  build_kernels "$1"
  compiler > "$1/$record"
}

build_kernels() { # DIR
  for source in "$here"/kernels/*.[cS] "$here"/kernels/programs/*.c; do
    name=kernel-$(basename "$source")
    # shellcheck disable=SC2086
    "$cc" -m32 $common -mgeneral-regs-only -fno-stack-protector -ffile-prefix-map="$here"=. -I"$here/kernels" \
      -c "$source" -o "$objects/$name.o"
  done
  for source in "$here"/kernels/programs/*.c; do
    name=$(basename "${source%.*}")
    # shellcheck disable=SC2086
    "$cc" -m32 $link -Wl,-n,--no-warn-rwx-segments -T "$here/kernels/kernel.ld" "$objects/kernel-$name.c.o" "$objects/kernel-start.S.o" \
      "$objects/kernel-kernel.c.o" -o "$1/$name.elf"
    chmod 644 "$1/$name.elf"
  done
}

names() { (cd "$1" && ls ./*.hvt ./*.elf); }
layout() { readelf -lW "$1" | awk '$1 ~ /^[A-Z]+$/ { print $1, $7, $8, $9 }'; readelf -x .note.solo5.abi -x .note.solo5.manifest "$1" 2>/dev/null | grep 0x || true; }

check() {
  temporary=$(mktemp -d)
  build "$temporary"
  if [ "$(names "$temporary")" != "$(names "$shipped")" ]; then
    echo "build.sh: the shipped images are not those of programs/; run build.sh" >&2
    exit 1
  fi
  if cmp -s "$temporary/$record" "$shipped/$record"; then
    how="byte for byte"
  else
    how="in program headers and notes (built with another compiler: $(head -n 1 "$shipped/$record"))"
  fi
  bad=0
  for image in "$temporary"/*.hvt "$temporary"/*.elf; do
    name=$(basename "$image")
    case $how in
      byte*) cmp -s "$image" "$shipped/$name" || bad="$bad $name" ;;
      *) [ "$(layout "$image")" = "$(layout "$shipped/$name")" ] || bad="$bad $name" ;;
    esac
  done
  if [ "$bad" != 0 ]; then
    echo "build.sh: shipped images differ from their sources:${bad#0}; run build.sh" >&2
    exit 1
  fi
  echo "shipped images equal their sources $how"
}

if ! command -v "$cc" > /dev/null; then
  echo "build.sh: $cc not found; install gcc and binutils or name a gcc in CC" >&2
  exit 3
fi
compiler
case ${1:-} in
  --check) check ;;
  -*) echo "usage: build.sh [DIR | --check]" >&2; exit 2 ;;
  *) build "${1:-$shipped}" ;;
esac
