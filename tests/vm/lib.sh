# shellcheck shell=bash
# Test Anything Protocol for the .t files here, and their guests. Sourced.
set -uo pipefail
repo=$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd -P)
tests_run=${TESTS_BEFORE:-0} tests_failed=0
# Of a guest, in seconds. Only a guest that hangs reaches this limit: the slowest test needs a quarter of it on a
# busy machine of two CPUs.
export TIMEOUT=${TIMEOUT:-1800}

# A test that needs a quiet machine sets `alone` before it sources this, to "exclusive": no other one runs
# beside it.
if [[ -z ${VRINGTOP_GUEST:-} ]]; then
	mkdir -p "$repo/build"
	exec {beside}>"$repo/build/tests.lock"
	flock "--${alone:-shared}" "$beside"
fi

# --- Guests ---

# in_guest [KERNEL]: the rest of the .t file runs in a guest; the checks' lines come out of it.
# ROUNDS, if set, is passed on.
in_guest() {
	[[ -z ${VRINGTOP_GUEST:-} ]] || return 0
	KERNEL=${1:-6.12} exec "$repo/scripts/vm.sh" "ROUNDS=${ROUNDS:-} bash ${0@Q}" </dev/null
}

# in_guests KERNEL...: the rest of the .t file runs in a guest with each of these kernels, whose name is in
# `kernel`. What was checked before counts.
in_guests() {
	[[ -z ${VRINGTOP_GUEST:-} ]] || return 0
	local kernel
	for kernel in "$@"; do run_in_guest "$kernel"; done
	done_testing
}

# run_in_guest KERNEL [VARIABLE=VALUE]...: runs this .t file in a guest with this kernel, whose name is in
# `kernel` there, and with these variables. Its checks count here. ROUNDS and AFTER, if set, are passed
# on. For a file whose guests differ in more than the kernel; it calls done_testing itself, here and there.
run_in_guest() {
	local variables=("kernel=$1" "ROUNDS=${ROUNDS:-}" "AFTER=${AFTER:-}" "TESTS_BEFORE=$tests_run" "${@:2}")
	KERNEL=$1 vm_run "env ${variables[*]@Q} bash ${0@Q}"
	grep -v '^1\.\.' <<<"$vm_out"
	tests_run=$((tests_run + $(grep -cE '^(not )?ok ' <<<"$vm_out")))
	tests_failed=$((tests_failed + $(grep -c '^not ok ' <<<"$vm_out")))
	[[ $vm_status -eq 0 ]] || printf '%s\n' "$vm_err" >&2 # what the checks in the guest said
	grep -q '^1\.\.' <<<"$vm_out" || fail "$*: the guest's part of this file ran to its end"
}

# vm_run SCRIPT: runs it in a guest; sets vm_out, vm_err and vm_status.
# Variables for vm.sh stand in front: KERNEL=6.12-stock TIMEOUT=20 vm_run 'uname -r'
# shellcheck disable=SC2034 # the .t files read them
vm_run() {
	local err
	err=$(mktemp)
	vm_status=0 vm_told=''
	vm_out=$("$repo/scripts/vm.sh" "$1" 2>"$err" </dev/null) || vm_status=$?
	vm_err=$(<"$err")
	rm -f "$err"
}

# about_guest: what went wrong in the guest of the last vm_run, said once: the checks that fail after it
# fail for this reason.
about_guest() {
	[[ ${vm_status:-0} -ne 0 && -z $vm_told ]] || return 0
	vm_told=yes
	case $vm_status in
	124) echo 'The guest before this check ran until its time limit: something in it waits for ever, or the machine is too busy.' ;;
	125) echo 'The guest before this check died.' ;;
	*) echo "What ran in the guest before this check ended with status $vm_status." ;;
	esac
	echo 'The last words of its standard error:'
	tail -n 15 <<<"$vm_err"
}

# --- The entropy device of a guest (tests/device) ---

# device_open: opens the port on which the device takes orders. Only one process can have it open.
device_open() {
	exec {device_port}<>/dev/virtio-ports/vringtop.rng
}

# ask_device TEXT: `answer` becomes what the device answers
ask_device() {
	echo "$1" >&"$device_port"
	read -r -u "$device_port" answer
}

# device_says NAME...: prints numbers of one report of the device
device_says() {
	local name value numbers=()
	ask_device report
	for name; do
		value=${answer#*"\"$name\":"}
		numbers+=("${value%%[,\}]*}")
	done
	echo "${numbers[*]}"
}

# device_gave NUMBER: the device has used so many buffers
device_gave() {
	(($(device_says buffers) >= $1))
}

# only_we_read: from now on the kernel itself reads no entropy, which it does every few seconds otherwise, until
# the driver is bound again. 0 says that what the device gives is not random.
only_we_read() {
	echo 0 >/sys/class/misc/hw_random/rng_quality
}

# read_entropy SECONDS: reads 64 bytes again and again, with a pause of so many seconds before each
# read. Returns when the reads go on; $reader is the process that reads. The guest is idle before
# each read, as it is while the device holds a buffer. So all buffers, held or not, wait for a CPU of
# the guest to wake up.
read_entropy() {
	local before
	before=$(device_says buffers)
	/usr/bin/python3 -c '
import os, sys, time
rng = os.open("/dev/hwrng", os.O_RDONLY)
while True:
    time.sleep(float(sys.argv[1]))
    os.read(rng, 64)' "$1" &
	# shellcheck disable=SC2034 # the test ends this process
	reader=$!
	# More than the kernel itself reads meanwhile.
	wait_until 300 'the device gives entropy' device_gave $((before + 10))
}

# --- Waiting ---

# succeeds_within SECONDS COMMAND...: runs the command until it succeeds. Returns 1 if it does not in time.
succeeds_within() {
	local ends=$((SECONDS + $1))
	shift
	until "$@" >/dev/null 2>&1; do
		((SECONDS < ends)) || return 1
		sleep 0.1
	done
}
# wait_until SECONDS WHAT COMMAND...: the same, for what later checks need: if the command never succeeds,
# says what was waited for, and ends the file.
wait_until() {
	succeeds_within "$1" "${@:3}" && return
	fail "waited for $1 s in vain until $2" "command: ${*:3}"
	exit 1
}

# counts_or_ends PID COMMAND...: waits until the command says that the tool counts, or the tool has ended: the
# checks that follow say what it then did not do. Five minutes are enough to attach on a busy machine.
counts_or_ends() {
	local ends=$((SECONDS + 300))
	until "${@:2}" >/dev/null 2>&1 || ! kill -0 "$1" 2>/dev/null; do
		((SECONDS < ends)) || return
		sleep 0.1
	done
}

# --- A terminal; one at a time ---

terminals=0
# terminal WIDTH HEIGHT COMMAND...: starts a terminal that runs the command, one word by a shell. It has a
# server of its own, as the one before may still be on its way out.
terminal() {
	terminal_name=$$-$((++terminals))
	tmux -L "$terminal_name" -f /dev/null new-session -d -x "$1" -y "$2" "${@:3}"
}
# terminal_keys KEY...
terminal_keys() { tmux -L "$terminal_name" send-keys "$@"; }
# terminal_resize WIDTH HEIGHT
terminal_resize() { tmux -L "$terminal_name" resize-window -x "$1" -y "$2"; }
# terminal_screen: prints what is on it
terminal_screen() { tmux -L "$terminal_name" capture-pane -p 2>&1; }
# terminal_close: as when its window is closed; what runs in it gets SIGHUP
terminal_close() { tmux -L "$terminal_name" kill-server 2>/dev/null; }

# terminal_shows REGEX: waits until the whole screen matches it (a dot is any character, also the end of a
# line), for five minutes. Sets `screen`. If it never does, prints the screen and returns 1.
terminal_shows() { terminal_wait screen_matches "$1"; }
# terminal_line REGEX: the same, until one line of the screen matches it
terminal_line() { terminal_wait screen_has_line "$1"; }
screen_matches() { [[ $screen =~ $1 ]]; }
screen_has_line() { grep -qE -- "$1" <<<"$screen"; }
terminal_wait() {
	local ends=$((SECONDS + 300))
	while :; do
		screen=$(terminal_screen)
		! "$@" || return 0
		((SECONDS < ends)) || break
		sleep 0.2
	done
	printf '%s\n' "The screen never showed: $2" "$screen"
	return 1
}
# shows NAME REGEX: a check that the whole screen matches it within five minutes; sets `screen`
shows() {
	if terminal_shows "$2" >/dev/null; then pass "$1"; else fail "$1" "the screen never showed: $2" "$screen"; fi
}

# --- JSON ---

# json FILE EXPRESSION: prints what a Python expression says of a file of JSON, one document a line. `d` is
# the last document, `all` the list of all.
json() {
	/usr/bin/python3 -c '
import json, sys
all = [json.loads(line) for line in open(sys.argv[1]) if line.strip()]
d = all[-1] if all else None
print(eval(sys.argv[2]))' "$@"
}

# --- Programs that vringtop leaves in the kernel ---

# left: how many programs, maps and links there are
left() {
	for kind in prog map link; do echo "$kind: $(bpftool $kind list | grep -c '^[0-9]')"; done
}

# nothing_more_left: as much is left as $before says
# shellcheck disable=SC2154 # the .t file sets before
nothing_more_left() { [[ $(left) == "$before" ]]; }

# is_as_before NAME: nothing more is left than $before says (what `left` printed); the kernel frees what was detached a
# moment later.
# shellcheck disable=SC2154 # the .t file sets before
is_as_before() {
	succeeds_within 120 nothing_more_left
	is "$1" "$(left)" "$before"
}

# --- A known load, and vringtop beside it ---

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
	counts_or_ends $tool grep -qs Counting /tmp/messages
}

# saw NAME BUFFERS: ends it; it has seen just these buffers, and lost none
saw() {
	kill -INT "$tool"
	wait "$tool"
	is "$kernel: $1: status" $? 0
	is "$kernel: $1: buffers, and lost events" \
		"$(json /tmp/json 'sum(q["buffers"] for q in d["queues"]), d["lost"]')" "($2, 0)"
}

# --- Checks ---

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
	printf '%s\n' "${0##*/}: $1" "${@:2}" "$(about_guest)" | sed '/^$/d; s/^/# /' >&2 # where prove shows it
	vm_told=yes
}

# The last line of a .t file: a file that dies before it has no plan, and fails.
done_testing() {
	printf '1..%d\n' "$tests_run"
	exit $((tests_failed > 0))
}
