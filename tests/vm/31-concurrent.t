#!/bin/bash
# Calls of one function for one queue on several CPUs at once, and in an interrupt of itself: a network
# driver calls disable_cb and poll without its queue's lock. On a kernel without the tracepoints each
# call is counted once (the truth: kprobes, their hits and misses), no time is impossible, and
# recordings can be read.
# The guest has a thread for each of its CPUs: with one for all, nothing happens at once.
#
# Environment: KERNELS   to try (6.12-stock)
#              ROUNDS    pings from each of four CPUs (4000; 60000 make a million calls of each function)
. "$(dirname "$0")/lib.sh"
export ACCEL=tcg,thread=multi CPUS=4 TIMEOUT=$((TIMEOUT + ${ROUNDS:-4000} / 50))
# shellcheck disable=SC2086 # a list
in_guests ${KERNELS:-6.12-stock}

out=$(mktemp -d)
# Operations of network queues alone, as long as the disks rest; each has one function here.
ops='disable_cb poll enable_cb_delayed'
tracing=/sys/kernel/tracing
pings=${ROUNDS:-4000}

net_name() { # NAMESPACE
	ip -n "$1" -o link show up | sed -n 's/^[0-9]*: \(e[^:]*\):.*/\1/p'
}
mac() { ip netns exec "$1" cat "/sys/class/net/$(net_name "$1")/address"; }
ip -n vr0 neighbour replace 10.77.0.2 lladdr "$(mac vr1)" dev "$(net_name vr0)" nud permanent
ip -n vr1 neighbour replace 10.77.0.1 lladdr "$(mac vr0)" dev "$(net_name vr1)" nud permanent

vringtop record -i 1 -o "$out/recording.vt" 2>"$out/record" &
recorder=$!
wait_until 300 'vringtop records' test -s "$out/record"
vringtop hist --json -o "${ops// /,}" >"$out/json" 2>"$out/err" &
tool=$!
wait_until 300 'vringtop counts' grep -q Counting "$out/err"
for op in $ops; do
	echo "p:$op virtqueue_$op" >>$tracing/kprobe_events
	echo 1 >"$tracing/events/kprobes/$op/enable"
done
begin=$(cut -d ' ' -f 1 /proc/uptime)
# Both sides send on each CPU.
pids=()
for cpu in 0 1 2 3; do
	from=vr$((cpu % 2)) to=10.77.0.$((2 - cpu % 2))
	taskset -c $cpu ip netns exec $from ping -q -f -c "$pings" $to >/dev/null &
	pids+=($!)
done
wait "${pids[@]}"
is "$kernel: pings from four CPUs at once" $? 0
sleep 1
kill -INT $tool
wait $tool
is "$kernel: hist ends well" $? 0
end=$(cut -d ' ' -f 1 /proc/uptime)
kill -INT $recorder
wait $recorder
is "$kernel: record ends well" $? 0

read -r counted lost untimed largest wrong <<<"$(/usr/bin/python3 - "$out/json" <<'PYTHON'
import json, sys
d = json.load(open(sys.argv[1]))
ops = [o for q in d["queues"] for o in q["ops"].values() if o["count"]]
timed = [sum(b[2] for b in o.get("buckets_ns", [])) for o in ops]
largest = max(o.get("max_ns") or 0 for o in ops)
# A mean above the largest, or a bucket above it.
wrong = sum(1 for o in ops if o.get("buckets_ns") and
            (o["mean_ns"] > o["max_ns"] or max(b[0] for b in o["buckets_ns"] if b[2]) > o["max_ns"]))
count = sum(o["count"] for o in ops)
print(count, d["lost"], count - sum(timed), largest, wrong)
PYTHON
)"
calls=$(awk '{ sum += $2 + $3 } END { print sum }' $tracing/kprobe_profile)
awk -v k="$kernel" '{ print "# " k ": " $1 ": " $2 + $3 " calls" }' $tracing/kprobe_profile
echo "# $kernel: $calls calls: $counted counted, $untimed of them without a time; $lost lost; the longest took $largest ns"
is "$kernel: every call is counted, or said to be lost" $((counted + lost)) "$calls"
ok "$kernel: few are lost: at most 1 in 500" test $((lost * 500)) -le "$calls"
ok "$kernel: few have no time: at most 1 in 500" test $((untimed * 500)) -le "$calls"
ok "$kernel: the longest is not longer than the test" \
	awk -v ns="$largest" -v s="$begin $end" 'BEGIN { split(s, t, " "); exit !(ns > 0 && ns < (t[2] - t[1]) * 1e9) }'
is "$kernel: and no mean, and no bucket, above it" "$wrong" 0
ok "$kernel: the recording can be read" vringtop report "$out/recording.vt"

# Three CPUs read the devices' uevent files while vringtop starts: all meet the same queues at once.
readers=()
for cpu in 1 2 3; do
	# shellcheck disable=SC2016 # its own
	taskset -c $cpu bash -c 'while :; do
		for file in /sys/bus/virtio/devices/*/uevent; do read -r _ <"$file"; done
	done' &
	readers+=($!)
done
twice=''
for _ in {1..5}; do
	twice+=$(vringtop queues --json | /usr/bin/python3 -c '
import collections, json, sys
number = collections.Counter((q["device"], q["index"]) for q in json.load(sys.stdin))
print(*("%s:%d" % queue for queue, n in number.items() if n > 1), "" if number else "none at all")')
done
kill "${readers[@]}"
wait "${readers[@]}" 2>/dev/null
is "$kernel: each queue is there once, though CPUs meet it at once" "$(xargs <<<"$twice")" ''
done_testing
