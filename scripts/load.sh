#!/bin/bash
# Runs in the guest: keeps its virtio devices busy.
#
# Usage: load.sh seconds N   disks, network and entropy, at once, for N seconds
#        load.sh moving N    waits until a disk of each layout moves, at most N seconds (under
#                            emulation fio takes seconds to start)
set -euo pipefail

[[ $# -eq 2 && $1 =~ ^(seconds|moving)$ && $2 =~ ^[1-9][0-9]*$ ]] || {
	echo "load.sh: wrong use; usage: load.sh seconds|moving N" >&2
	exit 2
}

# disk NAME: the device file of the virtio-blk disk with this serial number, or of the SCSI disk of
# this model
disk() {
	local named name
	for named in /sys/block/vd*/serial /sys/block/sd*/device/model; do
		[[ -e $named ]] || continue
		read -r name <"$named"
		named=${named#/sys/block/}
		[[ $name != "$1" ]] || { echo "/dev/${named%%/*}"; return; }
	done
	echo "load.sh: no disk with the name '$1'; is this vringtop's guest (make vm)?" >&2
	exit 1
}

# One for each layout; vm.sh adds the last two where the kernel has them.
disks=(split packed)
! grep -qs in-order /sys/block/sd*/device/model || disks+=(split-in-order packed-in-order)

# job NAME DEVICE FIO-OPTION...
job() {
	local name=$1 device=$2
	shift 2
	fio --name="$name" --filename="$device" --direct=1 --output-format=terse --output=/dev/null "$@"
}

seconds() {
	local -a timed=(--time_based --runtime="$1" --ioengine=io_uring) jobs=()
	local end=$((SECONDS + $1)) name job status=0
	trap 'kill "${jobs[@]}" 2>/dev/null' EXIT
	for name in "${disks[@]}"; do
		job "$name" "$(disk "$name")" --rw=randrw --bs=4k --iodepth=4 "${timed[@]}" &
		jobs+=($!)
	done
	job scsi /dev/sda --rw=read --bs=64k --iodepth=1 --rate_iops=200 "${timed[@]}" &
	jobs+=($!)
	ip netns exec vr0 ping -q -f -w "$1" 10.77.0.2 >/dev/null &
	jobs+=($!)
	while ((SECONDS < end)); do
		dd if=/dev/hwrng of=/dev/null bs=512 count=1 status=none
		sleep 0.05
	done
	for job in "${jobs[@]}"; do wait "$job" || status=1; done
	return "$status"
}

# done_by NAME: the requests that the disk has done
done_by() {
	local -a stat
	read -r -a stat <"/sys/block/$(basename "$(disk "$1")")/stat"
	echo $((stat[0] + stat[4]))
}

moving() {
	local name before end=$((SECONDS + $1))
	for name in "${disks[@]}"; do
		before=$(done_by "$name")
		until (($(done_by "$name") >= before + 50)); do
			((SECONDS < end)) || {
				echo "load.sh: the disk '$name' has not moved for $1 s; is load.sh seconds running?" >&2
				exit 1
			}
			sleep 0.2
		done
	done
}

"$@"
