#!/bin/bash
# What can go wrong around vringtop while it watches: the guest goes on, the numbers are right,
# nothing stays behind.
# Environment: FAULT_KERNELS   6.12-stock, where it attaches to functions; 6.12 has tracepoints
#              ROUNDS          starts and kills (8)
. "$(dirname "$0")/lib.sh"
. "$repo/tests/vm/exact.sh"
# shellcheck disable=SC2086 # a list
in_guests ${FAULT_KERNELS:-6.12-stock}
rounds=${ROUNDS:-8} # starts and kills

before=$(left)
dmesg -C

watch
first=$tool
mv /tmp/json /tmp/first
watch prlimit --nofile=64:64
reads 50
saw 'a second one, with a limit of 64 open files' 50
mv /tmp/first /tmp/json
tool=$first
saw 'the first of two at once' 50
is_as_before "$kernel: two at once: no program, map or link is left"

# Others on the same event, or function: each sees all, and so does vringtop.
watch
event=virtio_ring:virtqueue_add
if [[ ! -d /sys/kernel/tracing/events/${event/://} ]]; then
	event=vringtop:add
	echo "p:${event/://} virtqueue_add_sgs" >/sys/kernel/tracing/kprobe_events
fi
# It prints only after it has attached all.
bpftrace -e 'kprobe:virtqueue_add_sgs { @ = count(); }
	interval:ms:10 /!@ready/ { @ready = 1; printf("ready\n"); }' >/tmp/bpftrace 2>&1 &
tracer=$!
wait_until 300 'bpftrace has attached' grep -q ready /tmp/bpftrace
perf stat -x, -e $event -a -o /tmp/perf -- dd if=/dev/vda of=/dev/null bs=4k count=50 iflag=direct status=none
saw 'beside bpftrace and perf' 50
bpftrace_stop $tracer
ok "$kernel: beside vringtop: perf saw them all" test "$(sed -n "s/,.*$event.*//p" /tmp/perf)" -ge 50
ok "$kernel: beside vringtop: bpftrace saw them all" test "$(sed -n 's/^@: //p' /tmp/bpftrace)" -ge 50
[[ $event == virtio_ring* ]] || echo >/sys/kernel/tracing/kprobe_events
is_as_before "$kernel: beside another tracer: no program, map or link is left"

if [[ -w /sys/devices/system/cpu/cpu1/online ]]; then
	watch
	for state in 0 1 0 1; do
		echo $state >/sys/devices/system/cpu/cpu1/online
		taskset -c $state dd if=/dev/vda of=/dev/null bs=4k count=25 iflag=direct status=none
	done
	saw 'CPUs come and go' 100
	is_as_before "$kernel: CPUs come and go: no program, map or link is left"
else
	skip 'no CPU can be taken off' "$kernel: CPUs come and go"
fi

watch
now=$(date +%s)
date -s @$((now + 86400)) >/dev/null
reads 20
date -s @"$now" >/dev/null
reads 20
saw 'the clock is set forth and back' 40
ok "$kernel: the times are those of before" /usr/bin/python3 -c '
import json
d = json.load(open("/tmp/json"))
assert 0 < d["interval_ns"] < 600e9, d["interval_ns"]
assert all(op.get("max_ns", 0) < 60e9 for q in d["queues"] for op in q["ops"].values())'

# Stopped for a while (as the machine may be): one long interval, and no burst of short ones after it.
rm -f /tmp/json
tool_start /tmp/json 0.4 -d vda
kill -STOP $tool
reads 30
sleep 6
kill -CONT $tool
reads 10
tool_stop
is "$kernel: stopped and continued: status" $? 0
is "$kernel: stopped and continued: buffers, long intervals, a burst of short ones" "$(/usr/bin/python3 -c '
import json
all = [json.loads(line) for line in open("/tmp/json")]
short = [i["interval_ns"] < 0.2e9 for i in all[:-1]]
print(sum(q["buffers"] for i in all for q in i["queues"]), sum(i["interval_ns"] > 6e9 for i in all),
      any(all_short == (True, True, True) for all_short in zip(short, short[1:], short[2:])))')" '40 1 False'

# Killed at any moment, whatever it does, while data is written, read back and compared, and two
# network devices talk. A request that takes a minute is an error, too.
fio --rw=randwrite --bs=4k --size=8M --direct=1 --ioengine=io_uring --iodepth=4 --rate_iops=50 \
	--verify=crc32c --verify_backlog=64 --verify_fatal=1 --verify_state_save=0 --max_latency=60s \
	--time_based --runtime=100000 --output=/tmp/fio --name=vda --filename=/dev/vda --name=vdb \
	--filename=/dev/vdb &
load=$!
ip netns exec vr0 ping -i 0.05 10.77.0.2 >/tmp/ping &
ping=$!
ok "$kernel: the load runs" scripts/load.sh moving 300
terminal 80 24 'tty >/tmp/tty; sleep 100000'
wait_until 300 'there is a terminal' test -s /tmp/tty
export TERM=screen
start() { # VERB OPTION...
	rm -f /tmp/out
	if [[ $1 == top ]]; then
		vringtop "$@" <>"$(</tmp/tty)" >&0 2>/tmp/out &
	else
		vringtop "$@" >/tmp/out 2>/dev/null &
	fi
	tool=$!
}
# confined PID: it has given up its capabilities, as it does between its start and its loop
confined() {
	local field value
	while read -r field value; do
		[[ $field != CapEff: ]] || { [[ $value =~ ^0+$ ]]; return; }
	done 2>/dev/null <"/proc/$1/status"
	return 1
}
# So long (ms) it takes until it has something to show.
for _ in 1 2; do # once before, to have all in memory
	began=${EPOCHREALTIME/[.,]/}
	start stat --json 0.05
	wait_until 300 'vringtop stat prints' test -s /tmp/out
	takes=$(((${EPOCHREALTIME/[.,]/} - began) / 1000))
	kill -KILL $tool
	wait $tool 2>/dev/null
done
verbs=('stat --json 0.05' 'top 0.1' 'stat -u 0.05' queues 'hist -Q 0.05' doctor)
starting=0 running=0 ended=0
for ((i = 0; i < rounds; i++)); do
	read -r -a verb <<<"${verbs[i % ${#verbs[@]}]}"
	start "${verb[@]}"
	moment=$(printf '%04d' $((RANDOM % (takes * 3 / 2))))
	# One of each kind for sure.
	[[ $i -ne 0 ]] || moment=0010
	[[ $i -ne 1 ]] || counts_or_ends $tool confined $tool
	sleep "${moment%???}.${moment: -3}"
	confined $tool
	in_loop=$?
	kill -KILL $tool 2>/dev/null
	wait $tool 2>/dev/null
	if [[ $? -ne 137 ]]; then
		ended=$((ended + 1))
	elif [[ $in_loop -eq 0 ]]; then
		running=$((running + 1))
	else
		starting=$((starting + 1))
	fi
done
terminal_close
echo "# $kernel: $rounds kills within $((takes * 3 / 2)) ms: $starting while it started, $running while it ran, $ended after its end"
ok "$kernel: $rounds kills: at moments of all kinds" test $starting -gt 0 -a $running -gt 0
is_as_before "$kernel: $rounds kills: no program, map or link is left"
ok "$kernel: $rounds kills: the disks still move" scripts/load.sh moving 300
ok "$kernel: $rounds kills: no request failed, took long, or brought other data back" kill -INT $load
wait $load
is "$kernel: $rounds kills: nothing that the load complains of" "$(grep -iE 'err= *[1-9]|verify:|latency of' /tmp/fio)" ''
kill -INT $ping
wait $ping
# The signal may come while the answer to the last packet is on its way: that one may be missing.
lost=$(awk -F icmp_seq= '
	/icmp_seq=/ { n = $2 + 0; answered[n] = 1; if (n > last) last = n }
	/packets transmitted/ { sent = $1 + 0 }
	END {
		for (n = 1; n <= last; n++) if (!(n in answered)) missing++
		print (last > 100), missing + 0, (sent - last <= 1)
	}' /tmp/ping)
is "$kernel: $rounds kills: no packet was lost" "$lost" '1 0 1'
is "$kernel: the kernel has nothing to say" "$(complaints)" ''
done_testing
