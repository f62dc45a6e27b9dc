#!/bin/bash
# The live view, in a terminal of 80x24 and others, read as a user would.
. "$(dirname "$0")/lib.sh"
in_guest 6.12

export LC_ALL=C.UTF-8

start() { # WIDTH HEIGHT ARGUMENTS...
	local width=$1 height=$2
	shift 2
	terminal "$width" "$height" "${prefix:-}vringtop $*; echo \"status \$?\"; stty -a | grep -c ' echo '; sleep 1000"
}

# Nice: the view stays quick although the load takes all the CPUs that it gets.
nice scripts/load.sh seconds 1800 >/dev/null 2>&1 &
load=$!

start 80 24
shows 'the header has the kernel and the way it took' "vringtop [0-9.]+ +linux $(uname -r).* tracepoints"
shows 'lost events stand in the header' 'lost 0'
shows 'the own cost stands in the header' 'tool [0-9.]+% \+ probe [0-9.]+(ns|us)/op [0-9.]+% of a CPU'
shows 'the split disk moves' $'virtio[0-9]+ vd[ab] +req.[01] +split +[0-9.]+k? +[0-9.]+[um]?s '
shows 'the packed disk moves' $'virtio[0-9]+ vd[ab] +req.[01] +packed +[0-9.]+k? +[0-9.]+[um]?s '
shows 'the network queues are there' 'output.0 +split.*|output.0 +packed'
shows 'the busiest queue is selected, on top' $'^([^\n]*\n){3}virtio[0-9]+ (vd[ab]|net) '
shows 'requests: their times, and the stage that has most of it' \
	'times: requests.*P50 +P99 +MAX +OLDEST STAGE.* (queued|bell|device|wakeup) +[0-9]+%'
shows 'idle queues are one line' '[0-9]+ idle queues \(a shows them\)'
page=$screen
is 'no line is longer than 80 characters' "$(awk 'length > 80' <<<"$page")" ''
printf '%s\n' "$page" | sed 's/^/# /'

terminal_keys a
shows 'a shows the idle queues' 'virtio[0-9]+ .* +- +- +- '
terminal_keys a
terminal_keys s
shows 's shows the stages' 'QUE% QUEUED BEL% +BELL DEV% DEVICE WAK% WAKEUP.* [0-9]+% +[0-9.]+[num]?s'
terminal_keys l
shows 'l shows the layouts' 'LAYOUT +QUEUES.*packed '
terminal_keys d
shows 'd shows the doorbells' 'BUF/BELL.*output.0'
terminal_keys d
terminal_keys o
shows 'o shows the next that is counted' 'times: interrupt'
terminal_keys h
shows 'h shows the keys' 'PgUp PgDn'
terminal_keys h
terminal_keys '>' '>' '>' '>'
sleep 0.5
terminal_keys p
shows 'p pauses' 'PAUSED'
# The word comes before the rest of the screen, so the rest may still change.
stands_still() {
	first=$(terminal_screen)
	sleep 1
	[[ $(terminal_screen) == "$first" ]]
}
succeeds_within 300 stands_still
sleep 2.5
is 'a paused screen stands still' "$(terminal_screen)" "$first"
terminal_keys p
terminal_keys Enter
shows 'Enter opens a queue with its operations' 'OPERATION +COUNT +RATE +MEAN +P50 +P90 +P99 +P99.9 +MAX'
shows 'and room for a histogram each' 'histograms +.16ns +.512ns'
printf '%s\n' "$screen" | sed 's/^/# /'
terminal_resize 132 50
sleep 1
terminal_keys Escape
shows 'Esc goes back; more columns have room' 'FILL.*BELL/s.*INT/s.*OUT/s.*IN/s'
terminal_resize 30 5
sleep 1.5
terminal_resize 80 24
sleep 1.5
shows 'it survives a tiny window' 'DEVICE.*virtio'
terminal_keys q
shows 'q quits and leaves the terminal as it was' $'status 0\n1'
terminal_close

# From here on less: a screen comes sooner.
kill $load
wait $load 2>/dev/null
while :; do
	dd if=/dev/vda of=/dev/null bs=4k count=50 iflag=direct status=none
	dd if=/dev/hwrng of=/dev/null bs=64 count=1 status=none
	ip netns exec vr0 ping -q -c 20 -i 0.01 10.77.0.2 >/dev/null
	sleep 0.2
done &
load=$!

for signal in INT TERM; do
	start 80 24 top 0.5
	ok "the screen comes" terminal_line 'DEVICE'
	pkill -$signal -x vringtop
	ok "SIG$signal: the terminal is as it was" terminal_line $'status 0'
	terminal_close
done
start 80 24
ok 'the screen comes' terminal_line 'DEVICE'
terminal_keys C-c
shows 'Ctrl-C quits' 'status 0'
terminal_close

# Ctrl-Z, in a shell that has jobs.
terminal 80 24 'bash --norc --noprofile'
terminal_keys 'vringtop top 0.5' Enter
ok 'the screen comes' terminal_line 'DEVICE'
terminal_keys C-z
shows 'Ctrl-Z stops it, and the shell is back' 'Stopped +vringtop top 0.5'
is 'it is stopped' "$(ps -o stat= -C vringtop | cut -c 1)" T
terminal_keys 'clear; fg' Enter
shows 'fg goes on' 'DEVICE.*virtio'
terminal_keys q
terminal_keys 'echo "status $?"' Enter
shows 'and it ends as ever' 'status 0'
terminal_close

# From now on there is no memory: the message is on the screen that the shell has.
cat >/tmp/no-memory.c <<-'END'
	#include <errno.h>
	#include <signal.h>
	#include <stdlib.h>
	void *__libc_malloc(size_t), *__libc_calloc(size_t, size_t), *__libc_realloc(void *, size_t);
	static volatile sig_atomic_t none;
	static void on_signal(int signal) { none = signal; }
	static void *fail(void) { errno = ENOMEM; return NULL; }
	void *malloc(size_t n) { return none ? fail() : __libc_malloc(n); }
	void *calloc(size_t n, size_t m) { return none ? fail() : __libc_calloc(n, m); }
	void *realloc(void *p, size_t n) { return none ? fail() : __libc_realloc(p, n); }
	static __attribute__((constructor)) void start(void) { signal(SIGUSR2, on_signal); }
END
ok 'what takes the memory away is built' cc -shared -fPIC -o /tmp/no-memory.so /tmp/no-memory.c
prefix='env LD_PRELOAD=/tmp/no-memory.so '
start 80 24 top 0.5
prefix=
ok 'the screen comes' terminal_line 'DEVICE'
pkill -USR2 -x vringtop
shows 'no memory: said where it stays, status 1, and the terminal is as it was' \
	$'vringtop: no memory for (the live view\n  Free some memory[^\n]*|[0-9]+ queues)\nstatus 1\n1'
terminal_close

start 80 24
ok 'the screen comes' terminal_line 'DEVICE'
terminal_close
succeeds_within 300 eval '! pgrep -x vringtop'
is 'it ends when its terminal is gone' "$(pgrep -x vringtop)" ''
start 132 50 -D virtio_net
ok 'the screen comes' terminal_line 'output.0'
terminal_keys a Enter # idle queues, too: these have a packet only now and then
ok 'each operation has a small histogram' terminal_line '^add  .*[▁▂▃▄▅▆▇█]'
ok 'a larger terminal shows a histogram line by line' \
	terminal_line '[0-9][nu]s - [0-9.]*[nu]s  *[0-9][0-9]* #'
terminal_close
start 80 24 -D virtio_rng
ok 'the entropy device' terminal_line 'input'
terminal_keys a d
shows 'its doorbells: their data, and that it agrees with the ring' \
	$'RING\nvirtio[0-9]+ rng +input .* q0 @[0-9]+ +ok'
terminal_keys Enter
shows 'an open queue shows the last ones' 'doorbell data: 0 wrong, 0 behind; last @[0-9]+\+1 @'
terminal_close
start 80 24 -u -o add -d vda
ok 'times of requests beside one operation' terminal_line 'times: requests'
shows 'are in the columns' 'vda +req.[01] +split +[0-9.]+k? +[0-9.]+[um]?s +[0-9.]+[um]?s +[0-9.]+[um]?s'
terminal_close
start 80 24 -D virtio_balloon
ok 'a queue that does not move is idle' terminal_line '[0-9]+ idle queue'
terminal_keys a
ok 'and shown if asked for' terminal_line 'inflate .*split  *0 '
cd /sys/bus/virtio/drivers/virtio_balloon || exit
balloon=$(basename virtio[0-9]*)
echo "$balloon" >unbind
ok 'that is deleted is shown as gone' terminal_line ' inflate .* GONE '
terminal_screen | sed -n '1,8s/^/# /p'
echo "$balloon" >bind
ok 'its successor as new' terminal_line ' \+inflate .*split  *0 '
unlike 'in its place' "$(terminal_screen)" 'GONE'
cd "$repo" || exit
terminal_close
start 80 24 -d vda
ok 'a filter' terminal_line 'vda'
unlike 'leaves the others out' "$(terminal_screen)" 'output.0'
terminal_close

kill $load
wait $load 2>/dev/null
done_testing
