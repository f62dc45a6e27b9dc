#!/bin/bash
# Attaching and detaching again and again, idle and under load: nothing stays behind. ROUNDS=100 for
# more of it.
. "$(dirname "$0")/lib.sh"
in_guest 6.12

rounds=${ROUNDS:-30}

before=$(left)
dmesg -C
failed=0
for _ in {1..10}; do vringtop stat --json 0.02 1 >/dev/null || failed=$((failed + 1)); done
is 'attached and detached 10 times, idle' $failed 0
is_as_before 'no program, map or link is left'

# The kernel's run-time statistics make each program dearer. Where no event comes they end after 10 s, not
# with the interval (60 s is the longest one). The kernel names the file that keeps them on.
measuring() { [[ $(readlink "/proc/$(pgrep -x vringtop)/fd"/*) == *bpf-stats* ]]; }
not_measuring() { ! measuring; }
terminal 100 30 'vringtop top 60 -o resize'
succeeds_within 300 measuring
is 'top 60: the cost is being measured' $? 0
succeeds_within 300 not_measuring
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
scripts/load.sh moving 300 || exit 1
failed=0 moved=0
# both_moved: an interval has operations of split and of packed queues. The last line may be written only in part.
both_moved() {
	grep '}$' /tmp/json | jq -es 'any(.[].layouts; .split.operations > 0 and .packed.operations > 0)'
}
for ((i = 0; i < rounds; i++)); do
	vringtop stat --json 0.08 >/tmp/json &
	tool=$!
	! succeeds_within 120 both_moved || moved=$((moved + 1))
	kill -INT $tool
	wait $tool || failed=$((failed + 1))
done
is "attached and detached $rounds times under load" $failed 0
is 'split and packed queues moved each time' "$moved" "$rounds"

for signal in INT TERM HUP KILL; do
	rm -f /tmp/json
	vringtop stat --json 0.1 >/tmp/json &
	tool=$!
	wait_until 300 'vringtop stat prints' test -s /tmp/json
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
