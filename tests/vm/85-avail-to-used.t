#!/bin/bash
# How long the device has a buffer, from add to get: the entropy device (tests/device) holds each
# buffer for a given time. The same buffers are timed by vringtop, by the kernel's own events, by the
# device, and by the process that reads: so a slow or busy machine makes all of them longer.
. "$(dirname "$0")/lib.sh"

if [[ -z ${VRINGTOP_GUEST:-} ]]; then
	for layout in split packed; do
		RNG_OPTS='--notification-data --event-idx --indirect'
		[[ $layout == split ]] || RNG_OPTS+=' --packed'
		export RNG_OPTS
		run_in_guest 6.12 layout=$layout
		is "$layout: the guest says nothing else" "$(sed 1d <<<"$vm_err")" ''
	done
	done_testing
fi
device=$(cd /sys/bus/virtio/drivers/virtio_rng && echo virtio*)
device_open
cd /sys/kernel/tracing || exit 1
echo mono >trace_clock
echo 8192 >buffer_size_kb
echo "device == ${device#virtio}" >events/virtio_ring/filter
echo 1 >events/virtio_ring/virtqueue_add/enable
echo 1 >events/virtio_ring/virtqueue_get/enable

# Reads what the tool and the kernel's events say of the same buffers. Prints two lines: count, sum,
# maximum and median of the tool (the median of the intervals' medians); count, sum and median of the
# events. Times are in ns.
read_times='
import json, re, statistics
ops = [q["ops"]["avail_to_used"] for line in open("/tmp/json") for q in json.loads(line)["queues"]
       if q["ops"].get("avail_to_used", {}).get("count")]
print(sum(o["count"] for o in ops), sum(o["sum_ns"] for o in ops), max(o["max_ns"] for o in ops),
      round(statistics.median(o["p50_ns"] for o in ops for n in range(o["count"]))))
times, added = [], None
for line in open("/tmp/trace"):
    event = re.search(r"(\d+)\.(\d{6}): virtqueue_(add|get): (.*)", line)
    if not event:
        continue
    at = int(event[1]) * 1000000 + int(event[2])
    if event[3] == "add":
        added = at
    elif added is not None and not re.search(r" data=(0+|\(null\)) ", event[4]):
        times.append((at - added) * 1000)
        added = None
print(len(times), sum(times), round(statistics.median(times)))'

device_is_done() {
	(($(device_says in_hand) == 0))
}

# measure HOLD READS: the device holds each buffer for so many ms, and a process reads so often; one
# buffer is out at a time. Sets count, sum, max and p50 (the tool), traced, traced_sum and traced_p50
# (the events), held (the device: the shortest), read_ns (the process: all its reads) and others (adds
# that the process did not make: the kernel itself reads every few seconds).
measure() {
	local began tool reader
	ask_device "hold $1ms"
	rm -f /tmp/json
	echo >trace
	echo 1 >tracing_on
	vringtop stat --json -u -d "$device" 0.2 >/tmp/json &
	tool=$!
	wait_until 300 'vringtop stat prints' test -s /tmp/json
	began=$(date +%s%N)
	dd if=/dev/hwrng of=/dev/null bs=64 count="$2" iflag=fullblock 2>/dev/null &
	reader=$!
	wait $reader
	read_ns=$(($(date +%s%N) - began))
	wait_until 300 'the device has used all buffers' device_is_done
	sleep 0.5 # the last interrupt, and the interval that has it
	kill -INT $tool
	wait $tool
	echo 0 >tracing_on
	cp trace /tmp/trace
	held=$(device_says held_ns_min)
	{
		read -r count sum max p50
		read -r traced traced_sum traced_p50
	} < <(/usr/bin/python3 -c "$read_times")
	# By its number: the trace does not always know the name of a process.
	others=$(grep virtqueue_add: /tmp/trace | grep -vcE -- "-$reader +\[")
}

# near A B PERCENT
near() {
	(($1 * 100 >= $2 * (100 - $3) && $1 * 100 <= $2 * (100 + $3)))
}
us() { # NS
	printf '%d us' $(($1 / 1000))
}

for hold in 2 20; do
	reads=$((hold == 2 ? 300 : 60))
	# Once more if anyone else read, or if the machine stopped between the event's time and the tool's.
	for _ in {1..8}; do
		measure $hold $reads
		((others == 0 && count == traced)) && near $((sum / count)) $((traced_sum / traced)) 3 &&
			near "$p50" "$traced_p50" 10 && break
	done
	is "$layout, held for $hold ms: as many buffers as the events have" "$count" "$traced"
	ok "$layout, held for $hold ms: their mean, $(us $((sum / count))), is that of the events, $(
		us $((traced_sum / traced)))" near $((sum / count)) $((traced_sum / traced)) 3
	# The tool's is the middle of a bucket, which may be 6 % away.
	ok "$layout, held for $hold ms: their p50, $(us "$p50"), is that of the events, $(us "$traced_p50")" \
		near "$p50" "$traced_p50" 10
	ok "$layout, held for $hold ms: the device held each for $(us "$held") or longer" \
		test "$held" -ge $((hold * 1000000))
	# The guest's clock runs by its own measurement of the machine's.
	ok "$layout, held for $hold ms: the tool shows no less than the device" \
		test $((sum * 100)) -ge $((count * held * 98))
	# The last buffer is not awaited by a read.
	ok "$layout, held for $hold ms: all but the last are over within the reads, $(us "$read_ns")" \
		test $((sum - max)) -le "$read_ns"
done
done_testing
