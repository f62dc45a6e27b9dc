#!/bin/bash
# Runs in the guest as root, started by vm.sh. Prepares the guest, runs the command, and tells vm.sh its
# status.
# Usage: guest.sh DIR   (DIR has vm.sh's `command` and `settings`)
set -euo pipefail

checkout='' directory='' terminal='' size=''
# shellcheck disable=SC1091
. "$1/settings"

# mount_once TYPE DIR: if the kernel has this file system. A kernel without BPF has no bpf.
mount_once() {
	! grep -qw "$1" /proc/filesystems || mountpoint -q "$2" || mount -t "$1" "$1" "$2"
}
mount_once debugfs /sys/kernel/debug
mount_once tracefs /sys/kernel/tracing
mount_once bpf /sys/fs/bpf

# The kernel of a distribution looks for SCSI disks in the background, and has their driver as a module.
if [[ -e /lib/modules/$(uname -r) ]]; then
	for _ in {1..3000}; do [[ ! -b /dev/sda ]] || break; sleep 0.1; done
fi

# virtme-ng puts paths of the host on the kernel's command line, which differ with each boot. They are removed
# here, because recordings keep the command line and diff compares it.
sed -E 's%[^ ]*(/|virtme)[^ ]* *%%g; s% $%%' /proc/cmdline >/run/cmdline
mount --bind /run/cmdline /proc/cmdline

# Each of the two virtio-net devices, known by their addresses, gets its own network namespace. So packets
# between the two pass through their rings and QEMU's hub, and no other network reaches them.
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

export VRINGTOP_GUEST=1 HOME=/tmp/home PATH=$checkout/build:/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin
mkdir -p "$HOME"
cd "$directory" 2>/dev/null || cd "$checkout"
exec {control}<>/dev/virtio-ports/vringtop.control

# in_terminal COMMAND: virtio ports are no terminals, so the command gets a pseudo-terminal. The size of the
# user's terminal comes through the control port, at the start and whenever it changes.
in_terminal() {
	local session=/run/vringtop
	mkdir -p "$session"
	printf '%s' "$1" >"$session/command"
	cat >"$session/start" <<-END
		tty >$session/tty
		stty rows ${size% *} columns ${size#* }
		exec bash -c "\$(<$session/command)"
	END
	while read -r -u "$control" rows columns; do
		stty -F "$(<"$session/tty")" rows "$rows" columns "$columns" || true
	done &
	echo ready >&"$control"
	TERM=$terminal SHELL=/bin/bash script -q -e -c "exec bash $session/start" /dev/null
}

status=0
command=$(<"$1/command")
if [[ -n $terminal ]]; then in_terminal "$command" || status=$?; else bash -c "$command" || status=$?; fi
echo "$status" >&"$control"
exit "$status"
