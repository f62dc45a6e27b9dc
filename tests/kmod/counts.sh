#!/bin/bash
# In a guest with a patched kernel: compares the exerciser's counts with those of tracefs triggers and
# of vringtop, both of which run before the exerciser makes its queues, and until they are deleted.
#
# Usage: counts.sh MODULE [WORD=VALUE...]    (words for the exerciser's `run`)
# Prints a line for each layout and operation: layout, operation, calls, how many of them the run made
# in process context and how many in interrupts, and what the triggers and vringtop counted. These are
# sums over the queues; it ends with status 1 if any count of any queue differs, or vringtop lost one.
set -euo pipefail
. "$(dirname "$0")/../../scripts/common.sh"
. "$checkout/tests/vm/exact.sh"

[[ $# -ge 1 ]] || die "a module is needed" "usage: counts.sh MODULE [WORD=VALUE...]"
module=$1
shift
files=/sys/kernel/debug/vring_exerciser
driver=/sys/bus/virtio/drivers/vring_exerciser
[[ -d $virtio_ring ]] || die "this kernel has no virtio_ring events" "boot one with the whole patch series"
command -v vringtop >/dev/null || die "vringtop is not on the PATH" "run this by: make vm CMD=..."

work=$(mktemp -d)
tool=''
cleanup() {
	[[ -z $tool ]] || kill "$tool" 2>/dev/null || true
	triggers_off 2>/dev/null || true
	rmmod vring_exerciser 2>/dev/null || true
	rm -rf "$work"
}
trap cleanup EXIT

insmod "$module"
triggers_on
tool_start "$work/json" 0.5
echo "$*" >"$files/run" || die "the run failed: $*" "$(dmesg | grep vring_exerciser: | tail -n 1)"
# Deleting the queues calls operations, too.
for device in "$driver"/virtio*; do echo "${device##*/}" >"$driver/unbind"; done
tool_stop
tool=''

trigger_sums >"$work/events" || die "a trigger dropped events: it had no room for all queues"
tool_sums >"$work/tool"
# device queue layout operation calls process irq
sed 's/device=\([^ ]*\) queue=\([^ ]*\) layout=\([^ ]*\) op=\([^ ]*\) calls=\([^ ]*\) .* process=\([^ ]*\) irq=\([^ ]*\) .*/\1 \2 \3 \4 \5 \6 \7/' \
	"$files/counts" >"$work/calls"

awk '
	FILENAME ~ /events$/ { events[$1, $2, $3, $4] = $5; next }
	FILENAME ~ /tool$/ && $1 == "lost" { lost = $2; next }
	FILENAME ~ /tool$/ { tool[$1, $2, $3, $4] = $5; next }
	{
		key = $3 " " $4
		if (!(key in calls)) keys[++n] = key
		e = events[$1, $2, $3, $4] + 0
		t = tool[$1, $2, $3, $4] + 0
		calls[key] += $5
		process[key] += $6
		irq[key] += $7
		seen[key] += e
		shown[key] += t
		if ($5 != e || $5 != t) {
			printf "differs: %s queue %s, %s: %d calls, %d events, vringtop %d\n", $1, $2, $4, $5, e, t
			wrong++
		}
	}
	END {
		for (i = 1; i <= n; i++) {
			split(keys[i], part, " ")
			printf "%-15s %-17s %8d %8d %8d %8d %8d\n", part[1], part[2], calls[keys[i]],
				process[keys[i]], irq[keys[i]], seen[keys[i]], shown[keys[i]]
			total += calls[keys[i]]
		}
		printf "%d calls in all, on %d CPUs; %d counts differ; vringtop lost %d\n", total, cpus, wrong, lost
		exit wrong > 0 || lost > 0 || !total
	}' cpus="$(wc -l <"$files/time")" "$work/events" "$work/tool" "$work/calls"
