#!/bin/bash
# Prints "kvm" or "tcg": the accelerator for guests on this machine. Usage: accel.sh KERNEL-IMAGE
# On some machines /dev/kvm can be opened, but no kernel boots with it. So this script boots a kernel once.
# The answer is kept until the machine is booted again or its QEMU changes.
set -euo pipefail
. "$(dirname "$0")/common.sh"

image=$1
limit=10 # seconds; a boot to the missing root file system takes 1 or 2

[[ -r /dev/kvm && -w /dev/kvm ]] || { echo tcg; exit; }

question="user $(id -u), boot $(</proc/sys/kernel/random/boot_id), $("$checkout/scripts/qemu.sh" --version | head -n 1)"
answers=$cache/accel
if known=$(grep -F "$question: " "$answers" 2>/dev/null | tail -n 1) && [[ -n $known ]]; then
	echo "${known##*: }"
	exit
fi

console=$(mktemp "${TMPDIR:-/tmp}/vringtop-kvm.XXXXXX")
trap 'rm -f "$console"' EXIT
say "guest: trying whether a kernel boots under KVM here (at most $limit s)"
# There is no root file system. A kernel that works panics because of that, and QEMU ends.
{ ulimit -c 0; timeout -k 1 "$limit" "$checkout/scripts/qemu.sh" -accel kvm -cpu host -machine q35 -m 512M \
	-nodefaults -display none -no-reboot -serial "file:$console" -kernel "$image" \
	-append 'console=ttyS0 panic=-1' || true; } </dev/null >/dev/null 2>&1
if grep -aq 'Unable to mount root fs' "$console"; then found=kvm; else found=tcg; fi
mkdir -p "$cache"
echo "$question: $found" >>"$answers"
echo "$found"
