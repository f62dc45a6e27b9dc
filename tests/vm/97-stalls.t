#!/bin/bash
# Queues that stall, and which side holds them: every fault of the entropy device (tests/device), split
# and packed, patched and stock, seen by a tool that ran before and by one that starts after it; a disk
# whose backend is stopped; and what must not be taken for a stall. The truth is what the device counts,
# how long a read took, what the block layer has in flight, and /proc/interrupts (stalls.py).
#
# Environment: ROUNDS   of each fault (1, and then not all of them on a stock kernel)
#              AFTER    ms that make a stall (800: a busy machine lets a device stand, too)
#              CALM     seconds without a stall (10)
#              ONLY     faults or calm: nothing else
. "$(dirname "$0")/lib.sh"
rounds=${ROUNDS:-1} calm=${CALM:-10}

# --- In the guest: what is printed, and the live view; prints facts ---
if [[ -n ${VRINGTOP_GUEST:-} ]]; then
	device_open
	vringtop stalls >/tmp/fine
	echo "status fine $?"
	echo "words fine $(grep -c 'waiting, and that is fine' /tmp/fine)"
	vringtop stalls --after 600s >/tmp/early 2>&1 &
	succeeds_within 300 grep -q Looking /tmp/early
	kill -INT $!
	wait $!
	echo "early $? $(sed 1d /tmp/early)"
	# What is shown of a ring while it moves is of one moment: as many buffers are listed as its driver
	# has there. In one the driver may be amid an add or a get.
	for _ in 1 2 3 4; do
		dd if=/dev/vdb of=/dev/null bs=4k iflag=direct 2>/dev/null &
		readers+=($!)
	done
	/usr/bin/python3 -c '
import json, subprocess, sys
counts, shown = [], 0
while shown < 10 or (len(set(counts)) < 2 and shown < 60):
    done = subprocess.run(["vringtop", "stalls", "--after", "100ms", "--ring", "vdb:0", "--json"],
                          stdout=subprocess.PIPE, stderr=subprocess.DEVNULL)
    if done.returncode not in (0, 3): # a busy machine lets a disk stand for 100 ms
        sys.exit(f"status {done.returncode}")
    shown += 1
    r = json.loads(done.stdout)
    if "buffers" in r:
        counts.append((r["buffers"]["in_flight"], len(r["ring"]["buffers"])))
print("busy", len(set(counts)) > 1, sum(a != b for a, b in counts) <= 1, counts)'
	kill "${readers[@]}"
	ask_device 'stop-after 0'
	timeout 600 dd if=/dev/hwrng of=/dev/null bs=64 count=1 2>/dev/null &
	ignored() { (($(device_says kicks_ignored) > 0)); }
	wait_until 300 'the device ignores a doorbell' ignored
	vringtop stalls --after 300ms | cat >/tmp/stalled
	echo "status stalled ${PIPESTATUS[0]}"
	rng=$(cd /sys/bus/virtio/drivers/virtio_rng && echo virtio*)
	vringtop stalls --after 300ms --ring "$rng:input" >/tmp/ring
	echo "status ring $?"
	vringtop stalls --after 300ms --ring "$rng:0" --addresses >/tmp/addresses
	vringtop stalls --after 300ms --ring "$rng:0" --json >/tmp/json
	echo "addresses $(grep -c addr /tmp/ring) $(grep -c addr /tmp/json)" \
		"$(grep -cE 'addr 0x[0-9a-f]+' /tmp/addresses)"
	echo "wide $(cat /tmp/fine /tmp/stalled /tmp/ring /tmp/addresses | awk 'length > 80' | wc -l)"
	terminal 80 24 'vringtop; sleep 100'
	terminal_line 'has used nothing' >&2
	echo "live $(grep 'has used nothing' <<<"$screen")"
	terminal_close
	echo "others $(vringtop stalls --after 300ms -D virtio_blk >/dev/null; echo $?) $(vringtop stalls --ring vdz 2>&1 >/dev/null | head -n 1)"
	sed 's/^/text /' /tmp/stalled /tmp/ring
	ask_device resume
	exec {device_port}>&-
	wait # a child that ends interrupts a write to the exerciser
	# Buffers of one and two descriptors that no kick_prepare follows (tests/kmod).
	insmod "$MODULE"
	for layout in split packed; do
		for added in 1 5 60; do
			echo "layout=$layout rounds=0 op=add:$added" >/sys/kernel/debug/vring_exerciser/run
			vringtop stalls --after 300ms -D vring_exerciser --json | /usr/bin/python3 -c '
import json, sys
queue, = json.load(sys.stdin)["stalled"]
print("unannounced", queue["verdict"], queue["why"], queue["buffers"]["in_flight"])'
			sed -E 's/.*in_ring=([0-9]+).*/truth driver-did-not-ring no-kick-prepare \1/' \
				/sys/kernel/debug/vring_exerciser/queues
		done
	done
	echo remove >/sys/kernel/debug/vring_exerciser/run
	/usr/bin/python3 tests/vm/stalls.py disk
	/usr/bin/python3 tests/vm/stalls.py calm "$1"
	exit 0
fi

# --- Here: compares ---
fact() {
	sed -n "s/^$1 //p" <<<"$vm_out"
}
wanted() {
	[[ -z ${ONLY:-} || $ONLY == "$1" ]]
}

# faults NAME KERNEL RNG_OPTS FAULT...
faults() {
	local name=$1 kernel=$2 options=$3 fault
	shift 3
	RNG_OPTS=$options KERNEL=$kernel TIMEOUT=$((TIMEOUT + rounds * 60)) \
		vm_run "AFTER=${AFTER:-} /usr/bin/python3 tests/vm/stalls.py faults $rounds $*"
	is "$name: the guest ends well" "$vm_status $(sed 1d <<<"$vm_err")" '0 '
	for fault; do
		is "$name: $fault: right, seen from before and after" "$(fact "$fault")" "$rounds of $rounds"
	done
	is "$name: nothing is wrong, and the status says that there were stalls" \
		"$(fact wrong:) $(fact status)" ' 3'
}

for kernel in 6.12 6.12-stock; do
	wanted faults || break
	others=(pause-after hold wrong-id-after)
	[[ $kernel == 6.12 || $rounds -gt 1 ]] || others=()
	faults "$kernel split" $kernel '--notification-data --event-idx --indirect' \
		stop-after no-interrupt-after stale-avail-event-after "${others[@]}"
	faults "$kernel packed" $kernel '--notification-data --event-idx --indirect --packed' \
		stop-after no-interrupt-after stale-avail-event-after no-notify-after "${others[@]}"
	# The flag counts where there is no event index.
	[[ $kernel == 6.12 || $rounds -gt 1 ]] || continue
	faults "$kernel split by flags" $kernel '--notification-data' no-notify-after
done
if wanted faults; then
	faults '7.3 packed in order' 7.3 '--notification-data --event-idx --packed --in-order' \
		no-interrupt-after
fi

if wanted calm; then
	# QEMU's monitor, behind a port of the guest.
	monitor=$(mktemp -d)
	trap 'rm -rf "$monitor"' EXIT
	QEMU_OPTS="-chardev socket,id=qmp,path=$monitor/qmp,server=on,wait=off -mon chardev=qmp,mode=control"
	QEMU_OPTS+=" -chardev socket,id=qmp-port,path=$monitor/qmp -device virtio-serial-pci,id=qmp-bus,max_ports=2"
	QEMU_OPTS+=" -device virtserialport,bus=qmp-bus.0,name=vringtop.qmp,chardev=qmp-port"
	export QEMU_OPTS
	built=$("$repo/tests/kmod/build.sh" 6.12) || exit
	KERNEL=6.12 TIMEOUT=$((TIMEOUT + calm)) vm_run "AFTER=${AFTER:-} MODULE=${built@Q} bash ${0@Q} $calm"
	unset QEMU_OPTS

	is 'status 0 where nothing is stalled' "$(fact 'status fine')" 0
	like 'ended too early to know' "$(fact early)" \
		'^1 vringtop: ended after [0-9.]+ of 600 s: what is stalled is not known yet'
	like 'a ring that moves: state and descriptors are of one moment' "$(fact busy)" '^True True'
	like 'receive queues wait, and that is fine' "$(fact 'words fine')" '^[1-9]'
	is 'status 3 where something is' "$(fact 'status stalled') $(fact 'status ring')" '3 3'
	is 'addresses only where they are asked for' "$(fact addresses)" '0 0 1'
	is 'no line is longer than 80' "$(fact wide)" 0
	like 'the live view says it in the same words' "$(fact live)" \
		'^ virtio[0-9]+ rng, queue 0 input, split: device has used nothing, '
	like 'other queues are not stalled; a device that is not there' "$(fact others)" \
		'^0 vringtop: no queue matches --device vdz$'
	like 'names as in virtio 1.3' "$(fact text)" \
		'virtq_avail +flags 0x0, idx [0-9]+, used_event [0-9]+.*virtq_used +flags 0x0, idx [0-9]+, avail_event [0-9]+'

	is 'buffers without a kick_prepare: as many as their driver has in the ring' \
		"$(fact unannounced)" "$(fact truth)"
	is 'of both layouts' "$(fact truth | wc -l)" 6

	for layout in split packed; do
		line=$(fact $layout:)
		like "a $layout disk whose backend is stopped: on the right queue, told once, then over" "$line" \
			"^True True $layout device-holds-buffers, in flight ([0-9]+); truth [0-9]+ [0-9]+; then None over, reads 0, status 3\$"
		[[ $line =~ flight\ ([0-9]+)\;\ truth\ ([0-9]+)\ ([0-9]+) ]]
		is "a $layout disk: as many buffers as the block layer and the readers wait for" \
			"${BASH_REMATCH[1]:-none}" "$((BASH_REMATCH[2] == BASH_REMATCH[3] ? BASH_REMATCH[2] : -1))"
	done

	is "calm for $calm s: no alarm" "$vm_status $(fact alarm:) $(fact no)" '0  '
	is 'and all of it was done' "$(fact calm | wc -l) $(fact status | tail -n 1)" '8 0'
fi
done_testing
