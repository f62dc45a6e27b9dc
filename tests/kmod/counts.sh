#!/bin/bash
# In a guest with a patched kernel: compares the exerciser's counts with those of tracefs triggers.
#
# Usage: counts.sh MODULE [WORD=VALUE...]    (words for the exerciser's `run`)
# Prints a line for each operation and layout, with both counts summed over the queues, and ends with
# status 1 if any count of any queue differs.
set -euo pipefail
. "$(dirname "$0")/../../scripts/common.sh"

[[ $# -ge 1 ]] || die "a module is needed" "usage: counts.sh MODULE [WORD=VALUE...]"
module=$1
shift
files=/sys/kernel/debug/vring_exerciser
events=/sys/kernel/tracing/events/virtio_ring
[[ -d $events ]] || die "this kernel has no virtio_ring events" "boot one with the whole patch series"

hist='hist:keys=device,queue:size=4096'
work=$(mktemp -d)
cleanup() {
	for event in "$events"/*/; do echo "!$hist" >"$event/trigger" 2>/dev/null || true; done
	rmmod vring_exerciser 2>/dev/null || true
	rm -rf "$work"
}
trap cleanup EXIT

insmod "$module"
for event in "$events"/*/; do echo "$hist" >"$event/trigger"; done
echo "$*" >"$files/run" || die "the run failed: $*" "$(dmesg | grep vring_exerciser: | tail -n 1)"

for event in "$events"/*/; do
	op=$(basename "$event")
	sed -n "s/^{ device: *\([0-9]*\), queue: *\([0-9]*\) *} hitcount: *\([0-9]*\).*/virtio\1 \2 ${op#virtqueue_} \3/p" \
		"$event/hist"
done >"$work/events"

# device queue operation layout calls
sed 's/device=\([^ ]*\) queue=\([^ ]*\) layout=\([^ ]*\) op=\([^ ]*\) calls=\([^ ]*\) .*/\1 \2 \4 \3 \5/' \
	"$files/counts" >"$work/calls"

awk '
	NR == FNR { events[$1, $2, $3] = $4; next }
	{
		key = $3 " " $4
		if (!(key in calls)) keys[++n] = key
		calls[key] += $5
		seen[key] += events[$1, $2, $3]
		if ($5 != events[$1, $2, $3] + 0) {
			printf "%s queue %s, %s: %d calls, %d events\n", $1, $2, $3, $5, events[$1, $2, $3]
			wrong++
		}
	}
	END {
		for (i = 1; i <= n; i++) {
			split(keys[i], part, " ")
			printf "%-20s %-16s %10d calls %10d events\n", part[1], part[2], calls[keys[i]], seen[keys[i]]
			total += calls[keys[i]]
		}
		printf "%d calls in all, on %d CPUs; %d counts differ\n", total, cpus, wrong
		exit wrong > 0 || !total
	}' cpus="$(wc -l <"$files/time")" "$work/events" "$work/calls"
