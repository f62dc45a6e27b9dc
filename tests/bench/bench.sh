#!/bin/bash
# Measures in guests what the kernel series and vringtop cost, prints a table, writes build/bench.json.
# docs/performance.md says what is measured, and how.
#
# Usage: bench.sh [PART...]    (cost peers growth tool recording; all of them if none is named)
# What a part measures is kept in build/bench/PART.txt; the table is made of all that is there.
set -euo pipefail
. "$(dirname "$0")/../../scripts/common.sh"

export TIMEOUT=${TIMEOUT:-1200} # a guest here works longer than others
out=$checkout/build/bench
cost=$checkout/tests/kmod/cost.sh
in_order='split packed split_in_order packed_in_order'

layouts() {
	case $1 in 6.12*) echo split packed ;; *) echo "$in_order" ;; esac
}

# What does not depend on the machine: instructions of a round.
cost() {
	local kernel
	export ROUNDS=10000 RUNS=3
	for kernel in 6.12 7.3; do
		# shellcheck disable=SC2046 # one word for each
		KERNEL=$kernel WATCH="off vringtop" "$cost" $(layouts $kernel)
		KERNEL=$kernel NOTIFY=0 WATCH="listener floor look-up vringtop-u stalls" "$cost" split packed
	done
	KERNEL=6.12-stock WATCH="off" "$cost" split packed
	KERNEL=6.12-stock NOTIFY=0 WATCH="floor-functions vringtop-functions vringtop-functions-u stalls" "$cost" split packed
	# shellcheck disable=SC2046
	KERNEL=7.3-stock "$cost" $(layouts 7.3)
}

peers() {
	KERNEL=6.12 ROUNDS=5000 RUNS=3 NOTIFY=0 WATCH="off trace-cmd hist-trigger bpftrace perf" "$cost" split
	KERNEL=6.12-stock ROUNDS=5000 RUNS=3 NOTIFY=0 WATCH="off bpftrace-functions" "$cost" split
}

growth() {
	local cpus
	KERNEL=6.12 ROUNDS=25600 RUNS=3 NOTIFY=0 QUEUES="1 16 64 256" WATCH="off vringtop" "$cost" split
	for cpus in 1 2 4 8; do
		KERNEL=6.12 CPUS=$cpus ROUNDS=$((cpus * 20000)) RUNS=3 NOTIFY=0 QUEUES=8 WATCH="off vringtop" "$cost" split
	done
}

# with_exerciser COMMAND: in a guest of 6.12
with_exerciser() {
	local module
	module=$("$checkout/tests/kmod/build.sh" 6.12)
	KERNEL=6.12 "$checkout/scripts/vm.sh" "insmod ${module@Q} && $1"
}

tool() {
	with_exerciser "for queues in 4 64 256; do ${checkout@Q}/tests/bench/tool.py \$queues || exit; done"
}

recording() {
	with_exerciser "${checkout@Q}/tests/bench/recording.py"
}

make -s -C "$checkout/tests/bench"
[[ $# -gt 0 ]] || set -- cost peers growth tool recording
for part in "$@"; do
	[[ $part =~ ^(cost|peers|growth|tool|recording)$ ]] ||
		die "there is no part '$part'" "there are: cost peers growth tool recording"
	say "bench: $part ..."
	started=$SECONDS
	"$part" >"$out/$part.new"
	mv "$out/$part.new" "$out/$part.txt"
	say "bench: $part took $((SECONDS - started)) s"
done
exec /usr/bin/python3 "$checkout/tests/bench/table.py" "$out" "$checkout/build/bench.json"
