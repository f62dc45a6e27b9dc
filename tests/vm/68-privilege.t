#!/bin/bash
# A user with CAP_BPF and CAP_PERFMON, and nothing else, has every view; after the start no capability
# is left, and system calls that the loop has no use for are refused. The truth is what the kernel
# says in /proc, and a handler inside the running process that tries those calls.
. "$(dirname "$0")/lib.sh"
trap 'rm -rf "$work"' EXIT

if [[ -z ${VRINGTOP_GUEST:-} ]]; then
	work=$(mktemp -d "$repo/build/privilege.XXXXXX") # guests see it
	# Runs inside the process, with its privileges and its filter: each call that is refused is named.
	cat >"$work/try.c" <<-'END'
		#define _GNU_SOURCE
		#include <errno.h>
		#include <fcntl.h>
		#include <signal.h>
		#include <stdio.h>
		#include <string.h>
		#include <linux/bpf.h>
		#include <sys/ioctl.h>
		#include <sys/mman.h>
		#include <sys/prctl.h>
		#include <sys/ptrace.h>
		#include <sys/socket.h>
		#include <sys/syscall.h>
		#include <termios.h>
		#include <unistd.h>

		static void told(const char *what, long result)
		{
			dprintf(2, "%s %s\n", what, result >= 0 ? "done" : strerrorname_np(errno));
		}

		static void try(int signal)
		{
			static char *const argv[] = { "true", NULL };
			union bpf_attr attr = { .map_type = BPF_MAP_TYPE_ARRAY, .key_size = 4,
						.value_size = 4, .max_entries = 1 };
			int in = open("/proc/self/stat", O_RDONLY);
			void *code;

			(void)signal;
			told("read-only", in);
			told("write", open("/tmp/vringtop-try", O_WRONLY | O_CREAT, 0600));
			told("socket", socket(AF_INET, SOCK_STREAM, 0));
			told("map", syscall(SYS_bpf, BPF_MAP_CREATE, &attr, sizeof(attr)));
			code = mmap(NULL, 4096, PROT_READ | PROT_EXEC, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
			told("code", code == MAP_FAILED ? -1 : 0);
			told("ptrace", ptrace(PTRACE_TRACEME, 0, 0, 0));
			told("kill", kill(1, 0));
			told("dumpable", prctl(PR_SET_DUMPABLE, 1));
			told("typed", ioctl(0, TIOCSTI, "x"));
			told("exec", execve("/bin/true", argv, NULL));
			dprintf(2, "end\n");
		}

		static __attribute__((constructor)) void start(void)
		{
			struct sigaction sa = { .sa_handler = try };

			sigaction(SIGUSR1, &sa, NULL);
		}
	END
	ok 'the handler builds' cc -shared -fPIC -Wall -o "$work/try.so" "$work/try.c"
	# The project's kernels know no seccomp; Debian's do.
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
started() { # FILE: the first interval is there
	for _ in {1..150}; do
		[[ $(grep -c . "$1") -lt 2 ]] || return 0
		sleep 0.2
	done
	cat "$1"
	return 1
}
none=0000000000000000

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
	for _ in {1..50}; do grep -q end "$work/err" && break; sleep 0.1; done
	is "$kernel: what the loop has no use for is refused" "$(<"$work/err")" 'read-only done
write EPERM
socket EPERM
map EPERM
code EPERM
ptrace EPERM
kill EPERM
dumpable EPERM
typed EPERM
exec EPERM
end'
	: >"$work/err"
else
	skip 'this kernel has no seccomp' "$kernel: what the loop has no use for is refused"
fi
lines=$(wc -l <"$work/out")
for _ in {1..50}; do [[ $(wc -l <"$work/out") -lt $((lines + 3)) ]] || break; sleep 0.2; done
ok "$kernel: it goes on" test "$(wc -l <"$work/out")" -ge $((lines + 3))
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

# What it asks the kernel of a stalled queue, it may: its device's status, and /proc/interrupts.
exec {port}<>/dev/virtio-ports/vringtop.rng
echo 'no-interrupt-after 0' >&$port
read -r -u $port answer
timeout 30 dd if=/dev/hwrng of=/dev/null bs=64 count=1 2>/dev/null &
sleep 1
"${user[@]}" vringtop stalls -D virtio_rng >"$work/stalled" 2>"$work/err"
is "$kernel: the user is told of a queue that is stalled" "$? $answer $(<"$work/err")" '3 ok '
like "$kernel: with the count of its interrupts" "$(<"$work/stalled")" \
	'driver did not hear.*interrupts of the queue: [0-9]+, none since'
echo resume >&$port
read -r -u $port answer

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
kill $pid
wait $pid

# The live view, under the filter where there is one: the terminal opens and is put back, the window
# changes its size, a device comes.
terminal 80 24 \
	"stty -a >$work/before; ${user[*]} vringtop -D virtio_balloon 0.5; s=\$?; stty -a >$work/after; echo \"status \$s\"; sleep 1000"
ok "$kernel: the user has the live view" terminal_line 'inflate .*split *0%'
is "$kernel: without a capability" "$(status_of "$(pgrep -x vringtop)" CapPrm CapEff)" "CapPrm $none
CapEff $none"
terminal_resize 132 50
cd /sys/bus/virtio/drivers/virtio_balloon || exit
balloon=$(basename virtio[0-9]*)
echo "$balloon" >unbind
ok "$kernel: a larger window; a queue that goes" terminal_line 'inflate .*split *GONE'
echo "$balloon" >bind
ok "$kernel: and comes" terminal_line 'inflate .*split *0%'
cd "$repo" || exit
terminal_keys q
ok "$kernel: q ends it well" terminal_line 'status 0'
is "$kernel: the terminal is as it was" "$(grep -v columns "$work/after")" "$(grep -v columns "$work/before")"
terminal_close
echo "# done $kernel"
exit $((tests_failed > 0))
