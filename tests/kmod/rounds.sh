#!/bin/bash
# In a guest that cost.sh has started: the instructions of rounds, and what those who watch counted.
# Usage, environment and output: cost.sh
set -euo pipefail
. "$(dirname "$0")/../../scripts/common.sh"
. "$checkout/tests/vm/exact.sh"
. "$checkout/tests/bench/watchers.sh"

files=/sys/kernel/debug/vring_exerciser
cpus=$(nproc)
work=$(mktemp -d)
insmod "$MODULES/vring_exerciser.ko"

run() {
	echo "$*" >$files/run || die "the run failed: $*" "$(dmesg | grep vring_exerciser: | tail -n 1)"
}

# calls: a line for each of the round's operations on each queue of the last run, as watcher_counted's
calls() {
	sed -nE 's/^device=(\S+) queue=(\S+) layout=(\S+) op=(add|get|kick_prepare|notify) calls=([0-9]+) .*/\1 \2 \3 \4 \5/p' $files/counts |
		awk '$5'
}

# one_run WORDS ROUNDS: prints the instructions of a round
one_run() {
	local start first second
	if ((cpus == 1)); then
		run "$1 rounds=$2"
		calls >>"$work/calls"
		sed -E 's/.* cycles_per_round=//' $files/time
		return
	fi
	# Each CPU's counter goes on while another one runs, and QEMU lets them take turns where it likes. So
	# all of it counts, less what is the same in a shorter run.
	start=${EPOCHREALTIME/./}
	run "$1 rounds=$2"
	first=$((${EPOCHREALTIME/./} - start))
	calls >>"$work/calls"
	start=${EPOCHREALTIME/./}
	run "$1 rounds=$(($2 * 3))"
	second=$((${EPOCHREALTIME/./} - start))
	calls >>"$work/calls"
	sed -E 's/.* rounds=([0-9]+) ns=([0-9]+) cycles=([0-9]+) .*/\1 \2 \3/' $files/time | awk -v us=$((second - first)) '
		{ rounds += $1 / 3 * 2; per_ns = $3 / $2 }
		END { printf "%.3f\n", us * 1000 * per_ns / rounds }'
}

# measure WATCHER LAYOUT NOTIFY QUEUES
measure() {
	local layout=$2 queues=$4 n
	local words="mode=round layout=$2 notify=$3 queues=$4 cpus=$cpus quiet=1"

	# The queues are made before anyone watches.
	run "$words rounds=0"
	watcher_start "$1"
	: >"$work/calls"
	: >"$work/values"
	for ((n = 0; n <= RUNS; n++)); do
		one_run "$words" $((ROUNDS / $4)) >>"$work/values"
		((n)) || { : >"$work/values"; watcher_settle; }
	done
	watcher_stop >"$work/counted"
	sort -g "$work/values" | awk -v n=$(((RUNS + 1) / 2)) \
		-v what="kernel=$KERNEL watch=$1 layout=$layout notify=$3 queues=$queues cpus=$cpus" '
		{ value[NR] = $1 }
		END { printf "%s instructions=%s least=%s most=%s", what, value[n], value[1], value[NR] }'
	compare "$work/calls" "$work/counted"
}

# compare CALLS COUNTED: how many of them; status 1 if vringtop differs in any
compare() {
	# (No <(): the next run would be interrupted when a child ends that nobody waits for.)
	sort -k 5,5nr "$2" | awk -v exact="$watcher_exact" '
		NR == FNR { calls[$1 " " $2 " " $3 " " $4] += $5; total += $5; next }
		# "*": whichever queue it is. Those that are driven have the most.
		$1 == "*" { any[$4, ++n[$4]] = $5; next }
		{ counted[$1 " " $2 " " $3 " " $4] += $5 }
		END {
			for (key in calls) {
				seen += counted[key]
				if (counted[key] != calls[key]) wrong = key ": " calls[key] " calls, counted " counted[key] + 0
				split(key, part, " ")
				queues[part[4]]++
			}
			for (op in queues)
				for (i = 1; i <= queues[op] && i <= n[op]; i++) seen += any[op, i]
			printf " calls=%d counted=%d\n", total, seen
			if (exact && wrong) {
				print "vringtop is not exact: " wrong >"/dev/stderr"
				exit 1
			}
		}' "$1" -
}

# shellcheck disable=SC2153 # the environment's
for layout in "$@"; do
	for watcher in $WATCH; do
		for notify in ${NOTIFY:-0 1}; do
			for queues in $QUEUES; do measure "$watcher" "$layout" "$notify" "$queues"; done
		done
	done
done
