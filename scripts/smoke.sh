#!/bin/bash
# Tells whether virtqueue operations got slower: boots a guest, records a load there, and compares
# the recording with a stored one, the baseline.
#
# Usage: smoke.sh            compares
#        smoke.sh --accept   makes its last recording the new baseline
# Environment:
#   KERNEL     of the guest, as for vm.sh (6.12)
#   BASELINE   the file of the baseline (tests/smoke.vt)
#   LOAD       a line of shell that the guest runs while vringtop records (reads from two virtio-blk disks)
#   RECORD     options of `vringtop record` (the operations of virtio-blk that wait for nothing)
#   FAIL_ON    the limit, as for `vringtop diff --fail-on` (mean>15%)
# Writes the recording and a page about the comparison: build/smoke.vt, build/smoke.html.
# Exit status: 0 fine, 1 something failed, 2 wrong use, 3 slower.
#
# The guest has one CPU under QEMU's `-icount shift=0`: its clock counts the instructions that it ran. So a
# baseline of one machine is valid on another one, and a busy machine does not change the times. The times do
# not contain the device, caches, or CPUs that wait for each other.
set -euo pipefail
. "$(dirname "$0")/common.sh"

export KERNEL=${KERNEL:-6.12}
baseline=${BASELINE:-$checkout/tests/smoke.vt}
read_disk='dd of=/dev/null bs=4k count=3000 iflag=direct status=none'
load=${LOAD:-$read_disk if=/dev/vda & $read_disk if=/dev/vdb && wait \$!}
# Without notify: it waits for the device, and instructions do not measure that.
ops=add,get,kick_prepare,disable_cb,enable_cb_prepare,poll,more_used
record=${RECORD:---driver virtio_blk --op $ops}
fail_on=${FAIL_ON:-mean>15%}
new=$checkout/build/smoke.vt
page=$checkout/build/smoke.html

# kernel_of RECORDING
kernel_of() {
	echo "Linux $(sqlite3 "$1" "SELECT value FROM info WHERE key = 'kernel_release'")"
}

case $#${1:-} in
0) ;;
1--accept)
	[[ -e $new ]] || die "nothing was recorded yet: there is no $new" "run: scripts/smoke.sh"
	cp "$new" "$baseline"
	say "smoke.sh: the baseline $baseline is of $(kernel_of "$baseline") now; commit it"
	exit
	;;
*)
	say "smoke.sh: wrong use; usage: smoke.sh [--accept]"
	exit 2
	;;
esac

work=$(mktemp -d "${TMPDIR:-/tmp}/vringtop-smoke.XXXXXX")
trap 'rm -rf "$work"' EXIT

ACCEL=tcg CPUS=1 QEMU_OPTS="-icount shift=0 ${QEMU_OPTS:-}" "$checkout/scripts/vm.sh" "
	vringtop record $record -i 10ms -o /tmp/smoke.vt -- bash -c ${load@Q} >&2 && cat /tmp/smoke.vt" \
	>"$work/smoke.vt" </dev/null || die "the load could not be recorded (KERNEL=$KERNEL)"
mv "$work/smoke.vt" "$new"

accept="to accept it: ${BASELINE:+BASELINE=$BASELINE }scripts/smoke.sh --accept"
[[ -e $baseline ]] || die "there is no baseline $baseline to compare with" "look at it: vringtop report $new; $accept"
status=0
"$checkout/build/vringtop" diff --html "$page" --fail-on "$fail_on" "$baseline" "$new" || status=$?
if [[ $status -eq 3 ]]; then
	say "smoke.sh: FAILED: $(kernel_of "$new") (KERNEL=$KERNEL) is slower than the baseline, $(kernel_of "$baseline")"
	say "smoke.sh: what changed, with distributions: $page"
	say "smoke.sh: $accept"
fi
exit "$status"
