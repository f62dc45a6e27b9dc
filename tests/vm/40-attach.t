#!/bin/bash
# Attaching and detaching again and again, idle and under load: nothing stays behind. ROUNDS=100 for
# more of it.
. "$(dirname "$0")/lib.sh"
export TIMEOUT=${TIMEOUT:-900}
in_guest 6.12

rounds=${ROUNDS:-30}

before=$(left)
dmesg -C
failed=0
for _ in {1..10}; do vringtop stat --json 0.02 1 >/dev/null || failed=$((failed + 1)); done
is 'attached and detached 10 times, idle' $failed 0
is_as_before 'no program, map or link is left'

# The kernel's run-time statistics make each program dearer. Where no event comes they end after 10 s, not
# with the interval. The kernel names the file that keeps them on.
measuring() { [[ $(readlink "/proc/$(pgrep -x vringtop)/fd"/*) == *bpf-stats* ]]; }
not_measuring() { ! measuring; }
terminal 100 30 'vringtop top 60 -o resize'
succeeds_within 60 measuring
is 'top 60: the cost is being measured' $? 0
succeeds_within 30 not_measuring
is 'top 60: and no more, long before the interval ends' $? 0
ok 'top 60: it still runs' pgrep -x vringtop
terminal_keys q
terminal_close
is_as_before 'no program, map or link is left'

# A steady load on a split and a packed disk, that leaves the tool some CPU to attach with.
fio --rw=randrw --bs=4k --direct=1 --ioengine=io_uring --iodepth=4 --thinktime=50ms \
	--thinktime_blocks=16 --time_based --runtime=1800 --output=/dev/null \
	--name=vda --filename=/dev/vda --name=vdb --filename=/dev/vdb &
load=$!
scripts/load.sh moving 60 || exit 1
failed=0
for ((i = 0; i < rounds; i++)); do
	vringtop stat --json 0.08 1 || failed=$((failed + 1))
done >/tmp/json
is "attached and detached $rounds times under load" $failed 0
# A guest on a busy machine may stand still for the whole interval now and then.
read -r whole moved <<<"$(/usr/bin/python3 -c '
import json
lines = [json.loads(line)["layouts"] for line in open("/tmp/json")]
print(len(lines), sum(bool(l["split"]["operations"] and l["packed"]["operations"]) for l in lines))')"
is 'each round printed its interval' "$whole" "$rounds"
ok "split and packed queues moved in nearly each of them ($moved)" test "$moved" -ge $((rounds - 5))

for signal in INT TERM HUP KILL; do
	rm -f /tmp/json
	vringtop stat --json 0.1 >/tmp/json &
	tool=$!
	for _ in {1..100}; do [[ ! -s /tmp/json ]] || break; sleep 0.1; done
	kill -$signal $tool
	wait $tool
	status=$?
	if [[ $signal == KILL ]]; then is "killed" $status 137; else is "ends on SIG$signal" $status 0; fi
done
kill $load
wait $load 2>/dev/null
is_as_before 'no program, map or link is left'
is 'the kernel has nothing to say' "$(complaints)" ''
done_testing
