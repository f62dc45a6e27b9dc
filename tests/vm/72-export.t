#!/bin/bash
# The metrics of vringtop export against the kernel's own triggers and the disk's statistics; and the
# exporter among clients that are slow, broken, or vanish. Real devices, all privileges given up.
. "$(dirname "$0")/lib.sh"
in_guest 6.12

work=$(mktemp -d)
port=9842
instances=/sys/kernel/tracing/instances
clients() { /usr/bin/python3 "$repo/tests/vm/export_clients.py" $port "$@"; }

# disk_name SERIAL: vda; disk_device NAME: virtio2
disk_name() {
	local serial
	for serial in /sys/block/vd*/serial; do
		[[ $(<"$serial") != "$1" ]] || basename "$(dirname "$serial")"
	done
}
# To read a serial number is a request of its own, so it is done once.
split_disk=$(disk_name split) packed_disk=$(disk_name packed)
disk_device() { basename "$(readlink -f "/sys/block/$1/device")"; }
split=$(disk_device "$split_disk") packed=$(disk_device "$packed_disk")

# --- The kernel's own counts: for each CPU a key, see exact.sh ---

triggers_on() {
	local event
	# By device and queue, with the sum of the durations; and of add on one disk each duration by itself.
	mkdir "$instances/counts" "$instances/durations"
	for event in "$instances"/counts/events/virtio_ring/virtqueue_*/; do
		! grep -q ' duration;' "$event/format" ||
			echo 'hist:keys=common_cpu,device,queue:vals=duration:size=4096' >"$event/trigger"
	done
	echo "hist:keys=common_cpu,duration:size=65536 if device == ${split#virtio}" \
		>"$instances/durations/events/virtio_ring/virtqueue_add/trigger"
}

# triggers: "operation device queue count duration" of the two disks
triggers() {
	local event
	for event in "$instances"/counts/events/virtio_ring/virtqueue_*/; do
		[[ $event != */virtqueue_interrupt/ ]] || continue # an interrupt is no operation
		sed -n "s/^{ common_cpu: *[0-9]*, device: *\([0-9]*\), queue: *\([0-9]*\) *} hitcount: *\([0-9]*\) *duration: *\([0-9]*\).*/\1 \2 \3 \4/p" \
			"$event/hist" | sed "s/^/$(basename "$event" | sed s/virtqueue_//) virtio/"
	done | awk -v first="$split" -v second="$packed" '
		$2 == first || $2 == second { count[$1 " " $2 " " $3] += $4; duration[$1 " " $2 " " $3] += $5 }
		END { for (key in count) printf "%s %.0f %.0f\n", key, count[key], duration[key] }'
}

# operation_metrics: in the same form, what the metrics have gained since $work/base
operation_metrics() {
	awk -v first="$split" -v second="$packed" '
		match($0, /^vringtop_(operations_total|operation_duration_seconds_sum)\{/) {
			line = $0
			gsub(/[{}",]/, " ", line)
			n = split(line, word, " ")
			# name device= virtio2 queue= 0 operation= add value
			if (word[3] != first && word[3] != second) next
			key = word[7] " " word[3] " " word[5]
			value = word[n]
			sub(/\./, "", value)
			if (FNR == NR) value = -value
			if (word[1] ~ /sum$/) duration[key] += value; else count[key] += value
		}
		END { for (key in count) if (count[key]) printf "%s %.0f %.0f\n", key, count[key], duration[key] }' \
		"$work/base" "$work/metrics"
}

# value NAME DEVICE [FILE]: of all queues of a device; gained NAME DEVICE: since $work/base
value() { sed -n "s/^vringtop_$1{device=\"$2\",queue=\"[0-9]*\"} //p" "${3:-$work/metrics}" | awk '{ sum += $1 } END { print sum + 0 }'; }
gained() { echo $(($(value "$1" "$2") - $(value "$1" "$2" "$work/base"))); }

# stages COUNT STAGE: what a stage of the first disk has gained; COUNT is sum (ns), or count
stages() {
	awk -v labels="{device=\"$split\"," -v stage="stage=\"$2" -v name="vringtop_stage_duration_seconds_$1" '
		index($0, name labels) && index($0, stage) {
			sub(/\./, "", $NF)
			sum += FNR == NR ? -$NF : $NF
		}
		END { printf "%.0f\n", sum }' "$work/base" "$work/metrics"
}

# vectors: how many interrupts the kernel has had from the first disk; traced_interrupts: its events of them
vectors() {
	awk -v cpus="$(nproc)" -v device="$split" '
		$NF ~ "^" device "-req" { for (i = 2; i <= 1 + cpus; i++) n += $i } END { print n + 0 }' /proc/interrupts
}
traced_interrupts() {
	sed -n "s/^{ common_cpu: *[0-9]*, device: *${split#virtio}, .*} hitcount: *\([0-9]*\) .*/\1/p" \
		"$instances/counts/events/virtio_ring/virtqueue_interrupt/hist" | awk '{ n += $1 } END { print n + 0 }'
}

# disk_stat FIELD: of the first disk (Documentation/block/stat.rst)
disk_stat() { awk -v field="$1" '{ print $field }' "/sys/block/$split_disk/stat"; }

# --- The exporter, and a load ---

before=$(left)
dmesg -C
start() { # OPTION...
	: >"$work/out"
	vringtop export --listen 127.0.0.1:$port "$@" >"$work/out" 2>&1 &
	tool=$!
	wait_until 300 'vringtop serves' grep -q Serving "$work/out"
}
stop() { # NAME
	kill -INT $tool
	wait $tool
	is "$1: Ctrl-C ends it well, without a word" "$? $(<"$work/out")" \
		"0 Serving metrics on 127.0.0.1:$port; Ctrl-C ends it."
}
start --operations --textfile "$work/metrics.prom"
like 'it has no capability left, and a filter where there are any' \
	"$(grep -E '^(CapPrm|CapEff|Seccomp):' /proc/$tool/status | tr -d '\t\n')" '^CapPrm:0+CapEff:0+Seccomp:[02]'

# Nobody else uses the disks by now; the counters are read once a second.
settled() {
	local first stat
	stat=$(<"/sys/block/$split_disk/stat")
	first=$(clients get /metrics | grep "device=\"$split\"")
	clients get /metrics >"$work/base"
	[[ $(grep "device=\"$split\"" "$work/base") == "$first" && $(<"/sys/block/$split_disk/stat") == "$stat" ]]
}
wait_until 300 'the disks are quiet' settled
# Another vringtop, which counts the same in its own maps.
vringtop hist --json -d "$split" >"$work/json" 2>"$work/counting" &
other=$!
wait_until 300 'the other vringtop counts' grep -q Counting "$work/counting"
triggers_on
vectors=$(vectors)
sectors=$(disk_stat 3) requests=$(disk_stat 1)
dd if="/dev/$split_disk" of=/dev/null bs=4k count=600 iflag=direct status=none
dd if="/dev/$packed_disk" of=/dev/null bs=64k count=80 iflag=direct status=none
dd if=/dev/zero of="/dev/$packed_disk" bs=4k count=40 oflag=direct status=none
sectors=$(($(disk_stat 3) - sectors)) requests=$(($(disk_stat 1) - requests))

vectors=$(($(vectors) - vectors))

# Until the figures of the last request are in: they are read once a second.
seen() {
	clients get /metrics >"$work/metrics"
	[[ $(gained requests_total "$split") == "$requests" && $(operation_metrics | sort) == "$(triggers | sort)" ]]
}
succeeds_within 300 seen

is 'each operation of two disks: calls, and the sum of their times to the ns' \
	"$(operation_metrics | sort)" "$(triggers | sort)"
ok 'they are many' test "$(triggers | awk '{ sum += $4 } END { print sum }')" -ge 5000
is 'requests' "$(gained requests_total "$split")" "$requests"
# Of each request a head of 16 bytes to read, and besides the data a status of one byte to write:
# virtio 1.3, section 5.2.6.
is 'bytes read, bytes written' \
	"$(gained read_bytes_total "$split") $(gained written_bytes_total "$split")" \
	"$((16 * requests)) $((512 * sectors + requests))"
is 'doorbells rung and suppressed: each add had its kick_prepare' \
	"$(($(gained doorbells_total "$split") + $(gained doorbells_suppressed_total "$split")))" "$requests"
is 'nothing is lost' "$(grep '^vringtop_lost_events_total' "$work/metrics")" 'vringtop_lost_events_total 0'
is 'each request has its time' "$(gained request_duration_seconds_count "$split")" "$requests"
is 'each doorbell has its buffers' "$(gained doorbell_buffers_count "$split") $(gained doorbell_buffers_sum "$split")" \
	"$(gained doorbells_total "$split") $requests"

kill -INT $other
wait $other
is 'interrupts: as /proc/interrupts, and as their event' \
	"$(gained interrupts_total "$split") $(gained interrupts_total "$split")" "$vectors $(traced_interrupts)"
is 'each request has a stage with the device' "$(stages count device)" "$requests"
is 'interrupts, spurious ones, and each stage: as in the JSON of vringtop hist' \
	"$(gained interrupts_total "$split") $(gained spurious_interrupts_total "$split")$(
		for stage in queued doorbell device wakeup; do
			printf ' %s %s' "$(stages count $stage)" "$(stages sum $stage)"
		done
	)" "$(/usr/bin/python3 -c '
import json, sys
queues = json.load(open(sys.argv[1]))["queues"]
print(*(sum(q["interrupt"][key] for q in queues) for key in ("count", "spurious")),
      *(sum(q["ops"].get(stage, {}).get(key, 0) for q in queues)
        for stage in ("queued", "doorbell", "device", "wakeup") for key in ("count", "sum_ns")))' "$work/json")"

# Each bound: exactly the durations that the trigger saw at or below it.
sed -n 's/^{ common_cpu: *[0-9]*, duration: *\([0-9]*\) *} hitcount: *\([0-9]*\).*/\1 \2/p' \
	"$instances/durations/events/virtio_ring/virtqueue_add/hist" >"$work/durations"
# The queues' buckets, added up.
awk -v device="$split" '
	match($0, /^vringtop_operation_duration_seconds_bucket\{/) && $0 ~ "device=\"" device "\"" && /operation="add"/ {
		match($0, /le="[^"]*"/)
		le = substr($0, RSTART, RLENGTH)
		if (!(le in sum)) order[++n] = le
		sum[le] += FNR == NR ? -$NF : $NF
	}
	END { for (i = 1; i <= n; i++) print sum[order[i]] }' "$work/base" "$work/metrics" >"$work/buckets"
/usr/bin/python3 - "$work/durations" <<-'END' >"$work/expected"
	import sys
	seen = [tuple(map(int, line.split())) for line in open(sys.argv[1])]
	for n in range(6, 25, 2):
	    print(sum(count for duration, count in seen if duration <= 2 ** n - 1))
	print(sum(count for _, count in seen))
END
is 'each bucket of add has what the trigger saw at or below its bound' \
	"$(paste -sd ' ' "$work/buckets")" "$(paste -sd ' ' "$work/expected")"
ok 'in more than one bucket' test "$(sort -u "$work/buckets" | wc -l)" -gt 2
rmdir "$instances/counts" "$instances/durations"

# --- Formats, pages, the file ---

like 'OpenMetrics for who wants it' \
	"$(clients get /metrics 'Accept: application/openmetrics-text; version=1.0.0' | sed -n '1p;$p' | tr '\n' ' ')" \
	'^200 application/openmetrics-text; version=1.0.0; charset=utf-8 # EOF $'
is '/healthz' "$(clients get /healthz)" '200 text/plain
ok'
like 'another page' "$(clients get /x)" '^404 .*metrics'
# CPU time, and the doorbells of what this test prints, move on.
about_disk() { grep "device=\"$split\"" "$1"; }
same_file() { [[ $(about_disk "$work/metrics.prom") == "$(about_disk "$work/metrics")" ]]; }
ok 'the file says the same' succeeds_within 300 same_file

# --- A queue that is stuck, and goes on ---

device_open
rng=$(cd /sys/bus/virtio/drivers/virtio_rng && echo virtio*)
began=$(date +%s%N)
ask_device 'no-interrupt-after 0'
timeout 600 dd if=/dev/hwrng of=/dev/null bs=64 count=1 2>/dev/null &
# stalled_queues: the lines of queues that are stuck
stalled_queues() {
	clients get /metrics >"$work/now"
	grep '^vringtop_queue_stalled{.*} 1' "$work/now"
}
stuck() { [[ $(stalled_queues) == *verdict=\"driver-did-not-fetch\"* ]]; }
free() { [[ -z $(stalled_queues) ]]; }
ok 'a stuck queue has its verdict' succeeds_within 300 stuck
# The read began after $began, and the queue is stuck for more than a second. The age is read once a second.
is_old() {
	clients get /metrics >"$work/now"
	age=$(sed -n "s/^vringtop_oldest_request_seconds{device=\"$rng\",.*} //p" "$work/now" | tr -d .)
	out=$(($(date +%s%N) - began))
	((10#${age:-0} > 1000000000))
}
succeeds_within 300 is_old
ok "the oldest request is out since the device is silent: $age of $out ns" \
	test $((10#${age:-0})) -gt 1000000000 -a $((10#${age:-0})) -le "$out"
world=$(sed -n 's/^vringtop_queue_info{\(.*\),name="input\.[0-9]*",.*driver="virtio_net".*/\1/p' "$work/now" | head -n 1)
like 'a network device receives' "$world" '^device='
is 'a queue that waits for packets has no oldest request' "$(grep -F "vringtop_oldest_request_seconds{$world}" "$work/now")" ''
ask_device resume
ok 'and no more when it goes on' succeeds_within 300 free

# --- Clients ---

is 'slow clients hold nobody up, and lose their connection after ten seconds' "$(clients slow 20 14)" \
	'scrapes: fast; connected: 0 of half a request, 0 of bytes'
is 'clients that vanish' "$(clients vanish 30)" "(200, 'text/plain', b'ok\\n')"
dd if="/dev/$split_disk" of=/dev/null bs=4k count=100 iflag=direct status=none
moved() {
	clients get /metrics >"$work/metrics"
	[[ $(gained requests_total "$split") == $((requests + 100)) ]]
}
ok 'after all that the counts are still exact' succeeds_within 300 moved

stop 'with a file'
is 'the file is gone' "$(find "$work" -name '*prom*')" ''

is_as_before 'nothing of it is left in the kernel'
is 'the kernel did not complain' "$(complaints)" ''
rm -rf "$work"
done_testing
