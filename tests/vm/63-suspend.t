#!/bin/bash
# The guest is suspended to idle while vringtop watches, with functions: its devices lose their queues
# and get new ones. It goes on; what it counts is what was read, before and after, and the interval
# that has the sleep in it is as long as the sleep was.
# Environment: SUSPEND_KERNELS (debian-6.12; the project's own kernels do not suspend)
. "$(dirname "$0")/lib.sh"
root=/dev/shm/root # in the guest

if [[ -z ${VRINGTOP_GUEST:-} ]]; then
	sockets=$(mktemp -d "${TMPDIR:-/tmp}/vringtop-suspend.XXXXXX")
	trap 'kill "$presser" 2>/dev/null; rm -rf "$sockets"' EXIT
	# Presses the guest's power button: that wakes it. (Nobody in it listens to the button.)
	cat >"$sockets/press.py" <<-'END'
		import itertools, socket, sys, time
		monitor = socket.socket(socket.AF_UNIX)
		for _ in range(1500):
		    try:
		        monitor.connect(sys.argv[1])
		        break
		    except OSError:
		        time.sleep(0.2)
		monitor.sendall(b'{"execute": "qmp_capabilities"}\n')
		try:
		    while True:
		        time.sleep(16) # longer than a busy machine takes to fall asleep
		        monitor.sendall(b'{"execute": "system_powerdown"}\n')
		except OSError:
		    pass # the guest has ended
	END
	for kernel in ${SUSPEND_KERNELS:-debian-6.12}; do
		rm -f "$sockets/monitor"
		/usr/bin/python3 "$sockets/press.py" "$sockets/monitor" &
		presser=$!
		# Its root file system (9p) does not live through the sleep, so neither does what vm.sh waits for.
		KERNEL=$kernel QEMU_OPTS="-qmp unix:$sockets/monitor,server=on,wait=off" vm_run "bash ${0@Q}"
		kill $presser 2>/dev/null # it ends with the guest
		wait $presser 2>/dev/null
		printf '%s\n' "$vm_out" >"$sockets/out"
		grep -q '^suspended: yes' "$sockets/out" || printf '%s\n' "$vm_err" >&2
		said() { sed -n "s/^$1: //p" "$sockets/out"; }
		is "$kernel: the guest was suspended, and woke" "$(said suspended)" yes
		is "$kernel: vringtop ends well, without a word" "$(said status)" '0 '
		is "$kernel: no program, map or link is left" "$(said left)" "$(said before)"
		is "$kernel: what the kernel complains of" "$(said complaints)" ''
		/usr/bin/python3 - "$sockets/out" "$(said slept)" "$(said ran)" >"$sockets/facts" <<-'END'
			import json, sys
			slept = float(sys.argv[2] or 0)
			intervals = [json.loads(line) for line in open(sys.argv[1]) if line.startswith("{")]
			# By the device, because new queues can be without the disk's name for a second.
			device, = {q["device"] for q in intervals[0]["queues"] if q["role"] == "vda"}
			disk = [[q for q in i["queues"] if q["device"] == device] for i in intervals]
			seconds = [i["interval_ns"] / 1e9 for i in intervals]
			longest = seconds.index(max(seconds))
			buffers, lost = sum(q["buffers"] for i in disk for q in i), sum(i["lost"] for i in intervals)
			print("buffers:", buffers <= 70 <= buffers + lost or buffers)
			print("said:", f"slept {slept} s, {len(intervals)} intervals, {buffers} buffers, {lost} lost")
			print("before:", sum(q["buffers"] for i in disk[:longest] for q in i))
			# An interval may end between the end of the old queues and the first use of a new one, and a queue
			# is gone, or new, in several intervals.
			print("gone:", *(len({q["serial"] for i in disk[longest:] for q in i if q[what]}) for what in ("gone", "new")))
			# To fall asleep and to wake takes a part of it, in which intervals may begin and end. All of them are not
			# longer than vringtop ran.
			print("long:", slept > 8 and slept - 6 <= max(seconds) and sum(seconds) <= float(sys.argv[3] or 0) or
			      (max(seconds), sum(seconds), slept))
			print("short:", any(s < 0.2 and t < 0.2 for s, t in zip(seconds[longest:], seconds[longest + 1:-1])))
			print("times:", all(op.get("max_ns", 0) < 1e9 * max(slept, 1) for i in disk for q in i for op in q["ops"].values()))
		END
		fact() { sed -n "s/^$1: //p" "$sockets/facts"; }
		echo "# $kernel: $(fact said)"
		is "$kernel: all 30 reads before and 40 after, but for lost events" "$(fact buffers)" True
		is "$kernel: 30 of them before the interval with the sleep" "$(fact before)" 30
		is "$kernel: which is as long as the sleep" "$(fact long)" True
		is "$kernel: from it on there are the end of the two old queues, and two new ones" "$(fact gone)" '2 2'
		is "$kernel: it is not followed by a burst of short ones" "$(fact short)" False
		is "$kernel: no operation took as long as the sleep" "$(fact times)" True
	done
	done_testing
fi

uptime() { # ms; bash has no sleep and no date of its own
	local up
	read -r up _ </proc/uptime
	echo $((10#${up/./} * 10))
}

if [[ ${1:-} != moved ]]; then
	# From here on all comes from memory.
	mkdir -p $root
	mount -t tmpfs none $root
	mkdir -p $root/{proc,sys,dev,tmp}
	for program in bash dd taskset sleep vringtop bpftool sed grep dmesg dirname cat; do
		program=$(command -v $program)
		# shellcheck disable=SC2046 # a list
		cp --parents -L "$program" $(ldd "$program" | grep -o '/[^ ]*') $root
		ln -sf "$program" $root
	done
	cp "$0" "$(dirname "$0")/lib.sh" $root
	for dir in proc sys dev; do mount --rbind /$dir $root/$dir; done
	modprobe button
	cd $root && exec chroot $root /bash "/${0##*/}" moved
fi
export PATH=/
reads() { dd if=/dev/vda of=/dev/null bs=4k count="$1" iflag=direct status=none; }
before=$(left)
echo "before: ${before//$'\n'/ }"
dmesg -C
started=$(uptime)
vringtop stat --json 0.4 >/tmp/json 2>/tmp/errors &
tool=$!
intervals() { # how many are written
	local lines
	mapfile -t lines </tmp/json
	echo ${#lines[@]}
}
at_least() { # INTERVALS
	(($(intervals) >= $1))
}
succeeds_within 300 at_least 1
reads 30
# The interval they are in ends before the sleep begins: the second from here has none of them.
had=$(intervals)
succeeds_within 300 at_least $((had + 2))
# From one press to the next.
pressed() { cat /sys/firmware/acpi/interrupts/ff_pwr_btn; }
pressed_again() { [[ $(pressed) != "$1" ]]; }
succeeds_within 300 pressed_again "$(pressed)"
began=$(uptime)
suspended=no
! echo freeze >/sys/power/state || suspended=yes
ended=$(uptime)
slept=$((ended - began))
echo "suspended: $suspended"
echo "slept: $((slept / 1000)).$(printf %03d $((slept % 1000)))"
# Each CPU has a queue of its own. A new queue is known once it is used.
for cpu in 0 1; do taskset -c $cpu dd if=/dev/vda of=/dev/null bs=4k count=20 iflag=direct status=none; done
succeeds_within 300 at_least $(($(intervals) + 3))
kill -INT $tool
wait $tool
echo "status: $? $(</tmp/errors)"
ran=$(($(uptime) - started))
echo "ran: $((ran / 1000)).$(printf %03d $((ran % 1000)))"
succeeds_within 120 nothing_more_left
now=$(left)
echo "left: ${now//$'\n'/ }"
complaints | sed 's/^/complaints: /'
while read -r line; do echo "$line"; done </tmp/json
# The rest of the guest hangs.
echo o >/proc/sysrq-trigger
