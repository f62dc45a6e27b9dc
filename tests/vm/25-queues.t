#!/bin/bash
# Every queue of the guest is listed, idle ones too, with the layout that its device negotiated.
. "$(dirname "$0")/lib.sh"
if [[ -z ${VRINGTOP_GUEST:-} ]]; then
	out=$(make -s -C "$repo" vm KERNEL=6.12 CMD='vringtop stat --json 1 3' 2>/dev/null </dev/null)
	lines=$(while read -r line; do /usr/bin/python3 -m json.tool <<<"$line" >/dev/null && echo ok; done <<<"$out")
	is "make vm CMD='vringtop stat --json 1 3' prints three lines of JSON" "$lines" $'ok\nok\nok'
	KERNEL=6.12 vm_run "TESTS_BEFORE=$tests_run FAILED_BEFORE=$tests_failed bash ${0@Q}"
	printf '%s\n' "$vm_out"
	exit "$vm_status"
fi
tests_run=$TESTS_BEFORE tests_failed=$FAILED_BEFORE

list=$(vringtop queues --json)
ok 'the list is JSON' /usr/bin/python3 -m json.tool <<<"$list"

# names DEVICE: the names of its queues, in order
names() {
	/usr/bin/python3 -c '
import json, sys
print(*[q["name"] for q in json.load(sys.stdin) if q["device"] == sys.argv[1]])' "$1" <<<"$list"
}

# What each driver asks for (virtio 1.3, section 5); a disk and a SCSI host have a queue per CPU.
for device in /sys/bus/virtio/devices/virtio*; do
	driver=$(basename "$(readlink "$device/driver")")
	name=${device##*/}
	case $driver in
	virtio_blk) expected='req.0 req.1' ;;
	virtio_net) expected='input.0 output.0 control' ;;
	virtio_rng) expected='input' ;;
	virtio_scsi) expected='control event request request' ;;
	virtio_balloon) expected='inflate deflate stats' ;;
	9pnet_virtio) expected='requests' ;;
	virtio_console) # a pair for the first port, a pair for control, a pair for each other port
		expected=$(names "$name")
		like "$name ($driver): the queues" "$expected" '^input output control-i control-o( input output)+$'
		;;
	*) expected="a driver that this test does not know" ;;
	esac
	is "$name ($driver): the queues" "$(names "$name")" "$expected"

	# A string of 64 feature bits, 34 is VIRTIO_F_RING_PACKED.
	features=$(<"$device/features")
	if [[ ${features:34:1} == 1 ]]; then layout='packed'; else layout='split'; fi
	is "$name ($driver): the layout" "$(/usr/bin/python3 -c '
import json, sys
print(*{q["layout"] for q in json.load(sys.stdin) if q["device"] == sys.argv[1]})' "$name" <<<"$list")" $layout
	is "$name ($driver): the driver and the features" "$(/usr/bin/python3 -c '
import json, sys
for q in json.load(sys.stdin):
    if q["device"] == sys.argv[1]:
        print(q["driver"], format(int(q["features"], 16), "064b")[::-1])
        break' "$name" <<<"$list")" "$driver $features"
done
table=$(vringtop queues)
is 'the table has a line for each queue' "$(grep -c '^virtio' <<<"$table")" \
	"$(/usr/bin/python3 -c 'import json, sys; print(len(json.load(sys.stdin)))' <<<"$list")"
is 'the table fits 80 columns' "$(awk 'length > 80' <<<"$table")" ''
like 'filters' "$(vringtop queues -D virtio_net -q control | awk 'NR > 1 { print $2, $4 }')" \
	$'^virtio_net control\nvirtio_net control$'
done_testing
