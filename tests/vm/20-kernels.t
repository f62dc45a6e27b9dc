#!/bin/bash
# The patched kernels and one without the tracepoint patches carry the disk and network load, in every
# ring layout that they have.
. "$(dirname "$0")/lib.sh"

# shellcheck disable=SC2016 # the guest's shell expands it
load='. tests/vm/lib.sh
dmesg -C
for disk in /dev/vd? /dev/sd?; do
	fio --name=verify --filename=$disk --rw=randwrite --bs=4k --size=8M --verify=crc32c \
		--do_verify=1 --direct=1 --ioengine=io_uring --iodepth=8 --output=/tmp/fio >&2 || exit 1
done
ip netns exec vr0 ping -q -f -c 500 10.77.0.2 | grep -o "[0-9.]*% packet loss"
dd if=/dev/hwrng of=/dev/null bs=512 count=16 status=none || exit 1
for queue in /sys/bus/virtio/drivers/virtio_blk/virtio*; do
	echo $queue >&2
	basename $queue >/sys/bus/virtio/drivers/virtio_blk/unbind || exit 1
done
complaints || true'

for kernel in 6.12-ops 6.12 7.3; do
	KERNEL=$kernel vm_run "$load"
	is "$kernel: the load passes" "$vm_status" 0
	is "$kernel: no packet is lost, the kernel has nothing to say" "$vm_out" '0% packet loss'
done
done_testing
