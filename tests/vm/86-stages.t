#!/bin/bash
# The life of a request: its stages add up to its time, to the ns; interrupts are those that
# /proc/interrupts and the entropy device (tests/device) count; and when the device holds buffers
# longer, the stage `device` is longer by that, and no other stage. The oldest request is as old as a
# read that the device holds.
# Environment: KERNELS   only some of them: "6.12-stock"
. "$(dirname "$0")/lib.sh"

if [[ -z ${VRINGTOP_GUEST:-} ]]; then
	chrt -r -p 1 $$ 2>/dev/null # as in 85-avail-to-used.t
	for kernel in ${KERNELS:-6.12 6.12-stock}; do
		for layout in split packed; do
			RNG_OPTS='--notification-data --event-idx --indirect'
			[[ $layout == split ]] || RNG_OPTS+=' --packed'
			export RNG_OPTS
			run_in_guest "$kernel" layout=$layout
		done
	done
	done_testing
fi
: "${kernel:?}" "${layout:?}"
rng=$(cd /sys/bus/virtio/drivers/virtio_rng && echo virtio*)
device_open
only_we_read
disk=vda
[[ $layout == split ]] || disk=vdb

# vectors: how many interrupts each queue of the disk had, with the queue's name
vectors() {
	local device
	device=$(basename "$(readlink -f /sys/block/$disk/device)")
	awk -v cpus="$(nproc)" -v device="$device" '
		$NF ~ "^" device "-req" { n = 0; for (i = 2; i <= 1 + cpus; i++) n += $i; print $NF, n }' /proc/interrupts
}

# If the kernel itself still reads entropy while vringtop attaches or ends, nobody knows whether vringtop has seen it:
# once more.
for _ in {1..8}; do
	attaching=$(device_says interrupts buffers)
	vringtop hist --json >/tmp/json 2>/tmp/errors &
	tool=$!
	wait_until 300 'vringtop counts' grep -q Counting /tmp/errors
	before=$(vectors) begin=$(device_says interrupts buffers)
	loads=()
	for cpu in 0 1; do
		taskset -c $cpu dd if=/dev/$disk of=/dev/null bs=4k count=400 iflag=direct status=none &
		loads+=($!)
	done
	wait "${loads[@]}"
	dd if=/dev/hwrng of=/dev/null bs=64 count=50 iflag=fullblock status=none
	sleep 0.2
	after=$(vectors) end=$(device_says interrupts buffers)
	kill -INT $tool
	wait $tool
	status=$?
	[[ $attaching != "$begin" || $end != "$(device_says interrupts buffers)" ]] || break
done
entropy="$((${end% *} - ${begin% *})) $((${end#* } - ${begin#* }))"
is "$kernel, $layout: vringtop ends well" "$status" 0

/usr/bin/python3 - "$disk" "$rng" <(echo "$before") <(echo "$after") >/tmp/facts <<'END'
import json, sys
disk, rng = sys.argv[1:3]
before, after = (dict(line.split() for line in open(path)) for path in sys.argv[3:])
queues = json.load(open("/tmp/json"))["queues"]
stages = "queued", "doorbell", "device", "wakeup"
timed = [q for q in queues if "avail_to_used" in q["ops"]]
wrong = [(q["device"], q["name"]) for q in timed
         if sum(q["ops"].get(s, {}).get("sum_ns", 0) for s in stages) != q["ops"]["avail_to_used"]["sum_ns"]
         or q["ops"]["device"]["count"] != q["ops"]["avail_to_used"]["count"]]
print("wrong:", wrong)
mine = [q for q in timed if q["role"] == disk]
print("requests:", sum(q["ops"]["avail_to_used"]["count"] for q in mine))
print("interrupts:", sorted((q["device"] + "-" + q["name"], q["interrupt"]["count"]) for q in mine))
print("vectors:", sorted((name, int(after[name]) - int(before[name])) for name in after if after[name] != before[name]))
print("fetched:", sum(round(q["interrupt"]["buffers_per_interrupt"] * q["interrupt"]["buffers"]["count"]) +
                      q["interrupt"]["buffers_without_interrupt"] for q in mine))
entropy = [q for q in timed if q["device"] == rng][0]
print("entropy:", entropy["interrupt"]["count"], entropy["ops"]["avail_to_used"]["count"])
END
fact() { sed -n "s/^$1: //p" /tmp/facts; }
is "$kernel, $layout: of each queue the stages add up to the time of the requests" "$(fact wrong)" '[]'
ok "$kernel, $layout: the requests of the disk, $(fact requests), are at least the 800 reads" \
	test "$(fact requests)" -ge 800
is "$kernel, $layout: interrupts of each queue of the disk, as in /proc/interrupts" "$(fact interrupts)" "$(fact vectors)"
is "$kernel, $layout: buffers that interrupts found, and those without, are all" "$(fact fetched)" "$(fact requests)"
is "$kernel, $layout: interrupts and buffers, as the entropy device counted them" "$(fact entropy)" "$entropy"

test_held() {
	[[ $(device_says in_hand) -gt 0 ]]
}

read_entropy 0.004
# medians HOLD SECONDS: of the stages, us
medians() {
	ask_device "hold $1ms"
	vringtop stages --json -d "$rng" "$2" 1 | /usr/bin/python3 -c '
import json, sys
queue, = json.load(sys.stdin)["queues"]
print(*(queue["ops"].get(stage, {}).get("p50_ns", 0) // 1000 for stage in ("queued", "doorbell", "device", "wakeup")))'
}
# A busy machine makes times longer, by some ms. So the device holds the buffers for much longer; and of several pairs
# of runs one has to be undisturbed.
moved='' all=''
for _ in {1..8}; do
	read -r -a short <<<"$(medians 0 1)"
	read -r -a long <<<"$(medians 100 3)"
	more=()
	for i in 0 1 2 3; do more[i]=$((long[i] - short[i])); done
	all+=" (${more[*]})"
	others=0
	for i in 0 1 3; do ((${more[i]#-} <= 5000)) || others=1; done
	# The doorbell of this device returns at once, or after the device has taken the buffer.
	if ((others == 0 && more[2] >= 95000 && more[2] <= 105000)); then
		moved=yes
		break
	fi
done
# Only add is counted here, so nobody sees a buffer come back.
oldest=$(vringtop stat --json -o add -d "$rng" 0.5 1 | /usr/bin/python3 -c '
import json, sys
print(*(q["oldest_ns"] for q in json.load(sys.stdin)["queues"]))')
kill $reader
wait $reader 2>/dev/null

# One request that the device holds for as long as it is watched.
rm /tmp/json
vringtop stat --json -d "$rng" 0.3 >/tmp/json &
tool=$!
wait_until 300 'vringtop stat prints' test -s /tmp/json
read_at=$(date +%s%N)
ask_device 'hold 60000ms'
dd if=/dev/hwrng of=/dev/null bs=64 count=2 iflag=fullblock status=none &
reader=$!
wait_until 300 'the device holds a request' test_held
held_at=$(date +%s%N)
shown=$(wc -l </tmp/json)
four_more() { (($(wc -l </tmp/json) >= shown + 4)); }
succeeds_within 300 four_more
kill -INT $tool
wait $tool
later_at=$(date +%s%N)
vringtop stat --json -d "$rng" 0.3 1 >/tmp/later # this one began after the request
ask_device 'hold 0ms'
wait $reader
vringtop stat --json -d "$rng" 0.3 1 >/tmp/after
/usr/bin/python3 - "$read_at" "$held_at" "$later_at" >/tmp/facts <<'END'
import json, sys
read_at, held_at, later_at = map(int, sys.argv[1:])
def queue(line):
    q, = line["queues"]
    return line["time_ns"], q["oldest_ns"], q["oldest_or_longer"]
lines = [queue(json.loads(line)) for line in open("/tmp/json")]
ages = [line for line in lines if line[1]]
# The time of a line is taken when the line is printed: on a busy machine later than the age.
starts = [time - age for time, age, _ in ages]
print("ages:", len(ages) >= 3 and not any(longer for *_, longer in ages))
print("one:", bool(ages) and read_at <= min(starts) <= held_at)
# Each age is read after the line before was printed.
print("grows:", all(age >= time - held_at for (time, *_), (_, age, _) in zip(ages, ages[1:])))
time, age, longer = queue(json.load(open("/tmp/later")))
print("later:", longer and 0 < age < time - later_at)
print("after:", queue(json.load(open("/tmp/after")))[1:])
END
is "$kernel, $layout: the oldest request has an age in each interval" "$(fact ages)" True
is "$kernel, $layout: it is as old as the read, and grows with the clock" "$(fact one) $(fact grows)" 'True True'
is "$kernel, $layout: a request from before the start: at least the time since then" "$(fact later)" True
is "$kernel, $layout: afterwards there is no request" "$(fact after)" '(0, False)'
is "$kernel, $layout: without the stages the oldest request is not known" "$oldest" 0
is "$kernel, $layout: held 100 ms longer: device is longer by 100 ms, the others by at most 5 % of that (us:$all)" \
	"$moved" yes
done_testing
