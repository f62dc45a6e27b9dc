#!/bin/bash
# Measures the instructions of one round (add, kick_prepare, get) for each ring layout.
#
# Usage: cost.sh [LAYOUT...]    (split and packed if none is named)
# Environment:
#   KERNEL    as for scripts/vm.sh; for an image instead of a kernel tree, MODULE is needed
#   MODULE    the path of an exerciser that is built already
#   ROUNDS    rounds in a run (100000); five runs count, one before them does not
#   DURING    a command that is started in the guest and left running during the rounds (none)
# Prints for each layout, without and with a doorbell in each round, the median of the runs, the
# smallest and the largest.
#
# One CPU under QEMU's `-icount shift=0`: there the time stamp counter counts instructions.
set -euo pipefail
. "$(dirname "$0")/../../scripts/common.sh"

export KERNEL=${KERNEL:-6.12}
rounds=${ROUNDS:-100000}
[[ $rounds =~ ^[1-9][0-9]*$ ]] || die "ROUNDS is '$rounds'" "it must be a number above 0"
[[ $# -gt 0 ]] || set -- split packed
module=${MODULE:-$("$checkout/tests/kmod/build.sh" "$KERNEL")}

# The guest sees the checkout, whatever else it may not see.
mkdir -p "$checkout/build/kmod"
copy=$(mktemp "$checkout/build/kmod/cost.XXXXXX.ko")
trap 'rm -f "$copy"' EXIT
cp "$module" "$copy"

measure="
set -eu
insmod ${copy@Q}
cd /sys/kernel/debug/vring_exerciser
${DURING:+( ${DURING} ) >&2 & sleep 5}
for layout in $*; do
	for notify in 0 1; do
		for run in warm-up 1 2 3 4 5; do
			echo mode=round layout=\$layout notify=\$notify rounds=$rounds quiet=1 >run ||
				{ dmesg | grep vring_exerciser: | tail -n 1 >&2; exit 1; }
			[ \$run = warm-up ] || sed \"s/^.*cycles_per_round=/\$layout \$notify /\" time
		done
	done
done"

ACCEL=tcg CPUS=1 QEMU_OPTS="-icount shift=0 ${QEMU_OPTS:-}" "$checkout/scripts/vm.sh" "$measure" |
	awk '{ if ($1 " " $2 != last) { last = $1 " " $2; group++ } print group, $0 }' |
	sort -k 1,1n -k 4,4n |
	awk '
		{ value[++n] = $4 }
		n == 5 {
			printf "layout=%s notify=%s instructions=%s least=%s most=%s\n",
				$2, $3, value[3], value[1], value[5]
			n = 0
		}'
