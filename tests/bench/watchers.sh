# shellcheck shell=bash
# shellcheck disable=SC2034,SC2154 # those who source it set and use them
# Who can watch the virtqueues of a guest: how each is started and stopped, and what it counted.
# Sourced in the guest, after tests/vm/exact.sh. Those that end in -functions are for kernels without
# the events.
#
#   watcher_start NAME   returns when it watches; sets watcher_exact to 1 if every call must be counted
#   watcher_settle       waits for what it does only once, after the first events
#   watcher_stop         ends it, and prints a line for each queue and operation: device, queue,
#                        layout, operation, count. "* * *" instead, if it cannot tell which queue
bench=$checkout/tests/bench
round_ops=(add kick_prepare get notify)
operations=add,get,kick_prepare,notify,notification_data,disable_cb,enable_cb_prepare,enable_cb_delayed,poll
operations+=,more_used,buffers_per_doorbell
watcher='' watcher_pid='''' watcher_exact='' watcher_dir=$(mktemp -d)

# in_background TEXT COMMAND...: returns when the command has printed that
in_background() {
	local text=$1
	shift
	"$@" >"$watcher_dir/out" 2>&1 </dev/null &
	watcher_pid=$!
	until grep -qs -- "$text" "$watcher_dir/out"; do
		kill -0 "$watcher_pid" 2>/dev/null || die "$watcher ended: $(tail -n 5 "$watcher_dir/out")"
		sleep 0.05
	done
}

watcher_start() {
	local events interval=0.2
	# Where all instructions count, those of vringtop's own refresh must not come in between.
	(($(nproc) == 1)) || interval=5
	watcher=$1 watcher_exact=''
	events=("${round_ops[@]/#/virtio_ring:virtqueue_}")
	case $watcher in
	off) ;;
	listener) insmod "$MODULES/vring_listener.ko" ;;
	floor* | look-up) in_background attached "$checkout/build/bench/attach" "$checkout/build/bench/$watcher.bpf.o" ;;
	vringtop | vringtop-functions) # only operations
		watcher_exact=1
		tool_start "$watcher_dir/json" $interval -o "$operations"
		;;
	vringtop-u | vringtop-functions-u) # and requests
		watcher_exact=1
		tool_start "$watcher_dir/json" $interval -u -o "$operations"
		;;
	vringtop-requests | vringtop-functions-requests) # as without options: and the stages of requests
		watcher_exact=1
		tool_start "$watcher_dir/json" $interval -p queues
		;;
	stalls) in_background Watching vringtop stalls --watch ;;
	bpftrace) in_background ready bpftrace "$bench/events.bt" ;;
	bpftrace-functions) in_background ready bpftrace "$bench/functions.bt" ;;
	hist-trigger)
		local op
		for op in "${round_ops[@]}"; do echo "$trigger" >"$virtio_ring/virtqueue_$op/trigger"; done
		;;
	perf)
		in_background records perf record -a -m 32M -o "$watcher_dir/data" "${events[@]/#/-e}" -- "${until_stop[@]}"
		;;
	trace-cmd)
		in_background records trace-cmd record -b 32768 -o "$watcher_dir/data" "${events[@]/#/-e}" "${until_stop[@]}"
		;;
	virtiostat-functions)
		mkdir -p "/lib/modules/$(uname -r)"
		ln -sfn "$HEADERS" "/lib/modules/$(uname -r)/build"
		in_background Tracing env PYTHONUNBUFFERED=1 virtiostat-bpfcc 1000
		;;
	*) die "unknown watcher '$watcher'" "tests/bench/watchers.sh has their names" ;;
	esac
}
# Recorders run a command once they record, and end with it.
# shellcheck disable=SC2016 # its own
until_stop=(sh -c 'echo records; until [ -e "$0" ]; do sleep 0.1; done' "$watcher_dir/stop")
trigger='hist:keys=device,queue,duration.log2:size=16384' # three keys are the most

watcher_settle() {
	case $watcher in
	vringtop*) tool_lines $(($(wc -l <"$tool_file") + 2)) ;; # it ends its own measurement, see probe.c
	esac
}

# end [SIGNAL]
end() {
	kill -"${1:-INT}" "$watcher_pid"
	wait "$watcher_pid" || true
}

end_recorder() {
	touch "$watcher_dir/stop"
	wait "$watcher_pid" || die "$watcher failed: $(tail -n 5 "$watcher_dir/out")"
	rm "$watcher_dir/stop"
}

# of_events: from the lines of perf script or trace-cmd report
of_events() {
	sed -nE 's/.*virtqueue_([a-z_]+): +device=(\S+) queue=(\S+) id=\S+ layout=(\S+) .*/\2 \3 \4 \1/p' |
		sort | uniq -c | awk '{ print $2, $3, $4, $5, $1 }'
}

# of_bpftrace FORMAT: from its histograms; FORMAT is awk's, with the parts of a key in k
of_bpftrace() {
	awk 'function put() { if (n) print '"$1"', count; count = n = 0 }
		/^@ns\[/ { put(); gsub(/^@ns\[|\]:.*$/, ""); n = split($0, k, ", "); next }
		/^[[(]/ { sub(/^[^)\]]*[)\]] */, ""); count += $1 }
		END { put() }' "$watcher_dir/out"
}

watcher_stop() {
	case $watcher in
	vringtop*)
		tool_stop
		tool_sums
		;;
	listener) rmmod vring_listener ;;
	floor* | look-up) end TERM ;;
	bpftrace)
		bpftrace_stop "$watcher_pid" || true
		of_bpftrace '"virtio" k[1], k[2], k[3] ? "packed" : "split", k[4]'
		;;
	bpftrace-functions)
		bpftrace_stop "$watcher_pid" || true
		of_bpftrace '"* * *", k[2]'
		;;
	hist-trigger)
		local op
		for op in "${round_ops[@]}"; do
			sed -nE "s/.*device: *([0-9]+), queue: *([0-9]+), .* hitcount: *([0-9]+).*/\1 \2 \3/p" "$virtio_ring/virtqueue_$op/hist" |
				awk -v op="$op" '{ n[$1, $2] += $3 } END { for (q in n) print "* * *", op, n[q] }'
			echo "!$trigger" >"$virtio_ring/virtqueue_$op/trigger"
		done
		;;
	perf)
		end_recorder
		perf script -i "$watcher_dir/data" -F event,trace | of_events
		;;
	trace-cmd)
		end_recorder
		trace-cmd report -i "$watcher_dir/data" | of_events
		;;
	virtiostat-functions | stalls) end ;; # the one knows bytes, the other rings, not calls
	esac
}
