#!/bin/bash
# What vringtop writes to fills up, is closed, ends, stands still or goes away: it says so, its status
# is 1, and nothing stays behind.
. "$(dirname "$0")/lib.sh"
# shellcheck disable=SC2086 # a list
in_guests ${FAULT_KERNELS:-6.12}

# fails NAME COMMAND WHY: status 1, and why on stderr, in one line
fails() {
	local status
	timeout -k 5 600 bash -c "$2" 2>/tmp/errors
	status=$?
	is "$kernel: $1: status, and what it says" "$status $(</tmp/errors)" "1 vringtop: cannot write to stdout: $3"
}

before=$(left)
dmesg -C
cp "$repo/tests/format-1.vt" /tmp/a.vt
cp "$repo/tests/format-1.vt" /tmp/b.vt
for verb in 'stat 0.1 2' 'stat --json 0.1 2' 'hist 0.1 1' 'stalls -a 0.1' queues doctor 'report /tmp/a.vt' \
	'report --html - /tmp/a.vt' 'diff /tmp/a.vt /tmp/b.vt' 'diff --json /tmp/a.vt /tmp/b.vt'; do
	fails "$verb to a full device" "vringtop $verb >/dev/full" 'No space left on device'
	fails "$verb to a closed stdout" "vringtop $verb >&-" 'Bad file descriptor'
	# The reader has ended before vringtop starts.
	bash -c "exec 3> >(:); wait \$!; exec vringtop $verb >&3 3>&-" 2>/tmp/errors
	is "$kernel: $verb to a reader that ends: as every program, by SIGPIPE, without a word" \
		"$? $(</tmp/errors)" '141 '
done
# shellcheck disable=SC2016 # the inner shell's
fails 'a reader that ends, SIGPIPE ignored' \
	'trap "" PIPE; vringtop stat 0.1 | :; exit ${PIPESTATUS[0]}' 'Broken pipe'
is_as_before "$kernel: nowhere to write to: no program, map or link is left"
fails 'help to a full device' 'vringtop --help >/dev/full' 'No space left on device'

# The name of the page was forgotten: no recording is lost, of those that are read or of others.
for command in 'diff --html a.vt b.vt c.vt' 'diff --html a.vt a.vt b.vt' 'report --html a.vt b.vt' \
	'report --html a.vt a.vt' 'report --perfetto a.vt a.vt'; do
	cp /tmp/a.vt /tmp/c.vt
	# shellcheck disable=SC2086 # a verb and its words
	(cd /tmp && vringtop $command) 2>/tmp/errors
	is "$kernel: $command: status 1, and the file is as it was" \
		"$? $(md5sum </tmp/a.vt)" "1 $(md5sum <"$repo/tests/format-1.vt")"
	like "$kernel: $command: why" "$(</tmp/errors)" 'a.vt is .* not overwritten'
done

# The disk fills up while a page is written: the old page stays, and nothing else.
mkdir /tmp/page
mount -t tmpfs -o size=72k none /tmp/page
ok "$kernel: a page" vringtop report --html /tmp/page/a.html /tmp/a.vt
page=$(md5sum </tmp/page/a.html)
vringtop report --html /tmp/page/a.html /tmp/a.vt 2>/tmp/errors
is "$kernel: a full disk: status 1, and the old page" "$? $(md5sum </tmp/page/a.html) $(ls /tmp/page)" "1 $page a.html"
like "$kernel: a full disk: why" "$(</tmp/errors)" 'cannot write /tmp/page/a.html: No space left on device'
umount /tmp/page

# It is full after some intervals: those are whole.
mkdir /tmp/small
mount -t tmpfs -o size=16k none /tmp/small
fails 'a file system that fills up' 'vringtop stat --json -d vda 0.02 >/tmp/small/out' 'No space left on device'
ok "$kernel: a file system that fills up: all lines but the last are whole" /usr/bin/python3 -c '
import json
lines = open("/tmp/small/out").read().split("\n")
assert len(lines) > 4, len(lines)
assert all(json.loads(line)["queues"] for line in lines[:-1])'
umount /tmp/small

# A file of its own must not become what is closed: errors would go there.
vringtop stat --json 0.1 >/tmp/out 2>&- &
tool=$!
wait_until 300 'vringtop stat prints' test -s /tmp/out
is "$kernel: a closed stderr: nothing else is in its place" "$(readlink /proc/$tool/fd/2)" /dev/null
kill $tool
wait $tool
is "$kernel: a closed stderr: status" $? 0

# in_terminal WAIT-FOR COMMAND: runs it in a terminal until that shows a text; its end goes to
# /tmp/status, with what it says. Sets tool.
in_terminal() {
	rm -f /tmp/status
	cat >/tmp/command <<-END
		$2 2>/tmp/errors
		echo "\$? \$(</tmp/errors)" >/tmp/status
	END
	terminal 80 24 'exec bash /tmp/command 2>/dev/null'
	terminal_line "$1" >&2
	tool=$(pgrep -x vringtop)
}
ended() { # NAME STATUS-AND-WORDS
	succeeds_within 300 test -s /tmp/status
	is "$kernel: $1" "$(cat /tmp/status)" "$2"
}

# A shell that lives on does not pass SIGHUP on; one that ignores it makes vringtop ignore it.
for shell in ':' "''"; do
	in_terminal DEVICE "trap $shell HUP; vringtop top 0.2"
	terminal_close
	ended "top, the terminal is closed (trap $shell HUP)" '1 vringtop: the terminal is gone'
done
in_terminal lost "trap '' HUP; vringtop stat 0.2"
terminal_close
ended 'stat, the terminal is closed' '1 vringtop: cannot write to stdout: Input/output error'
in_terminal lost 'nohup vringtop stat 0.1 >/tmp/out & tail -f /tmp/out'
terminal_close
sleep 0.5
is "$kernel: with nohup, the terminal is closed: it goes on" "$(pgrep -x vringtop)" "$tool"
lines=$(wc -l </tmp/out)
more_lines() { [[ $(wc -l </tmp/out) -gt $lines ]]; }
ok "$kernel: with nohup, the terminal is closed: and prints" succeeds_within 300 more_lines
kill "$tool"

# Ctrl-S: the terminal takes nothing more, and the write lasts for ever.
for verb in top stat; do
	in_terminal 'DEVICE' "vringtop $verb 0.1"
	terminal_keys C-s
	succeeds_within 300 grep -q wait_woken "/proc/$tool/wchan"
	sleep 0.5
	kill "$tool"
	# Two signals that come before the tool gets the first one are one signal.
	succeeds_within 300 grep -qE '^ShdPnd:[[:space:]]*0+$' "/proc/$tool/status"
	sleep 0.5
	kill "$tool"
	ended "$verb, the terminal stands still: a second SIGTERM ends it" '143 '
	terminal_close
done
is_as_before "$kernel: terminals: no program, map or link is left"
is "$kernel: the kernel has nothing to say" "$(complaints)" ''
done_testing
