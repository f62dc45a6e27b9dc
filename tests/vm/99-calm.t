#!/bin/bash
# Devices that are idle, paused or slow by nature, on Debian's kernel, which has a driver for each: no stall is
# told of any. (97-stalls.t has the calm loads of disks, networks and the entropy device.)
#
# Environment: CALM   seconds, a sixth of them for each state (30)
#              DOCS   not empty: writes the table into docs/stalls.md
. "$(dirname "$0")/lib.sh"
drivers='virtio_snd virtio_iommu virtio_gpu virtio_input virtio_crypto virtio_mem virtio_pmem virtio_balloon'

if [[ -z ${VRINGTOP_GUEST:-} ]]; then
	calm=${CALM:-30}
	monitor=$(mktemp -d)
	# Behind the IOMMU is one device alone: those of the root file system are needed before its driver is there.
	# The file is in memory, because a disk of this machine may take long to flush it.
	pmem=$(mktemp -p /dev/shm)
	trap 'rm -rf "$monitor" "$pmem"' EXIT
	truncate -s 64M "$pmem"
	QEMU_OPTS="-m 1G,slots=4,maxmem=4G
		-chardev socket,id=qmp,path=$monitor/qmp,server=on,wait=off -mon chardev=qmp,mode=control
		-chardev socket,id=qmp-port,path=$monitor/qmp -device virtio-serial-pci,id=qmp-bus,max_ports=2
		-device virtserialport,bus=qmp-bus.0,name=vringtop.qmp,chardev=qmp-port
		-audiodev none,id=audio -device virtio-sound-pci,audiodev=audio
		-machine default_bus_bypass_iommu=on -device virtio-iommu-pci
		-device virtio-gpu-pci
		-device virtio-keyboard-pci -device virtio-tablet-pci
		-object cryptodev-backend-builtin,id=crypto -device virtio-crypto-pci,cryptodev=crypto
		-object memory-backend-ram,id=more,size=256M -device virtio-mem-pci,memdev=more,requested-size=64M
		-object memory-backend-file,id=file,share=on,mem-path=$pmem,size=64M
		-device virtio-pmem-pci,memdev=file
		-device pxb-pcie,id=behind-iommu,bus_nr=64 -device pcie-root-port,id=behind-port,bus=behind-iommu,chassis=9
		-object rng-random,filename=/dev/urandom,id=urandom
		-device virtio-rng-pci,rng=urandom,bus=behind-port,iommu_platform=on"
	export QEMU_OPTS=${QEMU_OPTS//[$'\n\t']/ }
	export TIMEOUT=$((TIMEOUT + calm))
	run_in_guest debian-6.12 "CALM=$calm"
	if [[ -n ${DOCS:-} ]]; then
		sed -n 's/^# |/|/p' <<<"$vm_out" >"$repo/build/calm"
		sed -i -e '/^<!-- table of 99-calm.t -->$/,/^<!-- end of the table -->$/{//!d}' \
			-e "/^<!-- table of 99-calm.t -->$/r $repo/build/calm" "$repo/docs/stalls.md"
	fi
	done_testing
fi

share=$((CALM / 6))
for driver in $drivers; do
	module=${driver/virtio_iommu/virtio-iommu}
	modprobe "${module/virtio_gpu/virtio-gpu}" 2>/dev/null
	ok "$driver has a device" succeeds_within 300 compgen -G "/sys/bus/virtio/drivers/$driver/virtio*"
done
modprobe snd_pcm 2>/dev/null

vringtop stalls --watch --json >/tmp/alarms 2>/tmp/words &
tool=$!
wait_until 300 'vringtop watches' grep -q Watching /tmp/words

sleep $share # idle
terminal 80 24 'aplay -i -q -D hw:0,0 -t raw -f S16_LE -r 48000 -c 2 /dev/zero'
ok 'a sound stream runs' succeeds_within 300 grep -q RUNNING /proc/asound/card0/pcm0p/sub0/status
sleep $share
# The key does nothing while the stream starts again after the machine stopped for too long.
pause() {
	terminal_keys Space
	sleep 2
	grep -q PAUSED /proc/asound/card0/pcm0p/sub0/status
}
ok 'the stream is paused' succeeds_within 300 pause
sleep $share
# Files of persistent memory are flushed by a request to the device.
for ((end = SECONDS + share; SECONDS < end; )); do
	dd if=/dev/zero of=/dev/pmem0 bs=64k count=4 conv=fsync status=none || break
	sleep 0.3
done
ok 'persistent memory was written and flushed' test $SECONDS -ge $end
# The balloon takes memory and gives it back.
ok 'the balloon takes memory and gives it back' /usr/bin/python3 -c '
import sys, time
sys.path.insert(0, "tests/vm")
import faults
monitor = faults.Monitor()
for mebibytes in 900, 1024:
    monitor.do("balloon", value=mebibytes << 20)
    time.sleep(int(sys.argv[1]))' $share

kill -INT $tool
wait $tool
is 'no stall was told' "$? $(</tmp/alarms)" '0 '
terminal_close

# What each driver's queues are told to be, and how long nothing else was told.
vringtop stalls --json >/tmp/stalls
vringtop queues --json >/tmp/queues
/usr/bin/python3 - "$drivers" "$CALM" <<'PYTHON'
import json, sys
waiting = {(s["queue"]["device"], s["queue"]["index"]): s["why"] for s in json.load(open("/tmp/stalls"))["waiting"]}
print("# | driver | queues | with buffers that wait | alarms in", sys.argv[2], "s |")
print("# | --- | --- | --- | --- |")
for driver in sys.argv[1].split():
    queues = [q for q in json.load(open("/tmp/queues")) if q["driver"] == driver]
    wait = [f"{q['name']} ({waiting[q['device'], q['index']]})" for q in queues if (q["device"], q["index"]) in waiting]
    print("# |", driver, "|", ", ".join(q["name"] for q in queues), "|", ", ".join(wait), "| 0 |")
PYTHON
done_testing
