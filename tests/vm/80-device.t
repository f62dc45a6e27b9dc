#!/bin/bash
# The entropy device (tests/device) behind a real driver, split and packed: its count of kicks
# against the kernel's count of doorbells, every notification data value against the ring's own
# course, how long it holds buffers, and its faults as the driver meets them.
. "$(dirname "$0")/lib.sh"

# --- In the guest: prints facts ---
if [[ -n ${VRINGTOP_GUEST:-} ]]; then
	driver=/sys/bus/virtio/drivers/virtio_rng
	device=$(cd $driver && echo virtio*)
	exec {port}<>/dev/virtio-ports/vringtop.rng
	cd /sys/kernel/tracing || exit 1
	echo 8192 >buffer_size_kb
	echo "device == ${device#virtio}" >events/virtio_ring/filter

	# tell COMMAND: sets answer
	tell() {
		echo "$1" >&"$port"
		read -r -u "$port" answer
	}
	# count NAME: a number of the device's report
	count() {
		tell report
		sed -n "s/.*\"$1\":\([0-9]*\).*/\1/p" <<<"$answer"
	}
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

	tell report
	echo "negotiated $(sed 's/.*"negotiated":\[\([^]]*\)\].*/\1/; s/[",]/ /g' <<<"$answer")"

	# A whole life of the queue, from its creation to its deletion.
	echo "$device" >$driver/unbind
	kicks=$(count kicks) buffers=$(count buffers)
	trace add notify notification_data
	echo "$device" >$driver/bind
	entropy 300 60
	echo "$device" >$driver/unbind
	doorbells=$(seen virtqueue_notify:)
	echo "doorbells $doorbells kicks $(($(count kicks) - kicks))"
	echo "added $(seen 'virtqueue_add:.* result=0 ') buffers $(($(count buffers) - buffers))"
	# Every buffer has its doorbell here, so each value is one further than the last: without end
	# in a split ring, and round a packed one of 4, whose wrap counter changes with every lap.
	sed -n 's/.*notification_data: .* layout=\([a-z]*\) .* vqn=\([0-9]*\) next=\([0-9]*\) wrap=\([0-9]*\)/\1 \2 \3 \4/p' trace |
		awk 'BEGIN { wrap = 1 }
			{
				if (++at == 4 && $1 == "packed") { at = 0; wrap = 1 - wrap }
				wrong += $2 != 0 || $3 != at || $4 != ($1 == "packed" ? wrap : 0)
			}
			END { print "values", NR, "wrong", wrong + 0 }'
	echo "many $((doorbells > 300)) overrun $(awk '/^overrun/ { n += $2 } END { print n }' per_cpu/cpu*/stats)"
	echo "$device" >$driver/bind

	# From available to used: the time between the events, the median of 40.
	for hold in 0ms 2ms 20ms; do
		tell "hold $hold"
		trace add get
		entropy 40 60
		grep -o -E '[0-9]+\.[0-9]+: virtqueue_(add|get): .* result=[01]' trace | awk -v hold="$hold" '
			/_add/ { sub(":", "", $1); added = $1 }
			/_get.* result=1/ && added { sub(":", "", $1); print ($1 - added) * 1e6; added = 0 }' |
			sort -n | awk -v hold="$hold" '{ us[NR] = $1 } END { print "held", hold, int(us[int((NR + 1) / 2)]), "us" }'
	done
	tell "hold 0ms"

	# fault SETTING COUNTER: a driver that wants ten more buffers, of which three come
	fault() {
		local before after status=fine again=fine began=$SECONDS
		before=$(count "$2")
		trace kick_prepare
		tell "$1 3"
		entropy 10 2 || status=stalled
		[[ $1 != pause-after || $SECONDS -gt $began ]] || status='did not wait'
		after=$(count "$2")
		echo "$1: $status, $2 +$((after - before)), kicks suppressed $(seen 'result=0')"
		tell resume
		entropy 10 20 || again=stalled
		echo "$1: then $again"
	}
	fault stop-after kicks_ignored
	fault no-interrupt-after interrupts_withheld
	fault stale-avail-event-after kicks
	fault no-notify-after kicks
	tell 'pause-for 1s'
	fault pause-after kicks_ignored
	exit
fi

# --- Here: compares them ---
fact() {
	sed -n "s/^$1 //p" <<<"$vm_out"
}
for layout in split packed; do
	offered='indirect_desc event_idx version_1 notification_data'
	# In a split ring with event_idx there is no such flag, and the device complains.
	no_notify='fine, kicks +10, kicks suppressed 0' errors=1
	RNG_OPTS='--notification-data --event-idx --indirect'
	if [[ $layout == packed ]]; then
		RNG_OPTS+=' --packed'
		offered='indirect_desc event_idx version_1 packed notification_data'
		no_notify='stalled, kicks +3, kicks suppressed 1' errors=0
	fi
	report=$(mktemp)
	RNG_REPORT=$report RNG_OPTS=$RNG_OPTS KERNEL=6.12 vm_run "bash ${0@Q}"
	is "$layout: the guest ends well" "$vm_status" 0
	is "$layout: the driver took what the device offers" "$(fact negotiated | xargs)" "$offered"
	read -r doorbells _ kicks <<<"$(fact doorbells)"
	is "$layout: the device saw every doorbell" "$kicks" "$doorbells"
	read -r added _ buffers <<<"$(fact added)"
	is "$layout: and every buffer" "$buffers" "$added"
	is "$layout: each doorbell told the ring's position" "$(fact values)" "$doorbells wrong 0"
	is "$layout: of 75 laps and more; no event was lost" "$(fact many)" "1 overrun 0"
	for hold in 2 20; do
		us=$(fact "held ${hold}ms")
		ok "$layout: buffers held for $hold ms take that long: ${us% us} us, and at once $(fact 'held 0ms')" \
			test "${us% us}" -ge "${hold}000" -a "${us% us}" -le "$((hold + 5))000"
	done
	is "$layout: the device that stops looking" "$(fact stop-after:)" \
		"stalled, kicks_ignored +1, kicks suppressed 0
then fine"
	is "$layout: that does not interrupt" "$(fact no-interrupt-after:)" \
		"stalled, interrupts_withheld +1, kicks suppressed 0
then fine"
	is "$layout: that leaves a stale event index" "$(fact stale-avail-event-after:)" \
		"stalled, kicks +3, kicks suppressed 1
then fine"
	is "$layout: that sets the no-notify flag" "$(fact no-notify-after:)" "$no_notify
then fine"
	is "$layout: that pauses" "$(fact pause-after:)" "fine, kicks_ignored +1, kicks suppressed 0
then fine"
	like "$layout: its report is there when the guest has ended" "$(<"$report")" '^\{.*"errors":'$errors',.*\}$'
	rm -f "$report"
done
done_testing
