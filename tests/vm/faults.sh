#!/bin/bash
# Faults of QEMU's own devices, and what vringtop says of them (faults.py, stalls.py real), as a table.
# make test does not run this yet: it has not been seen to pass. By hand: prove -e '' tests/vm/faults.sh
#
# Environment: KERNELS   to try (6.12 6.12-stock)
. "$(dirname "$0")/lib.sh"

# One device of each kind for each layout, that nothing else uses.
devices=(-device "virtio-serial-pci,id=qmp-bus,max_ports=2")
for layout in split packed; do
	packed=off last=0
	[[ $layout == split ]] || packed=on last=1
	devices+=(
		-blockdev "driver=null-co,node-name=real-null-$layout,size=67108864,read-zeroes=on"
		-blockdev "driver=blkdebug,node-name=real-debug-$layout,image=real-null-$layout"
		-device "virtio-blk-pci,id=real-$layout,drive=real-debug-$layout,serial=real-$layout,packed=$packed,num-queues=1"
		-device "virtio-scsi-pci,id=real-scsi-$layout,packed=$packed,num_queues=2"
		-blockdev "driver=null-co,node-name=real-scsi-null-$layout,size=67108864,read-zeroes=on"
		-device "scsi-hd,bus=real-scsi-$layout.0,drive=real-scsi-null-$layout,serial=real-scsi-$layout"
		-netdev "hubport,id=real-hub-$layout,hubid=8"
		-device "virtio-net-pci,netdev=real-hub-$layout,mac=52:54:00:76:73:0$last,packed=$packed,romfile="
		-netdev "hubport,id=lone-$layout,hubid=$((9 + last))"
		-device "virtio-net-pci,netdev=lone-$layout,mac=52:54:00:76:74:0$last,packed=$packed,romfile="
		-device "virtio-serial-pci,id=real-serial-$layout,max_ports=2,packed=$packed,vectors=8"
		-chardev "file,id=real-null-port-$layout,path=/dev/null"
		-device "virtserialport,bus=real-serial-$layout.0,name=vringtop.real-$layout,chardev=real-null-port-$layout"
		-object "rng-random,filename=/dev/urandom,id=real-urandom-$layout"
		-device "virtio-rng-pci,rng=real-urandom-$layout,packed=$packed"
		-device "virtio-rng-pci,rng=real-urandom-$layout,packed=$packed,max-bytes=64,period=1000000"
	)
done

monitor=$(mktemp -d)
trap 'rm -rf "$monitor"' EXIT
devices+=(
	-chardev "socket,id=qmp,path=$monitor/qmp,server=on,wait=off" -mon "chardev=qmp,mode=control"
	-chardev "socket,id=qmp-port,path=$monitor/qmp"
	-device "virtserialport,bus=qmp-bus.0,name=vringtop.qmp,chardev=qmp-port"
)

for kernel in ${KERNELS:-6.12 6.12-stock}; do
	QEMU_OPTS=${devices[*]} KERNEL=$kernel TIMEOUT=${TIMEOUT:-900} \
		vm_run "AFTER=${AFTER:-} /usr/bin/python3 tests/vm/stalls.py real"
	rows=$(sed -n 's/^row: //p' <<<"$vm_out")
	# The table.
	while IFS='|' read -r fault device layout verdict evidence right; do
		printf '# | %s | %s | %s | %s | %s | %s | %s |\n' "$kernel" "$fault" "$device" "$layout" \
			"$verdict" "$evidence" "$right"
		is "$kernel: $fault, $device, $layout" "$right" yes
	done <<<"$rows"
	is "$kernel: all was tried, and the guest ended well" "$(grep -c . <<<"$rows") $vm_status" '28 0'
	is "$kernel: each stall that ended was over" "$(grep '^over: .* False' <<<"$vm_out")" ''
done
done_testing
