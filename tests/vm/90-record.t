#!/bin/bash
# Recordings: as exact as the kernel's triggers, whole after a kill or on a full disk, and the exit
# status of what was recorded.
# Environment: ROUNDS          kills (3)
#              AFTER           so many seconds after the start, or one more (3)
#              RECORD_KERNELS  6.12; with 6.12-stock, where the tool attaches to functions, what needs no triggers
. "$(dirname "$0")/lib.sh"
# shellcheck disable=SC2086 # a list
in_guests ${RECORD_KERNELS:-6.12}
. "$repo/tests/vm/exact.sh"
cd "$(mktemp -d)" || exit
file=a.vt

load() { dd if=/dev/vda of=/dev/null bs=4k count="$1" iflag=direct status=none; }
ask() { sqlite3 "$file" "$1" 2>&1; }
info() { ask "SELECT value FROM info WHERE key='$1'"; }
run() { out=$(vringtop "$@" 2>&1) && status=0 || status=$?; }

# --- Exact, and events that add up ---
run record -o "$file" --events --device vda -i 500ms -- dd if=/dev/vda of=/dev/null bs=4k count=3000 iflag=direct
is "$kernel: a recording ends with its command" "$status" 0
is "$kernel: the file is whole" "$(ask 'PRAGMA integrity_check')" ok
is "$kernel: it is marked as finished" "$(info finished)" 1
ok "$kernel: no journal is left" test ! -e "$file-journal"
total=$(ask 'SELECT sum(count) FROM op WHERE op < 19')
ok "$kernel: many operations ($total)" test "$total" -ge 12000
is "$kernel: events and dropped ones are all operations" "$(($(info events) + $(info events_dropped)))" "$total"
is "$kernel: the blocks have as many" "$(ask 'SELECT sum(count) FROM events')" "$(info events)"
bytes=$(ask 'SELECT 1.0 * sum(length(data)) / sum(count) FROM events')
ok "$kernel: at most 12 bytes an event ($bytes)" test "${bytes%.*}" -lt 12
# dd reads one block after the other, so the requests are known without any tracer.
is "$kernel: a buffer for each read" "$(ask "SELECT sum(count - op.no) FROM op JOIN operation USING (op) WHERE name='add'")" 3000
while read -r query; do
	like "$kernel: a query of the documentation" "$(ask "$query")" '\|'
done < <(awk '/^```sql/ { sql = 1; next } /^```/ { if (sql) print ""; sql = 0 } sql { printf "%s ", $0 }' "$repo/docs/recording.md")

# --- The command ---
run record -o "$file" -- sh -c 'exit 7'
is "$kernel: the exit status is the command's" "$status" 7
is "$kernel: it is in the recording" "$(info exit_status)" 7
ok "$kernel: the recording before is kept" test -s "$file.old"
run record -o "$file" -- ./none
is "$kernel: a command that is not there" "$status" 127
like "$kernel: is told" "$out" 'cannot run ./none: No such file'
# shellcheck disable=SC2016 # its own
vringtop record -o "$file" -- sh -c 'trap "echo got >signal; exit 9" TERM; echo >ready; while :; do sleep 0.1; done' 2>/dev/null &
succeeds_within 300 test -e ready
kill -TERM $!
wait $!
is "$kernel: the status of a command that got a signal" $? 9
is "$kernel: the signal was passed on" "$(<signal)" got
is "$kernel: it ends properly" "$(info finished) $(info exit_status)" '1 9'
echo precious >text
run record -o text -d 1
is "$kernel: another file is not overwritten" "$status $(<text)" '1 precious'

if [[ $kernel == *stock ]]; then done_testing; fi

# --- The triggers ---
triggers_on
run record -o "$file" --device vda -- dd if=/dev/vda of=/dev/null bs=4k count=3000 iflag=direct
device=$(cd /sys/block/vda/device && basename "$(pwd -P)")
sums=$(trigger_sums | grep "^$device " | sort)
triggers_off
is "totals are those of the triggers" "$(sqlite3 -separator ' ' "$file" "SELECT 'virtio' || q.device, q.number, l.name, o.name, sum(count)
	FROM op p JOIN queue q USING (queue) JOIN layout l USING (layout) JOIN operation o ON o.op = p.op
	WHERE (p.op < 19 OR o.name = 'interrupt') GROUP BY q.queue, p.op" | sort)" "$sums"

# --- Killed ---
fio --name=load --filename=/dev/vda --readonly --direct=1 --rw=randread --bs=4k --ioengine=psync --time_based \
	--runtime=1d --output=/dev/null &
loading=$!
for ((round = 0; round < ${ROUNDS:-3}; round++)); do
	rm -f "$file" "$file-journal" "$file.old"
	vringtop record -o "$file" 2>/dev/null &
	wait_until 300 'vringtop record writes' test -s "$file"
	sleep $((${AFTER:-3} + RANDOM % 2)).$((RANDOM % 1000))
	kill -9 $!
	killed=$(date +%s%N)
	wait $! 2>/dev/null
	run report "$file"
	is "killed: it can be read" "$status" 0
	is "killed: it is whole, and not finished" "$(ask 'PRAGMA integrity_check') $(info finished)" 'ok 0'
	# All intervals of a second that had ended: the kill is within the next one, or the writing of it. How late the
	# intervals ended says how busy the machine was.
	read -r intervals last late <<<"$(ask "SELECT count(*), ($killed - $(info started) - max(time)) / 1000000,
		max(since) / 1000000 FROM interval" | tr '|' ' ')"
	ok "killed: its $intervals intervals are there, the last ended $last ms before" \
		test "$intervals" -ge 1 -a "$last" -le $((late > 1000 ? 3 * late : 3000))
	is "killed: none is missing" "$(ask 'SELECT max(interval) - count(*) FROM interval')" 0
done

# --- No room ---
mkdir full && mount -t tmpfs -o size=640k none full
file=full/a.vt
run record -o "$file" --events -d 1000 # ends when the disk is full
is "disk full: it fails" "$status" 1
like "disk full: it says so" "$out" "cannot write to .*full/a.vt: No space left on device"
is "disk full: it is whole, and not finished" "$(ask 'PRAGMA integrity_check') $(info finished)" 'ok 0'
ok "disk full: intervals are there" test "$(ask 'SELECT count(*) FROM interval')" -ge 1
ok "disk full: it can be read" vringtop report "$file"
kill $loading
umount full
done_testing
