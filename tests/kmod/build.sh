#!/bin/bash
# Builds the exerciser for a kernel and prints the path of the module.
#
# Usage: build.sh KERNEL    (a name that scripts/kernel.sh knows, or the path of a built kernel tree)
set -euo pipefail
. "$(dirname "$0")/../../scripts/common.sh"

[[ $# -eq 1 ]] || die "exactly one argument is needed: the kernel" "example: build.sh 6.12"
kernel=$1
sources=$checkout/tests/kmod
out=$checkout/build/kmod/${kernel//\//_}

if [[ $kernel != */* ]]; then
	make -s -C "$sources" OUT="$out" sources
	"$checkout/scripts/kernel.sh" make "$kernel" -s M="$out" modules
elif [[ -e $kernel/Module.symvers ]]; then
	make -s -C "$sources" KDIR="$(realpath "$kernel")" OUT="$out" modules
else
	die "$kernel has no Module.symvers" "name a kernel tree in which 'make vmlinux modules' has run"
fi >&2
echo "$out/vring_exerciser.ko"
