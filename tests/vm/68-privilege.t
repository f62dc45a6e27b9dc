#!/bin/bash
# A user with CAP_BPF and CAP_PERFMON, and nothing else, has every view; after the start no capability
# is left, and every system call that is not on a written list is refused. The truth is what the kernel
# says in /proc, and a handler inside the running process that tries all calls.
. "$(dirname "$0")/lib.sh"
trap 'rm -rf "$work"' EXIT

if [[ -z ${VRINGTOP_GUEST:-} ]]; then
	work=$(mktemp -d "$repo/build/privilege.XXXXXX") # guests see it
	# Runs inside the process, under its filter: names each call that the filter lets through.
	cat >"$work/try.c" <<-'END'
		#define _GNU_SOURCE
		#include <signal.h>
		#include "allowed_calls.h"

		static void try(int signal)
		{
			(void)signal;
			list_calls(2);
			list_arguments(2);
			dprintf(2, "end\n");
		}

		static __attribute__((constructor)) void start(void)
		{
			struct sigaction sa = { .sa_handler = try };

			if (prepare_to_try())
				dprintf(2, "no filter\n");
			sigaction(SIGUSR1, &sa, NULL);
		}
	END
	ok 'the handler builds' cc -shared -fPIC -Wall -I "$repo/tests" -o "$work/try.so" "$work/try.c"
	for kernel in 6.12 debian-6.12; do
		KERNEL=$kernel vm_run "bash ${0@Q} $kernel $tests_run $work/try.so"
		printf '%s\n' "$vm_out"
		tests_failed=$((tests_failed + $(grep -c '^not ok ' <<<"$vm_out")))
		tests_run=$((tests_run + $(grep -cE '^(not )?ok ' <<<"$vm_out")))
		[[ $vm_status -eq 0 ]] || printf '%s\n' "$vm_err" >&2
		ok "$kernel: the guest ends well" grep -q "^# done $kernel" <<<"$vm_out"
	done
	done_testing
fi
kernel=$1 tests_run=$2
# Where the user can read them, wherever the checkout is.
work=$(mktemp -d)
chmod 755 "$work"
cp "$(command -v vringtop)" "$3" "$work"
PATH=$work:$PATH
# shellcheck disable=SC2054 # commas belong to the options
user=(setpriv --reuid=65534 --regid=65534 --clear-groups --inh-caps=-all,+bpf,+perfmon
	--ambient-caps=-all,+bpf,+perfmon --bounding-set=-all,+bpf,+perfmon)

# status_of PID FIELD...: as in /proc/PID/status, a line each
status_of() {
	local pid=$1 field
	shift
	for field; do sed -n "s/^$field:\t/$field /p" "/proc/$pid/status"; done
}
has_lines() { # NUMBER FILE
	[[ $(wc -l <"$2") -ge $1 ]]
}
started() { # FILE: the first interval is there
	! succeeds_within 300 has_lines 2 "$1" || return 0
	cat "$1"
	return 1
}
none=0000000000000000

# What the loops may do. Each call more is one that a fault in them could use.
allowed=(read write writev close lseek getdents64 fstat newfstatat statx
	poll ppoll clock_nanosleep nanosleep clock_gettime gettimeofday time restart_syscall
	brk munmap mremap madvise sysinfo mmap
	rt_sigreturn rt_sigaction rt_sigprocmask exit exit_group
	getrusage getrandom getpid gettid futex rseq
	open openat) # to read; see below
# In hexadecimal: access 0 is O_RDONLY, 3 is that of O_ACCMODE which nobody has; 0x40 is O_CREAT, 0x200
# O_TRUNC; protection 4 is PROT_EXEC; the ioctls are those of a terminal's size and modes, and of its
# foreground group; 20 is SIGTSTP.
arguments="open flags$(for ((i = 0; i < 0x400; i++)); do ((i & 0x243)) || printf ' %#x' $i; done)
openat flags$(for ((i = 0; i < 0x400; i++)); do ((i & 0x243)) || printf ' %#x' $i; done)
mmap protection 0 0x1 0x2 0x3
mprotect protection
bpf 0xa 0xf
ioctl 0x5401 0x5402 0x5403 0x5404 0x540b 0x540f 0x5413
fcntl
prctl
kill 1
kill self 20
end"
cpp -dM -include sys/syscall.h -x c /dev/null |
	sed -n 's/^#define __NR_\([a-z0-9_]*\) \([0-9]*\)$/\2 \1/p' >"$work/names"
call_names() { awk 'NR == FNR { name[$1] = $2; next } { print name[$1] }' "$work/names" - | sort; }

"${user[@]}" env LD_PRELOAD="$work/try.so" vringtop stat --json 0.5 >"$work/out" 2>"$work/err" &
pid=$!
ok "$kernel: a user with two capabilities sees intervals" started "$work/out"
dd if=/dev/vda of=/dev/null bs=4k count=200 iflag=direct status=none
is "$kernel: it has no capability left" \
	"$(status_of $pid Uid CapInh CapPrm CapEff CapAmb NoNewPrivs)" "Uid 65534	65534	65534	65534
CapInh $none
CapPrm $none
CapEff $none
CapAmb $none
NoNewPrivs 1"
if [[ -e /proc/sys/kernel/seccomp/actions_avail ]]; then
	is "$kernel: a filter" "$(status_of $pid Seccomp)" 'Seccomp 2'
	kill -USR1 $pid
	succeeds_within 300 grep -qx end "$work/err"
	is "$kernel: these calls are allowed, and no other" "$(grep -x '[0-9]*' "$work/err" | call_names)" \
		"$(printf '%s\n' "${allowed[@]}" | sort)"
	is "$kernel: with these arguments" "$(grep -v -x '[0-9]*' "$work/err")" "$arguments"
	: >"$work/err"
else
	skip 'this kernel has no seccomp' "$kernel: these calls are allowed, and no other"
fi
lines=$(wc -l <"$work/out")
ok "$kernel: it goes on" succeeds_within 300 has_lines $((lines + 3)) "$work/out"
kill $pid
wait $pid
is "$kernel: it ends well" $? 0
is "$kernel: without a word" "$(<"$work/err")" ''
python3 - "$work/out" >"$work/adds" <<-'END'
	import json, sys
	print(sum(q["ops"]["add"]["count"] for line in open(sys.argv[1]) for q in json.loads(line)["queues"]
	          if q["role"] == "vda" and "add" in q["ops"]))
END
ok "$kernel: the reads of the disk are counted" test "$(<"$work/adds")" -ge 200

# What it asks the kernel of a stalled queue, it may: its device's status, and its interrupt in /sys/kernel/irq.
device_open
ask_device 'no-interrupt-after 0'
told=$answer
timeout 600 dd if=/dev/hwrng of=/dev/null bs=64 count=1 2>/dev/null &
withheld() { (($(device_says interrupts_withheld) > 0)); }
wait_until 300 'the device withholds an interrupt' withheld
"${user[@]}" vringtop stalls -D virtio_rng >"$work/stalled" 2>"$work/err"
is "$kernel: the user is told of a queue that is stalled" "$? $told $(<"$work/err")" '3 ok '
like "$kernel: with the count of its interrupts" "$(<"$work/stalled")" \
	'driver did not fetch.*interrupts of the queue \(irq [0-9]+\): [0-9]+, none since'
ask_device resume

vringtop stat --json 0.5 >"$work/root" &
pid=$!
ok "$kernel: root sees intervals" started "$work/root"
is "$kernel: has no capability left either, nor can get one" \
	"$(status_of $pid Uid CapInh CapPrm CapEff CapBnd CapAmb NoNewPrivs)" "Uid 0	0	0	0
CapInh $none
CapPrm $none
CapEff $none
CapBnd $none
CapAmb $none
NoNewPrivs 1"
like "$kernel: its memory is locked" "$(status_of $pid VmLck)" '[1-9][0-9]* kB'
kill $pid
wait $pid

# The live view, under the filter where there is one: the terminal opens and is put back, the window
# changes its size, a device comes.
terminal 80 24 \
	"stty -a >$work/before; ${user[*]} vringtop -D virtio_balloon 0.5; s=\$?; stty -a >$work/after; echo \"status \$s\"; sleep 1000"
ok "$kernel: the user has the live view" terminal_line '[0-9]+ idle queue'
terminal_keys a
ok "$kernel: with the idle queues, if asked for" terminal_line 'inflate .*split *0 '
is "$kernel: without a capability" "$(status_of "$(pgrep -x vringtop)" CapPrm CapEff)" "CapPrm $none
CapEff $none"
terminal_resize 132 50
cd /sys/bus/virtio/drivers/virtio_balloon || exit
balloon=$(basename virtio[0-9]*)
echo "$balloon" >unbind
ok "$kernel: a larger window; a queue that goes" terminal_line 'inflate .* GONE '
echo "$balloon" >bind
ok "$kernel: and comes" terminal_line 'inflate .*split .* 0 '
cd "$repo" || exit
terminal_keys q
ok "$kernel: q ends it well" terminal_line 'status 0'
is "$kernel: the terminal is as it was" "$(grep -v columns "$work/after")" "$(grep -v columns "$work/before")"
terminal_close
echo "# done $kernel"
exit $((tests_failed > 0))
