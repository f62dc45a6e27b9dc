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
keys() { tmux -L $screen send-keys "$@"; }
shot() { tmux -L $screen capture-pane -p; }
# shows NAME REGEX: the screen does, after a while
shows() {
	for _ in {1..60}; do
		page=$(shot 2>/dev/null)
		[[ ! $page =~ $2 ]] || break
		sleep 0.25
	done
	like "$1" "$page" "$2"
}
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
shows 'l shows the layouts' 'LAYOUT +QUEUES.*packed '
keys d
shows 'd shows the doorbells' 'BUF/BELL.*output.0'
keys d
keys o
shows 'o shows one operation' 'op add'
keys h
shows 'h shows the keys' 'PgUp PgDn'
keys h
keys '>' '>' '>' '>'
sleep 0.5
keys p
shows 'p pauses' 'PAUSED'
first=$(shot)
sleep 2.5
is 'a paused screen stands still' "$(shot)" "$first"
keys p
keys Enter
shows 'Enter opens a queue with its operations' 'OPERATION +COUNT +RATE +MEAN +P50 +P90 +P99 +P99.9 +MAX'
like 'and room for a histogram each' "$page" 'histograms +.16ns +.512ns'
printf '%s\n' "$page" | sed 's/^/# /'
tmux -L $screen resize-window -x 132 -y 50
sleep 1
keys Escape
shows 'Esc goes back; more columns have room' 'OPS/s.*OUT/s.*IN/s'
tmux -L $screen resize-window -x 30 -y 5
sleep 1.5
tmux -L $screen resize-window -x 80 -y 24
sleep 1.5
shows 'it survives a tiny window' 'DEVICE.*virtio'
keys q
shows 'q quits and leaves the terminal as it was' $'status 0\n1'
quit

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
	ok "the screen comes" wait_for 'DEVICE'
	pkill -$signal -x vringtop
	ok "SIG$signal: the terminal is as it was" wait_for $'status 0'
	quit
done
start 80 24
ok 'the screen comes' wait_for 'DEVICE'
keys C-c
shows 'Ctrl-C quits' 'status 0'
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
shows 'its doorbells: their data, and that it agrees with the ring' \
	$'RING\nvirtio[0-9]+ rng +input .* q0 @[0-9]+ +ok'
keys Enter
shows 'an open queue shows the last ones' 'doorbell data: 0 wrong, 0 behind; last @[0-9]+\+1 @'
quit
start 80 24 -u -d vda
ok 'times from available to used' wait_for 'times: avail_to_used'
shows 'are those of the device' 'vda +req.[01] +split +[0-9]+% .*[um]s +[0-9.]+[um]s +[0-9.]+[um]s'
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
