#!/bin/bash
# Faults of QEMU's own devices, and what vringtop stalls says of them (faults.py makes them, qemu_faults.py
# asks). The truth is what QEMU says of the queue, /proc/interrupts, and the device's status.
#
# Environment: KERNELS   to try (6.12)
#              ROUNDS    of each fault (1)
#              FAULTS    of qemu_faults.py, or all (all but throttled, which 97-stalls.t tries, too)
#              DOCS      not empty: writes the table of all kernels that were tried into docs/stalls.md
. "$(dirname "$0")/lib.sh"
rounds=${ROUNDS:-1}
faults=${FAULTS:-doorbell_lost interrupt_lost held rate_limit no_peer bus_master_off removal_hangs}
faults=${faults/#all/doorbell_lost interrupt_lost throttled held rate_limit no_peer bus_master_off removal_hangs}

# One device of each kind for each layout, that nothing else uses.
devices=(-device "virtio-serial-pci,id=qmp-bus,max_ports=2")
for layout in split packed; do
	packed=off last=0
	[[ $layout == split ]] || packed=on last=1
	devices+=(
		-blockdev "driver=null-co,node-name=real-null-$layout,size=67108864,read-zeroes=on"
		-blockdev "driver=blkdebug,node-name=real-debug-$layout,image=real-null-$layout"
		-device "virtio-blk-pci,id=real-blk-$layout,drive=real-debug-$layout,serial=real-blk-$layout,packed=$packed,num-queues=1"
		-device "virtio-scsi-pci,id=real-scsi-$layout,packed=$packed,num_queues=2"
		-blockdev "driver=null-co,node-name=real-scsi-null-$layout,size=67108864,read-zeroes=on"
		-device "scsi-hd,id=real-scsi-$layout-disk,bus=real-scsi-$layout.0,drive=real-scsi-null-$layout,serial=real-scsi-$layout"
		-netdev "hubport,id=real-hub-$layout,hubid=8"
		-device "virtio-net-pci,id=real-net-$layout,netdev=real-hub-$layout,mac=52:54:00:76:73:0$last,packed=$packed,romfile="
		-netdev "hubport,id=lone-$layout,hubid=$((9 + last))"
		-device "virtio-net-pci,id=real-lone-$layout,netdev=lone-$layout,mac=52:54:00:76:74:0$last,packed=$packed,romfile="
		-device "virtio-serial-pci,id=real-console-$layout,max_ports=2,packed=$packed,vectors=8"
		-chardev "file,id=real-null-port-$layout,path=/dev/null"
		-device "virtserialport,bus=real-console-$layout.0,name=real-console-$layout,chardev=real-null-port-$layout"
		-object "rng-random,filename=/dev/urandom,id=real-urandom-$layout"
		-device "virtio-rng-pci,id=real-rng-$layout,rng=real-urandom-$layout,packed=$packed"
		-device "virtio-rng-pci,id=real-limited-$layout,rng=real-urandom-$layout,packed=$packed,max-bytes=64,period=15000"
	)
done

monitor=$(mktemp -d)
trap 'rm -rf "$monitor"' EXIT
devices+=(
	-device "pcie-root-port,id=plug,chassis=1,slot=1"
	-blockdev "driver=null-co,node-name=real-null-hot,size=67108864,read-zeroes=on"
	-blockdev "driver=blkdebug,node-name=real-debug-hot,image=real-null-hot"
	-chardev "socket,id=qmp,path=$monitor/qmp,server=on,wait=off" -mon "chardev=qmp,mode=control"
	-chardev "socket,id=qmp-port,path=$monitor/qmp"
	-device "virtserialport,bus=qmp-bus.0,name=vringtop.qmp,chardev=qmp-port"
)

results=$repo/build/qemu-faults
mkdir -p "$results"
for kernel in ${KERNELS:-6.12}; do
	# iomem: the guest must be able to map the table of MSI-X vectors.
	QEMU_OPTS=${devices[*]} KERNEL=$kernel APPEND=iomem=relaxed TIMEOUT=$((TIMEOUT + 120 * rounds)) \
		vm_run "AFTER=${AFTER:-} /usr/bin/python3 tests/vm/qemu_faults.py run $rounds $faults"
	sed -n 's/^row: //p' <<<"$vm_out" >"$results/$kernel"
	declare -A right=() tried=() wrong=()
	while IFS='|' read -r fault device layout verdict evidence yes why; do
		case="$fault, $device, $layout"
		tried[$case]=$((${tried[$case]:-0} + 1))
		[[ $yes == yes ]] && right[$case]=$((${right[$case]:-0} + 1)) || wrong[$case]+="$verdict, $evidence: $why; "
	done <"$results/$kernel"
	for case in "${!tried[@]}"; do
		is "$kernel: $case: right" "${right[$case]:-0} of ${tried[$case]} ${wrong[$case]:-}" "$rounds of $rounds "
	done
	# Five devices lose doorbells, interrupts and, of split rings, bus mastering, one write is held, one device has a rate limit, one no peer, and one disk is unplugged.
	[[ -n ${FAULTS:-} ]] || is "$kernel: all was tried" ${#tried[@]} 33
	is "$kernel: the guest ends well, and vringtop says that there were stalls" \
		"$vm_status $(grep '^status ' <<<"$vm_out")" '0 status 3'
	is "$kernel: each stall that ended was over" "$(grep '^never over: ' <<<"$vm_out")" ''
	grep '^# ' <<<"$vm_out"
done
/usr/bin/python3 "$repo/tests/vm/qemu_faults.py" table "$results" >"$results/table"
if [[ -n ${DOCS:-} ]]; then
	sed -i -e '/^<!-- table of 98-qemu-faults.t -->$/,/^<!-- end of the table -->$/{//!d}' \
		-e "/^<!-- table of 98-qemu-faults.t -->$/r $results/table" "$repo/docs/stalls.md"
fi
sed 's/^/# /' "$results/table"
done_testing
