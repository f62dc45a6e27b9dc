#!/bin/bash
# The entropy device (tests/device) behind a real driver, in every layout: its count of kicks against
# the kernel's count of doorbells and vringtop's, every notification data value against the ring's own
# course, as the kernel's events and as vringtop have it, and its faults as the driver meets them.
. "$(dirname "$0")/lib.sh"

# --- In the guest: prints facts ---
if [[ -n ${VRINGTOP_GUEST:-} ]]; then
	driver=/sys/bus/virtio/drivers/virtio_rng
	device=$(cd $driver && echo virtio*)
	device_open
	cd /sys/kernel/tracing || exit 1
	echo 8192 >buffer_size_kb
	echo "device == ${device#virtio}" >events/virtio_ring/filter

	trace() {
		local event
		echo 0 >events/virtio_ring/enable
		echo >trace
		for event; do echo 1 >"events/virtio_ring/virtqueue_$event/enable"; done
	}
	# seen PATTERN: how many events match
	seen() {
		grep -c -E "$1" trace
	}
	# entropy BUFFERS SECONDS: reads that many, unless it takes too long
	entropy() {
		timeout "$2" dd if=/dev/hwrng of=/dev/null bs=64 count="$1" iflag=fullblock 2>/dev/null
	}

	# intervals_since LINES NUMBER
	intervals_since() {
		(($(wc -l </tmp/json) >= $1 + $2))
	}

	ask_device report
	echo "negotiated $(sed 's/.*"negotiated":\[\([^]]*\)\].*/\1/; s/[",]/ /g' <<<"$answer")"

	# A whole life of the queue, from its creation to its deletion.
	echo "$device" >$driver/unbind
	kicks=$(device_says kicks) buffers=$(device_says buffers)
	vringtop stat --json 0.1 >/tmp/json &
	tool=$!
	succeeds_within 300 test -s /tmp/json || echo 'vringtop prints nothing'
	trace add notify notification_data
	echo "$device" >$driver/bind
	# vringtop shows 32 values of an interval, and an interval on a busy machine is long. So after 12 reads an
	# interval ends first: the next one has at most the reads before its begin was shown, and 12 more.
	/usr/bin/python3 -c '
import os, time
rng = os.open("/dev/hwrng", os.O_RDONLY)
def intervals():
    return open("/tmp/json").read().count("\n")
for n in range(300):
    if n % 12 == 0:
        shown, end = intervals(), time.monotonic() + 300
        while intervals() == shown and time.monotonic() < end:
            time.sleep(0.01)
    os.read(rng, 64)'
	echo "$device" >$driver/unbind
	shown=$(wc -l </tmp/json)
	succeeds_within 300 intervals_since "$shown" 2 || echo 'vringtop prints no more'
	kill -INT $tool
	wait $tool || echo "vringtop failed"
	doorbells=$(seen virtqueue_notify:)
	echo "doorbells $doorbells kicks $(($(device_says kicks) - kicks))"
	echo "added $(seen 'virtqueue_add:.* result=0 ') buffers $(($(device_says buffers) - buffers))"
	sed -n 's/.*notification_data: .* result=\(0x[0-9a-f]*\) .* vqn=\([0-9]*\) next=\([0-9]*\) wrap=\([0-9]*\)/\1 \2 \3 \4/p' \
		trace >/tmp/values
	/usr/bin/python3 - "$device" <<-'END'
		import json, sys
		sums, values = {}, []
		for line in open("/tmp/json"):
		    for queue in json.loads(line)["queues"]:
		        bell = queue.get("doorbell", {})
		        data = bell.get("notification_data")
		        if queue["device"] != sys.argv[1] or not data:
		            continue
		        for key in "count", "agree", "behind", "wrong":
		            sums[key] = sums.get(key, 0) + data[key]
		        sums["sent"] = sums.get("sent", 0) + bell["sent"]
		        sums["buffers"] = sums.get("buffers", 0) + bell.get("buffers", {"sum": 0})["sum"]
		        values += data["values"]
		print("shown", *(f"{key} {sums[key]}" for key in sorted(sums)))
		shown = [(v["value"], v["queue"], v["next_offset"], v.get("wrap_counter", 0)) for v in values]
		sent = [tuple(int(n, 0) for n in line.split()) for line in open("/tmp/values")]
		print("shown values", len(shown), "buffers", sum(v["buffers"] for v in values),
		      "disagree", sum(not v["agrees"] for v in values), "differ", [pair for pair in zip(shown, sent) if pair[0] != pair[1]][:2])
	END
	# A value says where the ring is after the buffers added so far: without end in a split ring, and
	# round a packed one of 4, whose wrap counter changes with every lap.
	sed -n -e 's/.*virtqueue_add: .* result=0 .*/add/p' \
		-e 's/.*notification_data: .* layout=\([a-z]*\)[^ ]* .* vqn=\([0-9]*\) next=\([0-9]*\) wrap=\([0-9]*\)/\1 \2 \3 \4/p' trace |
		awk '
			$1 == "add" { added++; next }
			{
				packed = $1 == "packed"
				at = packed ? added % 4 : added
				wrap = packed && int(added / 4) % 2 == 0
				wrong += $2 != 0 || $3 != at || $4 != wrap
				values++
			}
			END { print "values", values, "wrong", wrong + 0 }'
	echo "many $((doorbells > 300)) overrun $(awk '/^overrun/ { n += $2 } END { print n }' per_cpu/cpu*/stats)"
	echo "$device" >$driver/bind

	[[ $1 != short ]] || exit 0

	only_we_read
	# fault SETTING COUNTER [SECONDS]: a driver that wants ten more buffers, of which three come, or all
	# within these seconds
	fault() {
		local before after status=fine again=fine began=$SECONDS
		before=$(device_says "$2")
		trace kick_prepare
		ask_device "$1 3"
		entropy 10 "${3:-10}" || status=stalled
		[[ $1 != pause-after || $SECONDS -gt $began ]] || status='did not wait'
		# The kernel may have taken some before the device was told: it says where the three are over.
		ask_device report
		[[ $2 != kicks ]] || before=$(($(sed -n 's/.*_after":\([0-9]*\).*/\1/p' <<<"$answer") - 3))
		after=$(device_says "$2")
		echo "$1: $status, $2 +$((after - before)), kicks suppressed $(seen 'result=0')"
		ask_device resume
		entropy 10 300 || again=stalled
		echo "$1: then $again"
	}
	fault stop-after kicks_ignored
	fault no-interrupt-after interrupts_withheld
	fault stale-avail-event-after kicks
	patience='' # in a split ring with event_idx there is no such flag
	[[ $2 == packed ]] || patience=300
	fault no-notify-after kicks $patience
	ask_device 'pause-for 1s'
	fault pause-after kicks_ignored 300
	exit
fi

# --- Here: compares them ---
fact() {
	sed -n "s/^$1 //p" <<<"$vm_out"
}
for run in '6.12 split' '6.12 packed' '7.3 split' '7.3 packed'; do
	kernel=${run% *} layout=${run#* } offered='indirect_desc event_idx version_1'
	# In a split ring with event_idx there is no such flag, and the device complains. The kernel
	# takes some entropy by itself now and then.
	no_notify='fine, kicks \+1[0-2], kicks suppressed 0' errors=1
	RNG_OPTS='--notification-data --event-idx --indirect'
	if [[ $layout == packed ]]; then
		RNG_OPTS+=' --packed'
		offered+=' packed'
		no_notify='stalled, kicks \+3, kicks suppressed 1' errors=0
	fi
	long=long
	if [[ $kernel == 7.3 ]]; then
		RNG_OPTS+=' --in-order'
		offered+=' in_order'
		long=short errors=0
		layout+=' in order'
	fi
	report=$(mktemp)
	RNG_REPORT=$report RNG_OPTS=$RNG_OPTS KERNEL=$kernel vm_run "bash ${0@Q} $long $layout"
	is "$layout: the guest ends well" "$vm_status $(sed 1d <<<"$vm_err")" '0 '
	is "$layout: the driver took what the device offers" "$(fact negotiated | xargs)" "$offered notification_data"
	read -r doorbells _ kicks <<<"$(fact doorbells)"
	is "$layout: the device saw every doorbell" "$kicks" "$doorbells"
	read -r added _ buffers <<<"$(fact added)"
	is "$layout: and every buffer" "$buffers" "$added"
	is "$layout: each doorbell told the ring's position" "$(fact values)" "$doorbells wrong 0"
	is "$layout: of 75 laps and more; no event was lost" "$(fact many)" "1 overrun 0"
	is "$layout: vringtop shows as many, and the buffers that they made available" \
		"$(fact shown | head -n 1)" \
		"agree $kicks behind 0 buffers $buffers count $kicks sent $kicks wrong 0"
	is "$layout: and every single one" "$(fact 'shown values')" "$kicks buffers $buffers disagree 0 differ []"
	like "$layout: its report is there when the guest has ended" "$(<"$report")" '^\{.*"errors":'$errors',.*\}$'
	rm -f "$report"
	[[ $long == long ]] || continue
	is "$layout: the device that stops looking" "$(fact stop-after:)" \
		"stalled, kicks_ignored +1, kicks suppressed 0
then fine"
	is "$layout: that does not interrupt" "$(fact no-interrupt-after:)" \
		"stalled, interrupts_withheld +1, kicks suppressed 0
then fine"
	is "$layout: that leaves a stale event index" "$(fact stale-avail-event-after:)" \
		"stalled, kicks +3, kicks suppressed 1
then fine"
	like "$layout: that sets the no-notify flag" "$(fact no-notify-after:)" "^$no_notify
then fine\$"
	is "$layout: that pauses" "$(fact pause-after:)" "fine, kicks_ignored +1, kicks suppressed 0
then fine"
done
done_testing
