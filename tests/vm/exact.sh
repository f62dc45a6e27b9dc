# shellcheck shell=bash
# Counts of the virtio_ring events in a guest, from two sides that know nothing of each other: the
# kernel's histogram triggers, and `vringtop stat --json`. Sourced.
# shellcheck disable=SC2034 # tests/kmod/counts.sh and tests/bench/watchers.sh read it
virtio_ring=/sys/kernel/tracing/events/virtio_ring
hist='hist:keys=device,queue,layout:size=4096'

# Two CPUs that meet while a key of a histogram is new may drop an event (kernel/trace/tracing_map.c), so
# each has its own, in a trace instance: an event has one of a kind in each.
instances=/sys/kernel/tracing/instances

triggers_on() {
	local cpu event
	for ((cpu = 0; cpu < $(nproc); cpu++)); do
		mkdir "$instances/cpu$cpu"
		for event in "$instances/cpu$cpu"/events/virtio_ring/*/; do
			echo "$hist if CPU == $cpu" >"$event/trigger"
		done
	done
}

triggers_off() {
	rmdir "$instances"/cpu*
}

# trigger_sums: a line for each device, queue, layout and operation that the triggers saw, with its
# count; status 1 if a trigger had no room for one
trigger_sums() {
	local event
	for event in "$instances"/cpu*/events/virtio_ring/*/; do
		sed -n "s/^{ device: *\([0-9]*\), queue: *\([0-9]*\), layout: *\([0-9]*\) *} hitcount: *\([0-9]*\).*/\1 \2 \3 $(basename "$event") \4/p
			s/^ *Dropped: *\([0-9]*\)/dropped \1/p" "$event/hist"
	done | awk '
		BEGIN { split("split packed split_in_order packed_in_order", layout) }
		$1 == "dropped" { dropped += $2; next }
		{ sub("virtqueue_", "", $4); count["virtio" $1 " " $2 " " layout[$3 + 1] " " $4] += $5 }
		END {
			for (key in count) print key, count[key]
			exit dropped > 0
		}'
}

# tool_start FILE INTERVAL [OPTION...]: runs vringtop into FILE, by default for all operations; returns when
# it counts
tool_start() {
	tool_file=$1
	: >"$tool_file"
	[[ $# -gt 2 ]] || set -- "$@" -o all
	vringtop stat --json "${@:3}" "$2" >"$tool_file" &
	tool=$!
	tool_lines 1
}

# tool_lines N: waits until the tool has printed N lines in all, for five minutes; 1 if it does not
tool_lines() {
	local ends=$((SECONDS + 300))
	until (($(wc -l <"$tool_file") >= $1)); do
		kill -0 "$tool" 2>/dev/null && ((SECONDS < ends)) || return
		sleep 0.05
	done
}

# tool_stop: lets the tool print what has happened until now, and ends it; its status
tool_stop() {
	# The next line may have been counted already.
	tool_lines $(($(wc -l <"$tool_file") + 2)) || true
	kill -INT "$tool" 2>/dev/null || true
	wait "$tool"
}

# bpftrace_stop PID: ends it. It only ends by a signal that comes while it waits for events (0.17,
# poll_perf_events()): one that comes between two waits is lost.
bpftrace_stop() {
	local n
	for ((n = 0; n < 600; n++)); do
		if ((n % 20 == 0)); then kill -INT "$1" 2>/dev/null || break; fi
		kill -0 "$1" 2>/dev/null || break
		sleep 0.1
	done
	kill -KILL "$1" 2>/dev/null || true
	wait "$1"
}

# tool_sums: as trigger_sums, out of the tool's lines; a last line has what it lost
tool_sums() {
	/usr/bin/python3 - "$tool_file" <<-'END'
		import collections, json, sys
		sums, lost = collections.Counter(), 0
		seen, gone = set(), set()
		for n, line in enumerate(open(sys.argv[1])):
		    interval = json.loads(line)
		    lost += interval["lost"]
		    for q in interval["queues"]:
		        queue = q["device"], q["index"], q["layout"].replace("-", "_")
		        for op, figures in q["ops"].items():
		            if op not in ("avail_to_used", "queued", "doorbell", "device", "wakeup"): # no events
		                sums[*queue, op] += figures["count"]
		        if n and q["serial"] not in seen:
		            sums[*queue, "created"] += 1
		        if q["gone"] and q["serial"] not in gone:
		            sums[*queue, "deleted"] += 1
		            gone.add(q["serial"])
		        seen.add(q["serial"])
		for key, count in sums.items():
		    print(*key, count)
		print("lost", lost)
	END
}
