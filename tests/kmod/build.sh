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

build() {
	if [[ $kernel != */* ]]; then
		make -C "$sources" OUT="$out" sources &&
			"$checkout/scripts/kernel.sh" make "$kernel" M="$out" modules
	else
		make -C "$sources" KDIR="$kernel" OUT="$out" modules
	fi
}

if [[ $kernel == */* && ! -e $kernel/Module.symvers ]]; then
	die "$kernel has no Module.symvers" "name a kernel tree in which 'make vmlinux modules' has run"
fi
log=$(build 2>&1) || die "the exerciser does not build for $kernel:"$'\n'"$log"
echo "$out/vring_exerciser.ko"
