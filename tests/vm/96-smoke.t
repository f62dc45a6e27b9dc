#!/bin/bash
# What a CI job runs (docs/ci.md): scripts/smoke.sh passes, and fails when an operation takes longer,
# in words that help.
. "$(dirname "$0")/lib.sh"
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
export KERNEL=6.12

# smoke [OPTION]: sets status and said; variables for smoke.sh stand in front
smoke() {
	status=0
	"$repo/scripts/smoke.sh" "$@" >"$dir/out" 2>"$dir/said" </dev/null || status=$?
	said=$(<"$dir/said")
}
# count OPERATION: how often it was, of each disk, in the recording made last
count() {
	sqlite3 "$repo/build/smoke.vt" "SELECT group_concat(n, ' ') FROM (SELECT sum(count) AS n
		FROM op JOIN operation USING (op) WHERE name = '$1' GROUP BY queue)"
}

smoke
is 'nothing is slower than the baseline in the repository' "$status" 0
[[ $status -eq 0 ]] || sed 's/^/# /' "$dir/out" "$dir/said" >&2
is 'the recording is of what the load read from two disks' "$(count add) $(count kick_prepare)" '3000 3000 3000 3000'
size=$(stat -c %s "$repo/tests/smoke.vt")
ok "a small baseline ($size bytes)" test "$size" -le 100000
is 'with nothing in it of the machine where it was made' \
	"$(grep -acE '(/home|/root|/tmp|/var|virtme)' "$repo/tests/smoke.vt")" 0

export BASELINE=$dir/baseline.vt
smoke --accept
is '--accept: status' "$status" 0
ok '--accept: the last recording is the baseline now' cmp "$BASELINE" "$repo/build/smoke.vt"

# Something real: each add allocates memory, and there is a probe on that. The kernel's own histogram
# says how long an add takes then, times and counts.
trigger='hist:keys=device:vals=duration'
LOAD="cd /sys/kernel/tracing/events
	echo p:slow __kmalloc_noprof >../kprobe_events && echo 1 >kprobes/slow/enable
	echo $trigger >virtio_ring/virtqueue_add/trigger
	for disk in vda vdb; do dd if=/dev/\$disk of=/dev/null bs=4k count=3000 iflag=direct status=none; done
	cat virtio_ring/virtqueue_add/hist" smoke
is 'slower: status' "$status" 3
fails="$(grep '^vringtop: fails' "$dir/said")"
is 'the adds of both disks are, nothing else' \
	"$(grep -oE 'vd[ab] req.0 [a-z_]+ [a-z]+' <<<"$fails" | tr '\n' ',')" 'vda req.0 add mean,vdb req.0 add mean,'
told=$(sed -n 's/.*: vda req.0 add mean: \([0-9.]*\)us, it was \([0-9]*\)ns.*/\1 \2/p' "$dir/said")
read -r now before <<<"$told"
# Of the two disks, adding to a split ring takes longer here.
truth=$(sed -n 's/^{ device: .* } hitcount: *3000  *duration: *\([0-9]*\)$/\1/p' "$dir/said" | sort -n | tail -n 1)
is "as long as the kernel's own histogram says (it was $before ns)" "$now" \
	"$(awk -v sum="${truth:-0}" 'BEGIN { printf "%.2f", sum / 3000 / 1000 }')"
like 'it says on which kernel' "$said" 'FAILED: Linux 6\.12\.[0-9]+ \(KERNEL=6\.12\) is slower than the baseline, Linux 6\.12'
like 'it says where there is more' "$said" "$repo/build/smoke.html"
like 'it says how to accept it' "$said" "to accept it: BASELINE=$BASELINE scripts/smoke.sh --accept"
ok 'there is a page' grep -q 'vda req.0 add: how long it took' "$repo/build/smoke.html"

smoke --reject
is 'wrong use: status' "$status" 2
done_testing
