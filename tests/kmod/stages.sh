#!/bin/bash
# In a guest: the exerciser's requests in each layout, and their stages as vringtop counts them.
#
# Usage: stages.sh MODULE ROUNDS LAYOUT...
# Prints a line for each layout: how many requests the exerciser got back, how many vringtop timed, the
# sum of their times, and the sum of all their stages (ns).
set -euo pipefail
. "$(dirname "$0")/../../scripts/common.sh"
. "$checkout/tests/vm/lib.sh"

module=$1 rounds=$2
shift 2
files=/sys/kernel/debug/vring_exerciser
insmod "$module"

# run ROUNDS LAYOUT: on two CPUs, each with its own queue
run() {
	echo "mode=round notify=1 queues=2 cpus=2 layout=$2 rounds=$1" >$files/run ||
		die "the run failed" "$(dmesg | grep vring_exerciser: | tail -n 1)"
}

for layout; do
	run 0 "$layout" # makes the queues
	vringtop hist --json -D vring_exerciser >/tmp/json 2>/tmp/errors &
	tool=$!
	wait_until 120 'vringtop counts' grep -q Counting /tmp/errors
	run $((rounds / 2)) "$layout"
	got=$(sed -nE 's/.* op=get calls=[0-9]+ yes=([0-9]+) .*/\1/p' $files/counts | awk '{ n += $1 } END { print n }')
	kill -INT $tool
	wait $tool
	/usr/bin/python3 - "$layout" "$got" <<-'END'
		import json, sys
		queues = [q["ops"] for q in json.load(open("/tmp/json"))["queues"] if "avail_to_used" in q["ops"]]
		stages = "queued", "doorbell", "device", "wakeup"
		print(*sys.argv[1:], sum(q["avail_to_used"]["count"] for q in queues),
		      sum(q["avail_to_used"]["sum_ns"] for q in queues),
		      sum(q.get(s, {}).get("sum_ns", 0) for q in queues for s in stages))
	END
done
