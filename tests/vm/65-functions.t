#!/bin/bash
# Kernels without the tracepoints: vringtop attaches to the functions. The counts of a fixed load on
# two disks equal those of a bpftrace script that counts the same functions at the same time.
. "$(dirname "$0")/lib.sh"
# shellcheck disable=SC2086 # a list
in_guests ${FUNCTION_KERNELS:-6.12-stock 7.3-stock debian-6.1 debian-6.12}

reads=2000
work=$(mktemp -d)

# The truth: hits of the functions that the disk driver calls, for each device and queue.
cat >"$work/count.bt" <<-'END'
	kprobe:virtqueue_add_sgs, kprobe:virtqueue_get_buf, kprobe:virtqueue_kick_prepare, kprobe:vp_notify
	{
		$vq = (struct virtqueue *)arg0;
		@[func, $vq->vdev->index, $vq->index] = count();
	}
END
bpftrace "$work/count.bt" >"$work/bpftrace" 2>"$work/errors" &
tracer=$!
vringtop hist --json >"$work/json" 2>"$work/messages" &
tool=$!
until grep -q Attaching "$work/bpftrace" && grep -q Counting "$work/messages"; do
	kill -0 $tracer || break
	kill -0 $tool || break
	sleep 0.2
done
sleep 3 # bpftrace says it before it has done it
# One read at a time: bpftrace drops a probe that interrupts another one on its CPU.
for disk in vda vdb; do
	ok "$kernel: $reads reads of $disk" fio --name=reads --filename=/dev/$disk --readonly --direct=1 \
		--rw=randread --bs=4k --ioengine=psync --number_ios=$reads --output=/dev/null
done
sleep 1
kill -INT $tool
wait $tool
is "$kernel: vringtop ends well" $? 0
kill -INT $tracer
wait $tracer

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
fact() { /usr/bin/python3 -c "import json, sys; d = json.load(open('$work/json')); print($1)"; }

is "$kernel: attached to functions" "$(fact 'd["attached"]')" functions
is "$kernel: no operation was lost" "$(fact 'd["lost"]')" 0
like "$kernel: what cannot be seen is named" "$(fact '*d["not_available"]')" 'init_last_used.* free'
is "$kernel: and not shown as zero" "$(fact '[q for q in d["queues"] if "bytes_out" in q or "free" in q["ops"]]')" '[]'
for disk in vda vdb; do
	device=$(basename "$(readlink -f /sys/block/$disk/device)")
	device=${device#virtio}
	read -r add get kick notify buffers <<<"$(counted "$device")"
	is "$kernel: $disk: add, as bpftrace counts" "$add" "$(hits virtqueue_add_sgs "$device")"
	is "$kernel: $disk: get" "$get" "$(hits virtqueue_get_buf "$device")"
	is "$kernel: $disk: kick_prepare" "$kick" "$(hits virtqueue_kick_prepare "$device")"
	is "$kernel: $disk: doorbells" "$notify" "$(hits vp_notify "$device")"
	is "$kernel: $disk: a buffer for each read" "$buffers" $reads
	echo "# $kernel $disk: add $add, get $get, kick_prepare $kick, doorbells $notify"
done
like "$kernel: a table" "$(vringtop stat 1 2)" 'functions +lost 0'
is "$kernel: the layout of each disk" "$(vringtop queues | awk '$2 ~ /^vd/ && $3 == "virtio_blk" { print $2, $7 }' | sort -u)" \
	$'vda split\nvdb packed'
done_testing
