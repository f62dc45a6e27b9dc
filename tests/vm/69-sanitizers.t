#!/bin/bash
# Every verb, built with AddressSanitizer, LeakSanitizer and UndefinedBehaviorSanitizer: no error, no
# leak, however it ends. That a leak would be seen, before the process gave up its rights, after it,
# and in the live view, is shown with leaks that a preloaded library makes.
. "$(dirname "$0")/lib.sh"
built=$repo/build/sanitize

if [[ -z ${VRINGTOP_GUEST:-} ]]; then
	ok 'vringtop builds with the sanitizers' \
		env -u MAKEFLAGS -u MAKELEVEL make -s -C "$repo" SANITIZE=1 BUILD=build/sanitize all
	cat >"$built/leak.c" <<-'END'
		#include <signal.h>
		#include <stdlib.h>

		static void *volatile leaked;

		static void leak(int signal)
		{
			(void)signal;
			for (int i = 0; i < 3; i++)
				leaked = malloc(77);
			leaked = NULL;
		}

		static __attribute__((constructor)) void start(void)
		{
			struct sigaction sa = { .sa_handler = leak };

			if (getenv("LEAK"))
				leak(0);
			else
				sigaction(SIGUSR1, &sa, NULL);
		}
	END
	ok 'the library that leaks builds' cc -O1 -shared -fPIC -Wall -o "$built/leak.so" "$built/leak.c"
fi
export TIMEOUT=${TIMEOUT:-1800}
# SANITIZER_KERNELS=6.12-stock: the same, with functions instead of tracepoints. The project's kernels
# know no seccomp; that leaks are seen under its filter too takes Debian's: debian-6.12.
# shellcheck disable=SC2086 # a list
in_guests ${SANITIZER_KERNELS:-6.12}

export PATH=$built:$PATH LC_ALL=C.UTF-8
export ASAN_OPTIONS=exitcode=99:detect_stack_use_after_return=1:verify_asan_link_order=0
export UBSAN_OPTIONS=print_stacktrace=1
is "$kernel: the tool is the one with the sanitizers" "$(command -v vringtop)" "$built/vringtop"

# clean NAME STATUS: the command that ended with `status` should have, and no sanitizer said a word
clean() {
	local said
	said=$(grep -aE 'Sanitizer|runtime error' /tmp/err)
	is "$kernel: $1" "$status${said:+ $(</tmp/err)}" "$2"
}

# verb STATUS ARGUMENTS...
verb() {
	local expected=$1
	shift
	status=0
	vringtop "$@" >/tmp/out 2>/tmp/err </dev/null || status=$?
	clean "$*" "$expected"
}

# ended SIGNAL STATUS ARGUMENTS...: it is sent the signal when it counts
ended() {
	local signal=$1 expected=$2
	shift 2
	: >/tmp/err
	vringtop "$@" >/tmp/out 2>/tmp/err </dev/null &
	tool=$!
	counts /tmp/out /tmp/err
	kill -"$signal" $tool
	wait $tool 2>/dev/null
	status=$?
	clean "$* ended by SIG$signal" "$expected"
}

# counts FILE...: waits until it has printed something
counts() {
	for _ in {1..100}; do
		[[ $(cat "$@" | wc -c) -eq 0 ]] || return 0
		sleep 0.1
	done
}

# view ARGUMENTS [VARIABLE=VALUE...]: the live view; its standard error is in /tmp/err
view() {
	local arguments=$1
	shift
	rm -f /tmp/err /tmp/status
	terminal 80 24 \
		"env ${*@Q} vringtop $arguments 2>/tmp/err; echo \$? >/tmp/status; sleep 1000"
	terminal_line DEVICE >&2
}
keys() {
	local key
	for key; do
		terminal_keys "$key"
		sleep 0.1
	done
}
# left_view: it has ended; sets status
left_view() {
	for _ in {1..100}; do [[ ! -s /tmp/status ]] || break; sleep 0.1; done
	status=$(cat /tmp/status 2>/dev/null)
	terminal_close
}

# Leaks that are to be seen. (To find the lines of a leak takes an emulated machine long.)
plant=(LD_PRELOAD="$built/leak.so" ASAN_OPTIONS="$ASAN_OPTIONS:symbolize=0")
: >/tmp/out
env "${plant[@]}" vringtop stat 0.2 >/tmp/out 2>/tmp/err &
tool=$!
counts /tmp/out
kill -USR1 $tool
sleep 0.5
kill -INT $tool
wait $tool
is "$kernel: a leak after the confinement is seen: status" $? 99
like "$kernel: a leak after the confinement is seen" "$(</tmp/err)" 'LeakSanitizer.*leak\.so'
if [[ $kernel == debian* ]]; then
	env LEAK=1 "${plant[@]}" vringtop queues >/tmp/out 2>/tmp/err
	is "$kernel: a leak before it is seen: status" $? 99
	like "$kernel: a leak before it is seen" "$(</tmp/err)" 'LeakSanitizer.*leak\.so'
	view '' "${plant[@]}"
	kill -USR1 "$(pgrep -x vringtop)"
	keys q
	left_view
	is "$kernel: a leak in the live view is seen: status" "$status" 99
	like "$kernel: a leak in the live view is seen" "$(</tmp/err)" 'LeakSanitizer.*leak\.so'
fi

# Something is to be counted.
while :; do dd if=/dev/vda of=/dev/vdb bs=4k count=5 iflag=direct oflag=direct status=none; sleep 0.2; done &
load=$!
disown

view -u
keys h h l d v o O o '<' '>' r p p + - Down Up NPage PPage Enter Down o Up
terminal_resize 200 60
keys Escape d Enter Escape Enter
terminal_resize 20 4
keys Escape l Enter h q q
left_view
clean 'top: every key and page' 0
ended INT 0 stat 0.2

if [[ $kernel != debian* ]]; then
	verb 0 stat -u --json 0.2 2
	verb 0 stat -p doorbells 0.2 1
	verb 0 hist -Q -d vda 0.2 2
	verb 0 queues
	verb 0 stalls -a 500ms
	ended TERM 0 stalls --watch --json
	verb 0 doctor
	ended TERM 0 hist
	ended KILL 137 hist
	verb 3 record -o /tmp/one --events -i 100ms -- sh -c 'sleep 0.3; exit 3'
	verb 0 report --perfetto - /tmp/one
	verb 0 report --html /tmp/page /tmp/one
fi
if [[ $kernel == 6.12 ]]; then
	view '-d vda'
	keys C-c
	left_view
	clean 'top ended by Ctrl-C' 0
	view 'top 0.2 5'
	left_view
	clean 'top 0.2 5' 0
	verb 0 stat -p layouts -o add,get 0.2 1
	verb 0 hist --json 0.2 1
	verb 0 queues --json -q 0
	verb 0 stalls --json -a 500ms
	verb 0 stalls --ring vda --addresses -a 100ms
	verb 0 stalls --ring vdb --json -a 100ms
	verb 0 doctor --json
	verb 0 record -o /tmp/two -d 500ms -i 100ms
	verb 0 report -Q /tmp/two
	verb 0 report --json /tmp/two
	verb 0 report --csv /tmp/two
	verb 0 diff --json --html /tmp/page /tmp/two /tmp/one
	verb 0 diff /tmp/one /tmp/two -- /tmp/two
	# What is wrong.
	verb 1 record -o /nonexistent/file
	verb 2 record
	verb 1 report /etc/passwd
	verb 2 report
	verb 1 diff /tmp/two /etc/passwd
	verb 2 diff --fail-on frobnicate /tmp/two /tmp/one
	verb 2 diff /tmp/two
	verb 1 stat -d vdz 1 1
	verb 1 stalls --ring vdz
	verb 2 stalls --ring vda --watch
	verb 1 top
	verb 2 stat 0
	verb 2 stat -o frobnicate
	verb 2 frobnicate
	verb 0 --help
	verb 0 stat --help
	status=0
	vringtop stat 0.2 2>/tmp/err >/dev/full || status=$?
	clean 'stat to a full device' 1
	status=0
	vringtop queues --json 2>/tmp/err >/dev/full || status=$?
	clean 'queues to a full device' 1
	status=0
	setpriv --bounding-set=-all --inh-caps=-all "$built/vringtop" stat 1 1 2>/tmp/err || status=$?
	clean 'stat without capabilities' 1
	status=0
	unshare -m bash -c 'mount -t tmpfs none /sys/bus/virtio && vringtop doctor --json >/tmp/out 2>/tmp/err' || status=$?
	clean 'doctor without a virtio device' 1
	status=0
	unshare -m bash -c 'mount -t tmpfs none /sys/kernel/btf && vringtop doctor >/tmp/out 2>/tmp/err' || status=$?
	clean 'doctor without BTF' 1
fi
kill $load
done_testing
