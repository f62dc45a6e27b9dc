#!/bin/bash
# States that drivers hardly ever produce: operations longer than 268 ms, refusals, notification data that is
# wrong, buffers that are detached, a full table of buffers in flight, an id that is used again, events
# that are lost. Each event is handed to the programs of a running vringtop by BPF_PROG_TEST_RUN
# (events.py), so what must be counted is known exactly.
. "$(dirname "$0")/lib.sh"
in_guest 6.12

# vringtop watches two kinds of queues: of the balloon, where nothing happens by itself, and of the
# entropy device, whose doorbells have notification data.
for driver in virtio_balloon virtio_rng; do
	rm -f /tmp/messages
	vringtop hist --json -u -D $driver >/tmp/json 2>/tmp/messages &
	tool=$!
	wait_until 60 "vringtop counts $driver" grep -q Counting /tmp/messages
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
	"$(of deflate 'sum(n for low, high, n in ops["more_used"]["buckets_ns"]), ops["more_used"]["max_ns"]')" '(3, 1800000000000)'
is 'adds: 5, of which 3 were refused' "$(of deflate 'ops["add"]["count"], ops["add"]["refused"], q["buffers"]')" '(5, 3, 2)'
is 'adds: bytes of the good ones' "$(of deflate 'ops["add"]["bytes_out"], ops["add"]["bytes_in_room"]')" '(300, 30)'
is 'kick_prepare: 5, of which 1 suppressed a doorbell: for the others no buffer was new' \
	"$(of deflate 'ops["kick_prepare"]["count"], ops["kick_prepare"]["refused"], q["doorbell"]["suppressed"]')" '(5, 1, 1)'
is 'a doorbell announces both buffers' "$(of deflate 'q["doorbell"]["buffers_per_doorbell"]')" 2
is 'gets: 3, of which 2 found nothing' "$(of deflate 'ops["get"]["count"], ops["get"]["refused"], ops["get"]["bytes_in"]')" '(3, 2, 77)'
is 'polls, enable_cb_delayed, notify, resize: what is a refusal' \
	"$(of stats '[(op, ops[op]["count"], ops[op]["refused"]) for op in ("notify", "enable_cb_delayed", "poll", "more_used", "resize", "detach_unused_buf")]')" \
	"[('notify', 3, 1), ('enable_cb_delayed', 3, 1), ('poll', 3, 1), ('more_used', 3, 1), ('resize', 3, 2), ('detach_unused_buf', 3, 1)]"

# Of the buffers of "inflate", one was detached 2 s before it was added again, and of five in one group of the
# table of buffers in flight the oldest was thrown away.
is 'buffers in flight: those whose add is known, and no time from an add before' \
	"$(of inflate 'ops["avail_to_used"]["count"], ops["avail_to_used"]["max_ns"] < 2e9')" '(5, True)'

# The same id again, of another queue: what the one before had added is not announced by its doorbell.
is 'an id used again: two queues' "$(json /tmp/virtio_balloon 'sorted((q["gone"], q["buffers"]) for q in d["queues"] if q["name"] == "stats")')" \
	'[(False, 4), (True, 3)]'
is 'an id used again: its doorbells announce its own buffers, each those since the one before' \
	"$(json /tmp/virtio_balloon '[q["doorbell"]["buffers_per_doorbell"] for q in d["queues"] if q["name"] == "stats" and not q["gone"]]')" '[2]'

is 'events of queues that there cannot be are lost' "$(json /tmp/virtio_balloon 'd["lost"]')" 2
is 'notification data: wrong and behind' \
	"$(json /tmp/virtio_rng '[(n["wrong"], n["behind"]) for q in d["queues"] for n in [q["doorbell"]["notification_data"]]]')" '[(2, 1)]'
done_testing
