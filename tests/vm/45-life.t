#!/bin/bash
# Queues come and go while vringtop counts: drivers are unbound and bound, a disk is unplugged and
# plugged in, rings are resized and reset, all at once and under load. What it says of them is compared
# with the kernel's triggers, and with the requests that the kernel counts for each life of a disk.
# Environment: KERNEL (6.12), ROUNDS of unbind and bind (200)
. "$(dirname "$0")/lib.sh"
. "$(dirname "$0")/exact.sh"
rounds=${ROUNDS:-200} plugs=20

if [[ -z ${VRINGTOP_GUEST:-} ]]; then
	# It unbinds and plugs all the time, while another test uses the same CPUs.
	export KERNEL=${KERNEL:-6.12} TIMEOUT=${TIMEOUT:-900}
	MODULE=$("$repo/tests/kmod/build.sh" "$KERNEL") || exit
	sockets=$(mktemp -d "${TMPDIR:-/tmp}/vringtop-life.XXXXXX")
	trap 'rm -rf "$sockets"' EXIT
	# What comes and goes: a disk and a network device, a disk that is plugged in, and the monitor to
	# do that with, which is QEMU's own end of a port of the guest.
	QEMU_OPTS="-blockdev null-co,node-name=spare,size=67108864,read-zeroes=on
		-device virtio-blk-pci,drive=spare,serial=spare
		-netdev hubport,id=hub-spare,hubid=1
		-device virtio-net-pci,netdev=hub-spare,mac=52:54:00:76:72:02,packed=on,romfile=
		-blockdev null-co,node-name=hot,size=67108864,read-zeroes=on
		-device pcie-root-port,id=plug,chassis=1,slot=1
		-chardev socket,id=monitor,path=$sockets/monitor,server=on,wait=off -mon chardev=monitor,mode=control
		-chardev socket,id=to-monitor,path=$sockets/monitor
		-device virtio-serial-pci,id=monitor-bus,max_ports=2
		-device virtserialport,bus=monitor-bus.0,name=vringtop.monitor,chardev=to-monitor"
	export QEMU_OPTS=${QEMU_OPTS//[$'\n\t']/ }
	run_in_guest "$KERNEL" "MODULE=$MODULE" "ROUNDS=$rounds"
	done_testing
fi

work=$(mktemp -d)
devices=/sys/bus/virtio/devices
exerciser=/sys/kernel/debug/vring_exerciser/run

virtio_of() { # SYSFS-FOLDER
	basename "$(readlink -f "$1/device")"
}
for serial in /sys/block/vd*/serial; do
	[[ $(<"$serial") != spare ]] || spare_disk=$(virtio_of "${serial%/serial}")
done
for address in /sys/class/net/*/address; do
	[[ $(<"$address") != 52:54:00:76:72:02 ]] || spare_net=$(virtio_of "${address%/address}")
done
# Queues that carry the guest's files and what it prints.
restless=" $(cd /sys/bus/virtio/drivers && echo 9pnet_virtio/virtio* virtio_console/virtio* | sed 's,[^ ]*/,,g') "
rng=$(basename "$(readlink -f /sys/bus/virtio/drivers/virtio_rng/virtio*)")

# unbind DEVICE DRIVER; bind DEVICE DRIVER
unbind() { echo "$1" >"/sys/bus/virtio/drivers/$2/unbind"; }
bind() { echo "$1" >"/sys/bus/virtio/drivers/$2/bind"; }

# live DISK READS: reads from a disk, and prints how many requests it has done since it is there
live() {
	local -a stat
	dd if="/dev/${1##*/}" of=/dev/null bs=4k count="$2" iflag=direct status=none || return
	read -r -a stat <"$1/stat"
	echo $((stat[0] + stat[4] + stat[11] + stat[15]))
}

unbind_disk() {
	local i
	for ((i = 1; i <= rounds; i++)); do
		bind "$spare_disk" virtio_blk && live "$devices/$spare_disk"/block/* $((i % 5 + 1)) &&
			unbind "$spare_disk" virtio_blk || return
	done
}

unbind_net() {
	local net
	while [[ ! -e $work/end ]]; do
		bind "$spare_net" virtio_net || return
		net=$(echo "$devices/$spare_net"/net/*)
		ip link set "${net##*/}" up && unbind "$spare_net" virtio_net || return
		echo unbound
	done
}

# ask COMMAND ANSWER: tells QEMU's monitor to do it, and waits for an answer with this in it
ask() {
	local line
	echo "$1" >&"$monitor"
	while read -r -t 120 -u "$monitor" line; do
		[[ $line != *'"error"'* ]] || break
		[[ $line != *"$2"* ]] || return 0
	done
	echo "$1: ${line:-no answer}" >&2
	return 1
}

plug() {
	local i disk packed=('"packed": false' '"packed": true') in_order=('"in_order": false' '"in_order": true')
	ask '{"execute": "qmp_capabilities"}' '"return"' || return
	for ((i = 1; i <= plugs; i++)); do
		ask '{"execute": "device_add", "arguments": {"driver": "virtio-blk-pci", "id": "hot", "bus": "plug",
			"drive": "hot", '"${packed[i % 2]}, ${in_order[i / 2 % 2]}"'}}' '"return"' || return
		for _ in {1..300}; do
			disk=$(echo /sys/bus/pci/devices/0000:01:00.0/virtio*/block/*)
			[[ ! -e $disk ]] || break
			sleep 0.1
		done
		live "$disk" $((i % 5 + 1)) || return
		ask '{"execute": "device_del", "arguments": {"id": "hot"}}' '"device": "hot"' || return
	done
}

# Rings of the network devices that carry the load become smaller and larger.
resize() {
	local size
	while [[ ! -e $work/end ]]; do
		for size in 64 256; do
			ip netns exec vr0 ethtool -G "$net0" rx "$size" tx "$size" || return
			ip netns exec vr1 ethtool -G "$net1" tx "$size" || return
			echo resized
			sleep 0.1
		done
	done
}

# Other rings are reset, too, and made and deleted with it.
reset() {
	local layouts=split,packed
	[[ $(uname -r) == 6.* ]] || layouts+=,split_in_order,packed_in_order
	while [[ ! -e $work/end ]]; do
		echo "layout=$layouts queues=2 cpus=2 irq=1 rounds=20 reset_only=1" >"$exerciser" || return
		echo remove >"$exerciser" || return
		echo reset
		sleep 0.2
	done
}

net_name() { # NAMESPACE
	ip -n "$1" -o link show up | sed -n 's/^[0-9]*: \(e[^:]*\):.*/\1/p'
}
net0=$(net_name vr0) net1=$(net_name vr1)

# keys KEY...: into the live view
keys() {
	terminal_keys "$@"
	sleep 0.2
}

# udev looks into each new disk, and names each new network device, whenever it comes to it.
udevadm control --exit
unbind "$rng" virtio_rng
unbind "$spare_disk" virtio_blk
unbind "$spare_net" virtio_net
insmod "$MODULE"
before=$(left)
dmesg -C
exec {monitor}<>/dev/virtio-ports/vringtop.monitor
triggers_on
tool_start "$work/json" 1
bind "$rng" virtio_rng

jobs=()
for disk in /sys/block/[sv]d*; do jobs+=(--name="${disk##*/}" --filename="/dev/${disk##*/}"); done
fio --rw=randrw --bs=4k --direct=1 --ioengine=io_uring --iodepth=4 --rate_iops=200 --time_based \
	--runtime=1800 --output=/dev/null "${jobs[@]}" &
fio=$!
ip netns exec vr0 ping -q -i 0.02 10.77.0.2 >"$work/ping" &
ping=$!
ok 'the disks move' scripts/load.sh moving 120

declare -A loops
for loop in resize reset unbind_net plug unbind_disk; do
	$loop >"$work/$loop" &
	loops[$loop]=$!
done

# Someone looks at it and opens queues, some of which go while they are open.
terminal 80 24 \
	"vringtop top -D virtio_blk 0.5; echo \"status \$?\"; sleep 1000"
ok 'the live view comes' terminal_line 'DEVICE.*QUEUE'
while kill -0 "${loops[unbind_disk]}" 2>/dev/null; do
	for key in Enter Escape End Enter d o Escape Up Enter Escape l Home; do keys $key; done
done
wait "${loops[unbind_disk]}"
is "a driver is unbound from a disk and bound again $rounds times" $? 0
wait "${loops[plug]}"
is "a disk is unplugged and plugged in $plugs times" $? 0
touch "$work/end"
wait "${loops[unbind_net]}"
is "a driver is unbound from a network device and bound again ($(wc -l <"$work/unbind_net") times)" $? 0
wait "${loops[resize]}"
is "rings that carry the load are resized ($(wc -l <"$work/resize") times)" $? 0
wait "${loops[reset]}"
is "rings are reset, and made and deleted for it ($(wc -l <"$work/reset") times)" $? 0
kill -INT $ping $fio
wait $ping $fio
like 'the load went on' "$(tail -n 2 "$work/ping")" ' [0-9]{3,} received'

keys Escape
keys a # idle ones, too
ok 'the live view still shows the disks that live' terminal_line '^virtio[0-9]* vda'
bind "$spare_disk" virtio_blk
live "$devices/$spare_disk"/block/* 7 >>"$work/unbind_disk"
ok 'a new queue is marked in it' terminal_line "^$spare_disk .* \+req.0"
unbind "$spare_disk" virtio_blk
ok 'and one that is gone' terminal_line "^$spare_disk .* req.0 .*GONE"
terminal_screen | sed 's/^/# /'
keys q
ok 'it ends well' terminal_line 'status 0'
terminal_close

for vr in vr0 vr1; do ip -n $vr link set group default down; done
unbind "$rng" virtio_rng
tool_stop
is 'vringtop ends well' $? 0

# What the kernel counted, and what vringtop did: all but the queues that are never still.
trigger_sums >"$work/trigger-sums"
is 'the triggers had room for all queues' $? 0
tool_sums >"$work/tool-sums"
for sums in trigger tool; do
	awk -v restless="$restless" 'index(restless, " " $1 " ") == 0' "$work/$sums-sums" | sort >"$work/$sums"
done
is 'nothing is lost' "$(grep ^lost "$work/tool")" 'lost 0'
sed -i /^lost/d "$work/tool"
is "each operation of each queue was counted as often as it happened ($(wc -l <"$work/trigger") figures)" \
	"$(diff "$work/trigger" "$work/tool")" ''

# The life of each queue, as vringtop tells it.
/usr/bin/python3 - "$work/json" "$spare_disk" >"$work/lives" <<-'END'
	import collections, itertools, json, sys

	spare, wrong = sys.argv[2], collections.Counter()
	lives = {}  # by serial
	at = collections.defaultdict(list)  # of each device and index, the serials in their order
	for n, line in enumerate(open(sys.argv[1])):
	    here = collections.Counter()
	    for q in json.loads(line)["queues"]:
	        place, buffers = (q["device"], q["index"]), q["buffers"]
	        what = place + (q["driver"], q["layout"], q["name"])
	        life = lives.setdefault(q["serial"], {"what": what, "buffers": 0, "gone": False})
	        if "first" not in life:
	            life["first"] = n
	            at[place].append(q["serial"])
	            # One that was made since the last interval, and may have gone in it.
	            wrong["not new"] += n > 0 and not q["new"] and not q["gone"]
	            wrong["new, but old"] += n == 0 and q["new"]
	            wrong["serial is not the newest"] += at[place] != sorted(at[place])
	        wrong["another queue"] += life["what"] != what
	        wrong["back from the dead"] += life["gone"] and not q["gone"]
	        wrong["counts of a dead queue"] += life["gone"] and bool(q["ops"])
	        wrong["new and gone"] += q["new"] and q["gone"]
	        life["gone"] = q["gone"]
	        life["buffers"] += buffers
	        here[place] += not q["gone"]
	    wrong["two alive in one place"] += sum(number > 1 for number in here.values())
	for place, serials in at.items():
	    wrong["not gone before the next came"] += sum(not lives[s]["gone"] for s in serials[:-1])

	print("wrong:", ", ".join(f"{what} ({n})" for what, n in wrong.items() if n) or "nothing")

	def tell(name, belongs):
	    """The buffers of each life of a disk: of the first of all its queues, and so on."""
	    by_index = collections.defaultdict(list)
	    for serial in sorted(lives):
	        life = lives[serial]
	        device, index, driver, *_ = life["what"]
	        if life["first"] and driver == "virtio_blk" and (device == spare) == belongs:
	            by_index[index].append(life["buffers"])
	    print(name, *(sum(queues) for queues in itertools.zip_longest(*by_index.values(), fillvalue=-1000)))

	tell("spare:", True)
	tell("hot:", False)
END
is 'each queue has one life, is new, and then gone' "$(sed -n 's/^wrong: //p' "$work/lives")" nothing
is 'each life of the disk starts from zero, and has as many buffers as requests' \
	"$(sed -n 's/^spare: //p' "$work/lives")" "$(xargs <"$work/unbind_disk")"
is 'and each life of the disk that is plugged in' \
	"$(sed -n 's/^hot: //p' "$work/lives")" "$(xargs <"$work/plug")"
for _ in {1..50}; do
	[[ $(left) != "$before" ]] || break
	sleep 0.1
done
is 'no program, map or link is left' "$(left)" "$before"
is 'the kernel has nothing to say' "$(complaints)" ''
done_testing
