#!/bin/bash
# A clock that moves in steps only, as in some microVMs: every view says so, and does not show a time of 0
# as if it had been measured. The truth is the kernel's name of its clock, and its ticks per second. With the
# series another clock times the operations, and nothing of this is true.
. "$(dirname "$0")/lib.sh"
# With timers of high resolution Linux does not take such a clock.
export APPEND='clocksource=refined-jiffies highres=off nohz=off'
in_guests 6.12-stock 6.12

is "$kernel: the clock" "$(</sys/devices/system/clocksource/clocksource0/current_clocksource)" refined-jiffies
hz=$(zcat /proc/config.gz | sed -n 's/^CONFIG_HZ=//p')
step=$((1000000000 / hz)) ms=$((1000 / hz))
# is_a_step NS: the kernel corrects its clock by less than a hundredth
is_a_step() {
	local ns=${2:-0}
	ok "$1: a step of the clock ($ns ns)" test $((ns * 100)) -ge $((step * 99)) -a $((ns * 100)) -le $((step * 101))
}

work=$(mktemp -d)
while :; do reads 100; done &
load=$!
vringtop stat -d vda -o add 1 1 >"$work/stat"
vringtop stat -d vda -o add --json 1 1 >"$work/json"
if [[ $kernel == 6.12 ]]; then
	kill $load
	unlike "$kernel: doctor" "$(vringtop doctor)" 'moves in steps'
	unlike "$kernel: stat: the header" "$(<"$work/stat")" 'clock steps'
	is "$kernel: stat: the times are between steps" \
		"$(json "$work/json" 'd["clock_step_ns"], [q["name"] for q in d["queues"] if "add" in q["ops"] and not 0 < q["ops"]["add"]["p50_ns"] < 1e6]')" '(0, [])'
	done_testing
fi

like "$kernel: doctor" "$(vringtop doctor)" $'\nnote +clock +refined-jiffies, which moves in steps of [0-9.]+ms\n'
is_a_step "$kernel: doctor --json" "$(vringtop doctor --json | json /dev/stdin 'd["checks"]["clock"]["step_ns"]')"

vringtop record -i 0.5 -o "$work/a.vt" -d 2s 2>/dev/null
vringtop hist -d vda -o add 1 1 >"$work/hist"
like "$kernel: stat: the header" "$(<"$work/stat")" "clock steps $ms\.[0-9]+ms"
like "$kernel: stat: a time of 0" "$(<"$work/stat")" "vda .* <$ms\.[0-9]+ms"
unlike "$kernel: stat: no time of 0 as if it were measured" "$(<"$work/stat")" ' 0ns'
is_a_step "$kernel: stat --json" "$(json "$work/json" 'd["clock_step_ns"]')"
like "$kernel: hist: the header" "$(head -n 1 "$work/hist")" "clock steps $ms\.[0-9]+ms"
like "$kernel: hist: a time of 0" "$(<"$work/hist")" "  p50 <$ms\.[0-9]+ms"
unlike "$kernel: hist: no time of 0 as if it were measured" "$(<"$work/hist")" 'p[0-9.]+ 0ns'
terminal 100 30 'vringtop -d vda; sleep 100'
ok "$kernel: the live view: the header" terminal_line "clock steps $ms\.[0-9]+ms"
ok "$kernel: the live view: a time of 0" terminal_line "vda .* <$ms\.[0-9]+ms"
terminal_close
kill $load
vringtop report "$work/a.vt" >"$work/report"
like "$kernel: report: a warning" "$(<"$work/report")" 'CLOCK: the clock of this machine moved in steps'
like "$kernel: report: a time of 0" "$(<"$work/report")" " <$ms\.[0-9]+ms"
is_a_step "$kernel: report --json" "$(vringtop report --json "$work/a.vt" | /usr/bin/python3 -c '
import json, sys
print(json.load(sys.stdin)["total"]["clock_step_ns"])')"
done_testing
