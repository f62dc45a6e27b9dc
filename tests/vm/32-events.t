#!/bin/bash
# States that drivers hardly ever produce: operations longer than 268 ms, refusals, notification data that is
# wrong, buffers that are detached, buffers whose add was not seen, an id that is used again, clocks that
# differ, events that are lost. A module sends each event to whoever listens (events.py,
# tests/kmod/teller.c), so what must be counted is known exactly.
. "$(dirname "$0")/lib.sh"
[[ -n ${VRINGTOP_GUEST:-} ]] || "$repo/tests/kmod/build.sh" 6.12 >/dev/null || exit
in_guest 6.12
insmod "$repo/build/kmod/6.12/vring_teller.ko"

# vringtop watches two kinds of queues: of the balloon, where nothing happens by itself, and of the
# entropy device, whose doorbells have notification data.
for driver in virtio_balloon virtio_rng; do
	rm -f /tmp/messages
	vringtop hist --json -u -D $driver >/tmp/json 2>/tmp/messages &
	tool=$!
	wait_until 300 "vringtop counts $driver" grep -q Counting /tmp/messages
	ok "events of $driver are handed over" tests/vm/events.py $driver
	kill -INT $tool
	wait $tool
	is "$driver: status" $? 0
	mv /tmp/json /tmp/$driver
done

# of QUEUE EXPRESSION: of the balloon's queue of this name, the first that there was
of() {
	json /tmp/virtio_balloon "(lambda q, ops: ($2))(*[(q, q['ops']) for q in d['queues'] if q['name'] == '$1'][0])"
}
# An operation of 500 ms: its bucket is at most 1/16 wide.
is 'a long operation: count, maximum' "$(of deflate 'ops["poll"]["count"], ops["poll"]["max_ns"]')" '(1, 500000000)'
is 'a long operation: its bucket' \
	"$(of deflate '[low <= 5e8 < high and high - low < 5e8 / 15 and n for low, high, n in ops["poll"]["buckets_ns"]]')" '[1]'
is 'operations of 1 s to 30 min: buckets hold them, or are the last one' \
	"$(of deflate 'sum(n for low, high, n in ops["more_used"]["buckets_ns"]), ops["more_used"]["max_ns"]')" '(4, 1800000000000)'
is 'of these, 30 min is in the last bucket, which begins at 2^34 - 2^29 ns' \
	"$(of deflate '[(low, n) for low, high, n in ops["more_used"]["buckets_ns"] if low > 10e9]')" '[(16642998272, 1)]'
is 'an operation that ended before it began, by the clocks of two CPUs: 0 ns' \
	"$(of deflate '[n for low, high, n in ops["more_used"]["buckets_ns"] if low == 0], ops["more_used"]["sum_ns"]')" \
	'([1], 1811000000000)'
is 'adds: 5, of which 3 were refused' "$(of deflate 'ops["add"]["count"], ops["add"]["refused"], q["buffers"]')" '(5, 3, 2)'
is 'adds: bytes of the good ones' "$(of deflate 'ops["add"]["bytes_out"], ops["add"]["bytes_in_room"]')" '(300, 30)'
is 'kick_prepare: 5, of which 1 suppressed a doorbell: for the others no buffer was new' \
	"$(of deflate 'ops["kick_prepare"]["count"], ops["kick_prepare"]["refused"], q["doorbell"]["suppressed"]')" '(5, 1, 1)'
is 'a doorbell announces both buffers' "$(of deflate 'q["doorbell"]["buffers_per_doorbell"]')" 2
is 'gets: 3, of which 2 found nothing' "$(of deflate 'ops["get"]["count"], ops["get"]["refused"], ops["get"]["bytes_in"]')" '(3, 2, 77)'
is 'polls, enable_cb_delayed, notify, resize: what is a refusal' \
	"$(of stats '[(op, ops[op]["count"], ops[op]["refused"]) for op in ("notify", "enable_cb_delayed", "poll", "more_used", "resize", "detach_unused_buf")]')" \
	"[('notify', 3, 1), ('enable_cb_delayed', 3, 1), ('poll', 3, 1), ('more_used', 3, 1), ('resize', 3, 2), ('detach_unused_buf', 3, 1)]"

# Of the buffers of "inflate", one was detached 6 s before its id was used again, one came back twice, the
# add of one was not seen, and one was out when the queue was reset.
is 'buffers in flight: those whose add is known, and no time from an add before' \
	"$(of inflate 'ops["avail_to_used"]["count"], ops["avail_to_used"]["max_ns"] < 6e9')" '(2, True)'

# The same id again, of another queue: what the one before had added is not announced by its doorbell.
is 'an id used again: two queues' "$(json /tmp/virtio_balloon 'sorted((q["gone"], q["buffers"]) for q in d["queues"] if q["name"] == "stats")')" \
	'[(False, 4), (True, 3)]'
is 'an id used again: its doorbells announce its own buffers, each those since the one before' \
	"$(json /tmp/virtio_balloon '[q["doorbell"]["buffers_per_doorbell"] for q in d["queues"] if q["name"] == "stats" and not q["gone"]]')" '[2]'

is 'an id used again: no time from the add of the queue before' \
	"$(json /tmp/virtio_balloon '[q["ops"].get("avail_to_used", {}).get("count", 0) for q in d["queues"] if q["name"] == "stats" and not q["gone"]]')" '[0]'

is 'events of queues that there cannot be are lost' "$(json /tmp/virtio_balloon 'd["lost"]')" 2
is 'notification data: wrong and behind' \
	"$(json /tmp/virtio_rng '[(n["wrong"], n["behind"]) for q in d["queues"] for n in [q["doorbell"]["notification_data"]]]')" '[(2, 1)]'
done_testing
