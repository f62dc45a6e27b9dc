#!/bin/bash
# What can go wrong around vringtop while it watches, with tracepoints and with functions: the guest
# goes on, the numbers are right, nothing stays behind.
. "$(dirname "$0")/lib.sh"
export TIMEOUT=${TIMEOUT:-1800}
# shellcheck disable=SC2086 # a list
in_guests ${FAULT_KERNELS:-6.12 6.12-stock}
rounds=${ROUNDS:-20} # starts and kills

# reads NUMBER: of /dev/vda, one after the other
reads() {
	dd if=/dev/vda of=/dev/null bs=4k count="$1" iflag=direct status=none
}

# watch: starts vringtop in the background and waits until it counts; sets tool
watch() {
	rm -f /tmp/messages
	vringtop hist --json -d vda >/tmp/json 2>/tmp/messages &
	tool=$!
	until grep -q Counting /tmp/messages; do
		kill -0 $tool 2>/dev/null || break
		sleep 0.1
	done
}

# saw NAME BUFFERS: ends it; it has seen just these buffers, and lost none
saw() {
	kill -INT $tool
	wait $tool
	is "$kernel: $1: status" $? 0
	is "$kernel: $1: buffers, and lost events" "$(/usr/bin/python3 -c '
import json
d = json.load(open("/tmp/json"))
print(sum(q["buffers"] for q in d["queues"]), d["lost"])')" "$2 0"
}

before=$(left)
dmesg -C

watch
(
	exec /usr/bin/python3 -c '
import resource, os
resource.setrlimit(resource.RLIMIT_NOFILE, (64, 64))
os.execvp("vringtop", ["vringtop", "hist", "--json", "-d", "vda", "1.5", "1"])'
) >/tmp/second &
second=$!
sleep 1
reads 50
wait $second
is "$kernel: a second one, with a limit of 64 open files: status" $? 0
saw 'the first of two at once' 50
is_as_before "$kernel: two at once: no program, map or link is left"

watch
bpftrace -e 'kprobe:virtqueue_add_sgs { @ = count(); }' >/tmp/bpftrace 2>&1 &
tracer=$!
until grep -q Attaching /tmp/bpftrace; do sleep 0.2; done
sleep 2
perf record -q -o /tmp/perf.data -e 'kprobes:*' -a -- sleep 0.1 >/dev/null 2>&1 # there may be none
reads 50
saw 'beside another tracer' 50
kill -INT $tracer
wait $tracer
is_as_before "$kernel: beside another tracer: no program, map or link is left"

if [[ -w /sys/devices/system/cpu/cpu1/online ]]; then
	watch
	for state in 0 1 0 1; do
		echo $state >/sys/devices/system/cpu/cpu1/online
		reads 25
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
assert 0 < d["seconds"] < 600, d["seconds"]
assert all(op.get("max", 0) < 60e9 for q in d["queues"] for op in q["ops"].values())'

jit=/proc/sys/net/core/bpf_jit_enable
if [[ -w $jit ]] && was=$(<$jit) && echo 0 >$jit 2>/dev/null && [[ $(<$jit) == 0 ]]; then
	watch
	reads 50
	saw 'without the JIT' 50
	echo "$was" >$jit
	is_as_before "$kernel: without the JIT: no program, map or link is left"
else
	skip 'this kernel always compiles programs' "$kernel: without the JIT"
fi

if grep -qw freeze /sys/power/state 2>/dev/null && [[ -w /sys/class/rtc/rtc0/wakealarm ]]; then
	watch
	reads 30
	echo +3 >/sys/class/rtc/rtc0/wakealarm
	echo freeze >/sys/power/state
	reads 30
	saw 'suspended to idle and back' 60
	is_as_before "$kernel: suspended to idle: no program, map or link is left"
else
	skip 'this kernel does not suspend' "$kernel: suspended to idle and back"
fi

# A limit on memory: the counters do not fit.
mkdir -p /tmp/cgroup
if mount -t cgroup2 none /tmp/cgroup 2>/dev/null && echo +memory >/tmp/cgroup/cgroup.subtree_control 2>/dev/null; then
	mkdir /tmp/cgroup/small
	echo 4M >/tmp/cgroup/small/memory.max
	err=$(bash -c 'echo $$ >/tmp/cgroup/small/cgroup.procs && exec vringtop stat 0.1 1' 2>&1 >/dev/null)
	like "$kernel: a limit on memory" "$err" 'no memory|^$'
	rmdir /tmp/cgroup/small
else
	skip 'no memory controller' "$kernel: a limit on memory"
fi
err=$(bash -c 'ulimit -v 12000; exec vringtop stat 0.1 1' 2>&1 >/dev/null)
like "$kernel: too little address space: a message, not a crash" "$err" 'cannot map|no memory|shared libraries|cannot '
is_as_before "$kernel: too little memory: no program, map or link is left"

# Ended at any moment, under load.
scripts/load.sh seconds 900 >/dev/null 2>&1 &
load=$!
scripts/load.sh moving 30
for ((i = 0; i < rounds; i++)); do
	vringtop stat --json 0.05 >/dev/null 2>&1 &
	tool=$!
	sleep 0.$((RANDOM % 10))$((RANDOM % 10))
	kill -KILL $tool
	wait $tool 2>/dev/null
done
ok "$kernel: the guest's disks still move after $rounds starts and kills" scripts/load.sh moving 30
kill $load
wait $load 2>/dev/null
is_as_before "$kernel: $rounds starts and kills: no program, map or link is left"
is "$kernel: the kernel has nothing to say" "$(complaints)" ''
done_testing
