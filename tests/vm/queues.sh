# shellcheck shell=bash disable=SC2034,SC2154 # kernel is set, and what is set here is read, there
# Every queue of the guest is listed, idle ones too, by its name, with its driver, and with the
# layout that its device negotiated. A part of 25-kernels.t: sets `listed` and `named` (all, or some)
# and `shown_layouts`.

vringtop queues --json >/tmp/list
# A line for each device, of what its queues have: driver | layouts | features, bit 0 first | names.
listed_queues=$(/usr/bin/python3 -c '
import json
queues = json.load(open("/tmp/list"))
for device in {q["device"]: 0 for q in queues}:
    own = [q for q in queues if q["device"] == device]
    of = lambda key: " ".join(dict.fromkeys(str(q[key]) for q in own))
    features = " ".join(format(int(f, 16), "064b")[::-1] for f in of("features").split())
    print(device, of("driver"), of("layout"), features, " ".join(q["name"] for q in own), sep="|")')

# What each driver asks for (virtio 1.3, section 5); a disk and a SCSI host have a queue per CPU.
drivers='' layouts='' listed=all named=all
for device in /sys/bus/virtio/devices/virtio*; do
	driver=$(basename "$(readlink "$device/driver")")
	name=${device##*/}
	IFS='|' read -r _ its_driver its_layout its_features its_names < <(grep "^$name|" <<<"$listed_queues")
	case $driver in
	virtio_blk) expected='req.0 req.1' ;;
	virtio_net) expected='input.0 output.0 control' ;;
	virtio_rng) expected='input' ;;
	virtio_scsi) expected='control event request request' ;;
	virtio_balloon) expected='inflate deflate stats' ;;
	9pnet_virtio) expected='requests' ;;
	virtio_console) # a pair for the first port, a pair for control, a pair for each other port
		expected=$its_names
		like "$kernel: $name ($driver): pairs of queues" "$expected" '^input output control-i control-o( input output)+$'
		;;
	*) expected="a driver that this test does not know" ;;
	esac
	is "$kernel: $name ($driver): the queues" "$its_names" "$expected"
	[[ $its_names == "$expected" ]] || named=some
	[[ $(wc -w <<<"$its_names") == "$(wc -w <<<"$expected")" ]] || listed=some

	# A string of feature bits: 34 is VIRTIO_F_RING_PACKED, 35 is VIRTIO_F_IN_ORDER.
	features=$(<"$device/features")
	if [[ ${features:34:1} == 1 ]]; then layout='packed'; else layout='split'; fi
	[[ ${features:35:1} == 0 ]] || layout+=-in-order
	is "$kernel: $name ($driver): the layout, $layout" "$its_layout" $layout
	is "$kernel: $name ($driver): the driver and the features" "$its_driver $its_features" "$driver ${features:0:64}"
	drivers+="$driver"$'\n' layouts+="$layout"$'\n'
done
is "$kernel: every driver was there" "$(sort -u <<<"$drivers" | xargs)" \
	'9pnet_virtio virtio_balloon virtio_blk virtio_console virtio_net virtio_rng virtio_scsi'
in_order=' packed-in-order split split-in-order'
[[ $kernel == 7.* ]] || in_order=' split'
is "$kernel: every layout was there" "$(sort -u <<<"$layouts" | xargs)" "packed$in_order"
shown_layouts=$(cut -d '|' -f 3 <<<"$listed_queues" | sort -u | xargs)

# The names, too, that the kernel gives the interrupts of the queues that have one of their own.
interrupts=$(sed -n 's/.* \(virtio[0-9]*\)-\([a-z]*\.[0-9]*\|input\|control\|event\|request\|inflate\|deflate\|stats\|requests\)$/\1 \2/p' /proc/interrupts | sort)
like "$kernel: queues have interrupts" "$interrupts" 'virtio[0-9]+ req\.0.*virtio[0-9]+ req\.0'
is "$kernel: the names are those of the interrupts" \
	"$(awk -F '|' '{ n = split($5, names, " "); for (i = 1; i <= n; i++) print $1, names[i] }' <<<"$listed_queues" |
		sort | comm -13 - <(printf '%s\n' "$interrupts"))" ''

table=$(vringtop queues)
is "$kernel: the table has a line for each queue" "$(grep -c '^virtio' <<<"$table")" \
	"$(awk -F '|' '{ n += split($5, names, " ") } END { print n }' <<<"$listed_queues")"
is "$kernel: the table fits 80 columns" "$(awk 'length > 80' <<<"$table")" ''
like "$kernel: filters" "$(vringtop queues -D virtio_net -q control | awk 'NR > 1 { print $2, $4 }')" \
	$'^virtio_net control\nvirtio_net control$'
