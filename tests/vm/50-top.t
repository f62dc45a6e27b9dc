#!/bin/bash
# The live view, in a terminal of 80x24 and others, read as a user would.
. "$(dirname "$0")/lib.sh"
in_guest 6.12

export LC_ALL=C.UTF-8
screens=0

start() { # WIDTH HEIGHT ARGUMENTS...
	local width=$1 height=$2
	shift 2
	# A server of its own for each: the one before may still be on its way out.
	screen=top-$$-$((++screens))
	tmux -L $screen -f /dev/null new-session -d -x "$width" -y "$height" \
		"vringtop $*; echo \"status \$?\"; stty -a | grep -c ' echo '; sleep 1000"
}
keys() { tmux -L $screen send-keys "$@"; sleep 1.5; }
shot() { tmux -L $screen capture-pane -p; }
wait_for() { # TEXT
	for _ in {1..60}; do
		grep -q -- "$1" <<<"$(shot 2>/dev/null)" && return
		sleep 0.25
	done
	shot
	return 1
}
quit() { tmux -L $screen kill-server 2>/dev/null; }

scripts/load.sh seconds 600 >/dev/null 2>&1 &
load=$!

start 80 24
ok 'the first screen comes' wait_for 'DEVICE'
sleep 2.5
page=$(shot)
like 'the header has the kernel and the way it took' "$page" "vringtop [0-9.]+ +linux $(uname -r).* tracepoints"
like 'lost events stand in the header' "$page" 'lost 0'
like 'the own cost stands in the header' "$page" 'tool [0-9.]+% \+ probe [0-9.]+(ns|us)/op [0-9.]+% of a CPU'
like 'the split disk moves' "$page" $'virtio[0-9]+ vd[ab] +req.[01] +split +[0-9]+% +[0-9.]+k? '
like 'the packed disk moves' "$page" $'virtio[0-9]+ vd[ab] +req.[01] +packed +[0-9]+% +[0-9.]+k? '
like 'the network queues are there' "$page" 'output.0 +split.*|output.0 +packed'
like 'the busiest queue is selected, on top' "$(sed -n 4p <<<"$page")" '^virtio[0-9]+ (vd[ab]|net) '
is 'no line is longer than 80 characters' "$(awk 'length > 80' <<<"$page")" ''
printf '%s\n' "$page" | sed 's/^/# /'

keys l
like 'l shows the layouts' "$(shot)" 'LAYOUT +QUEUES.*packed '
keys d
like 'd shows the doorbells' "$(shot)" 'BUF/BELL.*output.0'
keys d
keys o
like 'o shows one operation' "$(shot)" 'op add'
keys h
like 'h shows the keys' "$(shot)" 'PgUp PgDn'
keys h
keys '>' '>' '>' '>'
keys p
like 'p pauses' "$(shot)" 'PAUSED'
first=$(shot)
sleep 2.5
is 'a paused screen stands still' "$(shot)" "$first"
keys p
keys Enter
page=$(shot)
like 'Enter opens a queue with its operations' "$page" 'OPERATION +COUNT +RATE +MEAN +P50 +P90 +P99 +P99.9 +MAX'
like 'and room for a histogram each' "$page" 'histograms +.16ns +.512ns'
printf '%s\n' "$page" | sed 's/^/# /'
tmux -L $screen resize-window -x 132 -y 50
sleep 2.5
keys Escape
like 'Esc goes back; more columns have room' "$(shot)" 'OPS/s.*OUT/s.*IN/s'
tmux -L $screen resize-window -x 30 -y 5
sleep 1.5
tmux -L $screen resize-window -x 80 -y 24
sleep 1.5
like 'it survives a tiny window' "$(shot)" 'DEVICE.*virtio'
keys q
like 'q quits and leaves the terminal as it was' "$(shot)" $'status 0\n1'
quit

for signal in INT TERM; do
	start 80 24 top 0.5
	ok "the screen comes" wait_for 'DEVICE'
	pkill -$signal -x vringtop
	ok "SIG$signal: the terminal is as it was" wait_for $'status 0'
	quit
done
start 80 24
ok 'the screen comes' wait_for 'DEVICE'
keys C-c
like 'Ctrl-C quits' "$(shot)" 'status 0'
quit

start 80 24
ok 'the screen comes' wait_for 'DEVICE'
quit
for _ in {1..40}; do pgrep -x vringtop >/dev/null || break; sleep 0.1; done
is 'it ends when its terminal is gone' "$(pgrep -x vringtop)" ''
start 132 50 -D virtio_net
ok 'the screen comes' wait_for 'output.0'
keys Enter
ok 'each operation has a small histogram' wait_for '^add  .*[▁▂▃▄▅▆▇█]'
ok 'a larger terminal shows a histogram line by line' \
	wait_for '[0-9][nu]s - [0-9.]*[nu]s  *[0-9][0-9]* #'
quit
start 80 24 -D virtio_rng
ok 'the entropy device' wait_for 'input'
keys d
like 'its doorbells: their data, and that it agrees with the ring' "$(shot)" \
	$'RING\nvirtio[0-9]+ rng +input .* q0 @[0-9]+ +ok'
keys Enter
like 'an open queue shows the last ones' "$(shot)" 'doorbell data: 0 wrong, 0 behind; last @[0-9]+\+1 @'
quit
start 80 24 -u -d vda
ok 'times from available to used' wait_for 'op avail_to_used'
like 'are those of the device' "$(sleep 2; shot)" 'vda +req.[01] +split +[0-9]+% .*[um]s +[0-9.]+[um]s +[0-9.]+[um]s'
quit
start 80 24 -D virtio_balloon
ok 'a queue that does not move' wait_for 'inflate .*split  *0%'
cd /sys/bus/virtio/drivers/virtio_balloon || exit
balloon=$(basename virtio[0-9]*)
echo "$balloon" >unbind
ok 'that is deleted is shown as gone' wait_for ' inflate .*split *GONE'
printf '%s\n' "$(shot)" | sed -n '1,8s/^/# /p'
echo "$balloon" >bind
ok 'its successor as new' wait_for ' +inflate .*split  *0%'
unlike 'in its place' "$(shot)" 'GONE'
cd "$repo" || exit
quit
start 80 24 -d vda
ok 'a filter' wait_for 'vda'
unlike 'leaves the others out' "$(shot)" 'output.0'
quit

kill $load
wait $load 2>/dev/null
done_testing
