#!/bin/bash
# Runs in the guest: keeps its virtio devices busy.
#
# Usage: load.sh seconds N   disks, network and entropy, at once, for N seconds
#        load.sh moving N    waits until both virtio-blk disks move, at most N seconds (under
#                            emulation fio takes seconds to start)
set -euo pipefail

[[ $# -eq 2 && $1 =~ ^(seconds|moving)$ && $2 =~ ^[1-9][0-9]*$ ]] || {
	echo "load.sh: wrong use; usage: load.sh seconds|moving N" >&2
	exit 2
}

# disk SERIAL: the device file of the virtio-blk disk with this serial number
disk() {
	local serial
	for serial in /sys/block/vd*/serial; do
		[[ $(<"$serial") != "$1" ]] || { echo "/dev/$(basename "$(dirname "$serial")")"; return; }
	done
	echo "load.sh: no virtio-blk disk with the serial number '$1'; is this vringtop's guest (make vm)?" >&2
	exit 1
}

# job NAME DEVICE FIO-OPTION...
job() {
	local name=$1 device=$2
	shift 2
	fio --name="$name" --filename="$device" --direct=1 --output-format=terse --output=/dev/null "$@"
}

seconds() {
	local -a timed=(--time_based --runtime="$1" --ioengine=io_uring) jobs=()
	local end=$((SECONDS + $1)) job status=0
	trap 'kill "${jobs[@]}" 2>/dev/null' EXIT
	job split "$(disk split)" --rw=randrw --bs=4k --iodepth=4 "${timed[@]}" &
	jobs+=($!)
	job packed "$(disk packed)" --rw=randrw --bs=4k --iodepth=4 "${timed[@]}" &
	jobs+=($!)
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

# done_by SERIAL: the requests that the disk has done
done_by() {
	local -a stat
	read -r -a stat <"/sys/block/$(basename "$(disk "$1")")/stat"
	echo $((stat[0] + stat[4]))
}

moving() {
	local name before end=$((SECONDS + $1))
	for name in split packed; do
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
