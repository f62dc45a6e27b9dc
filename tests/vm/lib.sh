# shellcheck shell=bash
# Test Anything Protocol for the .t files here, and their guests. Sourced.
set -uo pipefail
repo=$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd -P)
tests_run=0 tests_failed=0

# A test that needs a quiet machine sets `alone` before it sources this, to "exclusive": no other one runs
# beside it.
if [[ -z ${VRINGTOP_GUEST:-} ]]; then
	mkdir -p "$repo/build"
	exec {beside}>"$repo/build/tests.lock"
	flock "--${alone:-shared}" "$beside"
fi

# in_guest [KERNEL]: the rest of the .t file runs in a guest; the checks' lines come out of it.
# ROUNDS, if set, is passed on.
in_guest() {
	[[ -z ${VRINGTOP_GUEST:-} ]] || return 0
	KERNEL=${1:-6.12} exec "$repo/scripts/vm.sh" "ROUNDS=${ROUNDS:-} bash ${0@Q}" </dev/null
}

# in_guests KERNEL...: the rest of the .t file runs in a guest with each of them, whose name is in
# `kernel`; what was checked before counts. ROUNDS and AFTER, if set, are passed on.
in_guests() {
	if [[ -n ${VRINGTOP_GUEST:-} ]]; then
		tests_run=$TESTS_BEFORE
		return
	fi
	for kernel in "$@"; do
		KERNEL=$kernel vm_run "kernel=$kernel ROUNDS=${ROUNDS:-} AFTER=${AFTER:-} TESTS_BEFORE=$tests_run bash ${0@Q}"
		grep -v '^1\.\.' <<<"$vm_out"
		tests_run=$((tests_run + $(grep -cE '^(not )?ok ' <<<"$vm_out")))
		tests_failed=$((tests_failed + $(grep -c '^not ok ' <<<"$vm_out")))
		[[ $vm_status -eq 0 ]] || printf '%s\n' "$vm_err" >&2
		grep -q '^1\.\.' <<<"$vm_out" || fail "$kernel: the guest ends well" "status $vm_status"
	done
	done_testing
}

# left: how many programs, maps and links there are
left() {
	for kind in prog map link; do echo "$kind: $(bpftool $kind list | grep -c '^[0-9]')"; done
}

# is_as_before NAME: nothing more is left than $before says (what `left` printed); the kernel frees what was detached a
# moment later.
# shellcheck disable=SC2154 # the .t file sets before
is_as_before() {
	for _ in {1..80}; do
		[[ $(left) != "$before" ]] || break
		sleep 0.1
	done
	is "$1" "$(left)" "$before"
}

# reads NUMBER: of /dev/vda, one after the other
reads() {
	dd if=/dev/vda of=/dev/null bs=4k count="$1" iflag=direct status=none
}

# watch [COMMAND...]: starts vringtop in the background, behind a command, and waits until it counts;
# sets tool
watch() {
	rm -f /tmp/messages
	"${@:-env}" vringtop hist --json -d vda >/tmp/json 2>/tmp/messages &
	tool=$!
	until grep -qs Counting /tmp/messages; do
		kill -0 $tool 2>/dev/null || break
		sleep 0.1
	done
}

# saw NAME BUFFERS: ends it; it has seen just these buffers, and lost none
saw() {
	kill -INT "$tool"
	wait "$tool"
	is "$kernel: $1: status" $? 0
	is "$kernel: $1: buffers, and lost events" "$(/usr/bin/python3 -c '
import json
d = json.load(open("/tmp/json"))
print(sum(q["buffers"] for q in d["queues"]), d["lost"])')" "$2 0"
}

# vm_run SCRIPT: runs it in a guest; sets vm_out, vm_err and vm_status.
# Variables for vm.sh stand in front: KERNEL=6.12-stock TIMEOUT=20 vm_run 'uname -r'
# shellcheck disable=SC2034 # the .t files read them
vm_run() {
	local err
	err=$(mktemp)
	vm_status=0
	vm_out=$("$repo/scripts/vm.sh" "$1" 2>"$err" </dev/null) || vm_status=$?
	vm_err=$(<"$err")
	rm -f "$err"
}

# ok NAME COMMAND...: the command succeeds. Its output is shown only if it does not.
ok() {
	local name=$1 output
	shift
	if output=$("$@" 2>&1); then pass "$name"; else fail "$name" "command: $*" "$output"; fi
}

# is NAME GOT EXPECTED
is() {
	if [[ $2 == "$3" ]]; then pass "$1"; else fail "$1" "got:      $2" "expected: $3"; fi
}

# like NAME GOT REGEX; unlike NAME GOT REGEX   (extended regular expressions)
like() {
	if [[ $2 =~ $3 ]]; then pass "$1"; else fail "$1" "got: $(head -n 40 <<<"$2")" "does not match: $3"; fi
}
unlike() {
	if [[ ! $2 =~ $3 ]]; then pass "$1"; else fail "$1" "got: $2" "must not match: $3"; fi
}

# complaints: what the guest's kernel warned of since `dmesg -C`, without its remarks that the
# clocks of a slow emulated machine jump
complaints() {
	dmesg --level=emerg,alert,crit,err,warn |
		grep -vE 'hrtimer: interrupt took|clocksource|TSC found unstable|sched_clock: Marking|Long readout'
}

# skip REASON NAME: a check that cannot be made here
skip() {
	printf 'ok %d - %s # SKIP %s\n' $((++tests_run)) "$2" "$1"
}

pass() {
	printf 'ok %d - %s\n' $((++tests_run)) "$1"
}

# fail NAME DIAGNOSTIC...
fail() {
	printf 'not ok %d - %s\n' $((++tests_run)) "$1"
	tests_failed=$((tests_failed + 1))
	printf '%s\n' "${0##*/}: $1" "${@:2}" | sed 's/^/# /' >&2 # where prove shows it
}

# The last line of a .t file: a file that dies before it has no plan, and fails.
done_testing() {
	printf '1..%d\n' "$tests_run"
	exit $((tests_failed > 0))
}
