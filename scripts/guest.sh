#!/bin/bash
# Runs in the guest, as root, started by vm.sh: prepares it, runs the command, tells its status.
# Usage: guest.sh DIR   (DIR has vm.sh's `command` and `settings`)
set -euo pipefail

marker='' checkout='' directory='' terminal='' size=''
# shellcheck disable=SC1091
. "$1/settings"
control=/dev/virtio-ports/vringtop.control

mount_once() {
	mountpoint -q "$2" || mount -t "$1" "$1" "$2"
}
mount_once debugfs /sys/kernel/debug
mount_once tracefs /sys/kernel/tracing
mount_once bpf /sys/fs/bpf

# The two virtio-net, known by their addresses, go into one network namespace each: what they send
# each other passes through their rings and QEMU's hub, and nothing else can reach them.
for net in /sys/class/net/*; do
	case $(<"$net/address") in
	52:54:00:76:72:00) host=0 ;;
	52:54:00:76:72:01) host=1 ;;
	*) continue ;;
	esac
	ip netns add "vr$host"
	ip link set "${net##*/}" netns "vr$host"
	ip -n "vr$host" address add "10.77.0.$((host + 1))/24" dev "${net##*/}"
	ip -n "vr$host" link set "${net##*/}" up
	ip -n "vr$host" link set lo up
done

export HOME=/root PATH=$checkout/build:/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin
cd "$directory" 2>/dev/null || cd "$checkout"
printf '%s\n' "$marker"
printf '%s\n' "$marker" >&2

status=0
bash -c "$(<"$1/command")" || status=$?
echo "status $status" >"$control"
exit "$status"
