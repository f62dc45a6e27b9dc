#!/bin/bash
# Measures the instructions of one round (add, kick_prepare, get) for each ring layout.
#
# Usage: cost.sh [LAYOUT...]    (split and packed if none is named)
# Environment:
#   KERNEL    as for scripts/vm.sh; for an image instead of a kernel tree, MODULE is needed
#   MODULE    the path of an exerciser that is built already
#   WATCH     who watches meanwhile, one after the other: names out of tests/bench/watchers.sh (off)
#   NOTIFY    0: without a doorbell in each round; 1: with one; both if not given
#   QUEUES    numbers of queues that the rounds go through in turn (1)
#   CPUS      of the guest, all of them busy (1)
#   ROUNDS    of all queues together in a run (100000); of RUNS (5), one before them does not count
# Prints a line for each: the median of the runs, the smallest and the largest; and how many of the calls
# that the exerciser counted the watcher counted too. Ends with status 1 if vringtop missed one.
#
# The guest's CPUs run under QEMU's `-icount shift=0`: there the time stamp counter counts instructions.
set -euo pipefail
. "$(dirname "$0")/../../scripts/common.sh"

export KERNEL=${KERNEL:-6.12}
rounds=${ROUNDS:-100000} cpus=${CPUS:-1}
[[ $rounds =~ ^[1-9][0-9]*$ ]] || die "ROUNDS is '$rounds'" "it must be a number above 0"
[[ $# -gt 0 ]] || set -- split packed
module=${MODULE:-$("$checkout/tests/kmod/build.sh" "$KERNEL")}

# The guest sees the checkout, whatever else it may not see.
mkdir -p "$checkout/build/kmod"
copy=$(mktemp -d "$checkout/build/kmod/cost.XXXXXX")
trap 'rm -rf "$copy"' EXIT
cp "$module" "$copy/vring_exerciser.ko"
cp "$(dirname "$module")/vring_listener.ko" "$copy" 2>/dev/null || true # only one of the watchers needs it

# virtiostat compiles its programs in the guest.
headers=''
if [[ ${WATCH:-} == *virtiostat* ]]; then
	# shellcheck disable=SC2016 # it is make's
	headers=$("$checkout/scripts/kernel.sh" make "$KERNEL" -s --no-print-directory --eval='where:;@echo $(CURDIR)' where)
fi

measure="KERNEL=${KERNEL##*/} MODULES=${copy@Q} HEADERS=${headers@Q} WATCH='${WATCH:-off}' NOTIFY='${NOTIFY-}' QUEUES='${QUEUES:-1}' ROUNDS=$rounds \
	RUNS=${RUNS:-5} ${checkout@Q}/tests/kmod/rounds.sh $*"

ACCEL=tcg CPUS=$cpus QEMU_OPTS="-icount shift=0 ${QEMU_OPTS:-}" "$checkout/scripts/vm.sh" "$measure"
