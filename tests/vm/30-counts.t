#!/bin/bash
# What vringtop counts, against the kernel's own counts: histogram triggers on the same events,
# /sys/block/*/stat and /sys/class/net/*/statistics.
. "$(dirname "$0")/lib.sh"
in_guest 6.12

reads=2000 pings=500
events=/sys/kernel/tracing/events/virtio_ring
out=$(mktemp -d)

# field FILE DEVICE PATH...: a number out of `hist --json`, summed over the queues of a device
field() {
	/usr/bin/python3 - "$@" <<-'END'
		import json, sys
		total = 0
		for queue in json.load(open(sys.argv[1]))["queues"]:
		    if queue["device"] == sys.argv[2]:
		        for key in sys.argv[3:]:
		            queue = queue.get(key, {})
		        total += queue or 0
		print(total)
	END
}

# triggered EVENT DEVICE-NUMBER: how often the event's trigger saw the device
triggered() {
	awk -v device="$2" '
		match($0, /device: *[0-9]+/) {
			d = substr($0, RSTART, RLENGTH); sub(/.*: */, "", d)
			n = $0; sub(/.*hitcount: */, "", n); sub(/[^0-9].*/, "", n)
			if (d == device) sum += n
		}
		END { print sum + 0 }' "$events/virtqueue_$1/hist"
}

# disk_device SERIAL: virtio0
disk_device() {
	local serial
	for serial in /sys/block/vd*/serial; do
		[[ $(<"$serial") != "$1" ]] || basename "$(readlink -f "$(dirname "$serial")/device")"
	done
}

net_name() { # NAMESPACE
	ip -n "$1" -o link show up | sed -n 's/^[0-9]*: \(e[^:]*\):.*/\1/p'
}

# net_device NAMESPACE: the virtio device of its network interface
net_device() {
	basename "$(ip netns exec "$1" readlink -f "/sys/class/net/$(net_name "$1")/device")"
}

disk_reads() {
	local disk
	disk=$(basename "/sys/bus/virtio/devices/$1"/block/*)
	awk '{ print $1 }' "/sys/block/$disk/stat"
}

net_stat() {
	ip netns exec "$1" cat "/sys/class/net/$(net_name "$1")/statistics/$2"
}

split=$(disk_device split) packed=$(disk_device packed)
net0=$(net_device vr0) net1=$(net_device vr1)
ops='add get kick_prepare notify disable_cb enable_cb_prepare enable_cb_delayed poll more_used'

# The load is the only traffic: no ARP (and the guests' kernels have no IPv6).
mac() { ip netns exec "$1" cat "/sys/class/net/$(net_name "$1")/address"; }
ip -n vr0 neighbour replace 10.77.0.2 lladdr "$(mac vr1)" dev "$(net_name vr0)" nud permanent
ip -n vr1 neighbour replace 10.77.0.1 lladdr "$(mac vr0)" dev "$(net_name vr1)" nud permanent
sleep 1
vringtop hist --json >"$out/json" 2>"$out/err" &
tool=$!
wait_until 300 'vringtop counts' grep -q Counting "$out/err"
# A key for each CPU, see exact.sh.
for op in $ops; do echo 'hist:keys=common_cpu,device,queue' >"$events/virtqueue_$op/trigger"; done

declare -A before
for device in $split $packed; do before[$device]=$(disk_reads "$device"); done
for vr in vr0 vr1; do before[$vr]=$(net_stat $vr tx_packets) before[bytes-$vr]=$(net_stat $vr tx_bytes); done
for device in $split $packed; do
	disk=/dev/$(basename "/sys/bus/virtio/devices/$device"/block/*)
	# psync: one request at a time, so that the block layer has nothing to merge.
	ok "$reads reads of $disk" fio --name=reads --filename="$disk" --readonly --direct=1 \
		--rw=randread --norandommap --bs=4k --ioengine=psync --io_size=$((reads * 4))k \
		--output=/dev/null
done
ok "$pings pings between the network devices" ip netns exec vr0 ping -q -f -c $pings 10.77.0.2
sleep 1
kill -INT $tool
wait $tool
is 'hist ends well when it is interrupted' $? 0
ok 'its output is JSON' /usr/bin/python3 -m json.tool "$out/json"

for device in $split $packed $net0 $net1; do
	for op in $ops; do
		is "$device: as many '$op' as the trigger saw" \
			"$(field "$out/json" "$device" ops "$op" count)" "$(triggered "$op" "${device#virtio}")"
	done
done
for device in $split $packed; do
	is "$device: as many buffers as reads" "$(field "$out/json" "$device" buffers)" $reads
	is "$device: as many reads in /sys/block" $(($(disk_reads "$device") - before[$device])) $reads
	got=$(($(field "$out/json" "$device" ops get count) - $(field "$out/json" "$device" ops get refused)))
	is "$device: every buffer came back" "$got" $reads
	# A read is a header of 16 bytes out, 4 KiB and a status byte in.
	is "$device: bytes out" "$(field "$out/json" "$device" bytes_out)" $((reads * 16))
	is "$device: bytes in" "$(field "$out/json" "$device" bytes_in)" $((reads * 4097))
done
for vr in vr0 vr1; do
	device=$(net_device $vr)
	sent=$(($(net_stat $vr tx_packets) - before[$vr]))
	bytes=$(($(net_stat $vr tx_bytes) - before[bytes-$vr]))
	tx=$(/usr/bin/python3 -c '
import json, sys
for q in json.load(open(sys.argv[1]))["queues"]:
    if q["device"] == sys.argv[2] and q["name"].startswith("output"):
        print(q["buffers"], q["bytes_out"])' "$out/json" "$device")
	# Each packet has a header of 12 bytes before it (virtio 1.3, 5.1.6).
	is "$device: packets and bytes sent, as in /sys/class/net" "$tx" "$sent $((bytes + 12 * sent))"
done
is 'nothing is lost' "$(/usr/bin/python3 -c '
import json, sys
print(json.load(open(sys.argv[1]))["lost"])' "$out/json")" 0

# All at once, disks, network and entropy: interrupts come in the middle of events.
scripts/load.sh seconds 20 >/dev/null &
vringtop stat --json 1 15 >"$out/mixed"
wait $!
is 'nothing is lost under a mixed load either' "$(/usr/bin/python3 -c '
import json, sys
seconds = [json.loads(line) for line in open(sys.argv[1])]
print(len(seconds), sum(s["lost"] for s in seconds))' "$out/mixed")" '15 0'

layouts=$(/usr/bin/python3 -c '
import json, sys
for q in json.load(open(sys.argv[1]))["queues"]:
    print(q["device"], q["layout"])' "$out/json" | sort -u)
like 'the split disk is split' "$layouts" "$split split"
like 'the packed disk is packed' "$layouts" "$packed packed"
like 'the first network device is split' "$layouts" "$net0 split"
like 'the second network device is packed' "$layouts" "$net1 packed"

sum=$(/usr/bin/python3 -c '
import json, sys
# The doorbell of a request is not known if many were rung while the request was out.
bad = [(q["device"], name) for q in json.load(open(sys.argv[1]))["queues"] for name, o in q["ops"].items()
       if (o["count"] < sum(b[2] for b in o["buckets_ns"]) if name in ("queued", "doorbell")
           else o["count"] != sum(b[2] for b in o["buckets_ns"])) or
       "p50_ns" in o and not o["p50_ns"] <= o["p99_ns"] <= o["max_ns"]]
print(bad)' "$out/json")
is 'the buckets of each histogram add up, its quantiles ascend' "$sum" '[]'
done_testing
