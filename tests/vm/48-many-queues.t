#!/bin/bash
# More queues than any usual guest has: all are shown, one that hangs is found, and memory goes by what is
# used, not by how many CPUs are possible. The truth is the number of queues that the devices were made with.
#
# Environment: TABLE   not empty: more queues, and more possible CPUs, on Debian's kernels, which count kernel
#                      memory; prints a table
. "$(dirname "$0")/lib.sh"
shopt -s extglob
queues=${QUEUES:-} # in the guest: so many there are
ports=511 # of a serial device, so many at most; two queues for each, and for control

if [[ -z ${VRINGTOP_GUEST:-} ]]; then
	# devices NUMBER: of serial devices, and one more entropy device, which has a rate limit
	devices() {
		local n
		for ((n = 0; n < $1; n++)); do
			printf -- '-device virtio-serial-pci,id=many%d,max_ports=%d ' "$n" $ports
		done
		echo '-object rng-random,filename=/dev/urandom,id=urandom' \
			'-device virtio-rng-pci,rng=urandom,max-bytes=64,period=1000000'
	}
	QEMU_OPTS=$(devices 1) run_in_guest 6.12 QUEUES=$((39 + 1 + 2 * (ports + 1)))
	[[ -n ${TABLE:-} ]] || done_testing

	table=$(mktemp)
	trap 'rm -f "$table"' EXIT
	# shellcheck disable=SC2016 # backquotes of a page, no shell's
	echo '| kernel | memory | CPUs that are, that are possible | queues | shown by `stat` | kernel memory, MiB | resident, MiB | start-up, s | the same of `stalls` |
| --- | --- | --- | --- | --- | --- | --- | --- | --- |' >"$table"
	while read -r kernel memory possible serials; do
		queues=$((39 + 1 + serials * 2 * (ports + 1)))
		CPUS=2,sockets=$possible,cores=1,threads=1,maxcpus=$possible MEMORY=$memory QEMU_OPTS=$(devices "$serials") \
			KERNEL=$kernel \
			vm_run 'cat /sys/devices/system/cpu/possible; /usr/bin/python3 tests/vm/many_queues.py'
		is "$kernel, $memory, $possible CPUs, $queues queues: the guest ends well" "$vm_status" 0
		{
			read -r cpus
			IFS='|' read -r shown hidden kib resident took
			IFS='|' read -r stalls_shown stalls_hidden stalls_kib stalls_resident stalls_took
			IFS='|' read -r status recorded not_recorded words
		} <<<"${vm_out//*([a-z]): /}"
		is "$kernel, $memory, $possible CPUs: so many are possible" "$cpus" "0-$((possible - 1))"
		is "$kernel, $memory, $possible CPUs, $queues queues: all are shown by both" \
			"$shown $hidden $stalls_shown $stalls_hidden" "$queues 0 $queues 0"
		most=4095 # of record --events
		rest=$((queues > most ? queues - most : 0))
		is "$kernel, $memory, $possible CPUs, $queues queues: record --events says how many are not there" \
			"$status $recorded $not_recorded ${words//[!0-9]/}" "0 $((queues - rest)) $rest ${rest/#0/}"
		awk -v OFS=' | ' -v c="2, $possible" -v s="$shown" -v k="$kib" -v r="$resident" -v t="$took" -v ss="$stalls_shown" \
			-v sk="$stalls_kib" -v sr="$stalls_resident" -v st="$stalls_took" -v q=$queues -v kernel="$kernel" \
			-v m="$memory" 'BEGIN {
				printf "| %s | %s | %s | %d | %d | %.1f | %.1f | %.1f | %d; %.1f; %.1f; %.1f |\n", kernel, m, c, q, s,
					k / 1024, r / 1024, t / 1000, ss, sk / 1024, sr / 1024, st / 1000 }' >>"$table"
	done <<-END
		debian-6.12 1G 2 0
		debian-6.12 1G 2 1
		debian-6.12 1G 2 8
		debian-6.12 1G 240 0
		debian-6.12 1G 240 1
		debian-6.12 1G 240 8
		debian-6.1 512M 240 0
		debian-6.1 384M 240 0
	END
	sed 's/^/# /' "$table"
	done_testing
fi

vringtop queues --json >/tmp/queues
is "$kernel: all queues are listed" "$? $(json /tmp/queues 'len(d)')" "0 $queues"
vringtop stat --json 0.2 1 >/tmp/stat
is "$kernel: stat: all are shown, nothing is lost" \
	"$(json /tmp/stat 'len(d["queues"]), d["queues_not_shown"], d["lost"]')" "($queues, 0, 0)"
vringtop stat -d vda --json 0.2 1 >/tmp/stat
is "$kernel: stat: a disk is found" "$(json /tmp/stat 'sorted(q["name"] for q in d["queues"])')" "['req.0', 'req.1']"
vringtop record -i 0.2 -o /tmp/a.vt -- sleep 0.5 2>/dev/null
is "$kernel: record: status" $? 0
is "$kernel: record: all are in the recording" "$(sqlite3 /tmp/a.vt 'SELECT count(*) FROM queue')" "$queues"
# The entropy device with the rate limit hangs: QEMU does not take its request.
limited=$(cd /sys/bus/virtio/drivers/virtio_rng && printf '%s\n' virtio* | sort -V | tail -n 1)
echo virtio_rng.1 >/sys/class/misc/hw_random/rng_current
dd if=/dev/hwrng of=/tmp/entropy bs=64 count=3 status=none &
# The device gives the first bytes at once. The driver asks for the next ones when the first are read.
wait_until 300 'the device has given what it may' test -s /tmp/entropy
vringtop stalls --json >/tmp/stalls
is "$kernel: stalls: the queue that hangs is found among all" \
	"$? $(json /tmp/stalls 'd["queues"], d["queues_not_shown"], [s["queue"]["device"] for s in d["stalled"]]')" \
	"3 ($queues, 0, ['$limited'])"
kill %1
done_testing
