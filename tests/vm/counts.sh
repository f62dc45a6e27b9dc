# shellcheck shell=bash disable=SC2034,SC2154 # kernel is set, and what is set here is read, there
# The counts of a fixed load on two disks are those of the load; without the tracepoints, also those of
# a bpftrace script that counts the functions that drivers call, at the same time (with them,
# 30-counts.t and 35-exact.t ask the kernel itself). A part of
# 25-kernels.t: sets what its table says of operations, bytes and notification data.

reads=500
work=$(mktemp -d)
way=functions
[[ ! -d /sys/kernel/tracing/events/virtio_ring ]] || way=tracepoints

# The truth: hits of the functions that the disk driver calls, for each device and queue.
cat >"$work/count.bt" <<-'END'
	kprobe:virtqueue_add_sgs, kprobe:virtqueue_get_buf, kprobe:virtqueue_kick_prepare, kprobe:vp_notify
	{
		$vq = (struct virtqueue *)arg0;
		@[func, $vq->vdev->index, $vq->index] = count();
	}
	// It prints only after it has attached all.
	interval:ms:10 /!@ready/ { @ready = 1; printf("ready\n"); }
END
with_data=$(awk '$3 == "vp_notify_with_data" { print $3; exit }' /proc/kallsyms)
[[ -z $with_data ]] || sed -i "s/kprobe:vp_notify\$/&, kprobe:$with_data/" "$work/count.bt"
tracer=''
if [[ $way == functions ]]; then
	bpftrace "$work/count.bt" >"$work/bpftrace" 2>"$work/errors" &
	tracer=$!
fi
vringtop hist --json >"$work/json" 2>"$work/messages" &
tool=$!
[[ -z $tracer ]] || counts_or_ends $tracer grep -q ready "$work/bpftrace"
counts_or_ends $tool grep -q Counting "$work/messages"
# One read at a time: bpftrace drops a probe that interrupts another one on its CPU.
for disk in vda vdb; do
	ok "$kernel: $reads reads of $disk" fio --name=reads --filename=/dev/$disk --readonly --direct=1 \
		--rw=randread --bs=4k --ioengine=psync --number_ios=$reads --output=/dev/null
done
dd if=/dev/hwrng of=/dev/null bs=64 count=10 status=none
ip netns exec vr0 ping -q -f -c 50 10.77.0.2 >/dev/null
sleep 1
kill -INT $tool
wait $tool
is "$kernel: vringtop ends well" $? 0
[[ -z $tracer ]] || bpftrace_stop $tracer

# hits FUNCTION DEVICE, summed over the queues
hits() {
	sed -n "s/^@\[$1, $2, [0-9]*\]: //p" "$work/bpftrace" | awk '{ sum += $1 } END { print sum + 0 }'
}
# counted DEVICE: add get kick_prepare notify, and the buffers
counted() {
	/usr/bin/python3 - "$work/json" "$1" <<-'PYTHON'
		import json, sys
		queues = [q for q in json.load(open(sys.argv[1]))["queues"] if q["device"] == "virtio" + sys.argv[2]]
		for op in "add", "get", "kick_prepare", "notify":
		    print(sum(q["ops"].get(op, {}).get("count", 0) for q in queues), end=" ")
		print(sum(q["buffers"] for q in queues))
	PYTHON
}
bytes() { fact "sum(q.get('bytes_$2', 0) for q in d['queues'] if q['device'] == 'virtio$1')"; }
fact() { /usr/bin/python3 -c "import json, sys; d = json.load(open('$work/json')); print($1)"; }

is "$kernel: attached to $way" "$(fact 'd["attached"]')" $way
is "$kernel: no operation was lost" "$(fact 'd["lost"]')" 0
not_there=$(fact '*d["not_available"]')
without_time=$(fact '*sorted({op for q in d["queues"] for op, o in q["ops"].items() if o["count"] and "mean_ns" not in o})')
if [[ $way == tracepoints ]]; then
	is "$kernel: every operation can be seen, and has its time" "$not_there$without_time" ''
else
	missing=''
	for op in vring_notification_data virtqueue_resize virtqueue_reset; do
		grep -q " $op\b" /proc/kallsyms || missing+=" ${op#*_}"
	done
	is "$kernel: what cannot be seen is named" "$not_there" "${missing# }"
	is "$kernel: and not shown as zero" \
		"$(fact '[q for q in d["queues"] if "bytes_out" in q or {*d["not_available"]} & {*q["ops"]}]')" '[]'
fi
for disk in vda vdb; do
	device=$(basename "$(readlink -f /sys/block/$disk/device)")
	device=${device#virtio}
	read -r add get kick notify buffers <<<"$(counted "$device")"
	if [[ -n $tracer ]]; then
		is "$kernel: $disk: add, as bpftrace counts" "$add" "$(hits virtqueue_add_sgs "$device")"
		is "$kernel: $disk: get" "$get" "$(hits virtqueue_get_buf "$device")"
		is "$kernel: $disk: kick_prepare" "$kick" "$(hits virtqueue_kick_prepare "$device")"
		is "$kernel: $disk: doorbells" "$notify" "$(hits vp_notify "$device")"
	fi
	is "$kernel: $disk: a buffer for each read" "$buffers" $reads
	# A read is a header of 16 bytes for the device, and 4 KiB and a status byte from it.
	is "$kernel: $disk: bytes that the device wrote" "$(bytes "$device" in)" $((reads * 4097))
	[[ $way == functions ]] || is "$kernel: $disk: bytes for the device" "$(bytes "$device" out)" $((reads * 16))
	echo "# $kernel $disk: add $add, get $get, kick_prepare $kick, doorbells $notify"
done
shown_bytes=$(fact '", ".join(w for w in ("out", "in") if any(q.get("bytes_" + w) for q in d["queues"]))')

# Each doorbell of the entropy device, where the kernel negotiates it, says where the ring is. (How many
# there are is for 80-device.t: the kernel takes entropy by itself, too, before either looks.)
data='[q["doorbell"]["notification_data"] for q in d["queues"] if "notification_data" in q.get("doorbell", {})]'
shown_data=no
if [[ -n $with_data ]]; then
	device=$(basename /sys/bus/virtio/drivers/virtio_rng/virtio*)
	doorbells=10 # at least: the reads
	[[ -z $tracer ]] || doorbells=$(hits "$with_data" "${device#virtio}")
	read -r number agree <<<"$(fact "*(n[k] for n in $data for k in ('count', 'agree'))")"
	is "$kernel: doorbells with notification data, and all of it is right" \
		"$((doorbells > 0)) $((number >= 10)) $agree" "1 1 $number"
	[[ $agree -eq 0 ]] || shown_data=yes
else
	is "$kernel: no notification data" "$(fact "$data")" '[]'
fi
like "$kernel: a table" "$(vringtop stat 1 2)" "$way +lost 0"
